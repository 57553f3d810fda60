using System.Collections.Frozen;
using System.Globalization;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;
using Serilog.Formatting.Json;

namespace Lumiku.Gateway.Telemetry;

/// <summary>One JSON object a line: <c>@t</c> time, <c>@l</c> level unless Information, <c>@m</c> the sentence, <c>@x</c> an exception, then the fields.</summary>
/// <remarks>The names are those of Serilog's compact format (CLEF), which log viewers know.</remarks>
internal sealed class CompactJson : ITextFormatter
{
    private static readonly JsonValueFormatter Values = new(typeTagName: null);
    private static readonly MessageTemplateTextFormatter Sentence = new("{Message:lj}", CultureInfo.InvariantCulture);

    /// <summary>What the framework adds to every line inside a request, which the request's own line says better; and the end of that line's sentence, which is there as fields.</summary>
    private static readonly FrozenSet<string> LeftOut = FrozenSet.Create("EventId", "RequestPath", "ConnectionId", "Details");

    [ThreadStatic]
    private static StringWriter? _sentence;

    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write("{\"@t\":\"");
        output.Write(logEvent.Timestamp.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        output.Write("\",\"@m\":");
        var sentence = _sentence ??= new StringWriter(CultureInfo.InvariantCulture);
        Sentence.Format(logEvent, sentence);
        JsonValueFormatter.WriteQuotedJsonString(sentence.ToString(), output);
        sentence.GetStringBuilder().Clear();
        if (logEvent.Level != LogEventLevel.Information)
        {
            output.Write($",\"@l\":\"{logEvent.Level}\"");
        }

        if (logEvent.Exception is { } exception)
        {
            output.Write(",\"@x\":");
            JsonValueFormatter.WriteQuotedJsonString(exception.ToString(), output);
        }

        foreach (var (name, value) in logEvent.Properties)
        {
            if (LeftOut.Contains(name))
            {
                continue;
            }

            output.Write(',');
            // A field that begins with @ is doubled, as CLEF wants it.
            JsonValueFormatter.WriteQuotedJsonString(name.StartsWith('@') ? '@' + name : name, output);
            output.Write(':');
            Values.Format(value, output);
        }

        output.WriteLine('}');
    }
}
