namespace Lumiku.Gateway.InferenceRequests;

/// <summary>The memory that request bodies may take together (<c>Limits:BufferedBytes</c>), shared by all requests.</summary>
/// <remarks>
/// Who finds no room waits for it, in order of arrival; but a small body that fits does not wait behind a large one that does not: nearly
/// all are small, and they go on.
/// </remarks>
internal sealed class BodyRoom(TimeProvider time)
{
    /// <summary>How long a body waits for room; and what a caller who got none is told to wait.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private long _taken;

    /// <summary>Bytes that bodies take now.</summary>
    public long Taken
    {
        get
        {
            lock (_lock)
            {
                return _taken;
            }
        }
    }

    /// <param name="most">What all bodies may take together; one alone must fit in.</param>
    /// <returns>False where no room was to be had in time; nothing is taken then.</returns>
    /// <exception cref="OperationCanceledException">The caller left; nothing is taken.</exception>
    public ValueTask<bool> TakeAsync(long bytes, long most, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> waiter;
        lock (_lock)
        {
            if (_taken + bytes <= most)
            {
                _taken += bytes;
                return new(true);
            }

            waiter = _waiting.AddLast(new Waiter(bytes, most));
        }

        return WaitAsync(waiter, cancellationToken);
    }

    /// <summary>Takes room that is needed whether there is any or not; who comes later waits for it.</summary>
    public void Add(long bytes)
    {
        lock (_lock)
        {
            _taken += bytes;
        }
    }

    public void GiveBack(long bytes)
    {
        lock (_lock)
        {
            _taken -= bytes;
            for (var node = _waiting.First; node is not null;)
            {
                var (waiter, next) = (node, node.Next);
                if (_taken + waiter.Value.Bytes <= waiter.Value.Most)
                {
                    _taken += waiter.Value.Bytes;
                    _waiting.Remove(waiter);
                    waiter.Value.Turn.SetResult();
                }

                node = next;
            }
        }
    }

    private async ValueTask<bool> WaitAsync(LinkedListNode<Waiter> waiter, CancellationToken cancellationToken)
    {
        try
        {
            await waiter.Value.Turn.Task.WaitAsync(Patience, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return IsTaken(waiter);
        }
        catch (OperationCanceledException)
        {
            if (IsTaken(waiter))
            {
                GiveBack(waiter.Value.Bytes);
            }

            throw;
        }
    }

    /// <summary>Ends the waiting; true where the turn had come all the same.</summary>
    private bool IsTaken(LinkedListNode<Waiter> waiter)
    {
        lock (_lock)
        {
            if (waiter.List is null)
            {
                return true;
            }

            _waiting.Remove(waiter);
            return false;
        }
    }

    private sealed record Waiter(long Bytes, long Most)
    {
        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
