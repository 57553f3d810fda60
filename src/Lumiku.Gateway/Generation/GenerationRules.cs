using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Generation;

/// <summary>What the schema cannot say of <see cref="GenerationOptions"/>.</summary>
internal static class GenerationRules
{
    public static void Check(GenerationOptions options, SettingsReader read)
    {
        foreach (var (index, rule) in options.FailureRules.Index())
        {
            var key = $"Generation:FailureRules:{index}";
            if (rule.Status == 0 && rule.Message.Length == 0)
            {
                read.Refuse(key, "fits every answer: give it a Status, a Message or both");
            }

            if (rule.Class is null)
            {
                read.Refuse($"{key}:Class", $"is missing; there are {string.Join(", ", Enum.GetNames<FailureClass>())}");
            }
        }
    }
}
