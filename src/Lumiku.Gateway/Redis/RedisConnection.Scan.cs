using StackExchange.Redis;

namespace Lumiku.Gateway.Redis;

/// <content>Looking through all keys.</content>
internal sealed partial class RedisConnection
{
    /// <summary>A step through one node's keys: the cursor to go on with, then keys.</summary>
    private const string ScanScript = """
        local step = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 1000)
        table.insert(step[2], 1, step[1])
        return step[2]
        """;

    /// <summary>All keys of a pattern that are there from beginning to end, of all nodes, in pages. One may come twice.</summary>
    /// <exception cref="RedisFailedException">There may be more.</exception>
    public async IAsyncEnumerable<string[]> ScanAsync(string pattern)
    {
        foreach (var node in KeysOnEachNode())
        {
            var cursor = "0";
            do
            {
                var step = await EvaluateAsync(ScanScript, node, cursor, pattern);
                cursor = step.Text(0) ?? "0";
                yield return [.. Enumerable.Range(1, step.Count - 1).Select(index => step.Text(index)!)];
            }
            while (cursor != "0");
        }
    }

    /// <summary>A script goes where its key would be.</summary>
    private IEnumerable<string> KeysOnEachNode()
    {
        if (_multiplexer is not { } multiplexer)
        {
            throw new RedisUnavailableException(Problem ?? "It went away at this very moment.", mayBeDone: false);
        }

        var cluster = multiplexer.GetEndPoints().Select(endPoint => multiplexer.GetServer(endPoint).ClusterConfiguration).FirstOrDefault(known => known is not null);
        return cluster is null ? [$"{_probe}"] : cluster.Nodes.Where(node => node.Slots.Count > 0).Select(KeyOn);

        string KeyOn(ClusterNode node) => Enumerable.Range(0, int.MaxValue).Select(number => $"{_probe}:{number}").First(
            key => multiplexer.HashSlot(key) is var slot && node.Slots.Any(range => range.From <= slot && slot <= range.To));
    }
}
