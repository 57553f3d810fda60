namespace Lumiku.Gateway.Bench.Servers;

/// <summary>Where the servers keep logs and caches, gone with the run.</summary>
internal sealed class WorkFolder : IDisposable
{
    private const string SharedMemory = "/dev/shm";

    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("lumiku-bench-");
    private readonly DirectoryInfo _memory;

    public WorkFolder() =>
        _memory = Directory.Exists(SharedMemory) ? Directory.CreateDirectory(Path.Combine(SharedMemory, _files.Name)) : _files.CreateSubdirectory("cache");

    public string Files => _files.FullName;

    /// <summary>A new empty folder, in memory where the machine has such.</summary>
    public string NewCache() => _memory.CreateSubdirectory(Path.GetRandomFileName()).FullName;

    public void Dispose()
    {
        foreach (var folder in new[] { _memory, _files }.Where(folder => folder.Exists))
        {
            folder.Delete(recursive: true);
        }
    }
}
