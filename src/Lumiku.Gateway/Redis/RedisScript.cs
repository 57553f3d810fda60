namespace Lumiku.Gateway.Redis;

/// <summary>The Lua files that lie in a folder's <c>Scripts</c>.</summary>
internal static class RedisScript
{
    /// <param name="user">A type of the folder.</param>
    /// <param name="name">Without the ending.</param>
    public static string Of(Type user, string name)
    {
        using var reader = new StreamReader(user.Assembly.GetManifestResourceStream(user, $"Scripts.{name}.lua")!);
        return reader.ReadToEnd();
    }
}
