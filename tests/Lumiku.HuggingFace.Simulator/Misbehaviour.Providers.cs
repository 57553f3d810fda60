namespace Lumiku.HuggingFace.Simulator;

/// <content>Trouble that only providers besides hf-inference can make, which behaves well. What each does is in its kind's description.</content>
public sealed partial record Misbehaviour
{
    public static Misbehaviour ColdPrediction(int polls = 2) => Of("cold-prediction", polls);

    public static Misbehaviour QueuedPrediction(int waiting = 2, int working = 1) => Of("queued-prediction", waiting, working);

    public static Misbehaviour FailedPrediction() => Of("failed-prediction");

    public static Misbehaviour FailedPrediction(string error) => Of("failed-prediction", error);

    public static Misbehaviour NsfwPrediction => Of("nsfw-prediction");

    public static Misbehaviour CancelledPrediction => Of("cancelled-prediction");

    public static Misbehaviour EndlessPrediction => Of("endless-prediction");

    public static Misbehaviour FailingPolls(int count = 2, int status = 500) => Of("failing-polls", count, status);

    public static Misbehaviour EnvelopedPolls(int count = 2, int code = 503) => Of("enveloped-polls", count, code);

    public static Misbehaviour AtPolls(int count, Misbehaviour behaviour) => Of("at-polls", count, behaviour);

    public static Misbehaviour MalformedPolls => Of("malformed-polls");

    public static Misbehaviour MalformedAnswer => Of("malformed-answer");

    public static Misbehaviour PollUrl(string url) => Of("poll-url", url);

    public static Misbehaviour NullOutput => Of("null-output");

    public static Misbehaviour EmptyOutput => Of("empty-output");

    public static Misbehaviour SeveralOutputs(int count = 3) => Of("several-outputs", count);

    public static Misbehaviour BrokenBase64 => Of("broken-base64");

    public static Misbehaviour OutputUrl(string url) => Of("output-url", url);

    public static Misbehaviour DataUrl => Of("data-url");

    /// <param name="type">image/png, image/jpeg or image/webp.</param>
    public static Misbehaviour WrongFormat(string type = "image/jpeg") => Of("wrong-format", type);

    public static Misbehaviour HalfPicture => Of("half-picture");

    public static Misbehaviour ExpiredUrl(int status = 403) => Of("expired-url", status);

    public static Misbehaviour DownloadRedirect(string url) => Of("download-redirect", url);

    public static Misbehaviour AtDownload(Misbehaviour behaviour) => Of("at-download", behaviour);
}
