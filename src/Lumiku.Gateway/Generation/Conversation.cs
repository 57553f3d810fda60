using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;

namespace Lumiku.Gateway.Generation;

/// <summary>Orders one image from one upstream in its dialect, asks after it, and fetches it.</summary>
/// <remarks>What was ordered is never ordered again here: asking after it and fetching it are what is repeated.</remarks>
internal sealed class Conversation(UpstreamAttempt attempt, ImageFetcher fetcher, TimeProvider time, Random random)
{
    /// <summary>How often in a row asking may fail before the image is given up.</summary>
    private const int MostFailedPolls = 5;

    private static readonly TimeSpan FailedPollPause = TimeSpan.FromSeconds(1);

    /// <summary>An order that is paid for is not left lying for longer, whatever Retry-After says: there are only so many polls.</summary>
    private static readonly TimeSpan LongestPollPause = TimeSpan.FromSeconds(15);

    /// <param name="tried">Destinations that refused before; the one that is asked is added.</param>
    /// <exception cref="OperationCanceledException">The generation's deadline has passed.</exception>
    public async Task<Exchange> HoldAsync(GenerationPlan plan, UpstreamTarget target, HashSet<string> tried, ImageOrigin origin, CancellationToken deadline)
    {
        using var own = target.Serving?.Options.Timeout is { } timeout ? new CancellationTokenSource(timeout, time) : null;
        using var either = own is null ? null : CancellationTokenSource.CreateLinkedTokenSource(own.Token, deadline);
        var exchange = new Exchange();
        try
        {
            var call = target.Serving is { } serving ? serving.Dialect.Order(plan.Request, plan.Terms.Accept, serving) : HfInferenceDialect.OrderAt(target.Path, plan.Request, plan.Terms.Accept);
            await AskAsync(plan, target, call, new InternalRequest(tried) { Headers = HeadersOf(call, target) }, origin, exchange, either?.Token ?? deadline);
        }
        catch (RefusedParameterException refused)
        {
            exchange.Failure = new UpstreamFailure(FailureClass.ParameterRefused, Status: null, refused.Message) { IsOurs = true };
        }
        catch (OperationCanceledException) when (own is { IsCancellationRequested: true } && !deadline.IsCancellationRequested)
        {
            exchange.Failure = new UpstreamFailure(FailureClass.Timeout, Status: null);
        }

        return exchange;
    }

    private async Task AskAsync(GenerationPlan plan, UpstreamTarget target, UpstreamCall call, InternalRequest request, ImageOrigin origin, Exchange exchange, CancellationToken deadline)
    {
        for (var failedPolls = 0; ;)
        {
            var answer = await attempt.SendAsync(call, request, plan.Settings, target, deadline);
            exchange.Answer = call.IsPoll ? answer with { HasAnotherDestination = false } : answer;
            var (step, failure) = Read(plan, target, call, answer);
            if (failure is not null)
            {
                if (!call.IsPoll || !MayPass(failure, call) || ++failedPolls > MostFailedPolls)
                {
                    exchange.Failure = call.IsPoll ? OfPoll(failure, call) : failure;
                    return;
                }

                await Task.Delay(PauseAfter(failure), time, deadline);
                continue;
            }

            failedPolls = 0;
            if (await FollowAsync(step, plan, target, call, answer, origin, exchange, deadline) is not { } next)
            {
                return;
            }

            // The order lies with the account that placed it.
            (call, request) = (next, request with { Destination = request.Destination ?? answer.Destination });
            exchange.Polls++;
        }
    }

    private TimeSpan PauseAfter(UpstreamFailure failure) =>
        failure.RetryAfter is not { } word ? random.Around(FailedPollPause) : word < LongestPollPause ? word : LongestPollPause;

    /// <returns>What follows from an answer; no step where it is the image itself, or where a failure says why nothing follows.</returns>
    private static (DialectStep? Step, UpstreamFailure? Failure) Read(GenerationPlan plan, UpstreamTarget target, UpstreamCall call, UpstreamAnswer answer)
    {
        if (UpstreamAnswerReader.FailureOf(call, answer, plan.Settings, target.Serving?.Dialect.FailureRules ?? []) is { } failure)
        {
            return (null, failure);
        }

        if (target.Serving is not { } serving || call.GivesImage)
        {
            return (null, null);
        }

        var step = serving.Dialect.Read(call, answer, serving, plan.Settings.Limits.ImageBytes);
        return step is DialectStep.AskedInVain vain ? (null, Told(vain.Status, vain.Message, answer, plan, serving)) : (step, null);
    }

    /// <param name="step">Null: the answer is the image itself.</param>
    /// <returns>What to ask next; null: it is over.</returns>
    private async Task<UpstreamCall?> FollowAsync(
        DialectStep? step, GenerationPlan plan, UpstreamTarget target, UpstreamCall call, UpstreamAnswer answer, ImageOrigin origin, Exchange exchange, CancellationToken deadline)
    {
        if (step is null || target.Serving is not { } serving)
        {
            (exchange.Image, var notAnImage) = UpstreamAnswerReader.ImageOf(answer.Buffer!, answer.Headers, (plan.Model.Id, target.Upstream), origin);
            exchange.Failure = notAnImage is null ? null : UpstreamAnswerReader.FailureOf(answer, plan.Settings, notAnImage, target.Serving?.Dialect.FailureRules ?? []);
            return null;
        }

        switch (step)
        {
            case DialectStep.Made made:
                Take(made.Image, "has", plan, target, answer, origin, exchange);
                break;
            case DialectStep.At at:
                await FetchAsync(at.Url, plan, target, serving, answer, origin, exchange, deadline);
                break;
            case DialectStep.Later later:
                await Task.Delay(serving.Options.PollEvery, time, deadline);
                return later.Next;
            case DialectStep.Now now:
                return now.Next;
            case DialectStep.Failed failed:
                // The order was taken: another one may cost again, unless the class says that it did not run.
                exchange.Failure = Told(failed.Status, failed.Message, answer, plan, serving);
                break;
            case DialectStep.Flawed flawed:
                var flaw = UpstreamAnswerReader.FailureOf(answer, plan.Settings, flawed.Flaw, serving.Dialect.FailureRules);
                // A model that is loading has taken no order: words like these, in answer to a poll, are not the model's.
                exchange.Failure = call.IsPoll && flaw.IsTrouble ? OfPoll(flaw, call) : flaw;
                break;
        }

        // What was read of it has been copied.
        answer.Buffer?.GiveBack();
        return null;
    }

    private async Task FetchAsync(
        string url, GenerationPlan plan, UpstreamTarget target, Serving serving, UpstreamAnswer answer, ImageOrigin origin, Exchange exchange, CancellationToken deadline)
    {
        exchange.FetchedFrom = Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.Host : "";
        var fetched = await fetcher.FetchAsync(url, serving.Options.ImageHosts, plan.Settings.Limits.ImageBytes, deadline);
        if (fetched.Image is { } image)
        {
            Take(image, "leads to", plan, target, answer, origin, exchange);
        }
        else
        {
            exchange.Failure = new UpstreamFailure(FailureClass.NotAnImage, answer.StatusCode, Flaw: $"names a URL that {fetched.Flaw}");
        }
    }

    /// <param name="has">What the answer does with the image.</param>
    private static void Take(ImageBuffer buffer, string has, GenerationPlan plan, UpstreamTarget target, UpstreamAnswer answer, ImageOrigin origin, Exchange exchange)
    {
        (exchange.Image, var flaw) = UpstreamAnswerReader.ImageOf(buffer, answer.Headers, (plan.Model.Id, target.Upstream), origin);
        exchange.Failure = flaw is null ? null : new UpstreamFailure(FailureClass.NotAnImage, answer.StatusCode, Flaw: $"{has} an image that {flaw}");
    }

    /// <summary>A failure that an answer's own words tell of.</summary>
    /// <param name="status">As which it counts.</param>
    private static UpstreamFailure Told(int status, string message, UpstreamAnswer answer, GenerationPlan plan, Serving serving) =>
        UpstreamAnswerReader.FailureOf(new UpstreamMessage(message, EstimatedTime: null), answer with { StatusCode = status }, plan.Settings, "", serving.Dialect.FailureRules);

    /// <summary>The order was taken, and is not placed again; elsewhere neither, unless the answer tells of the image that there is none.</summary>
    private static UpstreamFailure OfPoll(UpstreamFailure failure, UpstreamCall call) => failure with
    {
        Repeat = RepeatRule.Never,
        // Time that is up may be so at a poll or between two, which is all the same to whoever names it in NextOn: it never says that nothing was made.
        IsOrdered = failure.Class != FailureClass.Timeout && (!call.IsOutcome || failure.Status is not (StatusCodes.Status400BadRequest or StatusCodes.Status422UnprocessableEntity or StatusCodes.Status500InternalServerError)),
    };

    /// <summary>Asking after an image may succeed in a moment.</summary>
    private static bool MayPass(UpstreamFailure failure, UpstreamCall call) => failure.Status switch
    {
        null => failure.Class is FailureClass.Unreachable,
        StatusCodes.Status500InternalServerError => !call.IsOutcome,
        StatusCodes.Status408RequestTimeout or StatusCodes.Status429TooManyRequests => true,
        StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout => true,
        _ => false,
    };

    private static List<KeyValuePair<string, string>> HeadersOf(UpstreamCall call, UpstreamTarget target)
    {
        List<KeyValuePair<string, string>> headers = [];
        if (target.Serving is { } serving)
        {
            if (serving.Route is not null)
            {
                headers.Add(new("Accept", call.Accept));
            }

            if (serving.Options.BillTo is { } organisation)
            {
                headers.Add(new("X-HF-Bill-To", organisation));
            }
        }

        if (call.Prefer is { } prefer)
        {
            headers.Add(new("Prefer", prefer));
        }

        return headers;
    }
}

/// <summary>What came of asking one upstream for one image.</summary>
internal sealed class Exchange
{
    /// <summary>The last one; null: nothing was asked.</summary>
    public UpstreamAnswer? Answer { get; set; }

    public ImageLease? Image { get; set; }

    /// <summary>Null: there is an image.</summary>
    public UpstreamFailure? Failure { get; set; }

    /// <summary>How often the image was asked after.</summary>
    public int Polls { get; set; }

    /// <summary>The host that the image was fetched from; null: it came with the answer.</summary>
    public string? FetchedFrom { get; set; }
}
