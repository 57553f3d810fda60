namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>The pictures that a request asks for.</summary>
/// <param name="Type">Their media type.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Count">How many of them.</param>
internal sealed record Order(string Type, int Width, int Height, int Count = 1)
{
    /// <summary>What decides the motif of the first; the others differ from it.</summary>
    public byte[] Key { get; init; } = [];

    public Picture Paint(string type, int index, int bytes)
    {
        var key = (byte[])Key.Clone();
        for (var i = 0; i < key.Length && index > 0; i++)
        {
            key[i] ^= (byte)(index * 97);
        }

        return Picture.Paint(type, key, Width, Height, bytes);
    }
}
