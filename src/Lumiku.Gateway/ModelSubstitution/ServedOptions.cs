namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>One upstream that makes a model's images. Bound from <c>Models:Catalog:{id}:Served</c>.</summary>
internal sealed class ServedOptions
{
    /// <summary>The name of an entry of <c>Upstreams</c>. Required.</summary>
    public string? Upstream { get; init; }

    /// <summary>What the model is called there. Null: as it is called here.</summary>
    public string? ProviderModelId { get; init; }

    /// <summary>What this upstream is sent for this model, beyond the upstream's own rules, over which these win.</summary>
    public ProviderRules Parameters { get; init; } = new();

    /// <summary>
    /// Pictures that it takes: the caller's name for one (<c>image</c>, <c>mask</c>, <c>control_image</c>, <c>input_id_images</c>) to the name there, with
    /// <c>[]</c> behind it for a list. Empty: none, and a request that brings one is not sent there.
    /// </summary>
    public Dictionary<string, string> Pictures { get; init; } = [];

    /// <summary>What it is paid for one image, in <c>Cost:Currency</c>. 0 to 1,000,000. Null: as the model says.</summary>
    public decimal? Price { get; init; }
}

/// <summary>How parameters, in Hugging Face's names, become a provider's.</summary>
/// <remarks>Applied in this order: Remove, Refuse, Maximum, MultipleOf, Default, then the size in its form, then Rename, then Set.</remarks>
internal sealed class ProviderRules : ParameterRules
{
    /// <summary>A request that carries one of these is not sent there.</summary>
    public IReadOnlyList<string> Refuse { get; init; } = [];

    /// <summary>Hugging Face's name to the provider's.</summary>
    public Dictionary<string, string> Rename { get; init; } = [];

    /// <summary>Always sent, under these very names: <c>true</c>, <c>false</c> and numbers as such, everything else as a text.</summary>
    public Dictionary<string, string> Set { get; init; } = [];

    /// <summary>How <c>width</c> and <c>height</c> are told. Null: as the dialect has it.</summary>
    public SizeForm? Size { get; init; }

    /// <summary>The name of the parameter that says in which format the image is to be. Empty: there is none. Null: as the dialect has it.</summary>
    public string? Format { get; init; }

    /// <summary>These rules, and where they say nothing those more general ones.</summary>
    public ProviderRules Over(ProviderRules general) => new()
    {
        Remove = [.. general.Remove.Where(name => !Rename.ContainsKey(name) && !Refuse.Contains(name)), .. Remove],
        Refuse = [.. general.Refuse.Where(name => !Rename.ContainsKey(name) && !Remove.Contains(name)), .. Refuse],
        Maximum = Over(Maximum, general.Maximum),
        MultipleOf = Over(MultipleOf, general.MultipleOf),
        Default = Over(Default, general.Default),
        Rename = Over(Rename, general.Rename),
        Set = Over(Set, general.Set),
        Size = Size ?? general.Size,
        Format = Format ?? general.Format,
    };

    private static Dictionary<string, T> Over<T>(Dictionary<string, T> specific, Dictionary<string, T> general)
    {
        Dictionary<string, T> both = new(general);
        foreach (var (name, value) in specific)
        {
            both[name] = value;
        }

        return both;
    }
}

/// <summary>How a provider is told the size of an image.</summary>
internal enum SizeForm
{
    /// <summary><c>"width": 1024, "height": 768</c>.</summary>
    WidthAndHeight,

    /// <summary><c>"size": "1024x768"</c>.</summary>
    SizeWithX,

    /// <summary><c>"size": "1024*768"</c>.</summary>
    SizeWithStar,

    /// <summary><c>"image_size": { "width": 1024, "height": 768 }</c>.</summary>
    ImageSize,

    /// <summary><c>"aspect_ratio": "4:3"</c> and <c>"megapixels"</c>, for the sizes that these make.</summary>
    AspectRatio,

    /// <summary>Not at all: a request that says one is not sent there.</summary>
    None,
}
