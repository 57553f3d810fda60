using System.Globalization;
using StackExchange.Redis;

namespace Lumiku.Gateway.Redis;

/// <summary>What a script answered: a list of whole numbers and texts.</summary>
internal sealed class RedisReply(RedisResult reply)
{
    private readonly RedisResult[] _items = (RedisResult[]?)reply ?? [];

    public int Count => _items.Length;

    public long Number(int index) => (long)_items[index];

    /// <returns>Null where it is empty.</returns>
    public string? Text(int index) => (string?)_items[index] is { Length: > 0 } text ? text : null;
}

/// <summary>Arguments of a script; Redis knows texts only.</summary>
internal static class RedisArguments
{
    public static string Of(long number) => number.ToString(CultureInfo.InvariantCulture);
}
