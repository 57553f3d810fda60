namespace Lumiku.Gateway.ResponseCaching;

/// <summary>One holder's right to read an image: a caller's who is being answered, a flight's, a cache's.</summary>
/// <remarks>
/// With the last lease the image's memory goes back to be used for another, so nobody reads an image without one. Each holder has a lease
/// of its own, which ends once however often it is disposed. One that is forgotten costs a piece of the pool, never somebody else's picture.
/// </remarks>
internal sealed class ImageLease : IDisposable
{
    private readonly Holders _holders;
    private int _isDisposed;

    /// <summary>The first lease of a new image, which owns the buffer from now on.</summary>
    public ImageLease(GeneratedImage image, ImageBuffer buffer)
        : this(image, new Holders(buffer))
    {
    }

    private ImageLease(GeneratedImage image, Holders holders) => (Image, _holders) = (image, holders);

    public GeneratedImage Image { get; }

    /// <returns>A lease for another holder; null where the last one has ended.</returns>
    public ImageLease? Share() => _holders.TryAdd() ? new ImageLease(Image, _holders) : null;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _holders.Remove();
        }
    }

    private sealed class Holders(ImageBuffer buffer)
    {
        private int _count = 1;

        /// <summary>Never from none: the memory is somebody else's then.</summary>
        public bool TryAdd()
        {
            for (var count = Volatile.Read(ref _count); count > 0;)
            {
                var seen = Interlocked.CompareExchange(ref _count, count + 1, count);
                if (seen == count)
                {
                    return true;
                }

                count = seen;
            }

            return false;
        }

        public void Remove()
        {
            if (Interlocked.Decrement(ref _count) == 0)
            {
                buffer.GiveBack();
            }
        }
    }
}
