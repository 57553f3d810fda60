using System.Security.Cryptography;
using System.Text;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Dashboard;

/// <summary>Keys that are made from <c>OPERATOR_KEY</c>, one for each purpose: replicas have the same, and with another operator's key all are others.</summary>
internal static class DashboardKey
{
    private const int Bytes = 32;

    /// <summary>Where there is no operator's key, nothing is signed that anybody could use.</summary>
    private static readonly byte[] None = RandomNumberGenerator.GetBytes(Bytes);

    public static byte[] For(GatewaySettings settings, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, settings.OperatorKey is { } key ? Encoding.UTF8.GetBytes(key.Reveal()) : None, Bytes, salt: "lumiku-gateway ops"u8.ToArray(), info: Encoding.UTF8.GetBytes(purpose));
}
