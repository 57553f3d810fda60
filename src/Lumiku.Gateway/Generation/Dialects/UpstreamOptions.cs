using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>One upstream that models are served by. Bound from <c>Upstreams:{name}</c>.</summary>
internal sealed class UpstreamOptions
{
    /// <summary>The name of one of <c>ReverseProxy:Routes</c>, whose cluster and transforms hold; its path is the dialect's.
    /// Null: the one of the upstream's own name; for <c>hf-inference</c> the one that the request matches.</summary>
    public string? Route { get; init; }

    /// <summary>How it is spoken to: <c>hf-inference</c>, <c>openai-images</c>, <c>fal-ai</c>, <c>replicate</c> or <c>wavespeed</c>. Required.</summary>
    public string? Dialect { get; init; }

    /// <summary>Hosts that images are fetched from: a name, or <c>*.name</c> for all below it. Empty: an answer with an address instead of an image is a failure.</summary>
    public IReadOnlyList<string> ImageHosts { get; init; } = [];

    /// <summary>The organisation that Hugging Face bills (<c>X-HF-Bill-To</c>). Null: whose the token is.</summary>
    public string? BillTo { get; init; }

    /// <summary>How long an image may take there, from the order to the last byte. 1 s to 1 h. Null: as long as the generation's deadline allows.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How often an image that is being made is asked for. 0.1 s to 30 s; default 0.5 s.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>For <c>fal-ai</c>: orders go into its queue, and are asked after; else the connection is held until the image is made. Default true.</summary>
    public bool Queue { get; init; } = true;

    /// <summary>What it is sent, whatever the model.</summary>
    public ProviderRules Parameters { get; init; } = new();
}
