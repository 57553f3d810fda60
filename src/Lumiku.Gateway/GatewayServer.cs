using System.Globalization;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway;

/// <summary>Kestrel, where it listens and what it takes.</summary>
internal static class GatewayServer
{
    private const int DefaultPort = 8080;

    /// <exception cref="SettingsException"><c>PORT</c> is no port.</exception>
    public static void UseGatewayServer(this IWebHostBuilder server, IConfiguration configuration)
    {
        // "urls" (or ASPNETCORE_URLS) is the framework's own word for the same; it wins, as whoever writes it means it.
        var port = Port(configuration["PORT"]);
        server.UseUrls(NonEmpty(configuration[WebHostDefaults.ServerUrlsKey]) ?? NonEmpty(configuration["ASPNETCORE_URLS"]) ?? $"http://*:{port}");
        server.UseKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        });
    }

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    private static int Port(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return DefaultPort;
        }

        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65_535 ? port
            : throw new SettingsException($"'PORT' is '{value}'; it must be a number from 1 to 65535.");
    }
}
