namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>The latest things by name; the oldest go when there are too many.</summary>
internal sealed class Shelf<T>
    where T : class
{
    private const int Most = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, T> _things = new(StringComparer.Ordinal);
    private readonly Queue<string> _names = [];

    public void Put(string name, T thing)
    {
        lock (_lock)
        {
            _things.Add(name, thing);
            _names.Enqueue(name);
            if (_names.Count > Most)
            {
                _things.Remove(_names.Dequeue());
            }
        }
    }

    public T? Find(string name)
    {
        lock (_lock)
        {
            return _things.GetValueOrDefault(name);
        }
    }
}
