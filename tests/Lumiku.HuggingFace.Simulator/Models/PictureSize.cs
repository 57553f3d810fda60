namespace Lumiku.HuggingFace.Simulator.Models;

/// <summary>The dimensions of the picture that a request gets.</summary>
internal static class PictureSize
{
    public const int DefaultSide = 1024;

    private const int Shortest = 64;
    private const int Longest = 2048;

    /// <summary>Flux works in steps of 16 and rounds down to them.</summary>
    private const int FluxStep = 16;

    public static (int Width, int Height) Of(ReceivedRequest request)
    {
        var step = ModelCatalogue.Find(request.Model)?.Pipeline == Pipelines.Flux ? FluxStep : 1;
        return (Side(request, "width", step), Side(request, "height", step));
    }

    private static int Side(ReceivedRequest request, string name, int step)
    {
        var side = Math.Clamp(request.Parameters.Member(name).Number() ?? DefaultSide, Shortest, Longest);
        return (int)side / step * step;
    }
}
