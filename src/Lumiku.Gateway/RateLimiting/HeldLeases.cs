namespace Lumiku.Gateway.RateLimiting;

/// <summary>The slots of this process's requests, renewed while they are held.</summary>
internal sealed partial class HeldLeases : IDisposable
{
    /// <summary>Twice in a lease's life may fail.</summary>
    private static readonly TimeSpan RenewalInterval = RequestLease.Lifetime / 3;

    private readonly Lock _lock = new();
    private readonly HashSet<RequestLease> _held = [];
    private readonly ILimitStore _store;
    private readonly ILogger<HeldLeases> _logger;
    private readonly ITimer _timer;

    public HeldLeases(ILimitStore store, TimeProvider time, ILogger<HeldLeases> logger)
    {
        (_store, _logger) = (store, logger);
        _timer = time.CreateTimer(_ => _ = RenewAsync(), state: null, RenewalInterval, RenewalInterval);
    }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _held.Count;
            }
        }
    }

    public void Add(RequestLease lease)
    {
        lock (_lock)
        {
            _held.Add(lease);
        }
    }

    public void Remove(RequestLease lease)
    {
        lock (_lock)
        {
            _held.Remove(lease);
        }
    }

    public void Dispose() => _timer.Dispose();

    private async Task RenewAsync()
    {
        RequestLease[] held;
        lock (_lock)
        {
            held = [.. _held];
        }

        try
        {
            if (held.Length > 0)
            {
                await _store.RenewAsync(held);
            }
        }
        catch (Exception exception)
        {
            Log.NotRenewed(_logger, held.Length, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Count} places of requests at once could not be renewed")]
        public static partial void NotRenewed(ILogger logger, int count, Exception exception);
    }
}
