using Serilog.Core;

namespace Lumiku.Gateway.Telemetry;

/// <summary>Writes the last lines when the gateway ends; but a reader of standard output who has stopped reading does not keep it alive.</summary>
internal sealed class LogEnd(Logger logger) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public void Dispose() => Task.Run(logger.Dispose).Wait(Patience);
}
