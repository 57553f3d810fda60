using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>A slot in memory, and its place among its owner's.</summary>
internal sealed class MemoryLease(Owner owner, OwnerUsage usage) : RequestLease(owner)
{
    /// <summary>Changed under the lock of the one before, where that was dropped.</summary>
    public OwnerUsage Usage { get; set; } = usage;

    public TimeSpan LapsesAt { get; set; }

    public bool IsHeld { get; set; }

    public bool IsReleased { get; set; }

    public MemoryLease? Next { get; set; }

    public MemoryLease? Previous { get; set; }
}
