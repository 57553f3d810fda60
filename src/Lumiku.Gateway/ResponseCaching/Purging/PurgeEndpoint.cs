using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary><c>POST /ops/purge</c>: removes images wherever they are kept, and says how many there were.</summary>
internal sealed partial class PurgeEndpoint(Purger purger, KeptImages kept, TimeProvider time, ILogger<PurgeEndpoint> logger)
{
    /// <summary>So much later every replica that reaches Redis has looked, once more if the first found another image by a request's id.</summary>
    private static readonly TimeSpan EveryReplicaHasLooked = 3 * PurgeFollower.LookInterval;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Map("/ops/purge", OperatorAccess.ToAct(routes.ServiceProvider.GetRequiredService<PurgeEndpoint>().PurgeAsync));

    private async Task PurgeAsync(HttpContext context)
    {
        var (order, problem) = PurgeOrder.Read(context.Request.Query, context.GetSettings());
        if (order is null)
        {
            await problem!.ExecuteAsync(context);
            return;
        }

        // It goes on if the operator leaves: half a purge is none.
        var hasBegun = false;
        try
        {
            var (number, removed) = await purger.BeginAsync(order.Mark);
            hasBegun = true;
            var done = purger.IsShared ? await FinishAsync(order.By, number) : new PurgeBody(order.By, removed, Replicas: 1, Redis: null);
            Log.Purged(logger, order.LogName, done.Memory, done.Replicas, done.Redis ?? 0);
            context.Response.Headers.CacheControl = "no-store";
            await GatewayJson.WriteAsync(context, GatewayJson.Serialize(done));
        }
        catch (RedisFailedException exception)
        {
            Log.NotPurged(logger, order.LogName, exception.Message);
            await GatewayProblem.PurgeUnfinished(hasBegun).ExecuteAsync(context);
        }
    }

    /// <exception cref="RedisFailedException">Images may be left in Redis.</exception>
    private async Task<PurgeBody> FinishAsync(string by, long number)
    {
        await purger.CatchUpAsync();
        await Task.Delay(EveryReplicaHasLooked, time, CancellationToken.None);
        await purger.CatchUpAsync();
        var inRedis = await kept.RemovePurgedAsync();
        var (replicas, removed) = await purger.ReportsAsync(number);
        return new PurgeBody(by, removed, replicas, inRedis);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "An operator purged images of {Mark}: {Memory} in the memory of {Replicas} replicas, {Redis} in Redis")]
        public static partial void Purged(ILogger logger, string mark, int memory, int replicas, int redis);

        [LoggerMessage(2, LogLevel.Warning, "A purge of images of {Mark} was not finished: {Problem}")]
        public static partial void NotPurged(ILogger logger, string mark, string problem);
    }
}

/// <summary>What a purge found.</summary>
/// <param name="By">What named the images: <c>request</c>, <c>etag</c>, <c>model</c>, <c>user</c> or <c>caller</c>.</param>
/// <param name="Memory">Images removed from the memory of all replicas that said so in time.</param>
/// <param name="Replicas">How many did.</param>
/// <param name="Redis">Images removed from Redis; null: there is none.</param>
internal sealed record PurgeBody(string By, int Memory, int Replicas, int? Redis);
