using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;

namespace Lumiku.Gateway.Telemetry;

/// <summary>Writes log lines behind the requests' backs, many at a time: a wake-up and a system call for each line cost more than all else that a hit does.</summary>
/// <remarks>A reader who does not read costs lines, never requests: beyond <see cref="Most"/> they are dropped, and how many is told.</remarks>
internal sealed class LineQueue : ILogEventSink, IDisposable
{
    private const int Most = 10_000;

    /// <summary>How long lines are gathered.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentQueue<LogEvent> _lines = [];
    private readonly ManualResetEventSlim _more = new();
    private readonly ManualResetEventSlim _ending = new();
    private readonly ITextFormatter _formatter;
    private readonly Stream _output;
    private readonly Task _writing;
    private int _count;
    private int _dropped;

    public LineQueue(ITextFormatter formatter, Stream output)
    {
        (_formatter, _output) = (formatter, output);
        // Of its own, as writing blocks where nobody reads.
        _writing = Task.Factory.StartNew(WriteAll, TaskCreationOptions.LongRunning);
    }

    public void Emit(LogEvent logEvent)
    {
        if (Interlocked.Increment(ref _count) > Most)
        {
            Interlocked.Decrement(ref _count);
            Interlocked.Increment(ref _dropped);
            return;
        }

        _lines.Enqueue(logEvent);
        if (!_more.IsSet)
        {
            _more.Set();
        }
    }

    /// <summary>Waits until what is queued is written.</summary>
    public void Dispose()
    {
        _ending.Set();
        _more.Set();
        _writing.Wait();
        _more.Dispose();
        _ending.Dispose();
    }

    private void WriteAll()
    {
        using var text = new StreamWriter(_output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 32 * 1024) { NewLine = "\n" };
        do
        {
            _more.Wait();
            _ending.Wait(Pace);
            _more.Reset();
            try
            {
                Write(text);
            }
            catch (IOException)
            {
                // Nobody is there to read; perhaps again later.
            }
        }
        while (!_ending.IsSet || !_lines.IsEmpty);
    }

    private void Write(StreamWriter text)
    {
        while (_lines.TryDequeue(out var line))
        {
            Interlocked.Decrement(ref _count);
            _formatter.Format(line, text);
        }

        if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
        {
            text.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"@l\":\"Warning\",\"@m\":\"{dropped} log lines were dropped: standard output is not read fast enough\"}}"));
        }

        text.Flush();
    }
}
