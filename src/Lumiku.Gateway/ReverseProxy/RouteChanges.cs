using Yarp.ReverseProxy.Configuration;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Hears from YARP when it has followed a change of its configuration.</summary>
internal sealed class RouteChanges : IConfigChangeListener
{
    private TaskCompletionSource<Exception?> _next = New();

    /// <summary>Ends with the next change: null where it was applied, else why not.</summary>
    public Task<Exception?> NextAsync() => Volatile.Read(ref _next).Task;

    public void ConfigurationApplied(IReadOnlyList<IProxyConfig> proxyConfigs) => End(null);

    public void ConfigurationApplyingFailed(IReadOnlyList<IProxyConfig> proxyConfigs, Exception exception) => End(exception);

    public void ConfigurationLoaded(IReadOnlyList<IProxyConfig> proxyConfigs)
    {
    }

    public void ConfigurationLoadingFailed(IProxyConfigProvider configProvider, Exception exception) => End(exception);

    private void End(Exception? problem) => Interlocked.Exchange(ref _next, New()).TrySetResult(problem);

    private static TaskCompletionSource<Exception?> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
