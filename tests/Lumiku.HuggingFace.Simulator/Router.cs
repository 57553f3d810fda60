using System.Net.Sockets;

using Lumiku.HuggingFace.Simulator.Providers;

using Microsoft.AspNetCore.Http.Features;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>Writes a request down, decides whether it is to be answered well, and has it answered.</summary>
internal sealed class Router(SimulatorOptions options, RequestLog log, Scripts scripts, CancellationToken stopping)
{
    private readonly Works _works = new(options);

    public async Task AnswerAsync(HttpContext context)
    {
        try
        {
            var received = await ReceiveAsync(context);
            var call = new Counter(_works).Find(received);
            var file = FileShop.Owns(received.Path) ? new FileShop(_works).Find(received.Path) : null;
            var request = Assign(received, call, file);
            log.Add(request);

            using var exchange = new Exchange(context, request, options, stopping) { Call = call, File = file };
            await AnswerAsync(exchange);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
        {
            context.Abort(); // The caller left, or the simulator stops.
        }
    }

    private Task AnswerAsync(Exchange exchange) => exchange.Request.Call switch
    {
        CallKind.Inference => InferAsync(exchange),
        CallKind.Poll => exchange.Call!.TellAsync(exchange),
        CallKind.Download => FileShop.AnswerAsync(exchange),
        CallKind.Mapping => Hub.AnswerAsync(exchange),
        _ => exchange.AnswerNotFoundAsync(),
    };

    private Task InferAsync(Exchange exchange)
    {
        try
        {
            return scripts.Take(exchange.Request) is { } turn
                ? exchange.MisbehaveAsync(turn)
                : exchange.AnswerWellAsync();
        }
        catch (FormatException refusal)
        {
            return exchange.AnswerErrorAsync(StatusCodes.Status400BadRequest, refusal.Message);
        }
    }

    /// <summary>Says whose a request is that is not hf-inference's.</summary>
    private static ReceivedRequest Assign(ReceivedRequest request, ProviderCall? call, StoredFile? file)
    {
        if (call is not null)
        {
            return request with
            {
                Call = call.IsSubmission ? CallKind.Inference : CallKind.Poll,
                Provider = call.Provider,
                ProviderModel = call.ProviderModel,
                Model = call.Model,
                Input = call.InputOf(request.Json),
            };
        }

        if (FileShop.Owns(request.Path))
        {
            var offer = file?.Job.Offer;
            return request with
            {
                Call = CallKind.Download,
                Provider = offer?.Provider ?? "",
                ProviderModel = offer?.ProviderId ?? "",
                Model = offer?.HuggingFaceId ?? "",
            };
        }

        return Hub.ModelOf(request.Path) is { } model ? request with { Call = CallKind.Mapping, Model = model } : request;
    }

    private async Task<ReceivedRequest> ReceiveAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);

        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var headers = context.Request.Headers.ToDictionary(
            header => header.Key,
            header => header.Value.Select(value => value ?? "").ToArray(),
            StringComparer.OrdinalIgnoreCase);
        return new ReceivedRequest(context.Request.Method, target, headers, body.ToArray())
        {
            ArrivedAt = options.TimeProvider.GetUtcNow(),
        };
    }
}
