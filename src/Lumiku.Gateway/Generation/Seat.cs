using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation;

/// <summary>One caller's place in a flight.</summary>
internal sealed class Seat(Flight flight, CacheTerms terms) : IDisposable
{
    private TaskCompletionSource<GenerationResult?> _turn = NewTurn();

    public Flight Flight => flight;

    public CacheTerms Terms => terms;

    /// <summary>This one opens the flight: it reserves, and then either starts it or leaves that to the next in line.</summary>
    public bool IsOpener { get; set; }

    /// <summary>This one opened it, so it is charged.</summary>
    public bool HasOpened { get; set; }

    /// <summary>The result; or null where everybody before this one declined, so that it opens the flight now.</summary>
    public Task<GenerationResult?> Turn => _turn.Task;

    /// <summary>Ends the lease on the image, if one came.</summary>
    public void Dispose()
    {
        if (_turn.Task is { IsCompletedSuccessfully: true, Result.Lease: { } lease })
        {
            lease.Dispose();
        }
    }

    public void Answer(GenerationResult result)
    {
        BeginAnew();
        _turn.SetResult(result);
    }

    /// <summary>Its turn to open has come. It stays so until the flight starts or ends: whoever looks late must see it too.</summary>
    public void Promote()
    {
        IsOpener = true;
        _turn.SetResult(null);
    }

    /// <summary>From here on it is the result that this seat waits for.</summary>
    public void BeginAnew()
    {
        if (_turn.Task.IsCompleted)
        {
            _turn = NewTurn();
        }
    }

    /// <summary>A flight ends for all at once: whoever ends it must not run their continuations.</summary>
    private static TaskCompletionSource<GenerationResult?> NewTurn() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
