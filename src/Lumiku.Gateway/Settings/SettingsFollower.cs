using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ReverseProxy;

namespace Lumiku.Gateway.Settings;

/// <summary>Follows the settings file: a good change is published whole, a bad one changes nothing and is told.</summary>
/// <remarks>
/// The file is read each second rather than watched: written in place, renamed over, swapped behind a symbolic link or on a
/// mounted volume is then all the same. A content counts once two reads in a row agree, so that half a file is not taken for one.
/// </remarks>
internal sealed partial class SettingsFollower(
    GatewayConfiguration configuration, CurrentSettings current, TiersInUse tiersInUse, TimeProvider time, ILogger<SettingsFollower> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>When a file is tried again that was refused for what time alone may mend.</summary>
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var decided = configuration.FileContent;
        byte[]? seen = null;
        long? tryAgainFrom = null;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var content = ReadOrEmpty();
            var isDue = tryAgainFrom is { } from && time.GetElapsedTime(from) >= TryAgainAfter;
            if (seen is not null && content.AsSpan().SequenceEqual(seen) && (isDue || !content.AsSpan().SequenceEqual(decided)))
            {
                decided = content;
                tryAgainFrom = await ApplyAsync(content) ? time.GetTimestamp() : null;
            }

            seen = content;
        }
    }

    /// <summary>A missing or unreadable file counts as an empty one: it holds no settings, and is refused for that.</summary>
    private byte[] ReadOrEmpty()
    {
        try
        {
            return SettingsFile.Read(configuration.FilePath);
        }
        catch (SettingsException)
        {
            return [];
        }
    }

    /// <returns>Whether the same content may be good later.</returns>
    private async Task<bool> ApplyAsync(byte[] content)
    {
        var mayBeGoodLater = false;
        try
        {
            // The file is good again after a mistake that was undone: nothing to publish.
            if (!content.AsSpan().SequenceEqual(configuration.FileContent))
            {
                var candidate = configuration.Candidate(content);
                var settings = await SettingsTrial.RunAsync(candidate);
                var missing = MissingTiersInUse(settings);
                mayBeGoodLater = missing.Count > 0;
                if (mayBeGoodLater)
                {
                    throw new SettingsException(missing);
                }

                if (settings.RedisStart != current.Value.RedisStart)
                {
                    Log.AtRestart(logger);
                }

                current.Value = settings;
                configuration.Publish(content);
            }

            current.Refused = null;
            Log.Applied(logger, configuration.FilePath);
        }
        catch (SettingsException refusal)
        {
            var isTold = current.Refused?.SequenceEqual(refusal.Mistakes) == true;
            current.Refused = refusal.Mistakes;
            foreach (var mistake in isTold ? [] : refusal.Mistakes)
            {
                Log.Refused(logger, mistake);
            }
        }
        catch (Exception exception)
        {
            // A bug in a check must not end the following: the last good settings stay.
            current.Refused = [exception.Message];
            Log.TrialFailed(logger, exception);
        }

        return mayBeGoodLater;
    }

    /// <summary>Whoever is at a tier that is gone would get 422 from one request to the next: a tier is rather misspelled than removed.</summary>
    private List<string> MissingTiersInUse(GatewaySettings candidate) =>
    [
        .. from tier in current.Value.Tiers.All
           where candidate.Tiers.Find(tier.Name) is null && tiersInUse.IsInUse(tier)
           select $"'Tiers:{tier.Name}' is missing, but somebody was at this tier within the last hour: the file is applied once nobody has been for an hour.",
    ];

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Applied the settings file {Path}")]
        public static partial void Applied(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Error, "Refused the settings file, the last good settings stay: {Mistake}")]
        public static partial void Refused(ILogger logger, string mistake);

        [LoggerMessage(4, LogLevel.Warning, "What changed in Redis counts when the gateway is started again")]
        public static partial void AtRestart(ILogger logger);

        [LoggerMessage(3, LogLevel.Error, "The settings file could not be checked, the last good settings stay")]
        public static partial void TrialFailed(ILogger logger, Exception exception);
    }
}
