using System.Buffers;
using System.Security.Cryptography;

namespace Lumiku.Gateway.Bench.Roles;

/// <summary>The least that any cache on Kestrel does: takes the body in, hashes it, answers from memory.</summary>
internal static class GroundServer
{
    public static async Task RunAsync(int port, int bytes, CancellationToken cancellationToken)
    {
        var image = Png.OfLength(bytes);
        await using var app = BareServer.Create(port);
        app.MapPost("/{**path}", async context =>
        {
            var body = context.Request.BodyReader;
            var read = await body.ReadAsync();
            while (!read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                read = await body.ReadAsync();
            }

            Hash(read.Buffer);
            body.AdvanceTo(read.Buffer.End);
            await BareServer.WriteImageAsync(context, image);
        });
        await app.RunAsync(cancellationToken);
    }

    private static void Hash(ReadOnlySequence<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body.IsSingleSegment ? body.FirstSpan : body.ToArray(), hash);
    }
}
