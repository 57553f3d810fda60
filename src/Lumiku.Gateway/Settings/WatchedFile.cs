namespace Lumiku.Gateway.Settings;

/// <summary>A file that is read again and again, mostly to find that it is as before: then nothing is allocated but its handle.</summary>
internal sealed class WatchedFile(string path)
{
    private byte[] _buffer = new byte[64 * 1024];

    /// <param name="before">What was read last.</param>
    /// <returns><paramref name="before"/> where the file still says that; empty where it is missing, cannot be read or is empty.</returns>
    public byte[] Read(byte[] before)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            var length = 0;
            for (int read; (read = RandomAccess.Read(handle, _buffer.AsSpan(length), length)) > 0;)
            {
                length += read;
                if (length == _buffer.Length)
                {
                    Array.Resize(ref _buffer, 2 * length);
                }
            }

            var content = _buffer.AsSpan(0, length);
            return content.SequenceEqual(before) ? before : content.ToArray();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return before.Length == 0 ? before : [];
        }
    }
}
