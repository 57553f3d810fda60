using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Authentication;

/// <summary>All callers by the hash of their key.</summary>
/// <remarks>A key is looked up by its SHA-256, so how long that takes tells nothing about the key.</remarks>
internal sealed class CallerDirectory
{
    private readonly Dictionary<string, Caller> _byHash = new(StringComparer.Ordinal);
    private readonly List<string> _plainKeys = [];
    private readonly List<string> _withWeakKeys = [];

    public CallerDirectory(Dictionary<string, CallerOptions?> options, SettingsReader read)
    {
        foreach (var (name, given) in options)
        {
            // An empty object in the file binds as null.
            var caller = given ?? new CallerOptions();
            var key = $"Callers:{name}";
            caller.Limits?.Check($"{key}:Limits", read);
            if (HashOf(key, caller, read) is { } hash && !_byHash.TryAdd(hash, new Caller(name, caller.ActsForUsers, caller.Tier, caller.Limits)))
            {
                read.Refuse(key, $"has the same key as Callers:{_byHash[hash].Name}");
            }
        }
    }

    public IEnumerable<Caller> All => _byHash.Values;

    /// <summary>Keys that are known by value, for masking; those given by hash are not among them.</summary>
    public IEnumerable<string> PlainKeys => _plainKeys;

    /// <summary>Names of callers whose key is so short that it could be guessed.</summary>
    public IEnumerable<string> WithWeakKeys => _withWeakKeys;

    /// <returns>Null where nobody has this key.</returns>
    public Caller? Find(string key) => _byHash.GetValueOrDefault(Hash(key));

    /// <summary>As <c>KeySha256</c> has it.</summary>
    public static string Hash(string key) => TextDigest.Of(key);

    private string? HashOf(string key, CallerOptions caller, SettingsReader read)
    {
        switch (caller)
        {
            case { Key: { } plain, KeySha256: null }:
                if (!plain.FitsHeader)
                {
                    read.Refuse($"{key}:Key", "must be visible ASCII characters without spaces, as it travels in a header");
                    return null;
                }

                _plainKeys.Add(plain.Reveal());
                if (plain.Reveal().Length < 20)
                {
                    _withWeakKeys.Add(key["Callers:".Length..]);
                }

                return Hash(plain.Reveal());
            case { Key: null, KeySha256: { } hash }:
                if (hash.Length == 64 && hash.All(char.IsAsciiHexDigit))
                {
                    return hash.ToLowerInvariant();
                }

                read.Refuse($"{key}:KeySha256", $"must be 64 hexadecimal digits and has {hash.Length} characters");
                return null;
            case { Key: null }:
                read.Refuse(key, "has neither Key nor KeySha256: nobody could call as this caller");
                return null;
            default:
                read.Refuse(key, "has both Key and KeySha256: keep one");
                return null;
        }
    }
}
