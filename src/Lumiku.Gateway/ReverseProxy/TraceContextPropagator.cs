using System.Diagnostics;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Sends <c>traceparent</c> upstream and nothing else: baggage and trace state are the caller's own.</summary>
internal sealed class TraceContextPropagator : DistributedContextPropagator
{
    private static readonly string[] Names = ["traceparent"];

    public override IReadOnlyCollection<string> Fields => Names;

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        // The client makes a span of its own where nobody collects it: what upstream hangs onto would be missing.
        var told = activity is { OperationName: "System.Net.Http.HttpRequestOut", Source.Name.Length: 0, Parent: { } parent } ? parent : activity;
        if (told is { IdFormat: ActivityIdFormat.W3C, Id: { } id })
        {
            setter?.Invoke(carrier, Names[0], id);
        }
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        (traceId, traceState) = (null, null);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
