namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>What a fetch may take at most. Only tests have others.</summary>
internal sealed record FetchBounds
{
    public static readonly FetchBounds Default = new();

    /// <summary>Of one connection: the name's addresses, TCP and TLS.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Without a byte: until an answer begins, or between two parts of it.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Of all attempts and pauses together, however steadily bytes trickle.</summary>
    public TimeSpan Whole { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Before the second attempt; twice as long before the third.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(250);

    public int Attempts { get; init; } = 3;

    public int Redirects { get; init; } = 3;

    public int HeaderKilobytes { get; init; } = 16;
}
