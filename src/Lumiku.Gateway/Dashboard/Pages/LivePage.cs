using Microsoft.AspNetCore.Components;

namespace Lumiku.Gateway.Dashboard.Pages;

/// <summary>A page that follows what happens, at most once a second; one that is slow to show it misses some.</summary>
public abstract class LivePage : ComponentBase, IDisposable
{
    private IDisposable? _watching;
    private int _isShowing;

    [Inject]
    private protected Sampler Sampler { get; set; } = null!;

    [Inject]
    private protected OperatorZone Zone { get; set; } = null!;

    private protected Sample Sample { get; private set; } = null!;

    public void Dispose()
    {
        _watching?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads what else the page shows; before it is shown the first time, too.</summary>
    private protected virtual void Read()
    {
    }

    protected override void OnInitialized()
    {
        Sample = Sampler.Current;
        Read();
    }

    /// <summary>Never while the page is made on the server alone: there is nobody yet who watches.</summary>
    protected override void OnAfterRender(bool firstRender) => _watching ??= Sampler.Watch(Changed);

    private void Changed()
    {
        if (Interlocked.Exchange(ref _isShowing, 1) == 1)
        {
            return;
        }

        _ = InvokeAsync(async () =>
        {
            try
            {
                Sample = Sampler.Current;
                Read();
                StateHasChanged();
            }
            catch (Exception exception)
            {
                // A page that stays as it was would pass for one that is right: this ends it, and the browser says so.
                await DispatchExceptionAsync(exception);
            }
            finally
            {
                Volatile.Write(ref _isShowing, 0);
            }
        });
    }
}
