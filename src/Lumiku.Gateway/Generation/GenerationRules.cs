using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Generation;

/// <summary>What attributes cannot say of <see cref="GenerationOptions"/>.</summary>
internal static class GenerationRules
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static void Check(GenerationOptions options, SettingsReader read)
    {
        var breaker = options.Breaker;
        if (breaker.FailureRatio is not (> 0 and <= 1))
        {
            read.Refuse("Generation:Breaker:FailureRatio", $"must be above 0 and at most 1 and is {breaker.FailureRatio}");
        }

        if (breaker.MinimumGenerations is < 2 or > 10_000)
        {
            read.Refuse("Generation:Breaker:MinimumGenerations", $"must be between 2 and 10000 and is {breaker.MinimumGenerations}");
        }

        CheckSpan("Window", breaker.Window);
        CheckSpan("OpenFor", breaker.OpenFor);
        foreach (var (index, rule) in options.FailureRules.Index())
        {
            var key = $"Generation:FailureRules:{index}";
            if (rule.Status is < 0 or > 999)
            {
                read.Refuse($"{key}:Status", $"must be a status, or 0 for any, and is {rule.Status}");
            }

            if (rule.Status == 0 && rule.Message.Length == 0)
            {
                read.Refuse(key, "fits every answer: give it a Status, a Message or both");
            }

            if (rule.Class is null)
            {
                read.Refuse($"{key}:Class", $"is missing; there are {string.Join(", ", Enum.GetNames<FailureClass>())}");
            }
        }

        void CheckSpan(string name, TimeSpan span)
        {
            if (span < Second || span > Hour)
            {
                read.Refuse($"Generation:Breaker:{name}", $"must be between 00:00:01 and 01:00:00 and is {span}");
            }
        }
    }
}
