namespace Lumiku.HuggingFace.Simulator.Providers;

internal enum TargetKind
{
    Submit,
    Status,
    Result,
    Cancel,
}
