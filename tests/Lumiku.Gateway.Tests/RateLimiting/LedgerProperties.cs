using FsCheck;
using FsCheck.Fluent;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Random stories of reserving, settling, dying and clocks that jump, told to the store and to an accountant who does everything the slow way.</summary>
public class LedgerProperties(RedisServer redis)
{
    /// <summary>Ten thousand with <c>test.sh --long</c>.</summary>
    private static readonly int Stories = LongRun.IsOn ? 10_000 : 2_000;

    /// <summary>Each event is several ways to Redis and back.</summary>
    private static readonly int RedisStories = LongRun.IsOn ? 500 : 30;

    private static readonly TimeSpan LapsesAfter = TimeSpan.FromMinutes(6);

    /// <summary>What happens next; the numbers choose among whoever and whatever there is.</summary>
    private abstract record Event
    {
        public sealed record Reserve(int Owner, int Units) : Event;

        /// <summary>The image came, of so many of a hundred units, or of none; perhaps told twice.</summary>
        public sealed record Settle(int Which, int Percent, bool Twice) : Event;

        /// <summary>Its gateway is gone: nobody will settle it.</summary>
        public sealed record Crash(int Which) : Event;

        public sealed record Pass(TimeSpan Span) : Event;

        /// <summary>To so much before or after the true time.</summary>
        public sealed record SetClock(TimeSpan Offset) : Event;

        public sealed record Grant(int Owner, int Units) : Event;
    }

    private static readonly Gen<Event> AnyEvent = Gen.Frequency(
        (8, from owner in Gen.Choose(0, 2) from units in Gen.Frequency((6, Gen.Choose(1, 3)), (1, Gen.Constant(0)), (1, Gen.Choose(4, 20))) select (Event)new Event.Reserve(owner, units)),
        (8, from which in Gen.Choose(0, 1_000) from percent in Gen.Elements(0, 0, 50, 100, 100, 100) from twice in Gen.Choose(0, 3) select (Event)new Event.Settle(which, percent, twice == 0)),
        (1, from which in Gen.Choose(0, 1_000) select (Event)new Event.Crash(which)),
        (3, from seconds in Gen.OneOf(Gen.Choose(0, 300), Gen.Choose(0, 90_000)) select (Event)new Event.Pass(TimeSpan.FromSeconds(seconds))),
        (1, from minutes in Gen.Choose(-720, 720) select (Event)new Event.SetClock(TimeSpan.FromMinutes(minutes))),
        (1, from owner in Gen.Choose(0, 2) from units in Gen.Choose(-5, 10) select (Event)new Event.Grant(owner, units)));

    [Fact]
    public void The_ledger_agrees_with_an_accountant_is_never_negative_never_over_the_limit_and_charges_images_alone()
    {
        var (reservations, refusals, crashes) = (0, 0, 0);
        Prop.ForAll(AnyEvent.ListOf().Resize(120).ToArbitrary(), events =>
        {
            var time = new ManualTime();
            using var store = new MemoryLimitStore(time);
            var accountant = new Accountant(time);
            Run(store, accountant, time, events).GetAwaiter().GetResult();
            reservations += accountant.Bookings.Count;
            refusals += accountant.Refusals;
            crashes += accountant.Bookings.Count(booking => booking.IsLost);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Stories).WithEndSize(120));

        Figures.Add("limits", $"ledger: {Stories:N0} random stories, {reservations:N0} reservations, {refusals:N0} refused, {crashes:N0} lost with their gateway: 0 units wrong");
        refusals.ShouldBeGreaterThan(1_000, "the limits were reached");
    }

    [Fact]
    public async Task The_ledger_in_redis_agrees_with_the_accountant_too()
    {
        await using var connection = Replica.Connect(redis.Url, "ledger");
        await Eventually.BeAsync(() => connection.IsUp, "it is connected");
        var (reservations, free) = (0, 0);
        Prop.ForAll(AnyEvent.ListOf().Resize(40).ToArbitrary(), events =>
        {
            var time = new ManualTime();
            var accountant = new Accountant(time);
            Run(new RedisLimitStore(connection, "ledger", time, testClock: time), accountant, time, events).GetAwaiter().GetResult();
            reservations += accountant.Bookings.Count;
            free += accountant.Bookings.Count(booking => booking.Reservation.Units == 0);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(RedisStories).WithStartSize(20).WithEndSize(40));

        Figures.Add("limits", $"ledger in Redis: {RedisStories:N0} random stories, {reservations:N0} reservations, {free:N0} of no units: 0 units wrong");
        free.ShouldBeGreaterThan(0, "models that cost nothing were among them");
    }

    private static async Task Run(ILimitStore store, Accountant accountant, ManualTime time, IEnumerable<Event> events)
    {
        foreach (var next in events)
        {
            switch (next)
            {
                case Event.Reserve(var owner, var units):
                    var (reservation, violated, _) = await store.ReserveAsync(accountant.Accounts[owner], units, LapsesAfter);
                    violated.ShouldBe(accountant.Reserve(owner, units, reservation));
                    break;
                case Event.Settle(var which, var percent, var twice) when accountant.Open(which) is { } booking:
                    var used = booking.Reservation.Units * percent / 100;
                    await store.SettleAsync(booking.Reservation, used);
                    await (twice ? store.SettleAsync(booking.Reservation, booking.Reservation.Units) : default);
                    accountant.Settle(booking, used);
                    break;
                case Event.Crash(var which) when accountant.Open(which) is { } booking:
                    booking.IsLost = true;
                    break;
                case Event.Pass(var span):
                    time.Advance(span);
                    break;
                case Event.SetClock(var offset):
                    time.Step(offset - (time.GetUtcNow() - new DateTimeOffset(time.GetTimestamp(), TimeSpan.Zero)));
                    break;
                case Event.Grant(var owner, var units):
                    await store.GrantAsync(accountant.Accounts[owner], units);
                    accountant.Grant(owner, units);
                    break;
            }

            await ShouldAgreeAsync(store, accountant);
        }

        // All is settled, or lapsed: what was spent are the images that were made.
        time.Advance(LapsesAfter);
        foreach (var booking in accountant.Bookings.Where(booking => booking is { Used: null, IsLost: false }).ToList())
        {
            await store.SettleAsync(booking.Reservation, booking.Reservation.Units);
            accountant.Settle(booking, booking.Reservation.Units);
        }

        await ShouldAgreeAsync(store, accountant);
        foreach (var account in accountant.Accounts)
        {
            var look = await store.LookAsync(account);
            (look.Day.Reserved, look.Month.Reserved).ShouldBe((0, 0));
            look.Month.Spent.ShouldBe(accountant.Bookings.Where(booking => booking.Reservation.Owner == account.Owner && booking.Month == accountant.MonthNow).Sum(booking => booking.Used ?? 0));
        }
    }

    private static async Task ShouldAgreeAsync(ILimitStore store, Accountant accountant)
    {
        for (var owner = 0; owner < accountant.Accounts.Length; owner++)
        {
            var account = accountant.Accounts[owner];
            var look = await store.LookAsync(account);
            var (day, month) = (accountant.DayOf(owner), accountant.MonthOf(owner));
            look.Day.ShouldBe(day);
            look.Month.ShouldBe(month);
            (day.Spent >= 0 && day.Reserved >= 0 && month.Spent >= 0 && month.Reserved >= 0).ShouldBeTrue("never negative");
            // Only what was settled after it had lapsed may be above the limit, or what was used before an operator took units away.
            accountant.ExcessOf(owner, look).ShouldBeLessThanOrEqualTo(0, "never over the limit");
        }
    }

    private sealed class Booking(UnitReservation reservation, int day, int month, TimeSpan at)
    {
        public UnitReservation Reservation => reservation;

        public int Day => day;

        public int Month => month;

        public TimeSpan At => at;

        public int? Used { get; set; }

        public bool IsLost { get; set; }

        /// <summary>It was settled after it had lapsed.</summary>
        public bool IsLate { get; set; }
    }

    /// <summary>Keeps every booking for ever, and adds them all up each time. UTC alone.</summary>
    private sealed class Accountant(ManualTime time)
    {
        private static readonly UsageLimits[] Limits =
        [
            new() { UnitsPerDay = 10, UnitsPerMonth = 25 },
            new() { UnitsPerDay = 6 },
            new() { UnitsPerMonth = 12 },
        ];

        private readonly DateTimeOffset _began = new(time.GetTimestamp(), TimeSpan.Zero);
        private readonly List<(int Owner, int Units, int Day, int Month)> _grants = [];

        public Account[] Accounts { get; } =
            [.. Limits.Select((limits, owner) => new Account(new Owner(IsUser: true, $"{Guid.NewGuid()} {owner}"), "free", limits, new QuotaCalendar(TimeZoneInfo.Utc)))];

        public List<Booking> Bookings { get; } = [];

        public int Refusals { get; private set; }

        public int MonthNow => MonthOf(time.GetUtcNow());

        private int DayNow => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime).DayNumber;

        private TimeSpan Now => new DateTimeOffset(time.GetTimestamp(), TimeSpan.Zero) - _began;

        public Booking? Open(int which) => Bookings.Where(booking => booking is { Used: null, IsLost: false }).ToList() is { Count: > 0 } open ? open[which % open.Count] : null;

        public LimitPolicies Reserve(int owner, int units, UnitReservation? reservation)
        {
            var violated = LimitPolicies.None;
            var (limits, day, month) = (Limits[owner], DayOf(owner), MonthOf(owner));
            if (units > 0 && limits.UnitsPerDay is { } perDay && day.Spent + day.Reserved + units > perDay + day.Granted)
            {
                violated |= LimitPolicies.Day;
            }

            if (units > 0 && limits.UnitsPerMonth is { } perMonth && month.Spent + month.Reserved + units > perMonth + month.Granted)
            {
                violated |= LimitPolicies.Month;
            }

            if (reservation is not null)
            {
                Bookings.Add(new Booking(reservation, DayNow, MonthNow, Now));
            }
            else
            {
                Refusals++;
            }

            return violated;
        }

        public void Settle(Booking booking, int used) => (booking.Used, booking.IsLate) = (used, Now >= booking.At + LapsesAfter);

        public void Grant(int owner, int units) => _grants.Add((owner, units, DayNow, MonthNow));

        public UnitCount DayOf(int owner) => Count(owner, booking => booking.Day == DayNow, grant => grant.Day == DayNow);

        public UnitCount MonthOf(int owner) => Count(owner, booking => booking.Month == MonthNow, grant => grant.Month == MonthNow);

        /// <summary>By how much the owner is over a limit without a reason.</summary>
        public long ExcessOf(int owner, LimitUsage look)
        {
            var taken = -_grants.Where(grant => grant.Owner == owner && grant.Units < 0).Sum(grant => (long)grant.Units);
            var late = Bookings.Where(booking => booking.Reservation.Owner == Accounts[owner].Owner && booking.IsLate).Sum(booking => (long)(booking.Used ?? 0));
            var day = Limits[owner].UnitsPerDay is { } perDay ? look.Day.Used - perDay - look.Day.Granted : 0;
            var month = Limits[owner].UnitsPerMonth is { } perMonth ? look.Month.Used - perMonth - look.Month.Granted : 0;
            return Math.Max(day, month) - taken - late;
        }

        private static int MonthOf(DateTimeOffset instant) => (instant.UtcDateTime.Year * 12) + instant.UtcDateTime.Month - 1;

        private UnitCount Count(int owner, Func<Booking, bool> isIn, Func<(int Owner, int Units, int Day, int Month), bool> isGrantIn)
        {
            var bookings = Bookings.Where(booking => booking.Reservation.Owner == Accounts[owner].Owner && isIn(booking)).ToList();
            return new UnitCount(
                bookings.Sum(booking => (long)(booking.Used ?? 0)),
                bookings.Where(booking => booking.Used is null && Now < booking.At + LapsesAfter).Sum(booking => (long)booking.Reservation.Units),
                _grants.Where(grant => grant.Owner == owner && isGrantIn(grant)).Sum(grant => (long)grant.Units));
        }
    }
}
