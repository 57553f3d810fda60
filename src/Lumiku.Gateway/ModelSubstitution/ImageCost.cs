using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>What one answered request cost, and what it would have cost as it was asked: the difference was saved.</summary>
/// <param name="Spent">Upstream's price, where the image was made for this request; else 0.</param>
/// <param name="SavedByCache">The price of the image that need not be made, as it was kept, or another request had it made.</param>
/// <param name="SavedBySubstitution">By how much the model that served is cheaper than the one that was asked for.</param>
internal readonly record struct ImageCost(decimal Spent, decimal SavedByCache, decimal SavedBySubstitution)
{
    /// <param name="made">The id of the model that made the image.</param>
    /// <param name="upstream">The name of the one that made it; null: nobody knows.</param>
    /// <param name="isMade">For this request.</param>
    /// <returns>Null where nothing is known of a price.</returns>
    public static ImageCost? Of(GatewaySettings settings, ModelChoice model, string made, string? upstream, bool isMade)
    {
        // Any other is a fallback.
        var maker = made == model.Served.Id ? model.Served : settings.Models.Find(made);
        if (maker is null || settings.PriceOf(maker, upstream) is not { } price)
        {
            return null;
        }

        var cheaper = (settings.PriceOf(model.Requested) ?? price) - price;
        return new ImageCost(isMade ? price : 0, isMade ? 0 : price, cheaper > 0 ? cheaper : 0);
    }
}
