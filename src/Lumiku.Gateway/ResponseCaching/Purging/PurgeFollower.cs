namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>Has this replica take part in purges that others were asked for: at a message, and twice a second all the same, as messages may be lost.</summary>
internal sealed class PurgeFollower(Purger purger, TimeProvider time) : BackgroundService
{
    public static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!purger.IsShared)
        {
            return;
        }

        try
        {
            purger.Listen();
            using var timer = new PeriodicTimer(LookInterval, time);
            do
            {
                await purger.TryCatchUpAsync();
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
        }
    }
}
