using System.Buffers;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>A body in one rented piece; give it back by disposing.</summary>
internal sealed class BodyBuffer : IDisposable
{
    private byte[]? _rented;
    private int _length;

    private BodyBuffer(int capacity) => _rented = ArrayPool<byte>.Shared.Rent(capacity);

    public ReadOnlyMemory<byte> Memory => _rented.AsMemory(0, _length);

    /// <summary>Reads to the end, within the limit that the request carries (<c>IHttpMaxRequestBodySizeFeature</c>).</summary>
    /// <exception cref="BadHttpRequestException">The body is larger than the limit (413), or broken.</exception>
    /// <exception cref="InvalidDataException">A gzip or deflate body does not decode.</exception>
    /// <exception cref="InvalidOperationException">A br body does not decode.</exception>
    public static async Task<BodyBuffer> ReadAsync(HttpRequest request, int limit, CancellationToken cancellationToken)
    {
        // One byte more than announced, so that the end is seen without growing.
        var buffer = new BodyBuffer((int)Math.Min(Math.Max(request.ContentLength + 1 ?? 0, 4096), limit + 1L));
        try
        {
            int read;
            while ((read = await request.Body.ReadAsync(buffer._rented.AsMemory(buffer._length), cancellationToken)) > 0)
            {
                buffer.Advance(read, limit);
            }

            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _rented, null) is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void Advance(int read, int limit)
    {
        _length += read;
        if (_length > limit)
        {
            throw new BadHttpRequestException("The request body is too large.", StatusCodes.Status413PayloadTooLarge);
        }

        if (_length == _rented!.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(2L * _length, limit + 1L));
            _rented.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_rented);
            _rented = larger;
        }
    }
}
