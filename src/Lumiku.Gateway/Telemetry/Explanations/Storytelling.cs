using System.Diagnostics;
using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>Remembers, once a request is answered, what was noted of it: references only, which are put into words when somebody asks.</summary>
/// <param name="shared">Null: they are kept in this process alone.</param>
internal sealed class Storytelling(RequestDelegate next, TimeProvider time, RecentStories recent, SharedStories? shared = null)
{
    private const int LongestPath = 256;
    private const int LongestMethod = 16;
    private const int LongestUser = 128;

    private uint _count;

    public Task InvokeAsync(HttpContext context) => IsTold(context.Request.Path) ? TellAsync(context) : next(context);

    private async Task TellAsync(HttpContext context)
    {
        var story = context.GetRequestRecord().Story;
        (story.At, story.Started) = (time.GetUtcNow(), time.GetTimestamp());
        (story.Method, story.Path) = (Cut(context.Request.Method, LongestMethod), Cut(context.Request.Path.Value ?? "", LongestPath));
        try
        {
            await next(context);
        }
        finally
        {
            End(context, story);
            recent.Add(story);
            shared?.Tell(story);
        }
    }

    /// <summary>The context is another request's afterwards, so nothing of it may be kept but what is taken here.</summary>
    private void End(HttpContext context, RequestStory story)
    {
        var (record, features) = (context.GetRequestRecord(), context.Features);
        story.Elapsed = time.GetElapsedTime(story.Started);
        story.Number = Interlocked.Increment(ref _count);
        story.RequestId = context.TraceIdentifier;
        story.Status = record.EndOf(context);
        story.ErrorType = record.ErrorType;
        story.UpstreamTime = record.UpstreamTime;
        story.TraceId = Activity.Current?.TraceId;
        story.Settings = features.Get<GatewaySettings>()?.Number;
        story.Cost = record.Cost;
        story.Currency = features.Get<GatewaySettings>()?.Cost.Currency ?? "";
        story.Identity = features.Get<Identity>();
        story.Terms = features.Get<CacheTerms>();
        story.PassedFailure = features.Get<UpstreamFailure>();
        if (features.Get<AuthenticatedCaller>() is { } caller)
        {
            (story.Caller, story.Reader) = (caller.Caller.Name, ReaderOf(caller));
        }

        if (record.Facts.TryGetValue("RequestBytes", out var bytes))
        {
            story.BodyBytes = bytes as int?;
        }

        // Only where no image was answered: the image's own word counts.
        story.ServedModel ??= record.Facts.GetValueOrDefault("ServedModel") as string;
        if (features.Get<UpstreamRequest>() is { } request)
        {
            (story.Choice, story.ChangedParameters, story.RequestedModel) = (request.Model, request.ChangedParameters, request.Model.Requested.Id);
        }
        else
        {
            story.RequestedModel = features.Get<ModelPath>()?.ModelId;
        }
    }

    /// <summary>Whose stories these are. All who bear tokens have one caller's name, so theirs are also the user's.</summary>
    /// <returns>Null: the operator's alone.</returns>
    public static string? ReaderOf(AuthenticatedCaller caller) =>
        caller.Claims is null ? caller.Caller.Name
        : caller.Claims.User is { Length: <= LongestUser } user ? $"{caller.Caller.Name} {user}"
        : null;

    private static bool IsTold(PathString path) => !(path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/metrics", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/ops", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/explain", StringComparison.OrdinalIgnoreCase));

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}
