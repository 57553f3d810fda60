using System.Buffers;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>An upstream answer in rented pieces of at most 64 kB, so that no image becomes one large object on the heap, and none that comes and goes makes work for the garbage collector.</summary>
/// <remarks>Only <see cref="ImageLease"/> gives pieces back, with the last holder of an image. A buffer that nobody leases is left to the garbage collector.</remarks>
internal sealed class ImageBuffer(int limit)
{
    private const int PieceSize = 64 * 1024;

    /// <summary>Of its own: the shared pool keeps too few to go round when an image of nineteen pieces pushes out another. At most 32 MB lie idle.</summary>
    private static readonly ArrayPool<byte> Pieces = ArrayPool<byte>.Create(PieceSize, maxArraysPerBucket: 512);

    private Piece? _first;
    private Piece? _last;

    public int Length { get; private set; }

    /// <summary>What the pieces take in memory, filled or not.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>True once more came than the limit allows; what came beyond it is not kept.</summary>
    public bool IsTooLarge { get; private set; }

    public ReadOnlySequence<byte> Content => _first is null ? ReadOnlySequence<byte>.Empty : new(_first, 0, _last!, _last!.Memory.Length);

    /// <exception cref="IOException">More than the limit came.</exception>
    public void Append(ReadOnlySpan<byte> data, int expectedRest)
    {
        if (Length + (long)data.Length > limit)
        {
            IsTooLarge = true;
            throw new IOException($"The answer is larger than {limit} bytes.");
        }

        while (!data.IsEmpty)
        {
            if (_last is null || _last.Free == 0)
            {
                var piece = new Piece(Math.Clamp(Math.Max(expectedRest, data.Length), 1024, PieceSize), Length);
                HeldBytes += piece.Free;
                _first ??= piece;
                _last?.Link(piece);
                _last = piece;
            }

            var taken = _last.Fill(data);
            data = data[taken..];
            Length += taken;
            expectedRest -= taken;
        }
    }

    /// <summary>Gives the pieces back: the content must not be read any more, and others may be writing into them already.</summary>
    public void GiveBack()
    {
        for (var piece = _first; piece is not null; piece = (Piece?)piece.Next)
        {
            piece.GiveBack();
        }

        _first = _last = null;
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        private readonly byte[] _bytes;

        public Piece(int size, long runningIndex)
        {
            _bytes = Pieces.Rent(size);
            RunningIndex = runningIndex;
        }

        public int Free => _bytes.Length - Memory.Length;

        public int Fill(ReadOnlySpan<byte> data)
        {
            var taken = Math.Min(Free, data.Length);
            data[..taken].CopyTo(_bytes.AsSpan(Memory.Length));
            Memory = _bytes.AsMemory(0, Memory.Length + taken);
            return taken;
        }

        public void Link(Piece next) => Next = next;

        public void GiveBack() => Pieces.Return(_bytes);
    }
}
