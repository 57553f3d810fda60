using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Models;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary><c>/api/models/{id}</c> of the Hub: which providers serve a model. It takes no token.</summary>
internal static class Hub
{
    private const string Prefix = "/api/models/";

    /// <summary>The model's id; null when the path is not the Hub's.</summary>
    public static string? ModelOf(string requestTarget)
    {
        var path = requestTarget.Split('?')[0];
        return path.StartsWith(Prefix, StringComparison.Ordinal) ? Uri.UnescapeDataString(path[Prefix.Length..]) : null;
    }

    public static Task AnswerAsync(Exchange exchange)
    {
        var model = exchange.Request.Model;
        var offers = OfferCatalogue.Of(model).ToList();
        if (offers.Count == 0 && ModelCatalogue.Find(model) is { } alone)
        {
            offers.Add(new Offer(model, ModelPath.HfInference, model, alone.Pipeline.Task));
        }

        if (offers.Count == 0)
        {
            return exchange.AnswerErrorAsync(StatusCodes.Status404NotFound, "Repository not found");
        }

        var answer = new JsonObject { ["_id"] = "66aaa908fc35e079a941470d", ["id"] = model };
        if (Uri.UnescapeDataString(exchange.Request.Path).Contains("expand[]=inferenceProviderMapping", StringComparison.Ordinal))
        {
            answer["inferenceProviderMapping"] = exchange.Options.MapsProvidersByName
                ? new JsonObject(offers.Select(offer => KeyValuePair.Create<string, JsonNode?>(offer.Provider, Describe(offer))))
                : new JsonArray([.. offers.Select(offer => Describe(offer, named: true))]);
        }

        return exchange.AnswerJsonAsync(StatusCodes.Status200OK, answer);
    }

    private static JsonObject Describe(Offer offer) => Describe(offer, named: false);

    private static JsonObject Describe(Offer offer, bool named)
    {
        var description = new JsonObject { ["status"] = offer.Status, ["providerId"] = offer.ProviderId, ["task"] = offer.Task };
        if (named)
        {
            description.Insert(0, "provider", offer.Provider);
        }

        return description;
    }
}
