using BenchmarkDotNet.Attributes;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Microsoft.AspNetCore.Http;

namespace Lumiku.Gateway.Microbench;

/// <summary>What the limits cost a request, with all four of them: the two decisions, the end of each, and the headers.</summary>
[MemoryDiagnoser]
public class LimitDecisions : IDisposable
{
    private readonly MemoryLimitStore _store = new(TimeProvider.System);
    private readonly HeaderDictionary _headers = [];
    private readonly TimeSpan _lapsesAfter = TimeSpan.FromMinutes(6);
    private Account _account = null!;
    private Account _empty = null!;

    [GlobalSetup]
    public void SetUp()
    {
        var calendar = new QuotaCalendar(TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"));
        var limits = new UsageLimits { RequestsPerMinute = 600_000_000, Burst = 2_000_000_000, ConcurrentRequests = 16, UnitsPerDay = 1_000_000_000, UnitsPerMonth = 1_000_000_000 };
        // Users about whom something is remembered.
        for (var i = 0; i < 100_000; i++)
        {
            var other = new Account(new Owner(IsUser: true, $"user-{i}"), "pro", limits, calendar);
            _store.SettleAsync(_store.ReserveAsync(other, 1, _lapsesAfter).Result.Reservation!, 1).GetAwaiter().GetResult();
        }

        _account = new Account(new Owner(IsUser: true, "user-4711"), "pro", limits, calendar);
        _empty = new Account(new Owner(IsUser: true, "user-815"), "pro", new UsageLimits { RequestsPerMinute = 1, ConcurrentRequests = 1, UnitsPerDay = 1, UnitsPerMonth = 1 }, calendar);
        _ = _store.AdmitAsync(_empty, takesSlot: true).Result;
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _store.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public int AdmitAndRelease()
    {
        var admission = _store.AdmitAsync(_account, takesSlot: true).Result;
        return admission.Lease is null ? throw new InvalidOperationException("It was refused.") : _store.ReleaseAsync(admission.Lease, _account).Result.Running;
    }

    [Benchmark]
    public int Refuse() => (int)_store.AdmitAsync(_empty, takesSlot: true).Result.Violated;

    [Benchmark]
    public int ReserveAndSettle()
    {
        var booking = _store.ReserveAsync(_account, 1, _lapsesAfter).Result;
        _store.SettleAsync(booking.Reservation!, 1).GetAwaiter().GetResult();
        return booking.Reservation!.Units;
    }

    [Benchmark]
    public long Look() => _store.LookAsync(_account).Result.Day.Spent;

    [Benchmark]
    public int Headers()
    {
        RateLimitHeaders.Set(_headers, _store.LookAsync(_account).Result, LimitPolicies.All);
        return _headers.Count;
    }
}
