using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace Lumiku.Gateway.Settings;

/// <summary>Binds sections and collects every mistake in them, so that an operator sees all at once.</summary>
internal sealed partial class SettingsReader(IConfiguration configuration)
{
    private readonly List<string> _mistakes = [];

    public IReadOnlyList<string> Mistakes => _mistakes;

    /// <summary>The section bound, its ranges checked, or the defaults where it is missing or cannot be bound.</summary>
    public T Section<T>(string key)
        where T : class, new()
    {
        try
        {
            var section = configuration.GetSection(key);
            if (!string.IsNullOrEmpty(section.Value))
            {
                Refuse(key, "must be an object");
                return new T();
            }

            var bound = section.Get<T>(options => options.ErrorOnUnknownConfiguration = true) ?? new T();
            CheckRanges(key, bound);
            return bound;
        }
        catch (InvalidOperationException exception)
        {
            _mistakes.Add(IsSecret(key) ? $"'{key}' holds something of the wrong kind, or a name that is no setting{Place(exception)}." : $"'{key}': {Innermost(exception).Message}");
            return new T();
        }
    }

    /// <summary>Checks a number that is unlimited where it is left out. Empty is a mistake: a variable that was to be filled in, and was not.</summary>
    public void CheckLimit(string key, int? value, int least, int most)
    {
        if (configuration[key] is "")
        {
            Refuse(key, "is empty: leave it out, or write null, for unlimited");
        }
        else if (value < least || value > most)
        {
            Refuse(key, $"must be between {least} and {most}, or left out for unlimited, and is {value}");
        }
    }

    /// <summary>Records a mistake.</summary>
    /// <param name="key">The full key, as an operator would write it.</param>
    /// <param name="rule">What is wrong, as the rest of a sentence that begins with the key.</param>
    public void Refuse(string key, string rule) => _mistakes.Add($"'{key}' {rule}.");

    /// <summary>The binder quotes a value that does not fit, which here may be a key that somebody put in the wrong place.</summary>
    private static bool IsSecret(string key) => key is "Callers" or "Credentials";

    /// <summary>The binder's “at 'Callers:studio'”, without the value before it; empty where it names only unknown properties.</summary>
    private static string Place(InvalidOperationException exception) => PlaceInMessage().Match(Innermost(exception).Message) is { Success: true } place ? $" ({place.Value})" : "";

    [GeneratedRegex("at 'C[^']*'|following properties .*")]
    private static partial Regex PlaceInMessage();

    /// <summary>The binder's own words: the key with the value that does not fit, or the unknown name.</summary>
    private static InvalidOperationException Innermost(InvalidOperationException exception)
    {
        while (exception.InnerException is InvalidOperationException inner)
        {
            exception = inner;
        }

        return exception;
    }

    /// <summary>Checks the attributes of one bound object.</summary>
    private void CheckRanges(string key, object bound)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(bound, new ValidationContext(bound), results, validateAllProperties: true);
        _mistakes.AddRange(results.Select(result => $"'{key}:{result.MemberNames.FirstOrDefault()}': {result.ErrorMessage}"));
    }
}
