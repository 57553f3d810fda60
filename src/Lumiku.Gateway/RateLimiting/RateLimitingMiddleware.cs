using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Takes a request's place in requests a minute and at once, or refuses it with 429; and says on every answer what is left.</summary>
internal sealed class RateLimitingMiddleware(RequestDelegate next, ILimitStore store, HeldLeases held)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var account = Account.Of(context);
        context.Features.Set(account);
        var isPost = HttpMethods.IsPost(context.Request.Method);
        // A look at a model is over at once; a model that makes no image costs no units.
        var applying = !isPost ? LimitPolicies.Requests
            : context.GetUpstreamRequest().Model.Served.MakesImages ? LimitPolicies.All
            : LimitPolicies.Requests | LimitPolicies.Concurrency;

        var (lease, violated, usage) = await store.AdmitAsync(account, takesSlot: isPost);
        var record = context.GetRequestRecord();
        record.Story.Limit(usage, applying);
        usage.Tell(record);
        if (violated != LimitPolicies.None)
        {
            RateLimitHeaders.Set(context.Response.Headers, usage, applying);
            await LimitProblems.NotAdmitted(account, violated, usage).ExecuteAsync(context);
            return;
        }

        var admitted = new AdmittedRequest(context, account, applying, lease, store, held);
        context.Response.OnStarting(static admitted => ((AdmittedRequest)admitted).AnswerAsync(), admitted);
        try
        {
            await next(context);
        }
        finally
        {
            await admitted.ReleaseAsync();
        }
    }

    /// <summary>A request that goes on, with its slot if it takes one.</summary>
    private sealed class AdmittedRequest
    {
        private readonly HttpContext _context;
        private readonly Account _account;
        private readonly LimitPolicies _applying;
        private readonly ILimitStore _store;
        private readonly HeldLeases _held;
        private RequestLease? _lease;

        public AdmittedRequest(HttpContext context, Account account, LimitPolicies applying, RequestLease? lease, ILimitStore store, HeldLeases held)
        {
            (_context, _account, _applying, _lease, _store, _held) = (context, account, applying, lease, store, held);
            if (lease is not null)
            {
                held.Add(lease);
            }
        }

        /// <summary>Runs before the first byte: whoever has it may ask again at once, so its slot is free by then.</summary>
        public async Task AnswerAsync()
        {
            var usage = await ReleaseAsync() ?? await _store.LookAsync(_account);
            _context.GetRequestRecord().Story.Limit(usage, _applying);
            RateLimitHeaders.Set(_context.Response.Headers, usage, _applying);
        }

        /// <returns>What is used without it; null where there was nothing to release.</returns>
        public async ValueTask<LimitUsage?> ReleaseAsync()
        {
            if (Interlocked.Exchange(ref _lease, null) is not { } lease)
            {
                return null;
            }

            _held.Remove(lease);
            return await _store.ReleaseAsync(lease, _account);
        }
    }
}
