using System.Collections.Concurrent;

namespace Lumiku.Gateway.Telemetry;

/// <summary>How many lines tell of requests that were refused for one reason: a flood of them fills no disk. Metrics count all.</summary>
internal sealed class RefusalLines(TimeProvider time)
{
    public const int MostPerSecond = 200;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>By outcome: a closed list.</summary>
    private readonly ConcurrentDictionary<string, Window> _windows = [];

    /// <param name="tell">Is told, when the second is over, how many lines of this outcome were left out.</param>
    /// <returns>Whether the line is to be written.</returns>
    public bool Takes(string outcome, Action<int> tell)
    {
        var window = _windows.GetOrAdd(outcome, _ => new Window());
        lock (window)
        {
            if (time.GetElapsedTime(window.Began) >= Second && window.LeftOut == 0)
            {
                (window.Began, window.Lines) = (time.GetTimestamp(), 0);
            }

            if (window.Lines < MostPerSecond)
            {
                window.Lines++;
                return true;
            }

            if (window.LeftOut++ == 0)
            {
                _ = EndAsync(window, tell);
            }

            return false;
        }
    }

    private async Task EndAsync(Window window, Action<int> tell)
    {
        await Task.Delay(Second, time, CancellationToken.None);
        int leftOut;
        lock (window)
        {
            leftOut = window.LeftOut;
            (window.Began, window.Lines, window.LeftOut) = (time.GetTimestamp(), 0, 0);
        }

        tell(leftOut);
    }

    private sealed class Window
    {
        public long Began { get; set; }

        public int Lines { get; set; }

        public int LeftOut { get; set; }
    }
}
