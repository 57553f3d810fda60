using System.Collections;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>What every store of limits keeps to, wherever it counts.</summary>
public abstract class LimitStoreContract
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    private readonly ManualTime _time = new();
    private readonly Lazy<ILimitStore> _store;

    protected LimitStoreContract() => _store = new(() => Create(_time));

    private ILimitStore Store => _store.Value;

    [Fact]
    public async Task A_bucket_gives_its_burst_in_one_go_and_then_one_request_each_interval()
    {
        var account = Who(new UsageLimits { RequestsPerMinute = 10, Burst = 3 });

        (await TakeAsync(account, 5)).ShouldBe(3);
        _time.Advance(TimeSpan.FromSeconds(6) - TimeSpan.FromTicks(1));
        (await TakeAsync(account, 1)).ShouldBe(0);
        _time.Advance(TimeSpan.FromTicks(1));
        (await TakeAsync(account, 5)).ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(12));
        (await TakeAsync(account, 5)).ShouldBe(2);
        _time.Advance(TimeSpan.FromHours(1));
        (await TakeAsync(account, 5)).ShouldBe(3, "no more than the burst is saved up");
    }

    [Theory]
    [InlineData(7, 3)]
    [InlineData(60, 20)]
    [InlineData(600, 1)]
    [InlineData(1_000_000, 1_000)]
    public async Task In_no_window_are_more_taken_than_the_burst_and_what_came_back_since(int perMinute, int burst)
    {
        var account = Who(new UsageLimits { RequestsPerMinute = perMinute, Burst = burst });
        var random = new Random(perMinute);
        var began = _time.GetUtcNow();
        List<DateTimeOffset> taken = [];
        for (var i = 0; i < 3_000; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(random.NextDouble() * 1.5 / perMinute));
            if ((await Store.AdmitAsync(account, takesSlot: false)).Violated == LimitPolicies.None)
            {
                taken.Add(_time.GetUtcNow());
            }
        }

        for (var first = 0; first < taken.Count; first += 7)
        {
            for (var last = first; last < taken.Count; last += 13)
            {
                var allowed = burst + ((taken[last] - taken[first]).TotalMinutes * perMinute);
                (last - first + 1).ShouldBeLessThanOrEqualTo((int)Math.Floor(allowed + 1e-6));
            }
        }

        // A bucket of one loses what comes back while it is full; nothing else is lost.
        var possible = Math.Min(3_000, burst + ((_time.GetUtcNow() - began).TotalMinutes * perMinute));
        taken.Count.ShouldBeInRange((int)(possible * 0.6), (int)possible);
    }

    [Fact]
    public async Task What_is_left_and_when_there_is_more_are_exact()
    {
        var account = Who(new UsageLimits { RequestsPerMinute = 10, Burst = 3 });

        (await Store.LookAsync(account)).ShouldSatisfyAllConditions(look => look.RequestsLeft.ShouldBe(3), look => look.NextRequestIn.ShouldBe(TimeSpan.Zero));
        await TakeAsync(account, 1);
        _time.Advance(TimeSpan.FromSeconds(2));
        (await Store.LookAsync(account)).ShouldSatisfyAllConditions(look => look.RequestsLeft.ShouldBe(2), look => look.NextRequestIn.ShouldBe(TimeSpan.FromSeconds(4)));
        await TakeAsync(account, 2);
        var refused = await Store.AdmitAsync(account, takesSlot: true);
        refused.Violated.ShouldBe(LimitPolicies.Requests);
        refused.Lease.ShouldBeNull();
        refused.Usage.RequestsLeft.ShouldBe(0);
        refused.Usage.NextRequestIn.ShouldBe(TimeSpan.FromSeconds(4));
        _time.Advance(refused.Usage.NextRequestIn);
        (await TakeAsync(account, 1)).ShouldBe(1);
    }

    [Fact]
    public async Task Requests_at_once_are_bounded_and_one_that_is_released_is_free_at_once()
    {
        var account = Who(new UsageLimits { ConcurrentRequests = 2 });
        var first = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
        var second = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();

        var refused = await Store.AdmitAsync(account, takesSlot: true);
        refused.Violated.ShouldBe(LimitPolicies.Concurrency);
        refused.Usage.Running.ShouldBe(2);
        (await Store.AdmitAsync(account, takesSlot: false)).Violated.ShouldBe(LimitPolicies.None, "it takes no slot");

        (await Store.ReleaseAsync(first, account)).Running.ShouldBe(1);
        (await Store.ReleaseAsync(first, account)).Running.ShouldBe(1, "a second time changes nothing");
        (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
        (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldBeNull();
        (await Store.ReleaseAsync(second, account)).Running.ShouldBe(1);
    }

    [Fact]
    public async Task A_slot_that_nobody_renews_lapses_and_one_that_is_renewed_does_not()
    {
        var account = Who(new UsageLimits { ConcurrentRequests = 2 });
        var renewed = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
        await Store.AdmitAsync(account, takesSlot: true);
        for (var i = 0; i < 3; i++)
        {
            _time.Advance(RequestLease.Lifetime / 3);
            await Store.RenewAsync([renewed]);
        }

        (await Store.LookAsync(account)).Running.ShouldBe(1, "its holder died");
        _time.Advance(RequestLease.Lifetime);
        (await Store.LookAsync(account)).Running.ShouldBe(0);
    }

    [Fact]
    public async Task Slots_are_freed_and_lapse_in_any_order()
    {
        var account = Who(new UsageLimits { ConcurrentRequests = 4 });
        List<RequestLease> leases = [];
        for (var i = 0; i < 4; i++)
        {
            leases.Add((await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull());
        }

        (await Store.ReleaseAsync(leases[1], account)).Running.ShouldBe(3);
        (await Store.ReleaseAsync(leases[2], account)).Running.ShouldBe(2);
        _time.Advance(RequestLease.Lifetime - TimeSpan.FromSeconds(1));
        await Store.RenewAsync([leases[0]]);
        _time.Advance(TimeSpan.FromSeconds(1));
        (await Store.LookAsync(account)).Running.ShouldBe(1, "the last one lapsed");
        (await Store.ReleaseAsync(leases[3], account)).Running.ShouldBe(1, "which frees nothing more");
        (await Store.ReleaseAsync(leases[0], account)).Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_slot_that_lapsed_while_its_request_went_on_is_taken_again_but_not_one_that_was_freed()
    {
        var account = Who(new UsageLimits { ConcurrentRequests = 1, UnitsPerDay = 5 });
        await Store.ReserveAsync(account, 1, Long);
        var late = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
        _time.Advance(RequestLease.Lifetime);
        var other = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();

        await Store.RenewAsync([late, other]);
        (await Store.LookAsync(account)).Running.ShouldBe(2);
        await Store.ReleaseAsync(late, account);
        await Store.RenewAsync([late, other]);
        (await Store.LookAsync(account)).Running.ShouldBe(1);
    }

    [Fact]
    public async Task A_slot_that_is_freed_while_it_is_renewed_stays_free()
    {
        var account = Who(new UsageLimits { ConcurrentRequests = 2 });
        var ending = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
        var running = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();

        await Store.RenewAsync(new EndingLeases(ending, running, () => Store.ReleaseAsync(ending, account).AsTask().GetAwaiter().GetResult()));

        (await Store.LookAsync(account)).Running.ShouldBe(1);
    }

    [Fact]
    public async Task A_request_that_one_limit_refuses_uses_nothing_of_the_other()
    {
        var account = Who(new UsageLimits { RequestsPerMinute = 10, Burst = 3, ConcurrentRequests = 1 });
        var lease = (await Store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
        for (var i = 0; i < 20; i++)
        {
            (await Store.AdmitAsync(account, takesSlot: true)).Violated.ShouldBe(LimitPolicies.Concurrency);
        }

        (await Store.LookAsync(account)).RequestsLeft.ShouldBe(2);
        await Store.ReleaseAsync(lease, account);
        await TakeAsync(account, 2);
        for (var i = 0; i < 20; i++)
        {
            (await Store.AdmitAsync(account, takesSlot: true)).Violated.ShouldBe(LimitPolicies.Requests);
        }

        (await Store.LookAsync(account)).Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_request_that_both_limits_refuse_is_told_both()
    {
        var account = Who(new UsageLimits { RequestsPerMinute = 1, ConcurrentRequests = 1 });
        await Store.AdmitAsync(account, takesSlot: true);

        (await Store.AdmitAsync(account, takesSlot: true)).Violated.ShouldBe(LimitPolicies.Requests | LimitPolicies.Concurrency);
    }

    [Fact]
    public async Task Units_are_reserved_of_day_and_month_together_or_of_neither()
    {
        var byDay = Who(new UsageLimits { UnitsPerDay = 3, UnitsPerMonth = 100 });
        (await Store.ReserveAsync(byDay, 2, Long)).Reservation.ShouldNotBeNull();
        var refused = await Store.ReserveAsync(byDay, 2, Long);
        refused.Reservation.ShouldBeNull();
        refused.Violated.ShouldBe(LimitPolicies.Day);
        (refused.Usage.Day.Used, refused.Usage.Month.Used).ShouldBe((2, 2));
        (await Store.ReserveAsync(byDay, 1, Long)).Usage.Month.Used.ShouldBe(3);

        var byMonth = Who(new UsageLimits { UnitsPerDay = 100, UnitsPerMonth = 3 });
        await Store.ReserveAsync(byMonth, 3, Long);
        (await Store.ReserveAsync(byMonth, 1, Long)).Violated.ShouldBe(LimitPolicies.Month);
        (await Store.LookAsync(byMonth)).Day.Used.ShouldBe(3);
        (await Store.ReserveAsync(byMonth with { Limits = new UsageLimits { UnitsPerDay = 3, UnitsPerMonth = 3 } }, 1, Long)).Violated.ShouldBe(LimitPolicies.Units);
    }

    [Fact]
    public async Task What_costs_nothing_is_granted_to_whoever_has_nothing_left()
    {
        var account = Who(new UsageLimits { UnitsPerDay = 0, UnitsPerMonth = 0 });

        (await Store.ReserveAsync(account, 1, Long)).Reservation.ShouldBeNull();
        (await Store.ReserveAsync(account, 0, Long)).Reservation.ShouldNotBeNull();
        await Store.GrantAsync(account, -5);
        (await Store.ReserveAsync(account, 0, Long)).Reservation.ShouldNotBeNull();
    }

    [Fact]
    public async Task What_costs_nothing_is_settled_once_and_lapses_like_anything_else()
    {
        var account = Who(new UsageLimits { UnitsPerDay = 3, UnitsPerMonth = 3 });
        var settled = (await Store.ReserveAsync(account, 0, Long)).Reservation.ShouldNotBeNull();
        var lost = (await Store.ReserveAsync(account, 0, Long)).Reservation.ShouldNotBeNull();
        await Store.ReserveAsync(account, 2, Long);

        await Store.SettleAsync(settled, 0);
        await Store.SettleAsync(settled, 0);
        (await Store.LookAsync(account)).Day.ShouldBe(new UnitCount(Spent: 0, Reserved: 2, Granted: 0));
        _time.Advance(Long);
        (await Store.LookAsync(account)).Day.ShouldBe(default);
        await Store.SettleAsync(lost, 0);

        (await Store.LookAsync(account)).Month.ShouldBe(default);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    [InlineData(0)]
    public async Task Settling_charges_what_was_used_gives_back_the_rest_and_happens_once(int used)
    {
        var account = Who(new UsageLimits { UnitsPerDay = 10, UnitsPerMonth = 10 });
        var reservation = (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull();
        (await Store.LookAsync(account)).Day.ShouldBe(new UnitCount(Spent: 0, Reserved: 3, Granted: 0));

        await Store.SettleAsync(reservation, used);
        await Store.SettleAsync(reservation, 3);
        await Store.SettleAsync(reservation, 0);

        (await Store.LookAsync(account)).Day.ShouldBe(new UnitCount(used, Reserved: 0, Granted: 0));
        (await Store.LookAsync(account)).Month.ShouldBe(new UnitCount(used, Reserved: 0, Granted: 0));
    }

    [Fact]
    public async Task A_reservation_nobody_made_is_settled_by_nobody_and_none_for_more_than_was_reserved()
    {
        var account = Who(new UsageLimits { UnitsPerDay = 10 });
        var reservation = (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull();

        await Store.SettleAsync(reservation with { Id = Guid.NewGuid() }, 3);
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await Store.SettleAsync(reservation, 4));
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await Store.SettleAsync(reservation, -1));
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await Store.ReserveAsync(account, -1, Long));

        (await Store.LookAsync(account)).Day.ShouldBe(new UnitCount(Spent: 0, Reserved: 3, Granted: 0));
    }

    [Fact]
    public async Task A_reservation_whose_holder_died_lapses_and_is_charged_all_the_same_if_it_lives_after_all()
    {
        var account = Who(new UsageLimits { UnitsPerDay = 3, UnitsPerMonth = 30 });
        var lost = (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull();
        _time.Advance(Long - TimeSpan.FromTicks(1));
        (await Store.ReserveAsync(account, 1, Long)).Reservation.ShouldBeNull();

        _time.Advance(TimeSpan.FromTicks(1));
        var next = (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull();
        await Store.SettleAsync(next, 3);
        (await Store.LookAsync(account)).Month.ShouldBe(new UnitCount(Spent: 3, Reserved: 0, Granted: 0));

        await Store.SettleAsync(lost, 2);
        await Store.SettleAsync(lost, 2);
        (await Store.LookAsync(account)).Month.ShouldBe(new UnitCount(Spent: 5, Reserved: 0, Granted: 0));
        (await Store.LookAsync(account)).Day.Left(3).ShouldBe(0, "never below 0");
    }

    [Fact]
    public async Task A_day_and_a_month_begin_anew_and_a_reservation_stays_in_its_own()
    {
        _time.StepTo(new DateTimeOffset(2026, 11, 30, 23, 59, 0, TimeSpan.Zero));
        var account = Who(new UsageLimits { UnitsPerDay = 3, UnitsPerMonth = 4 });
        var november = (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull();
        (await Store.ReserveAsync(account, 1, Long)).Violated.ShouldBe(LimitPolicies.Day);

        _time.Advance(TimeSpan.FromMinutes(1));
        (await Store.LookAsync(account)).ShouldSatisfyAllConditions(
            look => look.Day.Used.ShouldBe(0), look => look.Month.Used.ShouldBe(0), look => look.DayEndsIn.ShouldBe(TimeSpan.FromDays(1)), look => look.MonthEndsIn.ShouldBe(TimeSpan.FromDays(31)));
        var december = (await Store.ReserveAsync(account, 2, Long)).Reservation.ShouldNotBeNull();

        await Store.SettleAsync(november, 0);
        (await Store.LookAsync(account)).Day.Used.ShouldBe(2, "what was given back was of the day before");
        await Store.SettleAsync(december, 2);
        _time.Advance(TimeSpan.FromDays(1));
        (await Store.LookAsync(account)).ShouldSatisfyAllConditions(look => look.Day.Used.ShouldBe(0), look => look.Month.Used.ShouldBe(2));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_and_forth_gives_nobody_a_second_day()
    {
        var account = Who(new UsageLimits { UnitsPerDay = 3, UnitsPerMonth = 5 });
        var reserved = (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull();
        await Store.SettleAsync(reserved, 3);

        _time.Step(TimeSpan.FromDays(1));
        await Store.SettleAsync((await Store.ReserveAsync(account, 1, Long)).Reservation.ShouldNotBeNull("it is another day, as far as anybody knows"), 1);
        _time.Step(TimeSpan.FromDays(-1));
        (await Store.ReserveAsync(account, 1, Long)).Violated.ShouldBe(LimitPolicies.Day);
        _time.Step(TimeSpan.FromDays(40));
        (await Store.LookAsync(account)).Month.Used.ShouldBe(0);
        _time.Step(TimeSpan.FromDays(-40));
        (await Store.ReserveAsync(account, 1, Long)).Violated.ShouldBe(LimitPolicies.Day, "and the step did not make it forgotten");
        (await Store.LookAsync(account)).Month.Used.ShouldBe(4);
    }

    [Fact]
    public async Task A_clock_that_is_set_changes_nothing_of_requests_and_slots()
    {
        var account = Who(new UsageLimits { RequestsPerMinute = 10, Burst = 1, ConcurrentRequests = 1 });
        await Store.AdmitAsync(account, takesSlot: true);

        _time.Step(TimeSpan.FromDays(1));
        (await Store.AdmitAsync(account, takesSlot: true)).ShouldSatisfyAllConditions(
            refused => refused.Violated.ShouldBe(LimitPolicies.Requests | LimitPolicies.Concurrency), refused => refused.Usage.NextRequestIn.ShouldBe(TimeSpan.FromSeconds(6)));
        _time.Step(TimeSpan.FromDays(-3));
        _time.Advance(TimeSpan.FromSeconds(6));
        (await Store.AdmitAsync(account, takesSlot: false)).Violated.ShouldBe(LimitPolicies.None);
    }

    [Fact]
    public async Task Another_tier_counts_on_with_what_was_used()
    {
        var free = Who(new UsageLimits { RequestsPerMinute = 10, Burst = 5, ConcurrentRequests = 1, UnitsPerDay = 3, UnitsPerMonth = 30 });
        var pro = free with { Tier = "pro", Limits = new UsageLimits { RequestsPerMinute = 60, Burst = 20, ConcurrentRequests = 4, UnitsPerDay = 100, UnitsPerMonth = 300 } };
        await Store.AdmitAsync(free, takesSlot: true);
        await TakeAsync(free, 4);
        await Store.ReserveAsync(free, 3, Long);

        var raised = await Store.AdmitAsync(pro, takesSlot: true);
        raised.Violated.ShouldBe(LimitPolicies.None, "what is used up for one tier is not for a greater");
        (raised.Usage.RequestsLeft, raised.Usage.Running).ShouldBe((14, 2));
        raised.Usage.Day.Left(100).ShouldBe(97);
        raised.Usage.LastTier.ShouldBe("pro");

        var lowered = await Store.LookAsync(free);
        (lowered.RequestsLeft, lowered.Running, lowered.Day.Used).ShouldBe((0, 2, 3));
        (await Store.AdmitAsync(free, takesSlot: true)).Violated.ShouldBe(LimitPolicies.Requests | LimitPolicies.Concurrency);
        (await Store.ReserveAsync(free, 1, Long)).Violated.ShouldBe(LimitPolicies.Day);
    }

    [Fact]
    public async Task What_one_tier_took_comes_back_at_that_tiers_pace_whoever_looks_meanwhile()
    {
        var large = Who(new UsageLimits { RequestsPerMinute = 600, Burst = 100 });
        var small = large with { Limits = new UsageLimits { RequestsPerMinute = 10, Burst = 5 } };
        await TakeAsync(large, 100);

        var look = await Store.LookAsync(small);
        (look.RequestsLeft, look.NextRequestIn).ShouldBe((0, TimeSpan.FromSeconds(9.6)), "until four of the hundred are left");
        (await TakeAsync(small, 1)).ShouldBe(0);
        _time.Advance(TimeSpan.FromSeconds(5));
        (await Store.LookAsync(large)).RequestsLeft.ShouldBe(50);
        _time.Advance(TimeSpan.FromSeconds(4.6));
        (await TakeAsync(small, 2)).ShouldBe(1, "as was told");
        (await Store.LookAsync(large)).RequestsLeft.ShouldBe(95, "and from here on at the other's");
        _time.Advance(TimeSpan.FromSeconds(6));
        (await TakeAsync(small, 2)).ShouldBe(1);
    }

    [Fact]
    public async Task A_tier_without_limits_counts_units_all_the_same_for_the_day_that_there_are_some()
    {
        var unlimited = Who(UsageLimits.None);
        (await TakeAsync(unlimited, 1_000)).ShouldBe(1_000);
        await Store.SettleAsync((await Store.ReserveAsync(unlimited, 70, Long)).Reservation.ShouldNotBeNull(), 70);

        (await Store.LookAsync(unlimited)).Day.Spent.ShouldBe(70);
        (await Store.ReserveAsync(unlimited with { Limits = new UsageLimits { UnitsPerDay = 70 } }, 1, Long)).Violated.ShouldBe(LimitPolicies.Day);
    }

    [Fact]
    public async Task Owners_do_not_share_and_a_user_is_no_caller_of_the_same_name()
    {
        var limits = new UsageLimits { RequestsPerMinute = 1, ConcurrentRequests = 1, UnitsPerDay = 1 };
        var user = Who(limits);
        var other = Who(limits);
        var caller = user with { Owner = user.Owner with { IsUser = false } };

        foreach (var account in new[] { user, other, caller })
        {
            (await Store.AdmitAsync(account, takesSlot: true)).Violated.ShouldBe(LimitPolicies.None);
            (await Store.ReserveAsync(account, 1, Long)).Violated.ShouldBe(LimitPolicies.None);
        }
    }

    [Fact]
    public async Task An_operator_gives_and_takes_units_of_the_running_day_and_month()
    {
        var account = Who(new UsageLimits { UnitsPerDay = 3, UnitsPerMonth = 3 });
        await Store.SettleAsync((await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull(), 3);

        (await Store.GrantAsync(account, 2)).Day.ShouldBe(new UnitCount(Spent: 3, Reserved: 0, Granted: 2));
        (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldBeNull();
        await Store.SettleAsync((await Store.ReserveAsync(account, 2, Long)).Reservation.ShouldNotBeNull(), 2);
        (await Store.GrantAsync(account, -4)).Month.Left(3).ShouldBe(0);
        (await Store.GrantAsync(account, 5)).Month.Left(3).ShouldBe(1);

        _time.Advance(TimeSpan.FromDays(1));
        (await Store.LookAsync(account)).ShouldSatisfyAllConditions(look => look.Day.ShouldBe(default), look => look.Month.ShouldBe(new UnitCount(Spent: 5, Reserved: 0, Granted: 3)));
    }

    [Fact]
    public async Task A_reset_forgets_what_was_used_and_granted_but_not_what_is_under_way()
    {
        var account = Who(new UsageLimits { RequestsPerMinute = 10, Burst = 2, ConcurrentRequests = 3, UnitsPerDay = 5, UnitsPerMonth = 5 });
        await Store.AdmitAsync(account, takesSlot: true);
        await TakeAsync(account, 1);
        await Store.SettleAsync((await Store.ReserveAsync(account, 2, Long)).Reservation.ShouldNotBeNull(), 2);
        var running = (await Store.ReserveAsync(account, 3, Long)).Reservation.ShouldNotBeNull();
        await Store.GrantAsync(account, -1);

        var look = await Store.ResetAsync(account);

        (look.RequestsLeft, look.Running).ShouldBe((2, 1));
        look.Day.ShouldBe(new UnitCount(Spent: 0, Reserved: 3, Granted: 0));
        await Store.SettleAsync(running, 3);
        (await Store.LookAsync(account)).Month.ShouldBe(new UnitCount(Spent: 3, Reserved: 0, Granted: 0));
    }

    [Fact]
    public async Task Looking_takes_nothing_and_knows_the_tier_that_was_named_last()
    {
        var account = Who(new UsageLimits { RequestsPerMinute = 1, UnitsPerDay = 1 });
        (await Store.LookAsync(account)).LastTier.ShouldBeNull();
        await Store.GrantAsync(account, 1);
        (await Store.LookAsync(account)).LastTier.ShouldBeNull("an operator names none");

        await Store.AdmitAsync(account, takesSlot: false);

        (await Store.LookAsync(account with { Tier = "another" })).LastTier.ShouldBe(account.Tier);
        (await Store.LookAsync(account)).RequestsLeft.ShouldBe(0);
    }

    /// <summary>The clock stands still, so exactly the burst may pass.</summary>
    [Fact]
    public async Task Of_24_workers_on_a_limit_of_100_exactly_100_pass_in_each_of_50_rounds()
    {
        var (over, under) = (0, 0);
        for (var round = 0; round < 50; round++)
        {
            var requests = Who(new UsageLimits { RequestsPerMinute = 60, Burst = 100 });
            var slots = Who(new UsageLimits { ConcurrentRequests = 100 });
            var units = Who(new UsageLimits { UnitsPerDay = 100, UnitsPerMonth = 3_000 });
            var passed = new int[3];
            await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; i < 10; i++)
                {
                    Interlocked.Add(ref passed[0], (await Store.AdmitAsync(requests, takesSlot: false)).Violated == LimitPolicies.None ? 1 : 0);
                    Interlocked.Add(ref passed[1], (await Store.AdmitAsync(slots, takesSlot: true)).Lease is null ? 0 : 1);
                    Interlocked.Add(ref passed[2], (await Store.ReserveAsync(units, 1, Long)).Reservation is null ? 0 : 1);
                }
            })));
            over += passed.Sum(count => Math.Max(0, count - 100));
            under += passed.Sum(count => Math.Max(0, 100 - count));
        }

        Figures.Add("limits", $"{GetType().Name}: 24 workers, limit 100 of requests, slots and units, 50 rounds: {over} over-admitted, {under} under-admitted");
        (over, under).ShouldBe((0, 0));
    }

    private protected abstract ILimitStore Create(ManualTime time);

    /// <summary>Somebody new, so that tests may share a store.</summary>
    private static Account Who(UsageLimits limits) => new(new Owner(IsUser: true, $"{Guid.NewGuid()}"), "free", limits, new QuotaCalendar(TimeZoneInfo.Utc));

    private async Task<int> TakeAsync(Account account, int requests)
    {
        var taken = 0;
        for (var i = 0; i < requests; i++)
        {
            taken += (await Store.AdmitAsync(account, takesSlot: false)).Violated == LimitPolicies.None ? 1 : 0;
        }

        return taken;
    }

    /// <summary>Two leases, of which the first is freed once it has been handed on.</summary>
    private sealed class EndingLeases(RequestLease ending, RequestLease running, Action end) : IReadOnlyCollection<RequestLease>
    {
        public int Count => 2;

        public IEnumerator<RequestLease> GetEnumerator()
        {
            yield return ending;
            end();
            yield return running;
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
