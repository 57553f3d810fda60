using System.ComponentModel.DataAnnotations;

namespace Lumiku.Gateway.Settings;

/// <summary>Binds sections and collects every mistake in them, so that an operator sees all at once.</summary>
internal sealed class SettingsReader(IConfiguration configuration)
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
            var bound = section.Get<T>(options => options.ErrorOnUnknownConfiguration = true) ?? new T();
            CheckRanges(key, bound);
            return bound;
        }
        catch (InvalidOperationException exception)
        {
            // The binder names the key and the value, or the unknown name; it never binds a Secret wrongly, so no secret is in the text.
            _mistakes.Add($"'{key}': {(exception.InnerException ?? exception).Message.TrimEnd('.')} ({exception.Message.TrimEnd('.')}).");
            return new T();
        }
    }

    /// <summary>Records a mistake.</summary>
    /// <param name="key">The full key, as an operator would write it.</param>
    /// <param name="rule">What is wrong, as the rest of a sentence that begins with the key.</param>
    public void Refuse(string key, string rule) => _mistakes.Add($"'{key}' {rule}.");

    /// <summary>Checks the attributes of one bound object.</summary>
    public void CheckRanges(string key, object bound)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(bound, new ValidationContext(bound), results, validateAllProperties: true);
        _mistakes.AddRange(results.Select(result => $"'{key}:{result.MemberNames.FirstOrDefault()}': {result.ErrorMessage}"));
    }
}
