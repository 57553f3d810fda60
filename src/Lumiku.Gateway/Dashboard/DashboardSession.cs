using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Dashboard;

/// <summary>The cookie that stands for the operator's key while a page is open: when it ends, a random part, and a signature over both.</summary>
/// <remarks>Nothing is kept of it. Every replica with the same operator's key takes it, and none with another one.</remarks>
internal static class DashboardSession
{
    public const string CookieName = "lumiku-ops";

    /// <summary>After which the key is asked for again. A page that is open then loads anew, and browsers send the key that they were given by themselves.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    public static string Begin(GatewaySettings settings, DateTimeOffset now)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{(now + Lifetime).ToUnixTimeSeconds()}.{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16))}");
        return $"{text}.{Sign(settings, text)}";
    }

    /// <param name="isOurs">We made it, though it may be over by now.</param>
    /// <returns>When it ends; null where it is over, or nobody made it with this key.</returns>
    public static DateTimeOffset? Read(GatewaySettings settings, string? cookie, DateTimeOffset now, out bool isOurs)
    {
        isOurs = false;
        if (settings.OperatorKey is null || cookie is not { Length: < 256 } || cookie.LastIndexOf('.') is not (var end and > 0))
        {
            return null;
        }

        var text = cookie[..end];
        isOurs = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Sign(settings, text)), Encoding.UTF8.GetBytes(cookie[(end + 1)..]))
            & long.TryParse(text.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds);
        return isOurs && DateTimeOffset.FromUnixTimeSeconds(seconds) is var endsAt && endsAt > now ? endsAt : null;
    }

    private static string Sign(GatewaySettings settings, string text) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(DashboardKey.For(settings, "session 1"), Encoding.UTF8.GetBytes(text)));
}
