using System.Globalization;

namespace Lumiku.Gateway.Dashboard;

/// <summary>Numbers with their units, as people read them.</summary>
internal static class Words
{
    public const string Nothing = "–";

    public static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Share(long part, long whole) => whole == 0 ? Nothing : string.Create(CultureInfo.InvariantCulture, $"{100d * part / whole:0} %");

    public static string PerSecond(double rate) => rate.ToString(rate < 10 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    public static string Span(TimeSpan? span) => span is not { } time ? Nothing
        : time.TotalMilliseconds < 999.5 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms")
        : time.TotalSeconds < 99.95 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s")
        : Long(time);

    /// <summary>In the two largest units.</summary>
    public static string Long(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalSeconds} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s"),
        { TotalHours: < 24 } => string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.Days} d {time.Hours} h"),
    };

    public static string Bytes(long bytes) => bytes switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1000d:0} kB"),
        < 10_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
    };

    /// <summary>Of what time requests are counted.</summary>
    /// <param name="since">Null: of the whole hour.</param>
    public static string OfTime(DateTimeOffset? since, int count, OperatorZone zone) => since is { } at ? $"the last {Number(count)} requests, since {zone.Time(at)}" : "the last hour";

    /// <summary>Whose requests are counted, where there are several replicas; empty where there is one.</summary>
    /// <param name="heard">How many are counted.</param>
    /// <param name="present">How many there are.</param>
    public static string OfReplicas(int heard, int present) =>
        present <= 1 ? "" : heard >= present ? $", of all {present} replicas" : $", of {heard} of {present} replicas: the others have not answered yet";

    public static string Money(decimal amount, string currency) => string.Create(CultureInfo.InvariantCulture, $"{(amount < 10 ? amount.ToString("0.00##", CultureInfo.InvariantCulture) : amount.ToString("#,0.00", CultureInfo.InvariantCulture))} {currency}");

    public static string Millionths(long millionths, string currency) => Money(millionths / 1_000_000m, currency);

    /// <summary>The name without its organisation: what tells models apart on a narrow screen.</summary>
    public static string ShortModel(string model) => model[(model.LastIndexOf('/') + 1)..];
}
