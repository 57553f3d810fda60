using System.IO.Pipelines;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation;

/// <summary>The response side of an internal request: what YARP writes to it is kept, and nothing goes anywhere.</summary>
/// <remarks>
/// <see cref="HasStarted"/> stays false while YARP runs, so that a body that breaks off becomes a clean failure with a status rather than an aborted connection.
/// </remarks>
internal sealed class CapturedResponse(int limit) : Stream, IHttpResponseFeature, IHttpResponseBodyFeature
{
    private PipeWriter? _writer;

    public ImageBuffer Captured { get; private set; } = new(limit);

    public int StatusCode { get; set; } = StatusCodes.Status200OK;

    public string? ReasonPhrase { get; set; }

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    public bool HasStarted => false;

    Stream IHttpResponseFeature.Body
    {
        get => this;
        set => throw new NotSupportedException();
    }

    Stream IHttpResponseBodyFeature.Stream => this;

    PipeWriter IHttpResponseBodyFeature.Writer => _writer ??= PipeWriter.Create(this, new StreamPipeWriterOptions(leaveOpen: true));

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => Captured.Length;

    public override long Position
    {
        get => Captured.Length;
        set => throw new NotSupportedException();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Captured.Append(buffer.Span, ExpectedRest);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => Captured.Append(buffer.AsSpan(offset, count), ExpectedRest);

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    void IHttpResponseFeature.OnStarting(Func<object, Task> callback, object state)
    {
        // Nothing is ever started; whoever registers here would wait for a caller that this request does not have.
    }

    void IHttpResponseFeature.OnCompleted(Func<object, Task> callback, object state)
    {
        // The internal request's scope is disposed by the one who made it.
    }

    void IHttpResponseBodyFeature.DisableBuffering()
    {
    }

    Task IHttpResponseBodyFeature.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHttpResponseBodyFeature.SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken) => throw new NotSupportedException();

    Task IHttpResponseBodyFeature.CompleteAsync() => Task.CompletedTask;

    /// <summary>What upstream announced and has not sent yet; sizes the pieces, and is not trusted beyond that.</summary>
    private int ExpectedRest => (int)Math.Clamp((Headers.ContentLength ?? 0) - Captured.Length, 0, limit);
}
