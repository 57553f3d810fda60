namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Keys of images that were let go a while ago, oldest first; 32 bytes each and some.</summary>
internal sealed class GhostKeys
{
    /// <summary>So many at least, however few images there are.</summary>
    private const int Least = 256;

    private readonly LinkedList<CacheKey> _order = new();
    private readonly Dictionary<CacheKey, LinkedListNode<CacheKey>> _nodes = [];

    /// <param name="most">How many are remembered.</param>
    public void Add(CacheKey key, int most)
    {
        Remove(key);
        _nodes[key] = _order.AddLast(key);
        while (_nodes.Count > Math.Max(most, Least))
        {
            Remove(_order.First!.Value);
        }
    }

    /// <returns>Whether it was there.</returns>
    public bool Remove(CacheKey key)
    {
        if (!_nodes.Remove(key, out var node))
        {
            return false;
        }

        _order.Remove(node);
        return true;
    }
}
