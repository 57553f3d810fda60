using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>One model at one upstream: whom to ask, under which name, and with which parameters.</summary>
/// <param name="Upstream">Its name in <c>Upstreams</c>.</param>
/// <param name="ModelId">What the model is called there.</param>
/// <param name="Rules">The dialect's, the upstream's and the model's own, in one.</param>
internal sealed record Serving(string Upstream, UpstreamOptions Options, IDialect Dialect, string ModelId, ProviderRules Rules, ServedOptions Served)
{
    /// <summary>The name of the YARP route; null: the one that the request matches.</summary>
    public string? Route => Options.Route ?? (Dialect is HfInferenceDialect ? null : Upstream);

    /// <summary>How the size is told. Where <c>Set</c> says it, it is the same for all requests.</summary>
    public SizeForm Size => PictureSize.NamesIn(Form).Any(name => Rules.Set.Keys.Contains(name, StringComparer.OrdinalIgnoreCase)) ? SizeForm.None : Form;

    private SizeForm Form => Rules.Size ?? SizeForm.WidthAndHeight;
}
