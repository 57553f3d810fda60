using System.Buffers;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>An upstream answer in pieces of at most 64 kB, so that no image becomes one large object on the heap.</summary>
/// <remarks>
/// The pieces belong to the garbage collector, not to a pool: an image has several readers (callers, caches) that end at their own time,
/// and a piece given back too early would show one user's picture to another.
/// </remarks>
internal sealed class ImageBuffer(int limit)
{
    private const int PieceSize = 64 * 1024;

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

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        private readonly byte[] _bytes;

        public Piece(int size, long runningIndex)
        {
            _bytes = GC.AllocateUninitializedArray<byte>(size);
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
    }
}
