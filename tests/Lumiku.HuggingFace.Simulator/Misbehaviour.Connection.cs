namespace Lumiku.HuggingFace.Simulator;

/// <content>Sequences, and trouble with time, connections and HTTP. What each does is in its kind's description.</content>
public sealed partial record Misbehaviour
{
    public static Misbehaviour Well => Of("well");

    public static Misbehaviour LoadingTimes(int count, int seconds = 1) => Of("loading-times", count, seconds);

    public static Misbehaviour Times(int count, Misbehaviour behaviour) => Of("times", count, behaviour);

    public static Misbehaviour Every(int nth, Misbehaviour behaviour) => Of("every", nth, behaviour);

    public static Misbehaviour After(TimeSpan time, Misbehaviour behaviour) => Of("after", time, behaviour);

    public static Misbehaviour Delay(TimeSpan time) => Of("delay", time);

    public static Misbehaviour StallBeforeHeaders => Of("stall-before-headers");

    public static Misbehaviour StallMidBody(int bytes = 1_000) => Of("stall-mid-body", bytes);

    public static Misbehaviour SlowBody(TimeSpan total) => Of("slow-body", total);

    public static Misbehaviour ResetBeforeHeaders => Of("reset-before-headers");

    public static Misbehaviour CloseBeforeHeaders => Of("close-before-headers");

    public static Misbehaviour CloseMidHeaders => Of("close-mid-headers");

    public static Misbehaviour CutWithLength(int bytes = 1_000) => Of("cut-with-length", bytes);

    public static Misbehaviour ResetWithLength(int bytes = 1_000) => Of("reset-with-length", bytes);

    public static Misbehaviour CutChunked(int bytes = 1_000) => Of("cut-chunked", bytes);

    public static Misbehaviour CutCloseDelimited(int bytes = 1_000) => Of("cut-close-delimited", bytes);

    public static Misbehaviour CloseDelimitedWhole => Of("close-delimited-whole");

    public static Misbehaviour ChunkedWhole => Of("chunked-whole");

    public static Misbehaviour ContentLengthAndChunked => Of("content-length-and-chunked");

    public static Misbehaviour ExtraBytesAfterBody => Of("extra-bytes-after-body");

    public static Misbehaviour WrongLengthShort => Of("wrong-length-short");

    public static Misbehaviour WrongLengthLong => Of("wrong-length-long");

    public static Misbehaviour TwoLengths => Of("two-lengths");

    public static Misbehaviour BadChunkSize => Of("bad-chunk-size");

    public static Misbehaviour SwitchProtocols101 => Of("switch-protocols-101");

    public static Misbehaviour EarlyHints103 => Of("early-hints-103");

    public static Misbehaviour BareCrInHeader => Of("bare-cr-in-header");

    public static Misbehaviour HugeHeader => Of("huge-header");

    public static Misbehaviour ManyHeaders(int count = 500) => Of("many-headers", count);

    public static Misbehaviour HeaderWithoutColon => Of("header-without-colon");

    public static Misbehaviour TlsBytes => Of("tls-bytes");

    public static Misbehaviour GarbageStatusLine => Of("garbage-status-line");

    public static Misbehaviour Http09 => Of("http-0-9");
}
