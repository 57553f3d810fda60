using System.Diagnostics.Metrics;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Telemetry;

/// <summary>The gateway's own instruments. Tags have a small, fixed set of values: never a caller's id, a key or a prompt.</summary>
internal sealed class GatewayMetrics(IMeterFactory meterFactory)
{
    public const string MeterName = "Lumiku.Gateway";

    // The factory owns and disposes it.
    private readonly Meter _meter = meterFactory.Create(MeterName);

    /// <summary>Shows one Redis; called once for each.</summary>
    /// <param name="store">What it is for: <c>limits</c> or <c>images</c>.</param>
    /// <param name="outages">How often it went away since the start, not being there at the start included.</param>
    public void WatchRedis(string store, Func<bool> isUp, Func<long> outages)
    {
        KeyValuePair<string, object?>[] tags = [new("lumiku.redis.store", store)];
        _meter.CreateObservableGauge("lumiku.redis.up", () => new Measurement<int>(isUp() ? 1 : 0, tags), description: "1 while this Redis is used; 0 while this replica decides by itself.");
        _meter.CreateObservableCounter("lumiku.redis.outages", () => new Measurement<long>(outages(), tags), "{outage}", "How often this Redis went away.");
    }

    /// <summary>Shows which settings are in force, and whether the file is.</summary>
    public void WatchSettings(CurrentSettings settings)
    {
        _meter.CreateObservableGauge("lumiku.settings.number", () => settings.Value.Number, description: "The settings in force, counted from 1 at the start.");
        _meter.CreateObservableGauge("lumiku.settings.refused", () => settings.Refused is null ? 0 : 1, description: "1 while the settings file is not in force, as it has a mistake.");
        _meter.CreateObservableCounter("lumiku.settings.refusals", () => settings.Refusals, "{refusal}", "How often the settings file was refused.");
    }

    /// <summary>Shows what Redis has yet to be told.</summary>
    public void WatchUntold(Func<long> count) => _meter.CreateObservableUpDownCounter(
        "lumiku.limits.untold", count, "{change}", "Units, slots and grants that changed while Redis was away, and that it has yet to be told.");
}
