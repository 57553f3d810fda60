namespace Lumiku.HuggingFace.Simulator;

/// <summary>What a request wants.</summary>
public enum CallKind
{
    /// <summary>Nothing that is here.</summary>
    Nothing,

    /// <summary>A picture: the calls that scripts are for.</summary>
    Inference,

    /// <summary>To know what became of a picture asked for before, or to cancel that.</summary>
    Poll,

    /// <summary>To download a picture.</summary>
    Download,

    /// <summary>The Hub's mapping of a model to providers.</summary>
    Mapping,
}
