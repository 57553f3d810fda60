namespace Lumiku.Gateway.Redis;

/// <summary>Redis did not do what it was asked; whoever uses it as an aid goes on without.</summary>
internal abstract class RedisFailedException(string message, Exception? cause) : Exception(message, cause);

/// <summary>Redis did not do it in time, or could not, or was not asked because it has not lately.</summary>
/// <param name="mayBeDone">It was asked, and may have done it all the same, perhaps later.</param>
internal sealed class RedisUnavailableException(string message, bool mayBeDone, Exception? cause = null) : RedisFailedException(message, cause)
{
    public bool MayBeDone => mayBeDone;
}

/// <summary>Redis is well, but a command or script failed: what lies under our keys is not ours, or the script is wrong.</summary>
internal sealed class RedisScriptException(Exception cause) : RedisFailedException(cause.Message, cause);
