using System.Text;
using Lumiku.Gateway.InferenceRequests;
using Microsoft.AspNetCore.Http;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A body as the gateway has it once it is read and checked.</summary>
internal static class CheckedRequest
{
    public static InferenceRequest Of(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        var context = new DefaultHttpContext { Request = { Body = new MemoryStream(bytes), ContentLength = bytes.Length } };
        var body = BodyBuffer.ReadAsync(context.Request, bytes.Length, new BodyRoom(TimeProvider.System), long.MaxValue, CancellationToken.None).GetAwaiter().GetResult()!;
        InferenceJson.TryParse(body.Memory, out var document, out var problem).ShouldBeTrue(problem);
        return new InferenceRequest("application/json", document, body);
    }
}
