namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>Finds whose path a request's is.</summary>
internal sealed class Counter(Works works)
{
    private static readonly Dictionary<string, Dialect> Dialects =
        new Dialect[] { new Nscale(), new Together(), new FalAi(), new Replicate(), new Wavespeed() }.ToDictionary(dialect => dialect.Provider, StringComparer.Ordinal);

    /// <summary>Null when the path is no provider's.</summary>
    public ProviderCall? Find(ReceivedRequest request)
    {
        var path = request.Path.Split('?')[0].TrimStart('/');
        var split = path.IndexOf('/', StringComparison.Ordinal);
        if (split < 0 || !Dialects.TryGetValue(path[..split], out var dialect)
            || dialect.Find(Uri.UnescapeDataString(path[(split + 1)..]), request.Json) is not { } target)
        {
            return null;
        }

        var job = target.Kind == TargetKind.Submit ? null : works.Find(target.Name);
        return new ProviderCall(dialect, target, job, works);
    }
}
