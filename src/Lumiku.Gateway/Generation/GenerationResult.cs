using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation;

/// <summary>How a generation ended: with an image or with a failure. All who wait for it get the very same, each with a lease of its own.</summary>
/// <param name="Model">The id of the model that made the image, or failed last.</param>
/// <param name="UpstreamTime">What its attempts took, with the waiting between them.</param>
internal sealed record GenerationResult(ImageLease? Lease, UpstreamFailure? Failure, string Model, TimeSpan UpstreamTime)
{
    public GeneratedImage? Image => Lease?.Image;

    /// <summary>Where a fallback's image was kept before; null where it was made now.</summary>
    public KeptImage? Kept { get; init; }

    /// <summary>The image was made by another flight: a fallback's that was under way.</summary>
    public bool IsShared { get; init; }

    /// <summary>What its opener is charged.</summary>
    public int Units { get; init; }

    /// <summary>The image is kept under its own key from now on.</summary>
    public bool IsStored { get; init; }

    /// <summary>The same for another holder.</summary>
    /// <returns>Null where the image is gone already.</returns>
    public GenerationResult? Share() => Lease is null ? this : Lease.Share() is { } lease ? this with { Lease = lease } : null;

    public static GenerationResult Failed(GenerationPlan plan, FailureClass kind) => Failed(plan, new UpstreamFailure(kind, Status: null));

    public static GenerationResult Failed(GenerationPlan plan, UpstreamFailure failure) => new(Lease: null, failure, plan.Model.Id, TimeSpan.Zero);

    public static GenerationResult OfKept(KeptImage kept) => new(kept.Lease, Failure: null, kept.Lease.Image.Model, TimeSpan.Zero) { Kept = kept, IsStored = true };
}
