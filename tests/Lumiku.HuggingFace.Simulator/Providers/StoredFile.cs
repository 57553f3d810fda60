using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>A picture that waits for its download; painted when that comes.</summary>
/// <param name="Job">Whose picture.</param>
/// <param name="Index">Which of the job's pictures, from 0.</param>
internal sealed record StoredFile(Job Job, int Index)
{
    public Picture Paint(int bytes) => Job.Paint(Index, bytes);
}
