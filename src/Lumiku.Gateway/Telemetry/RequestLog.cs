using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Settings;
using Serilog.Events;
using Serilog.Parsing;

namespace Lumiku.Gateway.Telemetry;

/// <summary>One line a request, whatever becomes of it, and <c>Server-Timing</c> on inference answers.</summary>
/// <remarks>The line is handed to Serilog as it is: on the way of the framework's logging, with a scope for the fields, it was the dearest step of a hit.</remarks>
internal sealed class RequestLog(RequestDelegate next, TimeProvider time, GatewayMetrics metrics, RecentActivity recent, Serilog.ILogger logger)
{
    private static readonly MessageTemplate Sentence = new MessageTemplateParser().Parse(
        "{Method} {Path} {Status} {Outcome} in {ElapsedMs:0} ms, {UpstreamMs:0} ms of it upstream{Details}");

    private readonly RefusalLines _refusals = new(time);
    private readonly Serilog.ILogger _lines = logger.ForContext<RequestLog>();

    public static bool IsLine(LogEvent line) => ReferenceEquals(line.MessageTemplate, Sentence);

    public async Task InvokeAsync(HttpContext context)
    {
        // Probes would drown the rest.
        if (context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal))
        {
            await next(context);
            return;
        }

        var started = time.GetTimestamp();
        var record = context.GetRequestRecord();
        var (method, path) = (context.Request.Method, context.Request.Path);
        context.Response.OnStarting(() =>
        {
            record.Facts["FirstByteMs"] = time.GetElapsedTime(started).TotalMilliseconds;
            AddServerTiming(context, record, time.GetElapsedTime(started));
            return Task.CompletedTask;
        });
        try
        {
            await next(context);
        }
        finally
        {
            End(context, record, method, path, time.GetElapsedTime(started));
        }
    }

    private void End(HttpContext context, RequestRecord record, string method, PathString path, TimeSpan elapsed)
    {
        // A scrape every few seconds tells nothing; one that is refused does.
        if ((path == "/metrics" && context.Response.StatusCode == StatusCodes.Status200OK) || (record.IsOfPage && context.Response.StatusCode < 400))
        {
            return;
        }

        var status = record.EndOf(context);
        var isGone = status == RequestRecord.CallerGone;
        var outcome = isGone ? "caller-gone" : record.ErrorType ?? "ok";
        metrics.RequestEnded(record, context.Features.Get<GatewaySettings>(), outcome);
        if (context.Features.Get<ModelPath>() is not null)
        {
            recent.RequestEnded(record, status);
        }

        Spans.Describe(context, record, method, status, outcome);
        Write(context, record, method, path, status, isGone ? "caller gone" : outcome, elapsed);
    }

    private static void AddServerTiming(HttpContext context, RequestRecord record, TimeSpan elapsed)
    {
        if (context.Features.Get<ModelPath>() is null)
        {
            return;
        }

        var upstream = record.UpstreamTime ?? TimeSpan.Zero;
        var gateway = Math.Max(0, (elapsed - upstream).TotalMilliseconds);
        var timing = string.Create(CultureInfo.InvariantCulture, $"gateway;dur={gateway:0.0}");
        if (record.CacheTime is { } cache)
        {
            timing += string.Create(CultureInfo.InvariantCulture, $", cache;dur={cache.TotalMilliseconds:0.000}");
        }

        if (record.UpstreamTime is not null)
        {
            timing += string.Create(CultureInfo.InvariantCulture, $", upstream;dur={upstream.TotalMilliseconds:0.0}");
        }

        context.Response.Headers["Server-Timing"] = timing;
    }

    private void Write(HttpContext context, RequestRecord record, string method, PathString path, int status, string outcome, TimeSpan elapsed)
    {
        var level = status >= 500 ? LogEventLevel.Warning : LogEventLevel.Information;
        if (!_lines.IsEnabled(level) || (status is >= 400 and < 500 && !_refusals.Takes(outcome, leftOut => TellLeftOut(leftOut, outcome))))
        {
            return;
        }

        List<LogEventProperty> fields = new(16);
        Add("Method", Printable(method));
        Add("Path", Printable(path.Value ?? ""));
        Add("Status", status);
        Add("Outcome", outcome);
        Add("ElapsedMs", elapsed.TotalMilliseconds);
        Add("UpstreamMs", record.UpstreamTime?.TotalMilliseconds ?? 0);
        Add("RequestId", context.TraceIdentifier);
        if (context.Features.Get<GatewaySettings>() is { } settings)
        {
            Add("Settings", settings.Number);
        }

        foreach (var (name, value) in record.Facts)
        {
            Add(name, value);
        }

        // Here rather than on the way: it is a hash.
        if (context.Features.Get<Identity>() is { User: not null } identity)
        {
            Add("User", identity.Owner.UserDigits);
        }

        if (record.Cost is { } cost)
        {
            Add("Cost", cost.Spent);
            Add("Saved", cost.SavedByCache + cost.SavedBySubstitution);
        }

        if (record.ViolatedPolicies is { } violated)
        {
            Add("ViolatedPolicies", string.Join(' ', violated));
        }

        if (context.Response.ContentLength is { } bytes)
        {
            Add("ResponseBytes", bytes);
        }

        if (Activity.Current is { } activity)
        {
            Add("TraceId", activity.TraceId.ToString());
        }

        Add("Details", Details(record, context.Response.ContentLength));
        _lines.Write(new LogEvent(time.GetUtcNow(), level, exception: null, Sentence, fields));

        void Add(string name, object value) => fields.Add(new LogEventProperty(name, new ScalarValue(value)));
    }

    private void TellLeftOut(int count, string outcome) => _lines.Information("{Count} more requests ended with {Refusal} within a second, and have no line of their own", count, outcome);

    /// <summary>The end of the sentence, for people: tier, model, cache and sizes as far as they are known.</summary>
    private static string Details(RequestRecord record, long? responseBytes)
    {
        var details = new StringBuilder();
        Add("tier ", record.Facts.GetValueOrDefault("Tier"), "");
        Add("served by ", record.Facts.GetValueOrDefault("ServedModel"), "");
        Add("", record.Facts.GetValueOrDefault("Cache"), "");
        Add("", record.Facts.GetValueOrDefault("RequestBytes"), " B in");
        Add("", responseBytes, " B out");
        return details.Length == 0 ? "" : details.Append(')').ToString();

        void Add(string before, object? value, string after)
        {
            if (value is not null)
            {
                details.Append(details.Length == 0 ? " (" : ", ").Append(before).Append(CultureInfo.InvariantCulture, $"{value}").Append(after);
            }
        }
    }

    /// <summary>A caller's text in a log: no control character, so that no second line or colour can be made of it, and not endless.</summary>
    public static string Printable(string text) =>
        string.Create(Math.Min(text.Length, 256), text, (shown, whole) =>
        {
            for (var i = 0; i < shown.Length; i++)
            {
                shown[i] = whole[i] is >= ' ' and <= '~' ? whole[i] : '?';
            }
        });
}

internal static class RequestLogSetup
{
    public static IApplicationBuilder UseRequestLog(this IApplicationBuilder app) => app.UseMiddleware<RequestLog>();
}
