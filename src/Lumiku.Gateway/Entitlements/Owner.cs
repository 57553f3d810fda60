using Lumiku.Gateway.Authentication;

namespace Lumiku.Gateway.Entitlements;

/// <summary>Whom limits and kept images belong to: the user where one is named, whichever caller names them, else the caller.</summary>
/// <param name="IsUser">A user can never be taken for a caller of the same name.</param>
/// <param name="Id">The user's opaque id, never logged as it is; or the caller's name.</param>
internal readonly record struct Owner(bool IsUser, string Id)
{
    /// <summary>To whom probes belong, whom nothing is refused to.</summary>
    public static readonly Owner Operator = new(IsUser: false, Caller.Operator.Name);

    /// <summary>For logs: a caller by its name, a user by a part of the SHA-256 of the id, so that who knows the id finds its lines.</summary>
    public string LogName => IsUser ? $"user #{UserDigits}" : $"caller {Id}";

    /// <summary>The twelve hex digits that a user has in the log; of a caller they say nothing.</summary>
    public string UserDigits => TextDigest.Of(Id, digits: 12);

    /// <summary>The same in one text, for keys.</summary>
    public override string ToString() => IsUser ? $"user {Id}" : $"caller {Id}";
}
