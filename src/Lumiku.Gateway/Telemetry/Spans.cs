using System.Diagnostics;
using System.Globalization;

namespace Lumiku.Gateway.Telemetry;

/// <summary>What traces tell: the request, the generation that it opened or shared, each request to upstream. Nothing where nobody collects them.</summary>
internal static class Spans
{
    public const string SourceName = "Lumiku.Gateway";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Facts that a span tells too.</summary>
    private static readonly (string Fact, string Tag)[] Told =
    [
        ("Caller", "lumiku.caller"), ("Tier", "lumiku.tier"), ("RequestedModel", "gen_ai.original.model"), ("ServedModel", "gen_ai.request.model"), ("Cache", "lumiku.cache"), ("Units", "lumiku.units"),
    ];

    /// <summary>A generation, in the trace of the request that opens it. It is there even where nobody collects it: upstream is told the trace.</summary>
    public static Activity StartGeneration(Activity? opener, string model)
    {
        var parent = opener is { IdFormat: ActivityIdFormat.W3C } ? opener.Context : default;
        if (Source.CreateActivity("generation", ActivityKind.Internal, parent) is { } collected)
        {
            return collected.SetTag("gen_ai.request.model", model).Start();
        }

        var plain = new Activity("generation");
        if (opener is not null && parent != default)
        {
            plain.SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags);
        }

        return plain.SetIdFormat(ActivityIdFormat.W3C).Start();
    }

    /// <summary>One request to upstream. Null where nobody collects it.</summary>
    public static Activity? StartAttempt(string model) => Source.StartActivity("attempt", ActivityKind.Client)?.SetTag("gen_ai.request.model", model);

    /// <param name="failure">The failure's class; null: an image.</param>
    public static void End(Activity? span, int? upstreamStatus, string? failure)
    {
        if (span is not { IsAllDataRequested: true })
        {
            return;
        }

        if (upstreamStatus is { } status)
        {
            span.SetTag("http.response.status_code", status);
        }

        if (failure is not null)
        {
            span.SetTag("error.type", failure).SetStatus(ActivityStatusCode.Error);
        }
    }

    /// <summary>Ties a request that shares a generation to it, and it to the request.</summary>
    public static void Link(Activity? request, Activity? generation)
    {
        if (request is { IsAllDataRequested: true } && generation is { IsAllDataRequested: true } && request.TraceId != generation.TraceId)
        {
            request.AddLink(new ActivityLink(generation.Context));
            generation.AddLink(new ActivityLink(request.Context));
        }
    }

    /// <summary>What the framework's own span of a request lacks.</summary>
    public static void Describe(HttpContext context, RequestRecord record, string method, int status, string outcome)
    {
        // The framework makes one for each request even where nobody collects them, as it has the trace for upstream; it is of no source then.
        if (Activity.Current is not { IsAllDataRequested: true } span || !span.Source.HasListeners())
        {
            return;
        }

        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? method : $"{method} {route}";
        span.SetTag("http.request.method", method).SetTag("http.response.status_code", status).SetTag("lumiku.outcome", outcome).SetTag("lumiku.request_id", context.TraceIdentifier);
        if (route is not null)
        {
            span.SetTag("http.route", route);
        }

        foreach (var (fact, tag) in Told)
        {
            if (record.Facts.TryGetValue(fact, out var value))
            {
                span.SetTag(tag, Convert.ToString(value, CultureInfo.InvariantCulture));
            }
        }

        if (status >= 500)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    }
}
