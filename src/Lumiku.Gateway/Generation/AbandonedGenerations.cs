using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.Generation;

/// <summary>How many generations run that nobody waits for, by the owner who opened them.</summary>
internal sealed class AbandonedGenerations
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Owner, int> _counts = [];

    public int CountOf(Owner owner)
    {
        lock (_lock)
        {
            return _counts.GetValueOrDefault(owner);
        }
    }

    /// <param name="change">1: all have left one; -1: somebody waits for it again, or it has ended.</param>
    public void Add(Owner owner, int change)
    {
        lock (_lock)
        {
            var count = _counts.GetValueOrDefault(owner) + change;
            if (count == 0)
            {
                _counts.Remove(owner);
            }
            else
            {
                _counts[owner] = count;
            }
        }
    }
}
