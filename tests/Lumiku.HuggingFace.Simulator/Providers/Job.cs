using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>One request's work at a provider, from when it was taken.</summary>
/// <param name="id">As the provider tells it.</param>
/// <param name="request">What was asked.</param>
/// <param name="offer">The model that works.</param>
/// <param name="order">What it is to make.</param>
/// <param name="course">How that goes.</param>
internal sealed class Job(string id, ReceivedRequest request, Offer offer, Order order, Course course)
{
    private int _polls;
    private volatile bool _isCancelled = course.IsCancelled;
    private volatile bool _isRendered;

    public string Id => id;

    public ReceivedRequest Request => request;

    public Offer Offer => offer;

    public Order Order => order;

    public Course Course => course;

    /// <summary>What is wrong with the request, where that is told in place of a result.</summary>
    public Answer? Refusal { get; init; }

    public required DateTimeOffset TakenAt { get; init; }

    public required TimeSpan RenderTime { get; init; }

    /// <summary>The addresses handed out, once they were.</summary>
    public JsonNode? Urls { get; set; }

    public bool HasUrls { get; set; }

    public int Count => course.Count ?? order.Count;

    /// <summary>False when it is over already, and stays as it is.</summary>
    public bool Cancel(DateTimeOffset now) => At(now) is Progress.Waiting or Progress.Working && (_isCancelled = true);

    /// <summary>The whole time that the work takes was waited for.</summary>
    public void MarkRendered() => _isRendered = true;

    /// <summary>Counts one poll, and says whether that one is to fail.</summary>
    public bool PollFails() => Interlocked.Increment(ref _polls) <= course.FailingPolls;

    /// <summary>With no poll counted yet, as at the time of the request itself.</summary>
    public Progress At(DateTimeOffset now)
    {
        var poll = _polls - course.FailingPolls;
        return (now - TakenAt) switch
        {
            _ when _isCancelled => Progress.Cancelled,
            _ when course.NeverEnds => poll > 1 ? Progress.Working : Progress.Waiting,
            _ when course.WaitingPolls > 0 && poll <= course.WaitingPolls => Progress.Waiting,
            _ when course.WorkingPolls > 0 && poll <= course.WaitingPolls + course.WorkingPolls => Progress.Working,
            var spent when !_isRendered && spent < RenderTime / 2 => Progress.Waiting,
            var spent when !_isRendered && spent < RenderTime => Progress.Working,
            _ => course.Error is null ? Progress.Done : Progress.Failed,
        };
    }

    public Picture Paint(int index, int bytes)
    {
        var picture = course.Picture
            ?? (course.IsNsfw ? Picture.Black(order.Width, order.Height) : order.Paint(course.Type ?? order.Type, index, bytes));
        return course.Kept is { } kept ? picture with { Bytes = picture.Bytes[..kept(picture.Bytes.Length)] } : picture;
    }
}
