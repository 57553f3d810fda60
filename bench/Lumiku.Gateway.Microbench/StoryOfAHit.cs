using BenchmarkDotNet.Attributes;
using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Telemetry;
using Lumiku.Gateway.Telemetry.Explanations;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lumiku.Gateway.Microbench;

/// <summary>What a request pays for having a story: the context of a hit, with and without the step that remembers it.</summary>
[MemoryDiagnoser]
public class StoryOfAHit
{
    private static readonly Caller Backend = new("backend", ActsForUsers: true, Tier: null, Limits: null);
    private static readonly Identity Anna = new("backend", "anna", new Tier("free", [], UsageLimits.None), UsageLimits.None);
    private static readonly Model Schnell = new("black-forest-labs/FLUX.1-schnell", new ModelOptions());
    private static readonly UpstreamRequest Request = new(new ModelChoice(Schnell, Schnell), "/models/black-forest-labs/FLUX.1-schnell", "application/json", default);
    private static readonly CacheTerms Terms = new(CacheKey.Of(Request, "image/png", owner: null), Anna, "image/png", Reads: true, IsPrivate: false, IsReusable: true);

    private readonly RequestDelegate _untold = Serve;
    private Storytelling _told = null!;

    [GlobalSetup]
    public void SetUp() => _told = new Storytelling(Serve, TimeProvider.System, new RecentStories());

    [Benchmark(Baseline = true)]
    public Task Untold() => _untold(Context());

    [Benchmark]
    public Task Told() => _told.InvokeAsync(Context());

    private static DefaultHttpContext Context()
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = "POST", Path = Request.Path });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        return new DefaultHttpContext(features) { TraceIdentifier = "0197a1" };
    }

    private static Task Serve(HttpContext context)
    {
        context.Features.Set(new AuthenticatedCaller(Backend, Claims: null));
        context.Features.Set(Anna);
        context.Features.Set(Request);
        context.Features.Set(Terms);
        var record = context.GetRequestRecord();
        record.Facts["RequestBytes"] = 20;
        record.Facts["ServedModel"] = Schnell.Id;
        record.Story.Limit(default, LimitPolicies.All);
        record.Story.Limit(default, LimitPolicies.All);
        return Task.CompletedTask;
    }
}
