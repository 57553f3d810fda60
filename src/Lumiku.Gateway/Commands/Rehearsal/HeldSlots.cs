using Lumiku.Gateway.RateLimiting;

namespace Lumiku.Gateway.Commands.Rehearsal;

/// <summary>Slots of the requests that are under way in a replay; they lapse unless they are renewed, as in a gateway.</summary>
internal sealed class HeldSlots
{
    private static readonly TimeSpan Interval = RequestLease.Lifetime / 3;

    private readonly HashSet<RequestLease> _leases = [];
    private DateTimeOffset _renewed;

    /// <param name="lease">Null: the request takes none.</param>
    public void Add(RequestLease? lease)
    {
        if (lease is not null)
        {
            _leases.Add(lease);
        }
    }

    public void Remove(RequestLease lease) => _leases.Remove(lease);

    /// <summary>Before anything else happens at a moment: one that has lapsed since is taken again by it.</summary>
    public async ValueTask RenewAsync(MemoryLimitStore store, DateTimeOffset now)
    {
        if (_leases.Count > 0 && now - _renewed >= Interval)
        {
            await store.RenewAsync(_leases);
            _renewed = now;
        }
    }
}
