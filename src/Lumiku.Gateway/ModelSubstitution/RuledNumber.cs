using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>A parameter has a value that its rule cannot be applied to.</summary>
/// <param name="message">Names the parameter, the rule and the value's kind; never the value of a string.</param>
internal sealed class RefusedParameterException(string message) : Exception(message);

/// <summary>One parameter's number under the served model's rules.</summary>
internal static class RuledNumber
{
    /// <returns>The number to send instead; null: the value stays as it is, in its own spelling.</returns>
    /// <exception cref="RefusedParameterException">A rule asks for a number and this is none.</exception>
    public static decimal? Apply(string name, JsonElement value, ParameterRules rules)
    {
        var maximum = rules.Maximum.TryGetValue(name, out var most) ? most : (decimal?)null;
        var multiple = rules.MultipleOf.TryGetValue(name, out var step) ? step : (decimal?)null;
        if ((maximum is null && multiple is null) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            var rule = maximum is null ? $"a multiple of {multiple}" : $"at most {maximum}";
            throw new RefusedParameterException($"'{name}' must be a number ({rule} is sent for this model); it is {InferenceJson.Describe(value)}.");
        }

        var number = Read(name, value);
        var ruled = maximum is { } cap && number > cap ? cap : number;
        if (multiple is { } unit && ruled % unit != 0)
        {
            ruled = Math.Max(unit, decimal.Truncate(ruled - (ruled % unit)));
        }

        return ruled == number ? null : ruled;
    }

    /// <summary>A number of any size: what no decimal holds is larger, or smaller, than any rule.</summary>
    private static decimal Read(string name, JsonElement value)
    {
        var text = JsonMarshal.GetRawUtf8Value(value);
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
            : !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var large) ? throw new RefusedParameterException($"'{name}' is not a number that can be compared.")
            : large > 0 ? decimal.MaxValue : decimal.MinValue;
    }
}
