namespace Lumiku.Gateway.Tests.Support;

/// <summary>Lines that a run of the tests is to show besides passed and failed: <c>test.sh</c> prints the file, by its lines' beginnings.</summary>
public static class Figures
{
    private static readonly Lock Writing = new();

    /// <summary>Beside the tests; whoever starts a run deletes it first.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "figures.txt");

    public static void Add(string table, string line)
    {
        lock (Writing)
        {
            File.AppendAllText(Path, $"{table}: {line}\n");
        }
    }
}
