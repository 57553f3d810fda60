using System.Net.Sockets;

using Microsoft.AspNetCore.Http.Features;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>Writes a request down, decides whether it is to be answered well, and has it answered.</summary>
internal sealed class Router(SimulatorOptions options, RequestLog log, Scripts scripts, CancellationToken stopping)
{
    public async Task AnswerAsync(HttpContext context)
    {
        try
        {
            var request = await ReceiveAsync(context);
            log.Add(request);

            using var exchange = new Exchange(context, request, options, stopping);
            await AnswerAsync(exchange);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
        {
            context.Abort(); // The caller left, or the simulator stops.
        }
    }

    private Task AnswerAsync(Exchange exchange)
    {
        if (exchange.Request.Model.Length == 0)
        {
            return exchange.AnswerNotFoundAsync();
        }

        try
        {
            return scripts.Take(exchange.Request.Model, exchange.Request.Prompt) is { } turn
                ? exchange.MisbehaveAsync(turn)
                : exchange.AnswerWellAsync();
        }
        catch (FormatException refusal)
        {
            return exchange.AnswerErrorAsync(StatusCodes.Status400BadRequest, refusal.Message);
        }
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
