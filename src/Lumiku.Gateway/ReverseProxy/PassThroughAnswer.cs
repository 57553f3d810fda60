using System.Buffers;
using System.Net;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Lets a good answer stream on, and keeps a bad one back to be told in our shape.</summary>
internal static class PassThroughAnswer
{
    /// <summary>An error of upstream's is read up to here.</summary>
    private const int ErrorBytes = 64 * 1024;

    public static async ValueTask TakeAsync(ResponseTransformContext context, HttpResponseMessage upstream)
    {
        var http = context.HttpContext;
        var settings = http.GetSettings();
        if (upstream.StatusCode == HttpStatusCode.OK)
        {
            HeaderAllowLists.Copy(upstream.Headers, http.Response.Headers, UpstreamAnswerReader.ShownHeaders, settings);
            HeaderAllowLists.Copy(upstream.Content.Headers, http.Response.Headers, ["Content-Type", "Content-Encoding"], settings);
            http.Response.ContentLength = upstream.Content.Headers.ContentLength;
            http.Response.Headers.XContentTypeOptions = "nosniff";
            return;
        }

        context.SuppressResponseBody = true;
        http.Features.Set(await FailureOfAsync(upstream, settings, context.CancellationToken));
    }

    private static async Task<UpstreamFailure> FailureOfAsync(HttpResponseMessage upstream, GatewaySettings settings, CancellationToken cancellationToken)
    {
        var status = (int)upstream.StatusCode;
        if (status < 300)
        {
            // Neither an answer nor an error: a switch of protocols, no content, a part of something. There is nothing to read in it.
            return new UpstreamFailure(FailureClass.Failed, status);
        }

        var headers = new HeaderDictionary();
        HeaderAllowLists.Copy(upstream.Headers, headers, UpstreamAnswerReader.ReadHeaders, settings);
        var body = await ReadErrorAsync(upstream, cancellationToken);
        return UpstreamAnswerReader.FailureOf(new UpstreamAnswer(status, headers, new ReadOnlySequence<byte>(body), null, ForwarderError.None, IsTooLarge: false), settings, flaw: "", dialects: []);
    }

    private static async Task<byte[]> ReadErrorAsync(HttpResponseMessage upstream, CancellationToken cancellationToken)
    {
        try
        {
            var buffer = new byte[ErrorBytes];
            await using var stream = await upstream.Content.ReadAsStreamAsync(cancellationToken);
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            return buffer[..length];
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // The status says enough.
            return [];
        }
    }
}
