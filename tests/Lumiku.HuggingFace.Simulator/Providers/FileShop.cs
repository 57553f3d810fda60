namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary><c>/files/…</c>: where the made pictures are downloaded, by anyone who knows the address.</summary>
internal sealed class FileShop(Works works)
{
    private const string Prefix = "/files/";

    public static bool Owns(string requestTarget) => requestTarget.StartsWith(Prefix, StringComparison.Ordinal);

    public StoredFile? Find(string requestTarget) => works.FindFile(requestTarget.Split('?')[0][Prefix.Length..]);

    public static Task AnswerAsync(Exchange exchange) => exchange.File switch
    {
        null => AnswerGoneAsync(exchange, StatusCodes.Status404NotFound),
        { Job.Course.Download: { } download } => download(exchange),
        var file => AnswerWellAsync(exchange, file),
    };

    public static Task AnswerWellAsync(Exchange exchange, StoredFile file)
    {
        var picture = file.Paint(exchange.Options.ImageBytes);
        return exchange.AnswerAsync(StatusCodes.Status200OK, picture.Type, picture.Bytes);
    }

    /// <summary>As a store of objects says that a signed address has run out (403) or leads nowhere (404).</summary>
    public static Task AnswerGoneAsync(Exchange exchange, int status)
    {
        var (code, message) = status == StatusCodes.Status404NotFound
            ? ("NoSuchKey", "The specified key does not exist.")
            : ("AccessDenied", "Request has expired");
        return exchange.AnswerAsync(
            status,
            "application/xml",
            $"""<?xml version="1.0" encoding="UTF-8"?>{"\n"}<Error><Code>{code}</Code><Message>{message}</Message></Error>""");
    }
}
