namespace Lumiku.Gateway.Generation;

/// <summary>One model's trouble, from the first failure to the verdict that it is over.</summary>
/// <remarks>
/// After a time the next in line asks the model. If it is loaded, all go on. If it was overloaded, three go on for each that succeeds: all
/// at once would overload it again. Who waits and nobody asks: when the time is up with nobody in line, the trouble is forgotten.
/// </remarks>
/// <param name="over">Called once, when the trouble is over.</param>
internal sealed class ModelTrouble(TimeProvider time, Random random, Action<ModelTrouble> over)
{
    /// <summary>How many go on for each success after an overload.</summary>
    private const int Followers = 3;

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);

    /// <summary>An estimate of minutes is often wrong by minutes.</summary>
    private static readonly TimeSpan LongestEstimate = TimeSpan.FromSeconds(30);

    /// <summary>No generation is longer, and no timer endless.</summary>
    private static readonly TimeSpan LongestWord = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource<Pass>> _line = new();
    private UpstreamFailure? _failure;
    private ITimer? _timer;
    private long _probeAt;
    private int _failed;
    private int _leave;
    private bool _isOver;

    /// <summary>What was heard of it last; null before it begins.</summary>
    public UpstreamFailure? Failure => Volatile.Read(ref _failure);

    /// <summary>Begins the trouble, or adds one that was under way before it was known.</summary>
    /// <returns>False where it is over already.</returns>
    public bool TryAdd(UpstreamFailure failure)
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return false;
            }

            if (_failure is null)
            {
                Schedule(failure);
            }

            return true;
        }
    }

    public ValueTask<Pass> EnterAsync(Func<FailureClass, TimeSpan> patience, CancellationToken deadline)
    {
        TimeSpan left;
        LinkedListNode<TaskCompletionSource<Pass>> place;
        lock (_lock)
        {
            // Over, or not yet begun.
            if (_isOver || _failure is null)
            {
                return new(Pass.Free);
            }

            // Waiting beyond the patience would be for nothing.
            left = patience(_failure.Class);
            if (_leave == 0 && time.GetElapsedTime(time.GetTimestamp(), _probeAt) > left)
            {
                return new(new Pass(null, _failure));
            }

            place = _line.AddLast(new TaskCompletionSource<Pass>(TaskCreationOptions.RunContinuationsAsynchronously));
            LetGo();
        }

        return WaitAsync(place, left, deadline);
    }

    /// <summary>The verdict of one that was let go.</summary>
    /// <returns>False where another has ended the trouble meanwhile: what this one found is no longer of it.</returns>
    public bool ReportProbe(UpstreamFailure? failure)
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return false;
            }

            if (failure is { IsTrouble: true })
            {
                // That was the once more, for all who wait.
                var wasOnceMore = _failure!.Repeat == RepeatRule.Once && failure.Repeat == RepeatRule.Once;
                Schedule(failure);
                if (wasOnceMore)
                {
                    AnswerAll(new Pass(null, failure));
                }
            }
            else if (failure is { Class: FailureClass.Timeout or FailureClass.Unreachable or FailureClass.Account or FailureClass.RateLimited })
            {
                // Says nothing of the model.
                Schedule(_failure!);
            }
            else if (_failure!.Class == FailureClass.Loading || _line.Count == 0)
            {
                End();
            }
            else
            {
                _leave += Followers;
                LetGo();
            }

            return true;
        }
    }

    private async ValueTask<Pass> WaitAsync(LinkedListNode<TaskCompletionSource<Pass>> place, TimeSpan patience, CancellationToken deadline)
    {
        try
        {
            return await place.Value.Task.WaitAsync(patience, time, deadline);
        }
        catch (TimeoutException)
        {
            return IsAnswered(place) ? await place.Value.Task : new Pass(null, _failure);
        }
        catch (OperationCanceledException)
        {
            if (IsAnswered(place))
            {
                GiveBack(await place.Value.Task);
            }

            throw;
        }
    }

    /// <summary>Leaves the line; true where an answer had come all the same.</summary>
    private bool IsAnswered(LinkedListNode<TaskCompletionSource<Pass>> place)
    {
        lock (_lock)
        {
            if (place.List is null)
            {
                return true;
            }

            _line.Remove(place);
            return false;
        }
    }

    private void GiveBack(Pass pass)
    {
        lock (_lock)
        {
            if (pass.Trouble is not null && !_isOver)
            {
                _leave++;
                LetGo();
            }
        }
    }

    private void LetGo()
    {
        while (_leave > 0 && _line.First is { } next)
        {
            _leave--;
            _line.RemoveFirst();
            next.Value.SetResult(new Pass(this, null, IsOnceMore: _failure!.Repeat == RepeatRule.Once));
        }
    }

    private void Schedule(UpstreamFailure failure)
    {
        _failure = failure;
        _failed++;
        _leave = 0;
        var wait = WaitFor(failure);
        _probeAt = time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency);
        _timer?.Dispose();
        _timer = time.CreateTimer(_ => Probe(), null, wait, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Retry-After is upstream's word, and never cut short; an estimate and our own guess are hints.</summary>
    private TimeSpan WaitFor(UpstreamFailure failure)
    {
        if (failure.RetryAfter is { } word)
        {
            return random.Beyond(Min(word, LongestWord));
        }

        var guess = FirstWait * Math.Pow(2, Math.Min(_failed - 1, 10));
        var hint = failure.EstimatedTime is { } estimate && _failed == 1 ? Min(estimate, LongestEstimate) : Min(guess, LongestWait);
        return random.Around(hint);
    }

    private void Probe()
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return;
            }

            if (_line.Count == 0)
            {
                End();
                return;
            }

            _leave = 1;
            LetGo();
        }
    }

    private void End()
    {
        _isOver = true;
        _timer?.Dispose();
        AnswerAll(Pass.Free);
        over(this);
    }

    private void AnswerAll(Pass pass)
    {
        foreach (var waiting in _line)
        {
            waiting.SetResult(pass);
        }

        _line.Clear();
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
