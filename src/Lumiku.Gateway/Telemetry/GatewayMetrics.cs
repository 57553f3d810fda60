using System.Diagnostics;
using System.Diagnostics.Metrics;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Telemetry;

/// <summary>The gateway's own instruments. Tags have a small, fixed set of values: never a caller's id, a key or a prompt.</summary>
internal sealed class GatewayMetrics
{
    public const string MeterName = "Lumiku.Gateway";

    /// <summary>The tag for what a request does not have: a request that was refused has no served model.</summary>
    public const string None = "none";

    /// <summary>Seconds, from a hit to a generation at its deadline.</summary>
    public static readonly double[] DurationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300];

    private static readonly long[] SizeBuckets = [65_536, 131_072, 262_144, 524_288, 1_048_576, 1_572_864, 2_097_152, 4_194_304, 8_388_608, 16_777_216, 33_554_432];

    // The factory owns and disposes it.
    private readonly Meter _meter;

    private readonly RecentActivity _recent;

    private readonly Counter<long> _requests;
    private readonly Counter<long> _refusals;
    private readonly UpDownCounter<long> _waiting;
    private readonly Histogram<double> _generations;
    private readonly Histogram<double> _queue;
    private readonly Histogram<double> _attempts;
    private readonly Histogram<long> _images;
    private readonly Counter<long> _accountProblems;
    private readonly Counter<long> _units;
    private readonly Counter<double> _spent;
    private readonly Counter<double> _saved;

    /// <param name="recent">Is told the same, for the operators' page.</param>
    public GatewayMetrics(IMeterFactory meterFactory, RecentActivity recent)
    {
        _recent = recent;
        _meter = meterFactory.Create(MeterName);
        var durations = new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBuckets };
        _requests = _meter.CreateCounter<long>("lumiku.requests", "{request}", "Requests that ended, in any way, but for /health: by tier, models, outcome and how the image came.");
        _refusals = _meter.CreateCounter<long>("lumiku.limits.refusals", "{refusal}", "Requests that were refused with 429 by a limit of ours, by tier and limit; one that two limits refused counts for both.");
        _waiting = _meter.CreateUpDownCounter<long>("lumiku.generation.waiting", "{request}", "Requests that wait for an image to be made.");
        _generations = _meter.CreateHistogram("lumiku.generation.duration", "s", "What one model took to make an image or to fail, with all waiting; by model and outcome.", advice: durations);
        _queue = _meter.CreateHistogram("lumiku.generation.queue.duration", "s", "What of it was waiting: for a place at the model, for trouble to pass, between attempts; by model.", advice: durations);
        _attempts = _meter.CreateHistogram("gen_ai.client.operation.duration", "s", "Single requests to upstream, by model and class of what came.", advice: durations);
        _images = _meter.CreateHistogram("lumiku.image.size", "By", "Images that were made, by model.", advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = SizeBuckets });
        _accountProblems = _meter.CreateCounter<long>("lumiku.upstream.account_problems", "{problem}", "Generations that failed as upstream refused our own account (token, permissions, credits), by model.");
        _spent = _meter.CreateCounter<double>("lumiku.cost.spent", "{currency}", "What upstream is paid for images that were made, by model; where prices are known.");
        _saved = _meter.CreateCounter<double>("lumiku.cost.saved", "{currency}", "What answered requests would have cost besides, had each been made as it was asked for: by hit, sharing, substitution.");
        _units = _meter.CreateCounter<long>("lumiku.units", "{unit}", "Units that were reserved for generations, charged for images, and given back as no image came.");
    }

    /// <param name="outcome"><c>ok</c>, <c>caller-gone</c>, or the error's type.</param>
    public void RequestEnded(RequestRecord record, GatewaySettings? settings, string outcome)
    {
        var facts = record.Facts;
        var tier = Fact("Tier");
        TagList tags = default;
        tags.Add("lumiku.tier", tier);
        tags.Add("gen_ai.original.model", Model("RequestedModel"));
        tags.Add("gen_ai.request.model", Model("ServedModel"));
        tags.Add("lumiku.outcome", outcome);
        tags.Add("lumiku.cache", facts.GetValueOrDefault("Cache") switch { "HIT" => "hit", "MISS" => "miss", "COALESCED" => "coalesced", "BYPASS" => "bypass", _ => None });
        _requests.Add(1, tags);
        foreach (var policy in record.ViolatedPolicies ?? [])
        {
            _refusals.Add(1, new("lumiku.tier", tier), new("lumiku.limit", policy));
        }

        if (record.Cost is { } cost)
        {
            Saved(settings!, cost.SavedByCache, facts.GetValueOrDefault("Cache") is "HIT" ? "hit" : "sharing");
            Saved(settings!, cost.SavedBySubstitution, "substitution");
        }

        string Fact(string name) => facts.GetValueOrDefault(name) as string ?? None;

        string Model(string name) => facts.GetValueOrDefault(name) is string model ? settings?.Models.TagOf(model) ?? None : None;
    }

    /// <summary>A request begins to wait for an image, or waits no longer.</summary>
    /// <param name="change">1 or -1.</param>
    public void WaitingChanged(int change)
    {
        _waiting.Add(change);
        _recent.WaitingChanged(change);
    }

    /// <summary>One model has made an image, or could not.</summary>
    /// <param name="model">As a tag: of the catalog, or <c>other</c>.</param>
    /// <param name="outcome"><c>ok</c>, or the failure's class.</param>
    /// <param name="queued">What of it was waiting.</param>
    /// <param name="bytes">0 where there is no image.</param>
    public void Generated(string model, string outcome, TimeSpan took, TimeSpan queued, long bytes)
    {
        _recent.Generated(model, isImage: bytes > 0, took);
        _generations.Record(took.TotalSeconds, new("gen_ai.request.model", model), new("lumiku.outcome", outcome));
        _queue.Record(queued.TotalSeconds, new KeyValuePair<string, object?>("gen_ai.request.model", model));
        if (bytes > 0)
        {
            _images.Record(bytes, new KeyValuePair<string, object?>("gen_ai.request.model", model));
        }
    }

    /// <summary>Upstream has made an image, which it is paid for.</summary>
    /// <param name="price">Null where nothing is known of it.</param>
    public void Spent(GatewaySettings settings, string model, decimal? price)
    {
        if (price > 0)
        {
            _recent.Spent(price.Value);
            _spent.Add((double)price, new("gen_ai.request.model", settings.Models.TagOf(model)), new("lumiku.currency", settings.Cost.Currency));
        }
    }

    /// <summary>Upstream has answered, or not.</summary>
    /// <param name="upstream">Its name in settings.</param>
    /// <param name="failure">The failure's class; null: an image.</param>
    public void Attempted(string model, string upstream, string? failure, TimeSpan took)
    {
        TagList tags = default;
        tags.Add("gen_ai.operation.name", "generate_content");
        tags.Add("gen_ai.request.model", model);
        tags.Add("lumiku.upstream", upstream);
        tags.Add("error.type", failure ?? None);
        _attempts.Record(took.TotalSeconds, tags);
        _recent.Count(Counted.Attempts);
        if (failure is not null)
        {
            _recent.Count(Counted.AttemptsFailed);
        }
    }

    public void AccountRefused(string model)
    {
        _accountProblems.Add(1, new KeyValuePair<string, object?>("gen_ai.request.model", model));
        _recent.Count(Counted.AccountRefused);
    }

    public void UnitsReserved(int units) => Units("reserved", units);

    public void UnitsSettled(int charged, int refunded)
    {
        Units("charged", charged);
        _recent.Count(Counted.Units, charged);
        Units("refunded", refunded);
    }

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

    /// <summary>Shows the images in this process' memory.</summary>
    public void WatchCache(Func<long> bytes, Func<long> entries, Func<long> evictions)
    {
        _meter.CreateObservableUpDownCounter("lumiku.cache.size", bytes, "By", "Memory that kept images take.");
        _meter.CreateObservableUpDownCounter("lumiku.cache.entries", entries, "{image}", "Images that are kept in memory.");
        _meter.CreateObservableCounter("lumiku.cache.evictions", evictions, "{image}", "Images that were pushed out of memory before their time.");
    }

    /// <summary>Shows how many generations run.</summary>
    public void WatchGenerations(Func<long> running) => _meter.CreateObservableUpDownCounter("lumiku.generation.running", running, "{generation}", "Generations that are under way.");

    /// <summary>Shows the breakers of models that have another upstream or a fallback.</summary>
    public void WatchBreakers(Func<IEnumerable<(string Upstream, string Model, bool IsOpen)>> breakers) => _meter.CreateObservableGauge(
        "lumiku.breaker.open",
        () => breakers().Select(breaker => new Measurement<int>(breaker.IsOpen ? 1 : 0, new("gen_ai.request.model", breaker.Model), new("lumiku.upstream", breaker.Upstream))),
        description: "1 while a model is left alone, as its generations kept failing: its fallback serves.");

    private void Saved(GatewaySettings settings, decimal amount, string how)
    {
        if (amount > 0)
        {
            _saved.Add((double)amount, new("lumiku.saving", how), new("lumiku.currency", settings.Cost.Currency));
        }
    }

    private void Units(string what, int units)
    {
        if (units > 0)
        {
            _units.Add(units, new KeyValuePair<string, object?>("lumiku.units.change", what));
        }
    }
}
