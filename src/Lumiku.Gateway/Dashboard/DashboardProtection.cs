using System.Security.Cryptography;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.DataProtection;

namespace Lumiku.Gateway.Dashboard;

/// <summary>What Blazor puts into a page and reads back from it: sealed with a key made from the operator's, so that any replica can open it, also after a restart.</summary>
internal sealed class DashboardProtection(CurrentSettings settings, string purpose = "") : IDataProtector
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    public IDataProtector CreateProtector(string inner) => new DashboardProtection(settings, $"{purpose}\n{inner}");

    public byte[] Protect(byte[] plaintext)
    {
        var data = new byte[NonceBytes + TagBytes + plaintext.Length];
        RandomNumberGenerator.Fill(data.AsSpan(0, NonceBytes));
        using var cipher = Cipher();
        cipher.Encrypt(data.AsSpan(0, NonceBytes), plaintext, data.AsSpan(NonceBytes + TagBytes), data.AsSpan(NonceBytes, TagBytes));
        return data;
    }

    /// <exception cref="CryptographicException">It was not sealed here, nor by a gateway with the same key, for this purpose.</exception>
    public byte[] Unprotect(byte[] protectedData)
    {
        if (protectedData.Length < NonceBytes + TagBytes)
        {
            throw new CryptographicException("It is too short to have been sealed.");
        }

        var plain = new byte[protectedData.Length - NonceBytes - TagBytes];
        using var cipher = Cipher();
        cipher.Decrypt(protectedData.AsSpan(0, NonceBytes), protectedData.AsSpan(NonceBytes + TagBytes), protectedData.AsSpan(NonceBytes, TagBytes), plain);
        return plain;
    }

    private AesGcm Cipher() => new(DashboardKey.For(settings.Value, $"protection{purpose}"), TagBytes);
}
