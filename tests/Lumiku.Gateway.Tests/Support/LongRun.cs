namespace Lumiku.Gateway.Tests.Support;

/// <summary><c>./test.sh --long</c>: what takes long is tested too, and scenarios are as large as they are told of.</summary>
public static class LongRun
{
    /// <summary>Why a short run leaves a test out.</summary>
    public const string Reason = "with LUMIKU_LONG=1";

    public static bool IsOn { get; } = Environment.GetEnvironmentVariable("LUMIKU_LONG") == "1";
}
