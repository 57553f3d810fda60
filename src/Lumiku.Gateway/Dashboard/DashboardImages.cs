using System.Globalization;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway.Dashboard;

/// <summary>A picture that is in this process' memory, by the replica and the number of the story of the request that had it made, as a balancer may ask another replica; nothing unless <c>Ops:ShowImages</c> is on.</summary>
internal sealed class DashboardImages(RequestDelegate next, RecentStories stories, StoryWriter writer, ImageCache cache)
{
    public static readonly PathString Root = DashboardAccess.Root + "/_image";

    public async Task InvokeAsync(HttpContext context)
    {
        if (!context.Request.Path.StartsWithSegments(Root, StringComparison.Ordinal, out var rest))
        {
            await next(context);
            return;
        }

        var story = context.GetSettings().Ops.ShowImages && rest.Value?.Split('/') is ["", var replica, var place] && replica == writer.Replica
            && uint.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? stories.All.FirstOrDefault(one => one.Number == number) : null;
        if (story?.Terms is not { } terms || !cache.TryFind(terms.Key, out var found))
        {
            await GatewayProblem.UnknownRoute(context.Request.Path).ExecuteAsync(context);
            return;
        }

        using var lease = found.Lease;
        context.Response.ContentType = lease.Image.MediaType;
        context.Response.ContentLength = lease.Image.Content.Length;
        foreach (var piece in lease.Image.Content)
        {
            await context.Response.Body.WriteAsync(piece, context.RequestAborted);
        }
    }
}
