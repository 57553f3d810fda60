using System.ComponentModel.DataAnnotations;

namespace Lumiku.Gateway.Generation;

/// <summary>Bound from <c>Generation</c>.</summary>
internal sealed class GenerationOptions
{
    /// <summary>How long a caller waits before 504 <c>still-generating</c>. 1 s to 1 h; default 170 s, below the backend's own 180 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan WaitLimit { get; init; } = TimeSpan.FromSeconds(170);

    /// <summary>How long a generation may take as a whole, its caller gone or not. 1 s to 1 h; default 5 min. Not longer than a cluster's ActivityTimeout.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(5);
}
