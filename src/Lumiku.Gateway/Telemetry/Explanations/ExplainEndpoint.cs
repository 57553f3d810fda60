using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.Authentication;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary><c>GET /explain/{request id}</c>: what became of a request and why, for the operator and for who sent it.</summary>
internal sealed class ExplainEndpoint(RecentStories recent, StoryWriter writer, TimeProvider time, SharedStories? shared = null)
{
    private static readonly string[] Looking = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapMethods("/explain/{id}", Looking, routes.ServiceProvider.GetRequiredService<ExplainEndpoint>().ExplainAsync);

    private Task ExplainAsync(HttpContext context)
    {
        if (context.Features.Get<AuthenticatedCaller>() is { } caller)
        {
            return Storytelling.ReaderOf(caller) is { } reader ? ShowAsync(context, reader) : GatewayProblem.NotExplained().ExecuteAsync(context);
        }

        // A key that is nobody's was a caller's try, and counted as one; a browser without any is asked for the operator's.
        var settings = context.GetSettings();
        var given = context.Request.Headers.Authorization.ToString();
        var isForOperator = given.Length == 0 ? WantsPage(context) : !given.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) || OperatorAccess.IsKey(settings, given["Bearer ".Length..].Trim());
        return settings.OperatorKey is not null && isForOperator
            ? OperatorAccess.ToLook(operators => ShowAsync(operators, reader: null))(context)
            : context.ChallengeAsync();
    }

    /// <param name="reader">Null: the operator.</param>
    private async Task ShowAsync(HttpContext context, string? reader)
    {
        var id = (string)context.GetRouteValue("id")!;
        var stories = RequestIds.IsFit(id) ? await FindAsync(id, reader) : [];
        SetHeaders(context.Response.Headers);
        if (WantsPage(context))
        {
            context.GetRequestRecord().ErrorType = stories.Count == 0 ? GatewayProblem.NotExplained().Type : null;
            await StoryPage.WriteAsync(context, stories);
        }
        else if (stories.Count == 0)
        {
            await GatewayProblem.NotExplained().ExecuteAsync(context);
        }
        else
        {
            await GatewayJson.WriteAsync(context, StoryJson.Serialize(new ExplanationBody(id, stories)));
        }
    }

    /// <summary>Those of this process as they are now, and those of others as they were written; newest first.</summary>
    /// <param name="reader">Null: the operator.</param>
    public async Task<IReadOnlyList<StoryBody>> FindAsync(string id, string? reader)
    {
        var here = recent.Find(id, reader).Select(story => writer.Write(story));
        var there = shared is null ? [] : await shared.FindAsync(id, reader);
        var since = time.GetUtcNow() - SharedStories.Lifetime;
        return [.. here.Concat(there).Where(story => story.At > since).DistinctBy(story => story.Number).OrderByDescending(story => story.At).Select(StoryWords.WithWords)];
    }

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.CacheControl = "no-store";
        headers.Vary = "Accept";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
    }

    /// <summary>Browsers name HTML first, programs JSON or anything.</summary>
    private static bool WantsPage(HttpContext context)
    {
        var accept = context.Request.Headers.Accept.ToString();
        var (html, json) = (accept.IndexOf("text/html", StringComparison.OrdinalIgnoreCase), accept.IndexOf("application/json", StringComparison.OrdinalIgnoreCase));
        return html >= 0 && (json < 0 || html < json);
    }
}
