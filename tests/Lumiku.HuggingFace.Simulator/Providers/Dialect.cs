using System.Text.Json;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>How one provider is asked, and answers.</summary>
internal abstract class Dialect(string provider)
{
    private const int Shortest = 64;
    private const int Longest = 2048;

    public string Provider => provider;

    /// <summary>What callers poll until the job is over.</summary>
    public virtual TargetKind Polled => TargetKind.Result;

    /// <summary>Null when the path is none of the provider's.</summary>
    /// <param name="path">Below the provider's own, without a slash at its beginning.</param>
    public abstract Target? Find(string path, JsonElement body);

    /// <summary>The part of the body that holds the model's parameters.</summary>
    public virtual JsonElement InputOf(JsonElement body) => body;

    /// <summary>What is wrong with the parameters; null when nothing is.</summary>
    public abstract Answer? Refuse(JsonElement input, Offer offer);

    /// <summary>For any input, well-formed or not.</summary>
    public abstract Order OrderOf(JsonElement input, Offer offer);

    /// <summary>The job's refusal may be set: to be told now or later.</summary>
    public abstract Task<Answer> SubmitAsync(Exchange exchange, Job job, Works works);

    /// <summary>For providers that have their jobs polled.</summary>
    public virtual Answer Tell(Target target, Exchange exchange, Job job, Works works) => throw new NotSupportedException();

    protected static int Side(double? asked, int fallback) => (int)Math.Clamp(asked ?? fallback, Shortest, Longest);

    /// <summary>Two numbers with a sign between them.</summary>
    protected static (int Width, int Height)? Sides(string? text, char sign) =>
        text?.Split(sign) is [var width, var height] && int.TryParse(width, out var w) && int.TryParse(height, out var h)
            ? (Side(w, w), Side(h, h))
            : null;

    /// <summary>From 1 to 4.</summary>
    protected static int CountOf(JsonElement input, string name) => (int)Math.Clamp(input.Member(name).Number() ?? 1, 1, 4);
}
