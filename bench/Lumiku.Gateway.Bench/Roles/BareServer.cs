using System.Net;

namespace Lumiku.Gateway.Bench.Roles;

/// <summary>Kestrel without logging, at <c>/health/live</c> when it is ready.</summary>
internal static class BareServer
{
    public const string ReadyPath = "/health/live";

    private const int SegmentBytes = 64 * 1024;

    public static WebApplication Create(int port, Action<IServiceCollection>? add = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        builder.Services.AddRouting();
        add?.Invoke(builder.Services);

        var app = builder.Build();
        app.MapGet(ReadyPath, _ => Task.CompletedTask);
        return app;
    }

    public static async Task WriteImageAsync(HttpContext context, ReadOnlyMemory<byte> image)
    {
        context.Response.ContentType = "image/png";
        context.Response.ContentLength = image.Length;
        for (var rest = image; !rest.IsEmpty; rest = rest[Math.Min(SegmentBytes, rest.Length)..])
        {
            await context.Response.BodyWriter.WriteAsync(rest[..Math.Min(SegmentBytes, rest.Length)], context.RequestAborted);
        }
    }
}
