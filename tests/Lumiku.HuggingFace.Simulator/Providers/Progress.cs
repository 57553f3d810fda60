namespace Lumiku.HuggingFace.Simulator.Providers;

internal enum Progress
{
    Waiting,
    Working,
    Done,
    Failed,
    Cancelled,
}
