using Lumiku.Gateway.Settings;
using Serilog;
using Serilog.Events;

namespace Lumiku.Gateway.Telemetry;

/// <summary>Serilog: compact JSON, one object a line, where a program reads; plain text where a person does.</summary>
internal static class GatewayLogging
{
    /// <summary>Lines waiting for a reader of standard output; beyond that they are dropped rather than making requests wait.</summary>
    private const int QueuedLines = 10_000;

    private const string Text = "{Timestamp:HH:mm:ss} {Level:u3} {Message:lj} {RequestId:l}{NewLine}{Exception}";

    /// <summary>Sources that quote raw requests (headers with keys, query strings) at some level; silent, whatever the settings say.</summary>
    private static readonly string[] Quoting =
    [
        "Microsoft.AspNetCore.Hosting.Diagnostics",
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests",
        "Microsoft.AspNetCore.HttpLogging",
        "Microsoft.AspNetCore.Server.Kestrel.Connections",
        // What an operator types into a page, such as a user's id.
        "Microsoft.AspNetCore.SignalR.Internal.DefaultHubDispatcher",
        // Not quoting, but one line for each 401 beside the request's own.
        "Lumiku.Gateway.Authentication.CallerAuthenticationHandler",
    ];

    /// <summary>Reads levels, and sinks besides the console, from the section <c>Serilog</c>.</summary>
    /// <exception cref="SettingsException">Serilog cannot be had as that section has it.</exception>
    public static void AddGatewayLogging(this ILoggingBuilder logging, IConfiguration configuration)
    {
        var logger = Read(configuration)
            // A request's own line has all of that already; to be given it again would be the dearest part of it.
            .Enrich.When(line => !RequestLog.IsLine(line), enrich => enrich.FromLogContext())
            .Filter.ByExcluding(IsQuoting)
            .Filter.ByExcluding(IsSaidElsewhere)
            .WriteToConsole()
            .WriteToCollector()
            .CreateLogger();
        // Serilog decides by its own levels; the framework would drop everything below Information before asking it.
        logging.SetMinimumLevel(LogLevel.Trace);
        logging.AddSerilog(logger, dispose: false);
        logging.Services.AddSingleton<Serilog.ILogger>(logger);
        logging.Services.AddSingleton(_ => new LogEnd(logger));
    }

    /// <returns>What stops a start. Sinks are made on the way, but written to by nobody; those that are shipped open nothing.</returns>
    public static IReadOnlyList<string> Check(IConfiguration configuration)
    {
        try
        {
            Read(configuration);
            return [];
        }
        catch (SettingsException refusal)
        {
            return refusal.Mistakes;
        }
    }

    private static LoggerConfiguration Read(IConfiguration configuration)
    {
        try
        {
            return new LoggerConfiguration().ReadFrom.Configuration(configuration);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or FormatException or IOException)
        {
            throw new SettingsException($"'Serilog': {exception.GetBaseException().Message}");
        }
    }

    /// <summary>By OTLP too, where its variables say whereto; in the background, and dropped where it cannot be reached.</summary>
    private static LoggerConfiguration WriteToCollector(this LoggerConfiguration logger) => !Otlp.SendsLogs ? logger
        : logger.WriteTo.OpenTelemetry(options =>
        {
            options.BatchingOptions.QueueLimit = QueuedLines;
            options.ResourceAttributes = Otlp.IsNamed ? new Dictionary<string, object>() : new Dictionary<string, object> { ["service.name"] = Otlp.ServiceName };
        });

    private static LoggerConfiguration WriteToConsole(this LoggerConfiguration logger) => Console.IsOutputRedirected
        ? logger.WriteTo.Sink(new LineQueue(new CompactJson(), Console.OpenStandardOutput()))
        : logger.WriteTo.Async(
            console => console.Console(outputTemplate: Text, formatProvider: System.Globalization.CultureInfo.InvariantCulture), QueuedLines, blockWhenFull: false);

    /// <summary>Why the host did not start, the host says with a stack; the program says it in one line.</summary>
    private static bool IsSaidElsewhere(LogEvent line) => line.MessageTemplate.Text == "Hosting failed to start";

    private static bool IsQuoting(LogEvent line) =>
        line.Properties.GetValueOrDefault(Serilog.Core.Constants.SourceContextPropertyName) is ScalarValue { Value: string source } && Quoting.Contains(source);
}
