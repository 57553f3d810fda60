using System.Globalization;

namespace Lumiku.Gateway.Dashboard;

/// <summary>The time zone of whoever looks, one for each page.</summary>
internal sealed class OperatorZone
{
    private TimeZoneInfo _zone = TimeZoneInfo.Utc;

    /// <summary>For people.</summary>
    public string Name => _zone.Id;

    /// <param name="id">As browsers name it; what is not known is UTC.</param>
    public void Set(string? id) => _zone = id is not null && TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : TimeZoneInfo.Utc;

    public DateTime Of(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, _zone).DateTime;

    public string Time(DateTimeOffset instant) => Of(instant).ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    public string DateAndTime(DateTimeOffset instant) => Of(instant).ToString("d MMM HH:mm:ss", CultureInfo.InvariantCulture);
}
