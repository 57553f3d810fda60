using System.Runtime.InteropServices;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>Laid out as files want it: red, green, blue, three bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct Colour(byte Red, byte Green, byte Blue)
{
    /// <param name="turn">Around the colour wheel, 0 to 1.</param>
    /// <param name="saturation">0 to 1.</param>
    /// <param name="value">0 to 1.</param>
    public static Colour FromHue(double turn, double saturation, double value)
    {
        byte Channel(double offset)
        {
            var k = (offset + (turn * 6)) % 6;
            var share = Math.Clamp(Math.Min(k, 4 - k), 0, 1);
            return (byte)(255 * value * (1 - (saturation * share)));
        }

        return new Colour(Channel(5), Channel(3), Channel(1));
    }

    public Colour Towards(Colour other, double share) => new(
        Mix(Red, other.Red, share), Mix(Green, other.Green, share), Mix(Blue, other.Blue, share));

    private static byte Mix(byte from, byte to, double share) => (byte)(from + ((to - from) * share));
}
