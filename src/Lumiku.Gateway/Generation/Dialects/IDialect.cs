using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>How one kind of upstream is asked for an image, and how it gives it. Knows nothing of attempts, money or callers.</summary>
internal interface IDialect
{
    /// <summary>As settings name it.</summary>
    public string Name { get; }

    /// <summary>What holds for every model that is served this way, unless settings say otherwise.</summary>
    public ProviderRules Rules { get; }

    /// <summary>
    /// Names of an order that say whom is asked and how the answer comes. The gateway says them itself, or relies on nobody's saying them: a caller's are refused.
    /// </summary>
    public IReadOnlyList<string> OwnNames { get; }

    /// <summary>What its errors mean, before what is known of Hugging Face.</summary>
    public IReadOnlyList<FailureRule> FailureRules { get; }

    /// <summary>The first request.</summary>
    /// <param name="accept">The media type that the image is wanted in.</param>
    /// <exception cref="RefusedParameterException">It cannot be asked for there.</exception>
    public UpstreamCall Order(UpstreamRequest request, string accept, Serving serving);

    /// <summary>What an answer with status 200 to 299 leads to.</summary>
    /// <param name="asked">The request that it answers.</param>
    /// <param name="limit">No image is larger, in bytes.</param>
    public DialectStep Read(UpstreamCall asked, UpstreamAnswer answer, Serving serving, int limit);
}

/// <summary>One request to an upstream.</summary>
/// <param name="Path">Below the address of the destination.</param>
internal sealed record UpstreamCall(string Method, string Path, string Accept)
{
    /// <summary>With its question mark; empty: none.</summary>
    public string Query { get; init; } = "";

    /// <summary>Of the body; null where there is none.</summary>
    public string? MediaType { get; init; }

    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The answer is the image itself, and not JSON that has it.</summary>
    public bool GivesImage { get; init; }

    /// <summary><c>Prefer</c>; null: not sent.</summary>
    public string? Prefer { get; init; }

    /// <summary>A failure of it is the image's, and no trouble with asking.</summary>
    public bool IsOutcome { get; init; }

    /// <summary>A repetition does no harm: the image is asked after, not ordered.</summary>
    public bool IsPoll => Method == HttpMethods.Get;

    public static UpstreamCall Poll(string path, string query = "") => new(HttpMethods.Get, path, "application/json") { Query = query };

    public static UpstreamCall PostJson(string path, ReadOnlyMemory<byte> body) => new(HttpMethods.Post, path, "application/json") { MediaType = "application/json", Body = body };
}

/// <summary>What follows from an answer.</summary>
internal abstract record DialectStep
{
    /// <summary>There it is, or what ought to be it: nobody has looked at it yet.</summary>
    internal sealed record Made(ImageBuffer Image) : DialectStep;

    /// <summary>The image lies at an address.</summary>
    internal sealed record At(string Url) : DialectStep;

    /// <summary>It is being made: to be asked after in a while.</summary>
    internal sealed record Later(UpstreamCall Next) : DialectStep;

    /// <summary>It is made, or not: to be asked at once.</summary>
    internal sealed record Now(UpstreamCall Next) : DialectStep;

    /// <summary>It will not be made, or not here.</summary>
    /// <param name="Status">As which status it counts.</param>
    /// <param name="Message">What upstream said; empty: nothing.</param>
    internal sealed record Failed(int Status, string Message) : DialectStep;

    /// <summary>Asking after the image failed, whatever HTTP's status says: nothing is known of the image.</summary>
    /// <inheritdoc cref="Failed"/>
    internal sealed record AskedInVain(int Status, string Message) : DialectStep;

    /// <summary>The answer makes no sense.</summary>
    /// <param name="Flaw">The rest of a sentence that begins with “its answer”.</param>
    internal sealed record Flawed(string Flaw) : DialectStep;
}
