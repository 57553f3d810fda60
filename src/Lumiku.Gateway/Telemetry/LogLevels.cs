using Serilog.Events;

namespace Lumiku.Gateway.Telemetry;

/// <summary>Checks what Serilog itself takes in silence, or ends the process for.</summary>
internal static class LogLevels
{
    /// <returns>Every level in <c>Serilog:MinimumLevel</c> that is none.</returns>
    public static IEnumerable<string> Check(IConfiguration configuration)
    {
        var levels = configuration.GetSection("Serilog:MinimumLevel");
        foreach (var level in new[] { levels }.Concat(levels.GetChildren()).Concat(levels.GetSection("Override").GetChildren()))
        {
            if (level.Value is { Length: > 0 } value && !Enum.TryParse<LogEventLevel>(value, ignoreCase: true, out _))
            {
                yield return $"'{level.Path}' is '{value}', which is no level: {string.Join(", ", Enum.GetNames<LogEventLevel>())}.";
            }
        }
    }
}
