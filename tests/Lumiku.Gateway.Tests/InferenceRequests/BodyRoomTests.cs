using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.InferenceRequests;

/// <summary>The memory for bodies: in turn, but for small ones that fit.</summary>
public class BodyRoomTests
{
    private const long Most = 100;

    private readonly ManualTime _time = new();
    private readonly BodyRoom _room;

    public BodyRoomTests() => _room = new BodyRoom(_time);

    [Fact]
    public async Task Room_is_taken_at_once_to_the_last_byte_and_given_back()
    {
        var first = TakeAsync(60);
        var second = TakeAsync(40);
        (first.IsCompleted, second.IsCompleted, _room.Taken).ShouldBe((true, true, 100L));
        (await first && await second).ShouldBeTrue();

        _room.GiveBack(60);
        _room.Taken.ShouldBe(40);
        _room.GiveBack(40);
        _room.Taken.ShouldBe(0);
    }

    [Fact]
    public async Task Who_finds_no_room_waits_in_order_of_arrival_until_it_is_given_back()
    {
        await TakeAsync(100);
        var first = TakeAsync(60);
        var second = TakeAsync(60);
        (first.IsCompleted, second.IsCompleted, _room.Taken).ShouldBe((false, false, 100L));

        _room.GiveBack(50);
        (first.IsCompleted, second.IsCompleted, _room.Taken).ShouldBe((false, false, 50L));
        _room.GiveBack(50);

        (await first).ShouldBeTrue();
        (second.IsCompleted, _room.Taken).ShouldBe((false, 60L));
        _room.GiveBack(60);
        (await second).ShouldBeTrue();
        _room.Taken.ShouldBe(60);
    }

    [Fact]
    public async Task A_piece_given_back_wakes_all_whom_it_is_enough_for()
    {
        await TakeAsync(100);
        var waiting = Enumerable.Range(0, 4).Select(_ => TakeAsync(30)).ToArray();

        _room.GiveBack(100);

        (await Task.WhenAll(waiting[..3])).ShouldBe([true, true, true]);
        (waiting[3].IsCompleted, _room.Taken).ShouldBe((false, 90L));
    }

    [Fact]
    public async Task A_small_body_that_fits_passes_a_large_one_that_does_not()
    {
        await TakeAsync(60);
        var large = TakeAsync(90);
        var medium = TakeAsync(50);

        (await TakeAsync(40)).ShouldBeTrue();

        (large.IsCompleted, medium.IsCompleted).ShouldBe((false, false));
        _room.GiveBack(60);
        (await medium).ShouldBeTrue("it fits, and the large one before it still does not");
        large.IsCompleted.ShouldBeFalse();
        _room.GiveBack(90);
        (await large).ShouldBeTrue();
        _room.Taken.ShouldBe(90);
    }

    [Fact]
    public async Task After_five_seconds_without_room_nothing_is_taken()
    {
        await TakeAsync(80);
        var waiter = TakeAsync(30);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        waiter.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.1));

        (await waiter).ShouldBeFalse();
        _room.Taken.ShouldBe(80);
        _room.GiveBack(80);
        _room.Taken.ShouldBe(0, "its turn does not come any more");
    }

    [Fact]
    public async Task Who_leaves_takes_nothing_away()
    {
        using var leaving = new CancellationTokenSource();
        await TakeAsync(80);
        var leaver = _room.TakeAsync(90, Most, leaving.Token).AsTask();
        var other = TakeAsync(90);

        await leaving.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(leaver);
        _room.Taken.ShouldBe(80);
        _room.GiveBack(80);
        (await other).ShouldBeTrue();
        _room.Taken.ShouldBe(90);
    }

    [Fact]
    public async Task What_all_take_is_exact_while_many_take_wait_leave_and_give_back()
    {
        var room = new BodyRoom(TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 2000; i++)
            {
                var bytes = random.Next(1, 61);
                using var leaving = new CancellationTokenSource();
                try
                {
                    var taking = room.TakeAsync(bytes, Most, leaving.Token).AsTask();
                    if (random.Next(3) == 0)
                    {
                        await leaving.CancelAsync();
                    }

                    (await taking).ShouldBeTrue();
                    room.Taken.ShouldBeInRange(bytes, Most);
                    await Task.Yield();
                    room.GiveBack(bytes);
                }
                catch (OperationCanceledException)
                {
                    room.Taken.ShouldBeInRange(0, Most);
                }
            }
        })));

        room.Taken.ShouldBe(0);
    }

    private Task<bool> TakeAsync(long bytes) => _room.TakeAsync(bytes, Most, TestContext.Current.CancellationToken).AsTask();
}
