using System.Text;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Models;
using Lumiku.HuggingFace.Simulator.Pictures;
using Lumiku.HuggingFace.Simulator.Providers;

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
        EdgeHeaders.Apply(context.Response, request);
    }

    public HttpContext Context { get; }

    public ReceivedRequest Request { get; }

    public SimulatorOptions Options { get; }

    /// <summary>Set when the path is that of another provider than hf-inference.</summary>
    public ProviderCall? Call { get; init; }

    /// <summary>Set when it is a picture's own address.</summary>
    public StoredFile? File { get; init; }

    /// <summary>The pictures asked for.</summary>
    public Order Order => field ??= Call?.OrderOf(Request) ?? File?.Job.Order ?? OrderOfRequest();

    /// <summary>Where the simulator was reached, without a slash at its end.</summary>
    public string Origin => $"http://127.0.0.1:{Context.Connection.LocalPort}";

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

    public Task AnswerWellAsync() => FollowAsync(Course.Well);

    /// <summary>hf-inference, whose answer is the picture, knows no other course than to behave well.</summary>
    public Task FollowAsync(Course course) => this switch
    {
        { Call: { } call } => call.AnswerAsync(this, course),
        { File: { } file } => FileShop.AnswerWellAsync(this, file),
        _ => WellBehaved.AnswerAsync(this),
    };

    public Task MisbehaveAsync(Turn turn) => turn.Behaviour.PlayAsync(this, turn.Played);

    public Task WaitAsync(TimeSpan duration) => Task.Delay(duration, Options.TimeProvider, Over);

    /// <summary>The time that a job takes.</summary>
    public async Task WaitForAsync(Job job)
    {
        await (job.Course.NeverEnds ? WaitForTheEndAsync() : WaitAsync(job.RenderTime));
        job.MarkRendered();
    }

    /// <summary>Until the caller leaves or the simulator stops.</summary>
    /// <exception cref="OperationCanceledException">Always.</exception>
    public Task WaitForTheEndAsync() => Task.Delay(Timeout.InfiniteTimeSpan, Options.TimeProvider, Over);

    /// <summary>The body of a good answer, once the render time is over: the picture or, of another provider, the JSON that holds or names it.</summary>
    public Task<Picture> RenderAsync() => this switch
    {
        { Call: { } call } => call.RenderAsync(this),
        { File: { } file } => Task.FromResult(file.Paint(Options.ImageBytes)),
        _ => RenderAsync(Order.Type),
    };

    public async Task<Picture> RenderAsync(string type)
    {
        await WaitAsync(File is null ? Options.Delay : TimeSpan.Zero);
        return Order.Paint(type, index: 0, Options.ImageBytes);
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

    /// <summary>In the provider's way, unless it is what <see cref="RenderAsync()"/> gave.</summary>
    public Task AnswerPictureAsync(Picture picture)
    {
        if (Call is { } call && picture.Type.StartsWith("image/", StringComparison.Ordinal))
        {
            return call.AnswerAsync(this, Course.Well with { Picture = picture });
        }

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

    /// <summary>In the type that Accept names, or as PNG.</summary>
    private Order OrderOfRequest()
    {
        var (width, height) = PictureSize.Of(Request);
        return new Order(AcceptTable.PictureTypeOf(Request.Header("Accept")) ?? Picture.Png, width, height) { Key = PictureKey.Of(Request) };
    }
}
