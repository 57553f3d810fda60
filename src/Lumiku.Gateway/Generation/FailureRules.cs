namespace Lumiku.Gateway.Generation;

/// <summary>Which trouble an upstream answer tells of: its status does not say it alone, so its words count too.</summary>
/// <remarks>The serving toolkit answers every Python exception with 400, “too busy” with 500, and loading now and then with 200.</remarks>
internal static class FailureRules
{
    private const string LoadingWords = "currently loading";

    /// <summary>The first rule that fits counts. Status 0 is any; the words are matched without regard to case, empty is any.</summary>
    private static readonly (int Status, string Words, FailureClass Class)[] Rules =
    [
        (0, LoadingWords, FailureClass.Loading),
        (0, "out of memory", FailureClass.Overloaded),
        (0, "too busy", FailureClass.Overloaded),
        (0, "overload", FailureClass.Overloaded),
        (400, "not supported by provider", FailureClass.Gone),
        (400, "not supported by any provider", FailureClass.Gone),
        (400, "no longer supported", FailureClass.Gone),
        (400, "pro subscription", FailureClass.Account),
        (400, "token seems invalid", FailureClass.Account),
        (400, "unexpected keyword argument", FailureClass.ParameterRefused),
        (400, "unknown parameter", FailureClass.ParameterRefused),
        (400, "multiple values for argument", FailureClass.ParameterRefused),
        (400, "in `parameters`", FailureClass.ParameterRefused),
        (400, "has to be divisible by", FailureClass.ParameterRefused),
        (400, "max_sequence_length", FailureClass.ParameterRefused),
        (403, "too large to be loaded", FailureClass.Gone),
        (401, "", FailureClass.Account),
        (402, "", FailureClass.Account),
        (403, "", FailureClass.Account),
        (404, "", FailureClass.Gone),
        (408, "", FailureClass.Timeout),
        (410, "", FailureClass.Gone),
        (429, "", FailureClass.RateLimited),
        (503, "", FailureClass.Overloaded),
        (504, "", FailureClass.Timeout),
    ];

    /// <param name="message">What upstream said, unmasked and uncut; empty where it said nothing.</param>
    public static FailureClass Classify(int status, string message)
    {
        // Whatever else a success says, it is none without an image; only a model that is loading is known to answer so.
        if (status is >= 200 and < 300)
        {
            return message.Contains(LoadingWords, StringComparison.OrdinalIgnoreCase) ? FailureClass.Loading : FailureClass.NotAnImage;
        }

        foreach (var rule in Rules)
        {
            if ((rule.Status == 0 || rule.Status == status) && message.Contains(rule.Words, StringComparison.OrdinalIgnoreCase))
            {
                return rule.Class;
            }
        }

        return status is >= 400 and < 500 ? FailureClass.Refused : FailureClass.Failed;
    }
}
