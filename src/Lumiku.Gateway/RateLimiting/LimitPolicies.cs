namespace Lumiku.Gateway.RateLimiting;

/// <summary>The four limits, as a set.</summary>
[Flags]
internal enum LimitPolicies
{
    None = 0,

    /// <summary>Requests a minute.</summary>
    Requests = 1,

    /// <summary>Requests at once.</summary>
    Concurrency = 2,

    /// <summary>Units a day.</summary>
    Day = 4,

    /// <summary>Units a month.</summary>
    Month = 8,

    Units = Day | Month,

    All = Requests | Concurrency | Units,
}

internal static class LimitPolicyNames
{
    /// <summary>The names that headers and errors give to limits, in the order of the contract.</summary>
    private static readonly (LimitPolicies Policy, string Name)[] Known =
    [
        (LimitPolicies.Requests, "requests"), (LimitPolicies.Concurrency, "concurrency"), (LimitPolicies.Day, "day"), (LimitPolicies.Month, "month"),
    ];

    public static string[] Names(this LimitPolicies policies) => [.. Known.Where(known => policies.HasFlag(known.Policy)).Select(known => known.Name)];
}
