using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>How the making of a picture goes once a provider was asked for it, up to the picture's download.</summary>
internal sealed record Course
{
    public static Course Well { get; } = new();

    /// <summary>Polls that find nothing begun; with any, a caller who waits for the result is told so at once.</summary>
    public int WaitingPolls { get; init; }

    /// <summary>Polls after those that find the work under way.</summary>
    public int WorkingPolls { get; init; }

    /// <summary>Polls, before all others, that are answered by <see cref="FailPoll"/>.</summary>
    public int FailingPolls { get; init; }

    public Func<Exchange, Task> FailPoll { get; init; } = exchange => exchange.AnswerWellAsync();

    public bool NeverEnds { get; init; }

    public bool IsCancelled { get; init; }

    /// <summary>Why there is no picture.</summary>
    public string? Error { get; init; }

    public bool IsNsfw { get; init; }

    /// <summary>Made already, in place of what would be painted.</summary>
    public Picture? Picture { get; init; }

    /// <summary>The media type that is made whatever was asked for.</summary>
    public string? Type { get; init; }

    /// <summary>How many pictures, whatever was asked for.</summary>
    public int? Count { get; init; }

    /// <summary>Success with null where the pictures should be.</summary>
    public bool HasNullOutput { get; init; }

    /// <summary>Stands where a picture's address, or its base64, should be.</summary>
    public string? Output { get; init; }

    /// <summary>Addresses are data: URLs, as those of synchronous answers may be.</summary>
    public bool UsesDataUrls { get; init; }

    /// <summary>The address that callers are told to poll.</summary>
    public string? PollUrl { get; init; }

    public bool SpoilsAnswer { get; init; }

    public bool SpoilsPolls { get; init; }

    /// <summary>What the picture's address answers; null: the picture.</summary>
    public Func<Exchange, Task>? Download { get; init; }

    /// <summary>How much of the picture is there, from its beginning; null: all of it.</summary>
    public Func<int, int>? Kept { get; init; }
}
