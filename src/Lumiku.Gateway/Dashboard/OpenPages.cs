namespace Lumiku.Gateway.Dashboard;

/// <summary>How many pages are open. Each holds a WebSocket and what it shows; beyond <see cref="Most"/> there are none.</summary>
internal sealed class OpenPages
{
    public const int Most = 32;

    private int _count;

    public int Count => Volatile.Read(ref _count);

    public bool IsFull => Count >= Most;

    /// <returns>Closes the page when disposed; null where it would be one too many.</returns>
    public IDisposable? TryOpen()
    {
        if (Interlocked.Increment(ref _count) <= Most)
        {
            return new Page(this);
        }

        Interlocked.Decrement(ref _count);
        return null;
    }

    private sealed class Page(OpenPages pages) : IDisposable
    {
        private int _isClosed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isClosed, 1) == 0)
            {
                Interlocked.Decrement(ref pages._count);
            }
        }
    }
}
