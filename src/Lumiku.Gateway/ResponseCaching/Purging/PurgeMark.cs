using System.Text.Json.Serialization;
using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>What a purge names and an image bears: its <c>ETag</c>, the model that made it, whose it is, the request that had it made.</summary>
/// <param name="Text">As Redis has it: of a user or a request a hash, never the id.</param>
internal readonly record struct PurgeMark(string Text)
{
    private const string RequestKind = "request:";

    /// <summary>A request is found by what it was answered with, too.</summary>
    [JsonIgnore]
    public bool IsOfRequest => Text.StartsWith(RequestKind, StringComparison.Ordinal);

    public static PurgeMark OfRequest(string id) => new(RequestKind + HashOf(id));

    public static PurgeMark OfETag(string etag) => new($"etag:{etag}");

    public static PurgeMark OfModel(string id) => new($"model:{id.ToLowerInvariant()}");

    public static PurgeMark OfOwner(Owner owner) => new($"owner:{HashOf(owner.ToString())}");

    private static string HashOf(string text) => TextDigest.Of(text, digits: 32);
}

/// <summary>An operator's word that images of a mark are not to be kept any more.</summary>
/// <param name="Number">Higher than that of each one before.</param>
/// <param name="Root">The number of the purge that it is a part of; its own where it was asked for.</param>
internal readonly record struct Purge(long Number, long Root, PurgeMark Mark);
