using System.Diagnostics;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Waits for what another thread or process does; a bound for failure, not a pace.</summary>
public static class Eventually
{
    public static async Task BeAsync(Func<bool> condition, string what) => await BeAsync(() => Task.FromResult(condition()), what);

    public static async Task BeAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > TimeSpan.FromSeconds(20))
            {
                throw new TimeoutException($"Never came true: {what}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }
}
