using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.Generation;

/// <summary>The generations that a model may have under way at once (<c>ConcurrentGenerations</c>), shared by all callers.</summary>
/// <remarks>
/// Beyond that they wait. The next place goes to the owner with the fewest generations under way at this model; among those, to the one who
/// has waited longest since a turn of its own: many requests of one user do not hold up another's first.
/// </remarks>
/// <param name="mostOf">A model's limit by the settings in force, by which all generations go, whatever they began with; null: none.</param>
internal sealed class ModelPlaces(Func<string, int?> mostOf, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Line> _lines = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Models that have generations under way.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _lines.Count;
            }
        }
    }

    /// <param name="patience">How long a place is waited for.</param>
    /// <param name="waits">Called where there is none at once.</param>
    /// <returns>The place, to be disposed; null where there was none in time.</returns>
    /// <exception cref="OperationCanceledException">Nothing is held then.</exception>
    public async ValueTask<IDisposable?> EnterAsync(string model, Owner owner, TimeSpan patience, Action waits, CancellationToken cancellationToken)
    {
        Line line;
        Waiter waiter;
        lock (_lock)
        {
            if (!_lines.TryGetValue(model, out line!))
            {
                _lines.Add(model, line = new Line());
            }

            waiter = line.Join(owner);
            LetIn(model, line);
        }

        var place = new Place(this, model, owner);
        if (waiter.Turn.Task.IsCompleted)
        {
            return place;
        }

        waits();
        try
        {
            await waiter.Turn.Task.WaitAsync(patience, time, cancellationToken);
            return place;
        }
        catch (TimeoutException)
        {
            return HasLeft(line, waiter) ? null : place;
        }
        catch (OperationCanceledException)
        {
            if (!HasLeft(line, waiter))
            {
                place.Dispose();
            }

            throw;
        }
    }

    /// <summary>Ends the waiting; false where the turn had come all the same.</summary>
    private bool HasLeft(Line line, Waiter waiter)
    {
        // The line stays: somebody has a place, or nobody would wait.
        lock (_lock)
        {
            return line.Leave(waiter);
        }
    }

    private void Free(string model, Owner owner)
    {
        lock (_lock)
        {
            var line = _lines[model];
            line.Free(owner);
            LetIn(model, line);
            if (line.IsEmpty)
            {
                _lines.Remove(model);
            }
        }
    }

    private void LetIn(string model, Line line) => line.LetIn(mostOf(model) ?? int.MaxValue);

    private sealed class Place(ModelPlaces places, string model, Owner owner) : IDisposable
    {
        private int _isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                places.Free(model, owner);
            }
        }
    }

    private sealed record Waiter(Owner Owner)
    {
        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>One model's generations: those under way by owner, and those in line, by owner too.</summary>
    private sealed class Line
    {
        private readonly Dictionary<Owner, int> _running = [];
        private readonly LinkedList<(Owner Owner, LinkedList<Waiter> Waiters)> _waiting = new();
        private int _total;

        public bool IsEmpty => _total == 0 && _waiting.Count == 0;

        public Waiter Join(Owner owner)
        {
            var waiter = new Waiter(owner);
            if (Find(owner) is { } node)
            {
                node.Value.Waiters.AddLast(waiter);
            }
            else
            {
                _waiting.AddLast((owner, new LinkedList<Waiter>([waiter])));
            }

            return waiter;
        }

        public void LetIn(int most)
        {
            while (_total < most && Next() is { } next)
            {
                var (owner, waiters) = next.Value;
                var waiter = waiters.First!.Value;
                waiters.RemoveFirst();
                _waiting.Remove(next);
                if (waiters.Count > 0)
                {
                    _waiting.AddLast(next);
                }

                _running[owner] = _running.GetValueOrDefault(owner) + 1;
                _total++;
                waiter.Turn.SetResult();
            }
        }

        public bool Leave(Waiter waiter)
        {
            if (Find(waiter.Owner) is not { } node || !node.Value.Waiters.Remove(waiter))
            {
                return false;
            }

            if (node.Value.Waiters.Count == 0)
            {
                _waiting.Remove(node);
            }

            return true;
        }

        public void Free(Owner owner)
        {
            _total--;
            if (--_running[owner] == 0)
            {
                _running.Remove(owner);
            }
        }

        private LinkedListNode<(Owner Owner, LinkedList<Waiter> Waiters)>? Find(Owner owner)
        {
            var node = _waiting.First;
            while (node is not null && node.Value.Owner != owner)
            {
                node = node.Next;
            }

            return node;
        }

        /// <summary>The first of those with the fewest under way.</summary>
        private LinkedListNode<(Owner Owner, LinkedList<Waiter> Waiters)>? Next()
        {
            var (best, fewest) = (_waiting.First, int.MaxValue);
            for (var node = _waiting.First; node is not null && fewest > 0; node = node.Next)
            {
                var running = _running.GetValueOrDefault(node.Value.Owner);
                if (running < fewest)
                {
                    (best, fewest) = (node, running);
                }
            }

            return best;
        }
    }
}
