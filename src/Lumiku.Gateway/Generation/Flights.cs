using System.Collections.Concurrent;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation;

/// <summary>The flights of this process by what they make: equal requests find each other here.</summary>
internal sealed class Flights(TimeProvider time)
{
    private readonly ConcurrentDictionary<CacheKey, Flight> _flights = [];

    public int Count => _flights.Count;

    /// <summary>A place in the flight for this image, or in a new one.</summary>
    public Seat Board(CacheTerms terms)
    {
        // One that neither joins nor is joined.
        if (terms.IsPrivate)
        {
            return new Flight().Board(terms)!;
        }

        while (true)
        {
            var flight = _flights.GetOrAdd(terms.Key, static _ => new Flight());
            if (flight.Board(terms) is { } seat)
            {
                return seat;
            }

            // Given up at this very moment.
            _flights.TryRemove(new KeyValuePair<CacheKey, Flight>(terms.Key, flight));
        }
    }

    /// <summary>Somebody waits no longer, without the image.</summary>
    /// <returns>What the seat has been answered by then, with its own lease; null where the flight goes on, or never began.</returns>
    public GenerationResult? Leave(Seat seat)
    {
        if (!seat.Flight.Leave(seat, out var result))
        {
            Forget(seat.Terms.Key, seat.Flight);
        }

        return result;
    }

    /// <summary>Ends a flight: who waits gets the result, and a failure answers equal requests for a while.</summary>
    /// <returns>The claims of those who left without the image.</returns>
    public IReadOnlyCollection<ImageClaim> Land(CacheKey key, Flight flight, GenerationResult result, TimeSpan failureMemory)
    {
        if (result.Failure is null || failureMemory == TimeSpan.Zero)
        {
            Forget(key, flight);
        }
        else
        {
            _ = ForgetLaterAsync(key, flight, failureMemory);
        }

        return flight.Land(result);
    }

    private async Task ForgetLaterAsync(CacheKey key, Flight flight, TimeSpan after)
    {
        await Task.Delay(after, time, CancellationToken.None);
        Forget(key, flight);
    }

    private void Forget(CacheKey key, Flight flight) => _flights.TryRemove(new KeyValuePair<CacheKey, Flight>(key, flight));
}
