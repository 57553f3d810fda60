using System.Diagnostics;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway.Generation;

/// <summary>One generation and all who wait for it. It belongs to none of them.</summary>
/// <remarks>It begins with somebody who reserves for it. Where that is refused, the next in line tries; with nobody left, it never was.</remarks>
internal sealed class Flight
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Seat> _seats = new();
    private HashSet<ImageClaim>? _claims;
    private GenerationResult? _result;
    private bool _isClosed;
    private Action<int>? _abandonment;
    private bool _isAbandoned;

    /// <summary>Somebody has reserved for it; until then it may come to nothing.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Who opened it: has its units, its place at the model, and the blame where nobody waits for it.</summary>
    public Owner Owner { get; private set; }

    /// <summary>How its image comes about. Set before it starts.</summary>
    public ImageOrigin Origin { get; set; } = ImageOrigin.Unknown;

    /// <summary>When it began, as a timestamp of the clock, and how long it may take.</summary>
    public long Began { get; set; }

    /// <inheritdoc cref="Began"/>
    public TimeSpan Deadline { get; set; }

    /// <summary>Of the generation, once it runs.</summary>
    public Activity? Span { get; set; }

    /// <summary>What single requests to upstream have taken so far, together.</summary>
    public TimeSpan AskedFor { get; set; }

    /// <summary>What it makes. Set by the first who boards: equal requests have equal plans, up to the fallbacks, which are for that one's tier.</summary>
    public GenerationPlan? Plan { get; set; }

    /// <summary>What its bodies take of the memory for bodies; given back when it ends.</summary>
    public IDisposable? Room { get; set; }

    /// <summary>The trouble that it waits for to pass; null while upstream works on it. Callers whose time is up are told.</summary>
    public UpstreamFailure? Trouble { get; set; }

    /// <summary>For those who are told why they got what they got.</summary>
    public FlightStory Story { get; } = new();

    /// <summary>Takes a place: the first one opens.</summary>
    /// <returns>Null where the flight has been given up, or its image is gone; a new one has to be begun.</returns>
    public Seat? Board(CacheTerms terms)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return null;
            }

            if (_result is not null)
            {
                // It ended at this very moment, or failed a moment ago.
                if (_result.Share() is not { } shared)
                {
                    return null;
                }

                var late = new Seat(this, terms);
                late.Answer(shared);
                return late;
            }

            var seat = new Seat(this, terms) { IsOpener = _seats.Count == 0 && !HasStarted };

            // Whoever asks again has not left.
            _claims?.Remove(terms.Claim);
            _seats.AddLast(seat);
            TellAbandonment();
            return seat;
        }
    }

    /// <summary>The opener has reserved: from now on the flight goes on whoever leaves.</summary>
    /// <param name="abandonment">Is told 1 when nobody waits for it any more, and -1 when somebody does again, or it ends. Null: nobody minds.</param>
    public void Start(Seat opener, Owner owner, Action<int>? abandonment)
    {
        lock (_lock)
        {
            (Owner, _abandonment) = (owner, abandonment);
            (HasStarted, opener.IsOpener, opener.HasOpened) = (true, false, true);
            opener.BeginAnew();
        }
    }

    /// <summary>Somebody waits no longer, without the image. Where that is the opener, who was refused, the next in line opens.</summary>
    /// <param name="result">What the seat has been answered by then; null where the flight goes on, or never began.</param>
    /// <returns>False where nobody is left to open the flight: it is given up.</returns>
    public bool Leave(Seat seat, out GenerationResult? result)
    {
        lock (_lock)
        {
            result = null;
            if (_result is not null)
            {
                result = seat.Turn.Result;
                return true;
            }

            _seats.Remove(seat);
            if (!seat.IsOpener)
            {
                (_claims ??= []).Add(seat.Terms.Claim);
                TellAbandonment();
                return true;
            }

            seat.IsOpener = false;
            if (_seats.First is { } next)
            {
                next.Value.Promote();
                return true;
            }

            _isClosed = true;
            Room?.Dispose();
            return false;
        }
    }

    /// <summary>Ends the flight for all who wait.</summary>
    /// <param name="result">Its lease is the caller's, and must hold until this returns.</param>
    /// <returns>The claims of those who left without the image.</returns>
    public IReadOnlyCollection<ImageClaim> Land(GenerationResult result)
    {
        lock (_lock)
        {
            _result = result;
            Story.HasEnded = true;
            foreach (var seat in _seats)
            {
                seat.IsOpener = false;
                seat.Answer(result.Share()!);
            }

            _seats.Clear();
            TellAbandonment();
            // A failure is remembered, and an image read, without the bodies that were sent for it.
            Plan = Plan?.WithoutBodies();
            Room?.Dispose();
            return _claims ?? (IReadOnlyCollection<ImageClaim>)[];
        }
    }

    private void TellAbandonment()
    {
        var isAbandoned = HasStarted && _result is null && _seats.Count == 0;
        if (isAbandoned != _isAbandoned)
        {
            _isAbandoned = isAbandoned;
            _abandonment?.Invoke(isAbandoned ? 1 : -1);
        }
    }
}
