using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Lumiku.Gateway;

/// <summary>Kestrel, where it listens and what it takes.</summary>
internal static class GatewayServer
{
    private const string DefaultPort = "8080";

    /// <summary>What an answer may have in the kernel (which takes the double): by default that is megabytes, and a picture is gone from here with nobody reading it.</summary>
    public const int SendBuffer = 64 * 1024;

    /// <summary>Connections that become WebSockets: the operators' pages alone, and no more than <see cref="Dashboard.OpenPages.Most"/> of those.</summary>
    private const int MostUpgraded = Dashboard.OpenPages.Most;

    private const int MostPorts = 65_535;

    /// <summary>How long a peer may take nothing of what is sent to it. Kestrel times writes, but none that is left when an answer has ended.</summary>
    private static readonly TimeSpan DeafPeer = TimeSpan.FromSeconds(30);

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
        server.UseSockets(sockets => sockets.CreateBoundListenSocket = Listen);
        server.UseKestrel(Limit);
    }

    /// <summary>What a peer may ask of the server before anybody has looked at the request. <c>docs/operations.md</c> has the figures.</summary>
    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // Whoever wants HTTP/2 has it from the proxy in front, and the floods that it allows end there.
        kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http1);

        var limits = kestrel.Limits;
        limits.MaxConcurrentConnections = 4_096;
        limits.MaxConcurrentUpgradedConnections = MostUpgraded;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 4 * 1024, gracePeriod: TimeSpan.FromSeconds(5));
        limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 16 * 1024, gracePeriod: TimeSpan.FromSeconds(10));
        limits.MaxResponseBufferSize = 64 * 1024;
    }

    /// <summary>Connections inherit what the socket has that listens for them.</summary>
    private static Socket Listen(EndPoint endpoint)
    {
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (endpoint is IPEndPoint)
        {
            socket.SendBufferSize = SendBuffer;
            if (OperatingSystem.IsLinux())
            {
                const int Tcp = 6, TcpUserTimeout = 18;
                socket.SetRawSocketOption(Tcp, TcpUserTimeout, BitConverter.GetBytes((int)DeafPeer.TotalMilliseconds));
            }
        }

        return socket;
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

    /// <summary>At which port a gateway with the variables of this process is asked by http on this machine.</summary>
    public static string PortHere()
    {
        var variables = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        return Addresses(variables)?.Split(';', StringSplitOptions.RemoveEmptyEntries).Where(IsAddress).Select(BindingAddress.Parse)
            .FirstOrDefault(address => address.Scheme == Uri.UriSchemeHttp)?.Port.ToString(CultureInfo.InvariantCulture)
            ?? NonEmpty(variables["PORT"]) ?? DefaultPort;
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
