namespace Lumiku.Gateway.Bench.Load;

/// <summary>What <c>post.lua</c> prints when wrk is done.</summary>
/// <param name="Bytes">All that was read, heads of answers included.</param>
/// <param name="P50">In microseconds, as <paramref name="P99"/>.</param>
/// <param name="Status">Answers with a status of 400 or more.</param>
internal sealed record WrkFigures(long Requests, long Microseconds, long Bytes, long P50, long P99, long Connect, long Read, long Write, long Status, long Timeout)
{
    public double PerSecond => Requests * 1e6 / Microseconds;

    public long Errors => Connect + Read + Write + Status + Timeout;
}
