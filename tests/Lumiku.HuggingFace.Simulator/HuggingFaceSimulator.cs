using System.Net;

using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>Hugging Face's inference router on 127.0.0.1, answering as measured, or misbehaving as told.</summary>
public sealed class HuggingFaceSimulator : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly RequestLog _log = new();
    private readonly Scripts _scripts = new();
    private readonly CancellationTokenSource _stopping = new();

    private bool _isDisposed;

    private HuggingFaceSimulator(SimulatorOptions options)
    {
        Options = options;
        _application = Build(options.Port);
        var control = new ControlEndpoints(_log, _scripts);
        var router = new Router(options, _log, _scripts, _stopping.Token);
        _application.Run(context => ControlEndpoints.Owns(context) ? control.AnswerAsync(context) : router.AnswerAsync(context));
    }

    /// <summary>The base address that a gateway is configured with; ends in <c>/hf-inference/</c>.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1/");

    /// <summary>The router's root, below which each provider has its paths, and the Hub's; ends in a slash.</summary>
    public Uri RouterAddress => new(Address, "/");

    public SimulatorOptions Options { get; }

    /// <summary>Everything asked so far but the control endpoints' requests, in order of arrival.</summary>
    public IReadOnlyList<ReceivedRequest> Received => _log.Snapshot();

    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<HuggingFaceSimulator> StartAsync(SimulatorOptions? options = null)
    {
        var simulator = new HuggingFaceSimulator(options ?? new SimulatorOptions());
        await simulator._application.StartAsync();

        var addresses = simulator._application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>();
        simulator.Address = new Uri(new Uri(addresses.Addresses.Single()), "/hf-inference/");
        return simulator;
    }

    /// <summary>From now on, every request for that model; <c>*</c> is every model without a script of its own.</summary>
    /// <param name="model">With a provider's name and a colon before it (<c>nscale:*</c>, <c>fal-ai:fal-ai/flux/dev</c>) of that provider only.</param>
    /// <param name="behaviour">Of what is asked of the model; polls and downloads then go as that decided.</param>
    public void Behave(string model, Misbehaviour behaviour) => _scripts.Behave(model, behaviour);

    /// <summary>The next request for a picture only, whatever its model. Calls queue up.</summary>
    public void BehaveNext(Misbehaviour behaviour) => _scripts.BehaveNext(behaviour);

    /// <summary>Forgets all scripts.</summary>
    public void BehaveWell() => _scripts.Clear();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
        {
            return;
        }

        await _stopping.CancelAsync(); // Stalled answers end here, or stopping would wait for them.
        await _application.StopAsync();
        await _application.DisposeAsync();
        _stopping.Dispose();
    }

    internal Task UntilStoppedAsync() => _application.WaitForShutdownAsync();

    private static WebApplication Build(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = 256 * 1024;
            kestrel.Limits.MaxRequestHeaderCount = 1_000;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null; // A stalled reader is the test's affair.
            kestrel.Listen(IPAddress.Loopback, port, endpoint => endpoint.Protocols = HttpProtocols.Http1);
        });
        return builder.Build();
    }
}
