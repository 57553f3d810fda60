using Lumiku.Gateway.Generation;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>What a generation went through: the same for all who wait for its image.</summary>
internal sealed class FlightStory
{
    /// <summary>The first ones and the last ones are kept.</summary>
    private const int MostAtEachEnd = 8;

    private readonly Lock _lock = new();
    private readonly List<AttemptStory> _attempts = [];

    /// <summary>Another replica had the image made; the attempts are told there.</summary>
    public bool IsOfAnotherReplica { get; set; }

    public bool HasEnded { get; set; }

    /// <summary>Attempts that are not kept.</summary>
    public int LeftOut { get; private set; }

    public FallbackStory? Fallback { get; private set; }

    public IReadOnlyList<AttemptStory> Attempts
    {
        get
        {
            lock (_lock)
            {
                return [.. _attempts];
            }
        }
    }

    /// <param name="now">A timestamp of the clock.</param>
    public void Begin(string model, string upstream, long now) => Add(new AttemptStory(model, upstream, now));

    /// <summary>Its breaker is open.</summary>
    public void Skip(string model, string upstream, long now) => Add(new AttemptStory(model, upstream, now) { Ended = now, IsSkipped = true });

    public void Answered(Exchange exchange, GenerationPlan plan) => Change(attempt => attempt with
    {
        Destination = exchange.Answer?.Destination,
        Status = exchange.Answer?.Status,
        Failure = exchange.Failure?.Class,
        Said = Quotations.Mask(exchange.Failure?.Message, plan.Request),
        Flaw = exchange.Failure?.Flaw,
        Polls = exchange.Polls,
        FetchedFrom = exchange.FetchedFrom,
    });

    /// <param name="failure">Why there is no image, where there was no answer either.</param>
    public void End(long now, UpstreamFailure? failure) => Change(attempt => attempt with { Ended = now, Failure = failure?.Class });

    /// <summary>After a wait, if the trouble is over by then.</summary>
    public void AskAgain() => Change(attempt => attempt with { IsAskedAgain = true });

    /// <param name="failure">Null: the breaker of the model that was to serve is open.</param>
    public void FallBack(GenerationPlan fallback, FailureClass? failure) => Fallback = new FallbackStory(fallback.Model.Id, failure, fallback.Request.ChangedParameters, Flight: null);

    /// <summary>The fallback's image is made by a flight of its own.</summary>
    public void Follow(FlightStory flight) => Fallback = Fallback! with { Flight = flight };

    private void Add(AttemptStory attempt)
    {
        lock (_lock)
        {
            if (_attempts.Count == 2 * MostAtEachEnd)
            {
                _attempts.RemoveAt(MostAtEachEnd);
                LeftOut++;
            }

            _attempts.Add(attempt);
        }
    }

    private void Change(Func<AttemptStory, AttemptStory> change)
    {
        lock (_lock)
        {
            _attempts[^1] = change(_attempts[^1]);
        }
    }
}

/// <param name="Began">As a timestamp of the clock, as is <see cref="Ended"/>.</param>
internal sealed record AttemptStory(string Model, string Upstream, long Began)
{
    /// <summary>Nobody was asked: the breaker is open.</summary>
    public bool IsSkipped { get; init; }

    /// <summary>How often the image was asked after once it was ordered.</summary>
    public int Polls { get; init; }

    /// <summary>The host that the image was fetched from; null: it came with the answer.</summary>
    public string? FetchedFrom { get; init; }

    /// <summary>Null: it is under way.</summary>
    public long? Ended { get; init; }

    public string? Destination { get; init; }

    public int? Status { get; init; }

    /// <summary>Null: it brought an image.</summary>
    public FailureClass? Failure { get; init; }

    /// <summary>Upstream's words, without secrets and without the caller's own.</summary>
    public string? Said { get; init; }

    public string? Flaw { get; init; }

    public bool IsAskedAgain { get; init; }
}

/// <param name="Flight">Null: its attempts are among those of the flight that fell back, or its image was kept.</param>
internal sealed record FallbackStory(string Model, FailureClass? Because, IReadOnlyList<string> ChangedParameters, FlightStory? Flight);
