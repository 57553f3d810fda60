namespace Lumiku.Gateway.Generation;

/// <summary>One rule: an answer with this status and these words means that.</summary>
internal sealed record FailureRule
{
    /// <summary>What a provider's safety checker is taken to have said where it says nothing in words.</summary>
    public const string NotSafe = "NSFW content was found in the image.";

    /// <summary>Upstream's status; 0 is any.</summary>
    public int Status { get; init; }

    /// <summary>Words somewhere in what upstream said, matched without regard to case; empty is any.</summary>
    public string Message { get; init; } = "";

    /// <summary>Required.</summary>
    public FailureClass? Class { get; init; }

    /// <summary>Absent: <see cref="RepeatRule.Wait"/> for Loading and Overloaded, else never.</summary>
    public RepeatRule? Repeat { get; init; }

    public RepeatRule RepeatOrDefault => Repeat ?? (Class is FailureClass.Loading or FailureClass.Overloaded ? RepeatRule.Wait : RepeatRule.Never);

    public bool Fits(int status, string message) =>
        (Status == 0 || Status == status) && message.Contains(Message, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Which trouble an upstream answer tells of: its status does not say it alone, so its words count too.</summary>
/// <remarks>The serving toolkit answers every Python exception with 400, “too busy” with 500, and loading now and then with 200.</remarks>
internal static class FailureRules
{
    private const string LoadingWords = "currently loading";

    /// <summary>Known of Hugging Face; the settings' own rules come before them.</summary>
    private static readonly FailureRule[] BuiltIn =
    [
        Rule(0, LoadingWords, FailureClass.Loading),
        // The model began, and ran out of room: once more may be enough, and waiting for long does not help.
        Rule(0, "out of memory", FailureClass.Overloaded, RepeatRule.Once),
        Rule(0, "too busy", FailureClass.Overloaded, RepeatRule.Once),
        Rule(0, "overload", FailureClass.Overloaded),
        Rule(400, "not supported by provider", FailureClass.Gone),
        Rule(400, "not supported by any provider", FailureClass.Gone),
        Rule(400, "no longer supported", FailureClass.Gone),
        Rule(400, "pro subscription", FailureClass.Account),
        Rule(400, "token seems invalid", FailureClass.Account),
        Rule(400, "unexpected keyword argument", FailureClass.ParameterRefused),
        Rule(400, "unknown parameter", FailureClass.ParameterRefused),
        Rule(400, "multiple values for argument", FailureClass.ParameterRefused),
        Rule(400, "in `parameters`", FailureClass.ParameterRefused),
        Rule(400, "has to be divisible by", FailureClass.ParameterRefused),
        Rule(400, "max_sequence_length", FailureClass.ParameterRefused),
        Rule(403, "too large to be loaded", FailureClass.Gone),
        // A provider's safety checker: the same request would end the same.
        Rule(422, "nsfw", FailureClass.Refused),
        Rule(500, "nsfw", FailureClass.Refused),
        Rule(500, "flagged as sensitive", FailureClass.Refused),
        Rule(401, "", FailureClass.Account),
        Rule(402, "", FailureClass.Account),
        Rule(403, "", FailureClass.Account),
        Rule(404, "", FailureClass.Gone),
        Rule(408, "", FailureClass.Timeout),
        Rule(410, "", FailureClass.Gone),
        Rule(429, "", FailureClass.RateLimited),
        Rule(503, "", FailureClass.Overloaded),
        Rule(504, "", FailureClass.Timeout),
    ];

    /// <param name="message">What upstream said, unmasked and uncut; empty where it said nothing.</param>
    /// <param name="own">The settings' rules.</param>
    /// <param name="dialects">Those of the dialect that upstream speaks.</param>
    public static (FailureClass Class, RepeatRule Repeat) Classify(int status, string message, IReadOnlyList<FailureRule> own, IReadOnlyList<FailureRule> dialects)
    {
        if (First(own, status, message) is { } configured)
        {
            return (configured.Class!.Value, configured.RepeatOrDefault);
        }

        // Whatever else a success says, it is none without an image; only a model that is loading is known to answer so.
        if (status is >= 200 and < 300)
        {
            return message.Contains(LoadingWords, StringComparison.OrdinalIgnoreCase)
                ? (FailureClass.Loading, RepeatRule.Wait)
                : (FailureClass.NotAnImage, RepeatRule.Never);
        }

        return (First(BuiltIn, status, message) ?? First(dialects, status, message)) is { } rule ? (rule.Class!.Value, rule.RepeatOrDefault)
            : (status is >= 400 and < 500 ? FailureClass.Refused : FailureClass.Failed, RepeatRule.Never);
    }

    private static FailureRule? First(IReadOnlyList<FailureRule> rules, int status, string message)
    {
        foreach (var rule in rules)
        {
            if (rule.Fits(status, message))
            {
                return rule;
            }
        }

        return null;
    }

    private static FailureRule Rule(int status, string message, FailureClass kind, RepeatRule? repeat = null) =>
        new() { Status = status, Message = message, Class = kind, Repeat = repeat };
}
