using System.Net;
using System.Threading.RateLimiting;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Authentication;

/// <summary>Counts wrong keys by address, so that guessing one is slow. A right key never gets here.</summary>
internal sealed class FailedLogins(CurrentSettings settings) : IDisposable
{
    private readonly PartitionedRateLimiter<IPAddress> _limiter = PartitionedRateLimiter.Create<IPAddress, (IPAddress, int)>(address =>
    {
        var perMinute = settings.Value.Limits.FailedLoginsPerMinute;
        return RateLimitPartition.GetTokenBucketLimiter((Network(address), perMinute), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = perMinute,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) / perMinute,
            QueueLimit = 0,
        });
    });

    /// <summary>Counts one failure.</summary>
    /// <returns>Null while the address has failures left; else how long it has to wait for the next.</returns>
    public TimeSpan? Count(IPAddress? address)
    {
        using var lease = _limiter.AttemptAcquire(address ?? IPAddress.None);
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter
            : TimeSpan.FromMinutes(1);
    }

    public void Dispose() => _limiter.Dispose();

    /// <summary>One household, one counter: an IPv6 customer has a whole /64 to choose addresses from.</summary>
    private static IPAddress Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        var bytes = address.GetAddressBytes();
        if (bytes.Length == 16)
        {
            bytes.AsSpan(8).Clear();
        }

        return new IPAddress(bytes);
    }
}
