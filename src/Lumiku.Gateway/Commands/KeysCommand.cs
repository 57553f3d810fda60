using System.Buffers.Text;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Authentication;

namespace Lumiku.Gateway.Commands;

/// <summary><c>keys create</c>: a new key for a caller, and the setting by which the gateway knows it.</summary>
internal static partial class KeysCommand
{
    private const string Prefix = "lmk_";
    private const int RandomBytes = 32;

    private static readonly Argument<string> Caller = new("caller")
    {
        Description = "The caller's name in the settings and in the log: letters, digits, and single '-' or '_' between them; at most 64 characters.",
        Validators = { CheckName },
    };

    private static readonly Option<bool> IsJson = new("--json") { Description = "Print one JSON object: caller, key, keySha256, variable." };

    public static Command Create()
    {
        var create = new Command("create", "Makes a random key for a caller and prints it this once, with the settings line for it. Nothing is stored or changed.") { Caller, IsJson };
        create.SetAction(parsed =>
        {
            var key = CreatedKey.For(parsed.GetRequiredValue(Caller), Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes)));
            Console.Out.WriteLine(parsed.GetValue(IsJson) ? CommandJson.Serialize(key) : Describe(key));
            return GatewayCommandLine.Done;
        });
        return new Command("keys", "Keys for those who call the gateway.") { create };
    }

    private static void CheckName(ArgumentResult result)
    {
        if (!NameGrammar().IsMatch(result.Tokens[0].Value))
        {
            result.AddError("A caller's name is letters, digits, and single '-' or '_' between them, at most 64 characters: it becomes a settings key, a part of a variable's name and a field of the log.");
        }
    }

    private static string Describe(CreatedKey key) => $$"""
        The key of '{{key.Caller}}', shown this once; it is sent as 'Authorization: Bearer <key>':

          {{key.Key}}

        The gateway needs its hash alone. In the settings file:

          "Callers": { "{{key.Caller}}": { "KeySha256": "{{key.KeySha256}}" } }

        or as a variable, read when the gateway starts:

          {{key.Variable}}

        Beside KeySha256 goes what this caller may do: Tier (else it is DefaultTier), ActsForUsers, Limits.
        """;

    // Two underscores would be a colon in a variable's name, and one beside them would join them.
    [GeneratedRegex(@"\A(?=.{1,64}\z)[A-Za-z0-9]+([_-][A-Za-z0-9]+)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex NameGrammar();
}

/// <param name="Key">The key itself; it is kept nowhere.</param>
/// <param name="Variable">The setting as a variable, <c>name=value</c>.</param>
internal sealed record CreatedKey(string Caller, string Key, string KeySha256, string Variable)
{
    public static CreatedKey For(string caller, string key)
    {
        var hash = CallerDirectory.Hash(key);
        return new CreatedKey(caller, key, hash, $"Callers__{caller}__KeySha256={hash}");
    }
}
