using System.Collections.Concurrent;

namespace Lumiku.Gateway.Generation;

/// <summary>Models that are loading or overloaded. While one is, a single attempt at a time finds out whether it still is; all others wait for that verdict.</summary>
/// <remarks>A model without trouble is not in here, so made-up ids take no memory.</remarks>
internal sealed class TroubledModels(TimeProvider time, Random random)
{
    private readonly ConcurrentDictionary<(string Upstream, string Model), ModelTrouble> _troubled = [];

    public int Count => _troubled.Count;

    /// <summary>Waits until this generation may ask the model.</summary>
    /// <param name="patience">How long at the most, with this trouble.</param>
    /// <exception cref="OperationCanceledException">The generation's deadline has passed.</exception>
    public ValueTask<Pass> EnterAsync((string Upstream, string Model) model, Func<FailureClass, TimeSpan> patience, CancellationToken deadline) =>
        _troubled.TryGetValue(model, out var trouble) ? trouble.EnterAsync(patience, deadline) : new(Pass.Free);

    /// <summary>The trouble that the model is known to be in; null: none.</summary>
    public UpstreamFailure? Of((string Upstream, string Model) model) => _troubled.GetValueOrDefault(model)?.Failure;

    /// <summary>Tells what came of an attempt; owed for each pass that was granted.</summary>
    /// <param name="failure">Null: an image.</param>
    public void Report((string Upstream, string Model) model, Pass pass, UpstreamFailure? failure)
    {
        if (pass.Trouble?.ReportProbe(failure) == true)
        {
            return;
        }

        while (true)
        {
            if (failure is not { IsTrouble: true })
            {
                return;
            }

            if (_troubled.GetOrAdd(model, _ => new ModelTrouble(time, random, over => _troubled.TryRemove(KeyValuePair.Create(model, over)))).TryAdd(failure))
            {
                return;
            }
        }
    }
}

/// <summary>Leave to ask a model, or the reason why not.</summary>
/// <param name="Trouble">The trouble whose end this attempt is to find out; null where there is none.</param>
/// <param name="Verdict">Set: no leave, this is how it stands with the model.</param>
/// <param name="IsOnceMore">It is the one more attempt that the trouble allows.</param>
internal readonly record struct Pass(ModelTrouble? Trouble, UpstreamFailure? Verdict, bool IsOnceMore = false)
{
    public static readonly Pass Free;
}
