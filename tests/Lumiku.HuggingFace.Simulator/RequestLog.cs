namespace Lumiku.HuggingFace.Simulator;

/// <summary>Everything that was asked, in order of arrival.</summary>
internal sealed class RequestLog
{
    private readonly Lock _lock = new();
    private readonly List<ReceivedRequest> _requests = [];

    public IReadOnlyList<ReceivedRequest> Snapshot()
    {
        lock (_lock)
        {
            return [.. _requests];
        }
    }

    public void Add(ReceivedRequest request)
    {
        lock (_lock)
        {
            _requests.Add(request);
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _requests.Clear();
        }
    }
}
