using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Names an image by all that decides what it looks like: a SHA-256, so two requests never share one by accident or design.</summary>
/// <remarks>Nothing is in it that is not written here: a default key, or a part that everybody forgot, is how caches leak.</remarks>
internal readonly record struct CacheKey
{
    /// <summary>Changes with whatever is hashed or how, so that two releases never read each other's images wrongly.</summary>
    private const string Version = "lumiku image 1";

    private const string ClaimVersion = "lumiku claim 1";

    private readonly Digest _digest;

    private CacheKey(ReadOnlySpan<byte> fields) => SHA256.HashData(fields, _digest);

    private CacheKey(Digest digest) => _digest = digest;

    /// <param name="request">Its path names the served model and the task; its body is in the canonical form.</param>
    /// <param name="accept">The media type that is asked for.</param>
    /// <param name="owner">Whose image it is; null: everybody's.</param>
    public static CacheKey Of(UpstreamRequest request, string accept, string? owner)
    {
        Span<byte> body = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(request.Body.Span, body);
        return Of([Version, request.Path, request.MediaType ?? "", accept, owner is null ? "" : $"of {owner}"], body);
    }

    /// <summary>The key under which an image of this key waits for one owner alone.</summary>
    public CacheKey For(string owner) => Of([ClaimVersion, owner], _digest);

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out CacheKey key)
    {
        Digest digest = default;
        var isOne = Convert.FromHexString(text, digest, out var consumed, out var written) == OperationStatus.Done && consumed == text.Length && written == SHA256.HashSizeInBytes;
        key = isOne ? new CacheKey(digest) : default;
        return isOne;
    }

    /// <inheritdoc/>
    public bool Equals(CacheKey other) => ((ReadOnlySpan<byte>)_digest).SequenceEqual(other._digest);

    /// <inheritdoc/>
    public override int GetHashCode() => MemoryMarshal.Read<int>(_digest);

    /// <inheritdoc/>
    public override string ToString() => Convert.ToHexStringLower(_digest);

    /// <summary>Each field with its length before it, so that no two lists of fields have the same bytes.</summary>
    private static CacheKey Of(ReadOnlySpan<string> fields, ReadOnlySpan<byte> digest)
    {
        var length = digest.Length;
        foreach (var field in fields)
        {
            length += sizeof(int) + Encoding.UTF8.GetByteCount(field);
        }

        byte[]? rented = null;
        Span<byte> bytes = length <= 512 ? stackalloc byte[512] : rented = ArrayPool<byte>.Shared.Rent(length);
        var rest = bytes;
        foreach (var field in fields)
        {
            var written = Encoding.UTF8.GetBytes(field, rest[sizeof(int)..]);
            BinaryPrimitives.WriteInt32LittleEndian(rest, written);
            rest = rest[(sizeof(int) + written)..];
        }

        digest.CopyTo(rest);
        var key = new CacheKey(bytes[..length]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return key;
    }

    [InlineArray(SHA256.HashSizeInBytes)]
    private struct Digest
    {
        private byte _first;
    }
}
