using System.Text;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Models;
using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>One request on its way to its answer, and the ways to give one.</summary>
internal sealed class Exchange : IDisposable
{
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenRegistration _callerLeft;
    private volatile bool _isOut;

    public Exchange(HttpContext context, ReceivedRequest request, SimulatorOptions options, CancellationToken stopping)
    {
        Context = context;
        Request = request;
        Options = options;
        _over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        _callerLeft = context.RequestAborted.Register(() => request.Aborted |= !_isOut);
        EdgeHeaders.Apply(context.Response);
    }

    public HttpContext Context { get; }

    public ReceivedRequest Request { get; }

    public SimulatorOptions Options { get; }

    /// <summary>Cancelled when the caller leaves or the simulator stops.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>The bearer token that came with the request; empty when none did.</summary>
    public string Token => Request.Header("Authorization") is { } header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header[7..] : "";

    public void Dispose()
    {
        _callerLeft.Dispose();
        _over.Dispose();
    }

    /// <summary>From here on, a caller who leaves did not leave too early.</summary>
    public void MarkOut() => _isOut = true;

    public Task AnswerWellAsync() => WellBehaved.AnswerAsync(this);

    public Task MisbehaveAsync(Turn turn) => turn.Behaviour.PlayAsync(this, turn.Played);

    public Task WaitAsync(TimeSpan duration) => Task.Delay(duration, Options.TimeProvider, Over);

    /// <summary>Until the caller leaves or the simulator stops.</summary>
    /// <exception cref="OperationCanceledException">Always.</exception>
    public Task WaitForTheEndAsync() => Task.Delay(Timeout.InfiniteTimeSpan, Options.TimeProvider, Over);

    /// <summary>Takes the render time, then paints what was asked for, in the type that Accept names, or as PNG.</summary>
    public Task<Picture> RenderAsync() => RenderAsync(AcceptTable.PictureTypeOf(Request.Header("Accept")) ?? Picture.Png);

    public async Task<Picture> RenderAsync(string type)
    {
        await WaitAsync(Options.Delay);
        var (width, height) = PictureSize.Of(Request);
        return Picture.Paint(type, PictureKey.Of(Request), width, height, Options.ImageBytes);
    }

    public async Task AnswerAsync(int status, string? type, ReadOnlyMemory<byte> body)
    {
        var response = Context.Response;
        response.StatusCode = status;
        response.ContentType = type;
        if (status is not (StatusCodes.Status204NoContent or StatusCodes.Status304NotModified))
        {
            response.ContentLength = body.Length;
        }

        MarkOut();
        if (!HttpMethods.IsHead(Request.Method) && !body.IsEmpty)
        {
            await response.Body.WriteAsync(body, Over);
        }
    }

    public Task AnswerAsync(int status, string? type, string body) => AnswerAsync(status, type, Encoding.UTF8.GetBytes(body));

    public Task AnswerPictureAsync(Picture picture)
    {
        EdgeHeaders.ApplyCompute(Context.Response, Options.Delay);
        return AnswerAsync(StatusCodes.Status200OK, picture.Type, picture.Bytes);
    }

    /// <summary>The usual shape of an error: an object with the text as <c>error</c>.</summary>
    public Task AnswerErrorAsync(int status, string error) =>
        AnswerJsonAsync(status, new JsonObject { ["error"] = error });

    public Task AnswerJsonAsync(int status, JsonNode body) =>
        AnswerAsync(status, "application/json", body.ToJsonString(Json.AsPythonWrites));

    public Task AnswerNotFoundAsync() =>
        AnswerAsync(StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "Not Found");
}
