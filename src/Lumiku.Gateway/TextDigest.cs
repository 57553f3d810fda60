using System.Security.Cryptography;
using System.Text;

namespace Lumiku.Gateway;

/// <summary>The SHA-256 of a text: what stands for an id or a key where neither may be.</summary>
internal static class TextDigest
{
    /// <param name="digits">How many hex digits of it, in lower case: an even number, at most 64.</param>
    public static string Of(string text, int digits = 64) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, digits / 2));
}
