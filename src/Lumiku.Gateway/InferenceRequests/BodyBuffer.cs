using System.Buffers;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>A body in one rented piece; give it back by disposing.</summary>
/// <remarks>It takes twice its size in <see cref="BodyRoom"/>: once for itself, once for what is written from it for upstream.</remarks>
internal sealed class BodyBuffer : IDisposable
{
    private readonly BodyRoom _room;
    private byte[] _rented;
    private int _length;
    private int _taken;
    private bool _isDisposed;
    private bool _isSecondHalfGone;

    private BodyBuffer(BodyRoom room) => (_room, _rented) = (room, []);

    public ReadOnlyMemory<byte> Memory => _rented.AsMemory(0, _length);

    /// <summary>Reads to the end, within the limit that the request carries (<c>IHttpMaxRequestBodySizeFeature</c>).</summary>
    /// <param name="most">What all bodies may take of the room together.</param>
    /// <returns>Null where there was no room in time.</returns>
    /// <exception cref="BadHttpRequestException">The body is larger than the limit (413), or broken.</exception>
    /// <exception cref="InvalidDataException">A gzip or deflate body does not decode.</exception>
    /// <exception cref="InvalidOperationException">A br body does not decode.</exception>
    public static async Task<BodyBuffer?> ReadAsync(HttpRequest request, int limit, BodyRoom room, long most, CancellationToken cancellationToken)
    {
        var buffer = new BodyBuffer(room);
        try
        {
            // One byte more than announced, so that the end is seen without growing.
            var capacity = Math.Max(request.ContentLength + 1 ?? 0, 4096);
            while (await buffer.GrowAsync(capacity, limit, most, cancellationToken))
            {
                if (await buffer.FillAsync(request.Body, limit, cancellationToken))
                {
                    return buffer;
                }

                capacity = 2L * buffer._length;
            }

            buffer.Dispose();
            return null;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>What upstream's body takes of the room, which may outlive this one.</summary>
    /// <param name="bytes">What is needed; what is beyond the half is taken without waiting, so that later bodies wait for it.</param>
    /// <returns>Null the second time.</returns>
    public IDisposable? TakeSecondHalf(long bytes)
    {
        if (_isDisposed || _isSecondHalfGone)
        {
            return null;
        }

        _isSecondHalfGone = true;
        var more = Math.Max(0, bytes - _taken);
        _room.Add(more);
        return new SecondHalf(_room, _taken + more);
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _room.GiveBack(_isSecondHalfGone ? _taken : 2L * _taken);
        Return(_rented);
        (_rented, _length) = ([], 0);
    }

    /// <returns>False where there is no room.</returns>
    private async ValueTask<bool> GrowAsync(long capacity, int limit, long most, CancellationToken cancellationToken)
    {
        var size = (int)Math.Min(capacity, limit + 1L);
        var more = Math.Min(size, limit) - _taken;
        if (!await _room.TakeAsync(2L * more, most, cancellationToken))
        {
            return false;
        }

        _taken += more;
        var larger = ArrayPool<byte>.Shared.Rent(size);
        _rented.AsSpan(0, _length).CopyTo(larger);
        Return(_rented);
        _rented = larger;
        return true;
    }

    /// <returns>True at the body's end, false where the buffer is full before it.</returns>
    private async ValueTask<bool> FillAsync(Stream body, int limit, CancellationToken cancellationToken)
    {
        while (_length < _rented.Length)
        {
            var read = await body.ReadAsync(_rented.AsMemory(_length), cancellationToken);
            if (read == 0)
            {
                return true;
            }

            _length += read;
            if (_length > limit)
            {
                throw new BadHttpRequestException("The request body is too large.", StatusCodes.Status413PayloadTooLarge);
            }
        }

        return false;
    }

    private static void Return(byte[] rented)
    {
        if (rented.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private sealed class SecondHalf(BodyRoom room, long bytes) : IDisposable
    {
        private int _isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                room.GiveBack(bytes);
            }
        }
    }
}
