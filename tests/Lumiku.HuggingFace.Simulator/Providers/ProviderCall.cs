using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>A request at a provider's path, and its answers.</summary>
/// <param name="dialect">The provider's.</param>
/// <param name="target">What the path addresses.</param>
/// <param name="job">Of a path that addresses a job; null when there is none of that id.</param>
/// <param name="works">Where jobs are kept.</param>
internal sealed class ProviderCall(Dialect dialect, Target target, Job? job, Works works)
{
    private readonly Offer? _offer = job?.Offer ?? OfferCatalogue.Find(dialect.Provider, target.Name);

    public string Provider => dialect.Provider;

    /// <summary>Asks for pictures, as opposed to asking what became of them.</summary>
    public bool IsSubmission => target.Kind == TargetKind.Submit;

    public string ProviderModel => _offer?.ProviderId ?? target.Name;

    /// <summary>The Hub's id where the provider's is known, or the provider's.</summary>
    public string Model => _offer?.HuggingFaceId ?? target.Name;

    public JsonElement InputOf(JsonElement body) => dialect.InputOf(body);

    public Order OrderOf(ReceivedRequest request) =>
        dialect.OrderOf(request.Parameters, Offer) with { Key = PictureKey.Of(request) };

    /// <summary>Checks a submission, and answers it by that course; a job's course was decided when it was taken.</summary>
    public Task AnswerAsync(Exchange exchange, Course course)
    {
        if (job is not null)
        {
            return SendAsync(exchange, dialect.Tell(target, exchange, job, works), job.Course.SpoilsPolls);
        }

        if (exchange.Request.Method is not "POST")
        {
            exchange.Context.Response.Headers.Allow = "POST";
            return exchange.AnswerErrorAsync(StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
        }

        return RefusalOfCall(exchange) is { } refusal
            ? exchange.AnswerJsonAsync(refusal.Status, refusal.Body)
            : SubmitAsync(exchange, course, RefusalOfInput(exchange));
    }

    /// <summary>Of anything but a submission.</summary>
    public Task TellAsync(Exchange exchange)
    {
        if (WellBehaved.RefusalOfToken(exchange) is { } unauthorized)
        {
            return exchange.AnswerErrorAsync(StatusCodes.Status401Unauthorized, unauthorized);
        }

        if (job is null)
        {
            return exchange.AnswerJsonAsync(StatusCodes.Status404NotFound, new JsonObject { ["detail"] = "The requested resource could not be found." });
        }

        return target.Kind == dialect.Polled && job.PollFails() ? job.Course.FailPoll(exchange) : AnswerAsync(exchange, job.Course);
    }

    /// <summary>The good answer, unchecked and not sent.</summary>
    public async Task<Picture> RenderAsync(Exchange exchange)
    {
        var answer = job is null
            ? await dialect.SubmitAsync(exchange, works.Take(exchange.Request, Offer, exchange.Order, Course.Well, refusal: null), works)
            : dialect.Tell(target, exchange, job, works);
        return new Picture("application/json", Encoding.UTF8.GetBytes(Write(answer)));
    }

    private Offer Offer => _offer ?? new Offer(target.Name, dialect.Provider, target.Name, Offer.TextToImage);

    private static string Write(Answer answer) => answer.Body.ToJsonString(Json.AsPythonWrites);

    private async Task SubmitAsync(Exchange exchange, Course course, Answer? refusal)
    {
        var taken = works.Take(exchange.Request, Offer, exchange.Order, course, refusal);
        await SendAsync(exchange, await dialect.SubmitAsync(exchange, taken, works), course.SpoilsAnswer);
    }

    private static Task SendAsync(Exchange exchange, Answer answer, bool isSpoilt)
    {
        var text = Write(answer);
        return exchange.AnswerAsync(answer.Status, "application/json", isSpoilt ? text[..(text.Length / 2)] : text);
    }

    /// <summary>Told by the router, before the provider is asked.</summary>
    private Answer? RefusalOfCall(Exchange exchange) => WellBehaved.RefusalOfToken(exchange) switch
    {
        { } unauthorized => Error(StatusCodes.Status401Unauthorized, unauthorized),
        _ when _offer is null => Error(StatusCodes.Status400BadRequest, $"Model not supported by provider {dialect.Provider}"),
        _ when exchange.Request.Json.ValueKind != JsonValueKind.Object => Error(StatusCodes.Status400BadRequest, "Invalid JSON body"),
        _ => null,
    };

    private Answer? RefusalOfInput(Exchange exchange) => dialect.Refuse(exchange.Request.Parameters, Offer);

    private static Answer Error(int status, string error) => new(status, new JsonObject { ["error"] = error });
}
