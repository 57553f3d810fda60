using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Dashboard.Pages;

public sealed partial class NowPage
{
    /// <summary>Charts are what is dearest to send, and show minutes.</summary>
    private static readonly TimeSpan ChartPace = TimeSpan.FromSeconds(10);

    private string _scope = "all";
    private string? _drawn;
    private DateTimeOffset _drawnAt;
    private ReplicaSample _shown = null!;
    private Verdict _verdict = null!;
    private int _others;
    private long _requests;
    private long _images;
    private int _open;
    private ChartSeries[] _requestSeries = [];
    private ChartSeries[] _refusalSeries = [];
    private ChartSeries[] _upstreamSeries = [];

    private protected override void Read()
    {
        _shown = _scope == "all" ? Sample.Sum : Sample.Here;
        (_verdict, _others) = Verdict.WithOthers(_shown);
        (_requests, _images) = (_shown.Sum(Counted.Requests), _shown.Images());
        _open = _shown.Breakers.Count(breaker => breaker.IsOpen);
        if (_drawn == _scope && Sample.Here.At - _drawnAt is { Ticks: >= 0 } since && since < ChartPace)
        {
            return;
        }

        (_drawn, _drawnAt) = (_scope, Sample.Here.At);
        _requestSeries =
        [
            Series("hit", "from the cache", Counted.Hits), Series("coalesced", "shared", Counted.Shared), Series("miss", "made", Counted.Made),
            new("limited", "refused by limits", "fair", _shown.Of(Counted.Refused)), Series("declined", "declined", Counted.Declined), Series("gone", "caller gone", Counted.Gone), Series("bad", "failed", Counted.Failed),
        ];
        _refusalSeries =
        [
            Series("per-minute", "requests a minute", Counted.RefusedByRequests), Series("at-once", "at once", Counted.RefusedByConcurrency),
            Series("day", "units a day", Counted.RefusedByDay), Series("month", "units a month", Counted.RefusedByMonth),
        ];
        long[] brought = [.. _shown.Of(Counted.Attempts).Zip(_shown.Of(Counted.AttemptsFailed), (all, failed) => Math.Max(0, all - failed))];
        _upstreamSeries = [new("brought", "with a picture", "miss", brought), new("attempts-failed", "without", "bad", _shown.Of(Counted.AttemptsFailed))];
    }

    private ChartSeries Series(string id, string name, Counted what) => new(id, name, id, _shown.Of(what));
}
