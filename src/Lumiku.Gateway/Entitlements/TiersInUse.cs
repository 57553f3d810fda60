using System.Collections.Concurrent;

namespace Lumiku.Gateway.Entitlements;

/// <summary>When each tier was asked for last, so that a slip of the pen cannot take a tier away from the users who are at it.</summary>
internal sealed class TiersInUse(TimeProvider time)
{
    /// <summary>How long a tier counts as in use.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, long> _lastUse = new(StringComparer.OrdinalIgnoreCase);

    public void Note(Tier tier) => _lastUse[tier.Name] = time.GetTimestamp();

    public bool IsInUse(Tier tier) => _lastUse.TryGetValue(tier.Name, out var at) && time.GetElapsedTime(at) < Memory;
}
