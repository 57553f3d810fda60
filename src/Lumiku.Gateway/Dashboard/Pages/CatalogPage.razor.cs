using System.Globalization;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ModelSubstitution;
using Microsoft.AspNetCore.Components;

namespace Lumiku.Gateway.Dashboard.Pages;

public sealed partial class CatalogPage
{
    private List<ModelView> _models = [];
    private DateTimeOffset? _since;
    private int _count;
    private int _replicas;

    [Inject]
    private TroubledModels Troubled { get; set; } = null!;

    private protected override void Read()
    {
        var (digest, sample) = (Stories.Current, Sample.Sum);
        (_since, _count, _replicas) = (digest.Since, digest.Count, digest.Replicas.Count);
        _models = [.. Settings.Value.Models.All.Select(model => View(
            model, digest.Models.FirstOrDefault(one => one.Model.Equals(model.Id, StringComparison.OrdinalIgnoreCase)) ?? new(model.Id, 0, 0, 0, 0, 0, 0),
            sample.Models.FirstOrDefault(one => one.Model.Equals(model.Id, StringComparison.OrdinalIgnoreCase)), sample))];
    }

    private ModelView View(Model model, ModelDigest digest, ModelSample? times, ReplicaSample sample)
    {
        List<ServingView> servings = [.. Settings.Value.Upstreams.Of(model).Select(serving => Serving(model, serving.Upstream, sample))];
        var open = servings.Count(serving => serving.Tone != "good");
        var (tone, state) = servings.Count > 0 && open == servings.Count ? ("bad", "in trouble everywhere")
            : open > 0 ? ("fair", "another serves")
            : digest.Failed > 0 && digest.Failed * 5 >= digest.Requests ? ("bad", "often fails")
            : digest.Requests == 0 ? ("none", "not asked for") : ("good", "serves");
        return new ModelView(model.Id, tone, state, digest, times, servings, Rules(model));
    }

    private ServingView Serving(Model model, string upstream, ReplicaSample sample)
    {
        var isOpen = sample.Breakers.Any(breaker => breaker.IsOpen && breaker.Upstream.Equals(upstream, StringComparison.OrdinalIgnoreCase) && breaker.Model.Equals(model.Id, StringComparison.OrdinalIgnoreCase));
        return isOpen ? new(upstream, "bad", "left alone: its breaker is open")
            : Troubled.Of((upstream, model.Id)) is { } trouble ? new(upstream, "fair", trouble.Class == FailureClass.Loading ? "is loading" : "is overloaded")
            : new(upstream, "good", "");
    }

    private string Rules(Model model)
    {
        var (options, price) = (model.Options, Settings.Value.PriceOf(model));
        List<string> rules = [options.Units == 1 ? "1 unit" : string.Create(CultureInfo.InvariantCulture, $"{options.Units} units")];
        if (price is { } paid)
        {
            rules.Add(Words.Money(paid, Settings.Value.Cost.Currency));
        }

        if (options.Requires is { } needed)
        {
            rules.Add($"needs {needed}{(options.Substitute is { } other ? $", else {Words.ShortModel(other)}" : "")}");
        }

        if (options.Fallback is { } fallback)
        {
            rules.Add($"falls back to {Words.ShortModel(fallback)}");
        }

        return $"{string.Join(" · ", rules)}. ";
    }

    private sealed record ModelView(string Id, string Tone, string State, ModelDigest Digest, ModelSample? Times, List<ServingView> Servings, string Rules);

    private sealed record ServingView(string Upstream, string Tone, string State);
}
