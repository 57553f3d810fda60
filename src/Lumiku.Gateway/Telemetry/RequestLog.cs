using System.Diagnostics;
using System.Globalization;

namespace Lumiku.Gateway.Telemetry;

/// <summary>One line a request, whatever becomes of it, and <c>Server-Timing</c> on inference answers.</summary>
internal sealed partial class RequestLog(RequestDelegate next, TimeProvider time, ILogger<RequestLog> logger)
{
    /// <summary>What a caller who left is logged with; nobody is sent it.</summary>
    private const int CallerGone = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        // Probes and scrapes would drown the rest.
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
            AddServerTiming(context, record, time.GetElapsedTime(started));
            return Task.CompletedTask;
        });
        try
        {
            await next(context);
        }
        finally
        {
            Write(context, record, method, path, time.GetElapsedTime(started));
        }
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

    private void Write(HttpContext context, RequestRecord record, string method, PathString path, TimeSpan elapsed)
    {
        var gone = record.IsCallerGone || context.RequestAborted.IsCancellationRequested;
        var status = gone ? CallerGone : context.Response.StatusCode;
        var fields = Fields(context, record);
        using (logger.BeginScope(fields))
        {
            Log.Answered(
                logger, status >= 500 ? LogLevel.Warning : LogLevel.Information, Printable(method), Printable(path.Value ?? ""), status,
                gone ? "caller gone" : record.ErrorType ?? "ok", elapsed.TotalMilliseconds, record.UpstreamTime?.TotalMilliseconds ?? 0, Details(fields));
        }
    }

    /// <summary>What is known of the request beside the sentence; absent where a step was not reached.</summary>
    private static Dictionary<string, object> Fields(HttpContext context, RequestRecord record)
    {
        var fields = new Dictionary<string, object> { ["RequestId"] = context.TraceIdentifier };
        foreach (var (name, value) in record.Facts)
        {
            fields[name] = value;
        }

        if (context.Response.ContentLength is { } bytes)
        {
            fields["ResponseBytes"] = bytes;
        }

        if (Activity.Current is { } activity)
        {
            fields["TraceId"] = activity.TraceId.ToString();
        }

        return fields;
    }

    /// <summary>The end of the sentence, for people: tier, model and sizes as far as they are known.</summary>
    private static string Details(Dictionary<string, object> fields)
    {
        List<string> details = [];
        Add("Tier", "tier {0}");
        Add("ServedModel", "served by {0}");
        Add("RequestBytes", "{0} B in");
        Add("ResponseBytes", "{0} B out");
        return details.Count == 0 ? "" : $" ({string.Join(", ", details)})";

        void Add(string field, string format)
        {
            if (fields.TryGetValue(field, out var value))
            {
                details.Add(string.Format(CultureInfo.InvariantCulture, format, value));
            }
        }
    }

    /// <summary>A caller's text in a log: no control character, so that no second line or colour can be made of it, and not endless.</summary>
    private static string Printable(string text) =>
        string.Create(Math.Min(text.Length, 256), text, (shown, whole) =>
        {
            for (var i = 0; i < shown.Length; i++)
            {
                shown[i] = whole[i] is >= ' ' and <= '~' ? whole[i] : '?';
            }
        });

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Message = "{Method} {Path} {Status} {Outcome} in {ElapsedMs:0} ms, {UpstreamMs:0} ms of it upstream{Details}")]
        public static partial void Answered(
            ILogger logger, LogLevel level, string method, string path, int status, string outcome, double elapsedMs, double upstreamMs, string details);
    }
}

internal static class RequestLogSetup
{
    public static IApplicationBuilder UseRequestLog(this IApplicationBuilder app) => app.UseMiddleware<RequestLog>();
}
