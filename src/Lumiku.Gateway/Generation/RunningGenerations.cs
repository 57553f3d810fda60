namespace Lumiku.Gateway.Generation;

/// <summary>How many generations run, and when there are none: what a stopping gateway waits for.</summary>
internal sealed class RunningGenerations
{
    private readonly Lock _lock = new();
    private int _count;
    private TaskCompletionSource? _empty;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <returns>Ends the generation when disposed.</returns>
    public IDisposable Begin()
    {
        lock (_lock)
        {
            _count++;
        }

        return new Registration(this);
    }

    /// <summary>Completes when none runs.</summary>
    public Task WhenNoneAsync()
    {
        lock (_lock)
        {
            return _count == 0 ? Task.CompletedTask : (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_count == 0)
            {
                _empty?.TrySetResult();
                _empty = null;
            }
        }
    }

    private sealed class Registration(RunningGenerations owner) : IDisposable
    {
        private int _isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                owner.End();
            }
        }
    }
}
