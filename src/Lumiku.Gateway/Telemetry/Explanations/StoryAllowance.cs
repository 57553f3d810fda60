namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>How many stories one replica writes to Redis: 200,000 a day, so that with 1 kB each they stay a small part of it.</summary>
/// <remarks>Stories of requests that went well leave half of the burst to those that did not.</remarks>
internal sealed class StoryAllowance(TimeProvider time)
{
    private const double ADay = 200_000;
    private const double Burst = 20_000;

    private double _left = Burst;
    private long _at = time.GetTimestamp();

    /// <remarks>For one thread at a time.</remarks>
    public bool Takes(RequestStory story)
    {
        var now = time.GetTimestamp();
        _left = Math.Min(Burst, _left + (time.GetElapsedTime(_at, now).TotalDays * ADay));
        _at = now;
        if (_left - 1 < (story.Status < 400 ? Burst / 2 : 0))
        {
            return false;
        }

        _left--;
        return true;
    }
}
