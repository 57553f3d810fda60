namespace Lumiku.Gateway.Bench;

/// <param name="Gateway">The published <c>Lumiku.Gateway.dll</c>.</param>
/// <param name="Rounds">Those that count; one more is run first and thrown away.</param>
/// <param name="Only"><c>hit</c>, <c>miss</c> or <c>waiting</c>; null is all of them.</param>
internal sealed record BenchOptions(string Gateway, int Seconds, int Rounds, int Connections, string? Only)
{
    public bool Wants(string scenario) => Only is null || Only == scenario;
}
