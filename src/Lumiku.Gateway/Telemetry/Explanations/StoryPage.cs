using System.Globalization;
using System.Text;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>Stories as a page for people: no script, nothing from elsewhere, every text encoded.</summary>
internal static class StoryPage
{
    private static readonly string Policy = $"default-src 'none'; style-src 'sha256-{StoryStyle.Digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <param name="stories">None: 404, in words for people.</param>
    public static Task WriteAsync(HttpContext context, IReadOnlyList<StoryBody> stories)
    {
        var page = Encoding.UTF8.GetBytes(Write(stories));
        var response = context.Response;
        response.StatusCode = stories.Count == 0 ? StatusCodes.Status404NotFound : StatusCodes.Status200OK;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = page.Length;
        response.Headers.ContentSecurityPolicy = Policy;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(page, context.RequestAborted).AsTask();
    }

    private static string Write(IReadOnlyList<StoryBody> stories)
    {
        var html = new Html();
        html.Raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>")
            .Text(stories.Count == 0 ? "Not known" : $"Request {stories[0].RequestId}").Raw(" · Lumiku Gateway</title><style>").Raw(StoryStyle.Css).Raw("</style></head><body><main>");
        if (stories.Count == 0)
        {
            html.Raw("<header><p class=\"brand\">Lumiku Gateway</p><h1>Nothing is known of this request</h1></header><section class=\"card\"><p class=\"summary\">")
                .Text(GatewayProblem.NotExplained().Error).Raw("</p></section>");
        }
        else
        {
            html.Raw("<header><p class=\"brand\">Lumiku Gateway · one request</p><h1 class=\"id\">").Text(stories[0].RequestId).Raw("</h1>");
            if (stories.Count > 1)
            {
                html.Raw("<p class=\"note\">").Text($"{stories.Count} requests had this id; the newest comes first.").Raw("</p>");
            }

            html.Raw("</header>");
        }

        foreach (var story in stories)
        {
            WriteStory(html, story);
        }

        return html.Raw("<footer>Times are UTC. Stories are kept for 24 hours; prompts, keys and user ids are not in them.</footer></main></body></html>").ToString();
    }

    private static void WriteStory(Html html, StoryBody story)
    {
        var tone = story.Status switch { < 400 => "good", 499 => "fair", < 500 => "fair", _ => "bad" };
        html.Raw("<article><section class=\"card lead ").Raw(tone).Raw("\"><p class=\"status\"><b>").Text(story.Status.ToString(CultureInfo.InvariantCulture)).Raw("</b> <span>").Text(story.Outcome)
            .Raw("</span><span class=\"when\">").Text($"{story.At.UtcDateTime.ToString("d MMM yyyy, HH:mm:ss", CultureInfo.InvariantCulture)} · {StoryWords.Seconds(story.DurationMs)}").Raw("</span></p><p class=\"summary\">").Text(story.Summary)
            .Raw("</p><p class=\"advice\"><b>What to do</b> ").Text(story.Advice).Raw("</p></section>");
        StorySections.Facts(html, story);
        StorySections.Attempts(html, story);
        StorySections.Limits(html, story);
        html.Raw("</article>");
    }
}

/// <summary>A page in the making. What comes from elsewhere goes through <see cref="Text"/>.</summary>
internal sealed class Html
{
    private readonly StringBuilder _page = new(16 * 1024);

    /// <param name="markup">Written by us.</param>
    public Html Raw(string markup)
    {
        _page.Append(markup);
        return this;
    }

    public Html Text(string? text)
    {
        _page.Append(System.Text.Encodings.Web.HtmlEncoder.Default.Encode(text ?? ""));
        return this;
    }

    /// <param name="number">A share of a hundred.</param>
    public Html Percent(double number)
    {
        _page.Append(CultureInfo.InvariantCulture, $"{Math.Clamp(number, 0, 100):0.##}%");
        return this;
    }

    public override string ToString() => _page.ToString();
}
