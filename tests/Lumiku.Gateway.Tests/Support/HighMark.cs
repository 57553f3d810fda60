namespace Lumiku.Gateway.Tests.Support;

/// <summary>The largest number that several threads have seen.</summary>
internal static class HighMark
{
    public static void Raise(ref long mark, long seen)
    {
        for (var before = Volatile.Read(ref mark); seen > before;)
        {
            before = Interlocked.CompareExchange(ref mark, seen, before);
        }
    }
}
