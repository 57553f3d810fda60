namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>Bound from <c>Models</c>.</summary>
internal sealed class ModelsOptions
{
    /// <summary>What becomes of models that the catalog does not have. Default: they go upstream as written.</summary>
    public UnlistedModels Unlisted { get; init; } = UnlistedModels.Allow;

    /// <summary>Models by id, matched without regard to case. An empty object binds as null: a model without rules.</summary>
    public Dictionary<string, ModelOptions?> Catalog { get; init; } = [];
}

internal enum UnlistedModels
{
    /// <summary>Sent upstream as written: an image.</summary>
    Allow,

    /// <summary>404 <c>model-not-offered</c>.</summary>
    Deny,
}

internal enum ModelOutput
{
    /// <summary>A picture: checked, and asked for as exactly one media type.</summary>
    Image,

    /// <summary>Streamed through with the caller's own Accept.</summary>
    Json,

    /// <inheritdoc cref="Json"/>
    Audio,
}

/// <summary>One model. Bound from <c>Models:Catalog:{id}</c>.</summary>
internal sealed class ModelOptions
{
    /// <summary>The entitlement that a tier needs for it. Null: every tier has it.</summary>
    public string? Requires { get; init; }

    /// <summary>The model that serves a tier without <see cref="Requires"/>. Null: such a tier gets 403.</summary>
    public string? Substitute { get; init; }

    /// <summary>The model that makes the image where this one cannot, for tiers that may have it. Null: none does.</summary>
    public string? Fallback { get; init; }

    /// <summary>On which trouble the fallback is asked. Absent: <see cref="DefaultFallbackOn"/>.</summary>
    public IReadOnlyList<FailureClass>? FallbackOn { get; init; }

    /// <summary>Where upstream surely made no image and will not soon.</summary>
    public static readonly IReadOnlyList<FailureClass> DefaultFallbackOn = [FailureClass.Gone, FailureClass.Account, FailureClass.Overloaded];

    /// <summary>What one image costs of a quota. 0 to 10,000; default 1.</summary>
    public int Units { get; init; } = 1;

    /// <summary>What upstream is paid for one image, in <c>Cost:Currency</c>. 0 to 1,000,000. Null: its units at <c>Cost:PerUnit</c>.</summary>
    public decimal? Price { get; init; }

    /// <summary>How long its images are kept for equal requests. 0 keeps none; up to 365 days; default 1 day.</summary>
    public TimeSpan CacheFor { get; init; } = TimeSpan.FromDays(1);

    public ModelOutput Output { get; init; } = ModelOutput.Image;

    /// <summary>How long a caller waits for this model's picture. Null: <c>Generation:WaitLimit</c>. 1 s to 1 h.</summary>
    public TimeSpan? WaitLimit { get; init; }

    /// <summary>How many of its generations may be under way at once, whoever asked; beyond that they wait. 1 to 10,000. Null: as many as come.</summary>
    public int? ConcurrentGenerations { get; init; }

    /// <summary>The media types its images come in; a caller who asks for another gets the first. Empty: whichever is asked for.</summary>
    public IReadOnlyList<string> Formats { get; init; } = [];

    /// <summary>Who makes its images, in this order: the next is asked where one fails. Empty: the upstream of the route that the request matches.</summary>
    public IReadOnlyList<ServedOptions> Served { get; init; } = [];

    /// <summary>After which trouble the next of <see cref="Served"/> is asked. Absent: <see cref="DefaultNextOn"/>.</summary>
    public IReadOnlyList<FailureClass>? NextOn { get; init; }

    /// <summary>Where no image came of it that has to be paid for, and another upstream may do better. Without a connection the next is always asked.</summary>
    public static readonly IReadOnlyList<FailureClass> DefaultNextOn =
        [FailureClass.Gone, FailureClass.Account, FailureClass.RateLimited, FailureClass.Loading, FailureClass.Overloaded, FailureClass.ParameterRefused, FailureClass.Failed];

    /// <summary>What upstream is sent for this model.</summary>
    public ParameterRules Parameters { get; init; } = new();
}
