using System.Buffers;
using Lumiku.Gateway.ResponseCaching;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Generation;

/// <summary>What one attempt brought back, good or bad.</summary>
/// <param name="StatusCode">Upstream's; 0 where it gave none.</param>
/// <param name="Headers">Upstream's, those that we read or pass on.</param>
/// <param name="Buffer">What holds the body; null where it is no image's.</param>
/// <param name="Error">Why the exchange broke; None where it came to its end.</param>
/// <param name="IsTooLarge">The body was longer than <c>Limits:ImageBytes</c>.</param>
internal sealed record UpstreamAnswer(
    int StatusCode, IHeaderDictionary Headers, ReadOnlySequence<byte> Body, ImageBuffer? Buffer, ForwarderError Error, bool IsTooLarge)
{
    /// <summary>Null where nothing was answered.</summary>
    public int? Status => StatusCode == 0 ? null : StatusCode;

    /// <summary>No connection came about: the model surely did not run.</summary>
    public bool NeverLeft { get; init; }

    /// <summary>There is a destination that this generation has not tried, and that neither rests nor was found ill.</summary>
    public bool HasAnotherDestination { get; init; }

    /// <summary>Which was asked; null: none was.</summary>
    public string? Destination { get; init; }

    public static UpstreamAnswer Broken(ForwarderError error) => new(0, new HeaderDictionary(), default, null, error, IsTooLarge: false);
}
