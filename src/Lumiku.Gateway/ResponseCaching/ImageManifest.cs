using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lumiku.Gateway.ResponseCaching.Purging;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>What an image's pieces in Redis must add up to. A release may add members: others read past them, and where they are missing they are null.</summary>
/// <param name="Writing">Names the pieces of this writing.</param>
/// <param name="Checksum">The image's <c>ETag</c>, which is a hash of its bytes.</param>
/// <param name="Claimant">For whom alone it waits; null: for nobody in particular.</param>
internal sealed record ImageManifest(
    string Writing,
    long Length,
    string Checksum,
    string MediaType,
    int Width,
    int Height,
    string Model,
    TimeSpan Lifetime,
    IReadOnlyList<KeyValuePair<string, string>> UpstreamHeaders,
    ImageOrigin? Origin,
    PurgeMark? Claimant)
{
    public const int PieceSize = 64 * 1024;

    /// <summary>The name of the upstream that made it; null where another release wrote it.</summary>
    public string? Upstream { get; init; }

    /// <summary>No image is larger (<c>Limits:ImageBytes</c>).</summary>
    private const long MostBytes = 268_435_456;

    private const int HashBytes = 16;

    public IEnumerable<string> PieceKeys(string prefix) => Enumerable.Range(0, (int)((Length + PieceSize - 1) / PieceSize)).Select(index => $"{prefix}{Writing}:{index}");

    public bool IsPurged(PurgeList purges) => purges.Concerns(Model, Checksum, Origin ?? ImageOrigin.Unknown, Claimant);

    /// <summary>A hash of the rest comes first.</summary>
    public byte[] Write()
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, ImageManifestJson.Default.ImageManifest);
        return [.. XxHash128.Hash(json), .. json];
    }

    /// <returns>Null where it is none of ours.</returns>
    public static ImageManifest? Parse(byte[] bytes)
    {
        if (bytes.Length <= HashBytes || !XxHash128.Hash(bytes.AsSpan(HashBytes)).AsSpan().SequenceEqual(bytes.AsSpan(0, HashBytes)))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(bytes.AsSpan(HashBytes), ImageManifestJson.Default.ImageManifest) is { Length: > 0 and <= MostBytes, Writing: not null, Checksum: not null, MediaType: not null, Model: not null, UpstreamHeaders: not null } manifest
                ? manifest : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(ImageManifest))]
internal sealed partial class ImageManifestJson : JsonSerializerContext;
