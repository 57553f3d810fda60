using System.Text;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy;

namespace Lumiku.Gateway.Telemetry;

/// <summary>What an operator wants to see first: from which file, to where, and what is doubtful.</summary>
internal static partial class StartupLog
{
    public static void LogStartup(this WebApplication app)
    {
        app.Services.GetRequiredService<LogEnd>(); // Made first, so that it is disposed last.
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Lumiku.Gateway");
        var settings = app.Services.GetRequiredService<CurrentSettings>().Value;
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            var upstreams = app.Services.GetRequiredService<IProxyStateLookup>().GetClusters()
                .SelectMany(cluster => cluster.Destinations.Values).Select(destination => destination.Model.Config.Address);
            Log.Serving(logger, string.Join(", ", app.Urls), string.Join(", ", upstreams), app.Services.GetRequiredService<GatewayConfiguration>().FilePath);
        });

        foreach (var caller in settings.Callers.WithWeakKeys)
        {
            Log.WeakKey(logger, caller);
        }

        var configuration = app.Services.GetRequiredService<GatewayConfiguration>();
        var file = configuration.FileSettings(configuration.FileContent);
        SettingsLog.WarnOfSecrets(logger, file.Keys, file);
        if (settings.JwtSecret is { } secret && Encoding.UTF8.GetByteCount(secret.Reveal()) < 32)
        {
            Log.WeakJwtSecret(logger, ShortVariables.JwtSecret);
        }

        if (settings.OperatorKey is { } key && key.Reveal().Length < 20)
        {
            Log.WeakOperatorKey(logger, ShortVariables.OperatorKey);
        }

        if (settings.RedisState is { } redis)
        {
            Log.SharedLimits(logger, redis.ToString(), settings.Redis.ExpectedReplicas);
        }
        else
        {
            Log.KeptHere(logger);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Serving at {Addresses} for {Upstreams}, settings from {SettingsFile}")]
        public static partial void Serving(ILogger logger, string addresses, string upstreams, string settingsFile);

        [LoggerMessage(2, LogLevel.Warning, "The key of Callers:{Caller} has fewer than 20 characters and could be guessed; make one with: openssl rand -hex 32")]
        public static partial void WeakKey(ILogger logger, string caller);

        [LoggerMessage(3, LogLevel.Warning, "{Variable} has fewer than 32 bytes, the least that HS256 is safe with (RFC 7518)")]
        public static partial void WeakJwtSecret(ILogger logger, string variable);

        [LoggerMessage(4, LogLevel.Information, "Limits are counted in Redis at {Redis}, for {Replicas} replicas; images are kept there too, or in Redis:Images")]
        public static partial void SharedLimits(ILogger logger, string redis, int replicas);

        [LoggerMessage(5, LogLevel.Warning, "{Variable} has fewer than 20 characters and could be guessed; make one with: openssl rand -hex 32")]
        public static partial void WeakOperatorKey(ILogger logger, string variable);

        [LoggerMessage(6, LogLevel.Warning, "Everything is kept in this process: quotas and images begin anew when it restarts, and each replica counts for itself")]
        public static partial void KeptHere(ILogger logger);
    }
}
