using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>What became of an image that upstream answered with the URL of.</summary>
/// <param name="Image">Not null where <paramref name="End"/> is <see cref="FetchEnd.Done"/>, and then the receiver's: to be leased, or given back. Nobody has looked yet whether it is an image.</param>
/// <param name="Flaw">What is wrong, as the end of a sentence that begins with "the image's URL"; null where all is well. It names a host at most, never a path, a query or credentials.</param>
internal sealed record FetchedImage(ImageBuffer? Image, string? Flaw, FetchEnd End);

internal enum FetchEnd
{
    Done,

    /// <summary>A rule was broken by the URL, by where it redirects or by where its host name leads: nothing was sent there.</summary>
    Forbidden,

    /// <summary>403, 404 or 410: such URLs expire.</summary>
    Gone,

    /// <summary>No connection, an error or half an image, more than once where that may pass.</summary>
    Failed,

    TooLarge,

    /// <summary>The time of a fetch was up, or nothing came for too long.</summary>
    TimedOut,
}
