namespace Lumiku.HuggingFace.Simulator;

/// <content>Odd statuses, wrong labels, things that are no picture, spoiled pictures, leaks. What each does is in its kind's description.</content>
public sealed partial record Misbehaviour
{
    public static Misbehaviour Status(int status) => Of("status", status);

    public static Misbehaviour Accepted202 => Of("accepted-202");

    public static Misbehaviour NoContent204 => Of("no-content-204");

    public static Misbehaviour BodyOn204 => Of("body-on-204");

    public static Misbehaviour Partial206 => Of("partial-206");

    public static Misbehaviour Redirect302 => Of("redirect-302");

    public static Misbehaviour Redirect307 => Of("redirect-307");

    public static Misbehaviour NotModified304 => Of("not-modified-304");

    public static Misbehaviour WrongType(string type) => Of("wrong-type", type);

    public static Misbehaviour OctetStream => Of("octet-stream");

    public static Misbehaviour NoContentType => Of("no-content-type");

    public static Misbehaviour IgnoreAcceptJpeg => Of("ignore-accept-jpeg");

    public static Misbehaviour IgnoreAcceptWebp => Of("ignore-accept-webp");

    public static Misbehaviour GzipReal => Of("gzip-real");

    public static Misbehaviour GzipLabelled => Of("gzip-labelled");

    public static Misbehaviour Html200 => Of("html-200");

    public static Misbehaviour HtmlAsPng => Of("html-as-png");

    public static Misbehaviour Json200 => Of("json-200");

    public static Misbehaviour JsonAsPng => Of("json-as-png");

    public static Misbehaviour Base64Json200 => Of("base64-json-200");

    public static Misbehaviour Empty200 => Of("empty-200");

    public static Misbehaviour Empty200Png => Of("empty-200-png");

    public static Misbehaviour PngWithoutEnd => Of("png-without-end");

    public static Misbehaviour PngBadHeader => Of("png-bad-header");

    public static Misbehaviour PngBadSignature => Of("png-bad-signature");

    public static Misbehaviour PngHugeDimensions => Of("png-huge-dimensions");

    public static Misbehaviour PngZeroDimensions => Of("png-zero-dimensions");

    public static Misbehaviour PngFlippedBit => Of("png-flipped-bit");

    public static Misbehaviour PngTrailingBytes => Of("png-trailing-bytes");

    public static Misbehaviour JpegTruncated => Of("jpeg-truncated");

    public static Misbehaviour WebpTruncated => Of("webp-truncated");

    public static Misbehaviour BlackImage => Of("black-image");

    public static Misbehaviour Oversized(int bytes = 40_000_000) => Of("oversized", bytes);

    public static Misbehaviour OversizedWithLength(int bytes = 40_000_000) => Of("oversized-with-length", bytes);

    public static Misbehaviour SetCookies => Of("set-cookies");

    public static Misbehaviour EchoHeaders => Of("echo-headers");

    public static Misbehaviour EchoInError => Of("echo-in-error");

    public static Misbehaviour EchoInHtml500 => Of("echo-in-html-500");
}
