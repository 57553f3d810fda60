using System.Globalization;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lumiku.Gateway;

/// <summary>Kestrel, where it listens and what it takes.</summary>
internal static class GatewayServer
{
    public const string DefaultPort = "8080";
    private const int MostPorts = 65_535;

    /// <exception cref="SettingsException"><c>PORT</c> is no port, or an address none.</exception>
    public static void UseGatewayServer(this IWebHostBuilder server, IConfiguration configuration)
    {
        string[] mistakes = [.. Check(configuration)];
        if (mistakes.Length > 0)
        {
            throw new SettingsException(mistakes);
        }

        server.UseUrls(Addresses(configuration) ?? $"http://*:{NonEmpty(configuration["PORT"]) ?? DefaultPort}");
        server.ConfigureServices(services => services.AddSingleton<IStartupFilter, StrictRequests>());
        server.UseKestrel(Limit);
    }

    /// <summary>What a peer may ask of the server before anybody has looked at the request.</summary>
    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // Whoever wants HTTP/2 has it from the proxy in front, and the floods that it allows end there.
        kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http1);

        var limits = kestrel.Limits;
        limits.MaxConcurrentUpgradedConnections = 0;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
    }

    /// <returns>What is wrong with where it is to listen, as far as that shows without listening.</returns>
    public static IEnumerable<string> Check(IConfiguration configuration)
    {
        if (NonEmpty(configuration["PORT"]) is { } port && !IsPort(port))
        {
            yield return $"'PORT' is '{port}'; it must be a number from 1 to 65535.";
        }

        foreach (var address in Addresses(configuration)?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (!IsAddress(address))
            {
                yield return $"The gateway cannot listen: 'urls' (ASPNETCORE_URLS) has '{address}', which is no address such as http://*:8080.";
            }
        }
    }

    /// <summary>The framework's own word for the same as <c>PORT</c>; it wins, as whoever writes it means it.</summary>
    private static string? Addresses(IConfiguration configuration) => NonEmpty(configuration[WebHostDefaults.ServerUrlsKey]) ?? NonEmpty(configuration["ASPNETCORE_URLS"]);

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    private static bool IsPort(string value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= MostPorts;

    private static bool IsAddress(string value)
    {
        try
        {
            return BindingAddress.Parse(value) is { Port: <= MostPorts };
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
