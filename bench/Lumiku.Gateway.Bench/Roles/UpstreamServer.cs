using System.Globalization;
using System.IO.Pipelines;

namespace Lumiku.Gateway.Bench.Roles;

/// <summary>A Hugging Face that has the image ready, and counts how often it was asked for one.</summary>
internal static class UpstreamServer
{
    /// <summary>Answers how many POSTs have come so far, in decimal digits.</summary>
    public const string CountPath = "/count";

    private static long _count;

    public static async Task RunAsync(int port, int bytes, TimeSpan delay, CancellationToken cancellationToken)
    {
        var image = Png.OfLength(bytes);
        await using var app = BareServer.Create(port);
        app.MapGet(CountPath, context => context.Response.WriteAsync(Volatile.Read(ref _count).ToString(CultureInfo.InvariantCulture)));
        app.MapPost("/{**path}", async context =>
        {
            var body = context.Request.BodyReader;
            ReadResult read;
            do
            {
                read = await body.ReadAsync();
                body.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);

            Interlocked.Increment(ref _count);
            if (delay > TimeSpan.Zero)
            {
                await Task.Delay(delay, TimeProvider.System, context.RequestAborted);
            }

            await BareServer.WriteImageAsync(context, image);
        });
        await app.RunAsync(cancellationToken);
    }
}
