using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ReverseProxy;

namespace Lumiku.Gateway.Settings;

/// <summary>Follows the settings file: a good change is published whole, a bad one changes nothing and is told.</summary>
/// <remarks>
/// The file is read twenty times a second rather than watched: written in place, renamed over, swapped behind a symbolic link or on a mounted
/// volume is then all the same. A content counts once two reads in a row agree. Half a file is no JSON, and is told only if it stays so.
/// </remarks>
internal sealed class SettingsFollower(
    GatewayConfiguration configuration, CurrentSettings current, RouteChanges routes, TiersInUse tiersInUse, SettingsHistory history, TimeProvider time, ILogger<SettingsFollower> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a file has to stay as it is before it is refused.</summary>
    private static readonly TimeSpan RefuseAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>When a file is tried again that was refused for what time alone may mend.</summary>
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromMinutes(1);

    /// <summary>How long requests wait for YARP to follow; it takes milliseconds.</summary>
    private static readonly TimeSpan RoutesTime = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var file = new WatchedFile(configuration.FilePath);
        var (decided, seen, seenFrom) = (configuration.FileContent, (byte[]?)null, time.GetTimestamp());
        long? tryAgainFrom = null;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var content = file.Read(seen ?? decided);
            if (content != seen)
            {
                (seen, seenFrom) = (content, time.GetTimestamp());
                continue;
            }

            if (!content.AsSpan().SequenceEqual(decided) || (tryAgainFrom is { } from && time.GetElapsedTime(from) >= TryAgainAfter))
            {
                var isSettled = time.GetElapsedTime(seenFrom) >= RefuseAfter;
                var (isDecided, mayBeGoodLater) = await ApplyAsync(content, isSettled);
                (decided, tryAgainFrom) = (isDecided ? content : decided, mayBeGoodLater ? time.GetTimestamp() : null);
            }
        }
    }

    /// <param name="isSettled">It is no file that is still being written.</param>
    /// <returns>Whether it was applied or refused, and whether the same content may be good later.</returns>
    private async Task<(bool IsDecided, bool MayBeGoodLater)> ApplyAsync(byte[] content, bool isSettled)
    {
        var mayBeGoodLater = false;
        try
        {
            // Where the file is good again after a mistake that was undone, there is nothing to publish.
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

                await PublishAsync(settings, candidate, content);
            }
            else if (current.Refused is not null)
            {
                SettingsLog.Undone(logger, current.Value.Number);
                history.Undone(current.Value.Number);
            }

            current.Refused = null;
        }
        catch (SettingsException refusal)
        {
            if (!isSettled)
            {
                return (false, false);
            }

            Refuse(refusal.Mistakes, content);
        }
        catch (Exception exception)
        {
            // A bug in a check must not end the following: the last good settings stay.
            current.Refused = [exception.Message];
            SettingsLog.TrialFailed(logger, exception);
        }

        return (true, mayBeGoodLater);
    }

    /// <exception cref="SettingsException">YARP did not take it; what was in force before is again.</exception>
    private async Task PublishAsync(GatewaySettings settings, IConfiguration candidate, byte[] content)
    {
        var (before, contentBefore) = (current.Value, configuration.FileContent);
        var file = configuration.FileSettings(content);
        var changes = SettingsChanges.Of(configuration.Candidate(contentBefore), candidate, configuration.FileSettings(contentBefore), file);
        if (await PublishAsync(settings, content) is { } problem)
        {
            await PublishAsync(before, contentBefore);
            throw new SettingsException($"'ReverseProxy' was not taken by YARP: {problem.Message}");
        }

        SettingsLog.Applied(logger, configuration.FilePath, settings.Number, changes, current.Refused is null);
        history.Applied(settings.Number, changes);
        SettingsLog.WarnOfSecrets(logger, changes.Effective.Select(change => change.Key), file);
        if (settings.Start != before.Start)
        {
            SettingsLog.AtRestart(logger);
        }
    }

    /// <returns>Why YARP did not follow; null where it did, or did not say in time.</returns>
    private async Task<Exception?> PublishAsync(GatewaySettings settings, byte[] content)
    {
        var following = routes.NextAsync();
        current.Publish(settings);
        try
        {
            configuration.Publish(content);
            return await following.WaitAsync(RoutesTime);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            current.EndPublishing();
        }
    }

    private void Refuse(IReadOnlyList<string> mistakes, byte[] content)
    {
        var isTold = current.Refused?.SequenceEqual(mistakes) == true;
        current.Refused = mistakes;
        if (!isTold)
        {
            current.Refusals++;
            SettingsLog.Refused(logger, mistakes, current.Value.Number);
            history.Refused(current.Value.Number, mistakes, content);
        }
    }

    /// <summary>Whoever is at a tier that is gone would get 422 from one request to the next: a tier is rather misspelled than removed.</summary>
    private List<string> MissingTiersInUse(GatewaySettings candidate) =>
    [
        .. from tier in current.Value.Tiers.All
           where candidate.Tiers.Find(tier.Name) is null && tiersInUse.IsInUse(tier)
           select $"'Tiers:{tier.Name}' is missing, but somebody was at this tier within the last hour: the file is applied once nobody has been for an hour.",
    ];
}
