using System.Net;
using System.Net.Http.Headers;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>What passes, on every route, whatever its own transforms say: nothing of the caller's headers goes upstream, and of upstream's only a few come back.</summary>
internal sealed class HeaderAllowLists(CurrentSettings settings) : ITransformProvider
{
    private static readonly string UserAgent = $"lumiku-gateway/{typeof(HeaderAllowLists).Assembly.GetName().Version?.ToString(3)}";

    public void ValidateRoute(TransformRouteValidationContext context)
    {
    }

    public void ValidateCluster(TransformClusterValidationContext context) => UpstreamDestinations.Validate(context, settings.Value);

    public void Apply(TransformBuilderContext context)
    {
        context.UseDefaultForwarders = false;
        context.CopyRequestHeaders = false;
        context.CopyResponseHeaders = false;
        context.CopyResponseTrailers = false;

        // First, so that a route's own transforms have the last word on what they set.
        context.RequestTransforms.Insert(0, new RequestFuncTransform(SetRequestHeaders));
        context.ResponseTransforms.Insert(0, new ResponseFuncTransform(TakeResponseAsync));
    }

    private static ValueTask SetRequestHeaders(RequestTransformContext context)
    {
        var (from, to) = (context.HttpContext.Request, context.ProxyRequest);
        to.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        if (to.Content is { } content)
        {
            content.Headers.ContentLength = from.ContentLength;
            content.Headers.TryAddWithoutValidation("Content-Type", from.ContentType);
        }

        foreach (var (name, value) in context.HttpContext.Features.Get<InternalRequest>()?.Headers ?? [])
        {
            to.Headers.TryAddWithoutValidation(name, value);
        }

        return default;
    }

    private ValueTask TakeResponseAsync(ResponseTransformContext context)
    {
        if (context.ProxyResponse is not { } upstream)
        {
            return default;
        }

        var http = context.HttpContext;
        http.Features.Set(new UpstreamStatus((int)upstream.StatusCode));
        return http.Features.Get<InternalRequest>() is null
            ? PassThroughAnswer.TakeAsync(context, upstream)
            : TakeForGeneration(context, upstream);
    }

    /// <summary>A generation reads some headers besides; none of them is sent anywhere but those it lists itself.</summary>
    private ValueTask TakeForGeneration(ResponseTransformContext context, HttpResponseMessage upstream)
    {
        // A switch of protocols that nobody asked for has no body that could be an answer.
        context.SuppressResponseBody = upstream.StatusCode == HttpStatusCode.SwitchingProtocols;
        var headers = context.HttpContext.Response.Headers;
        Copy(upstream.Headers, headers, UpstreamAnswerReader.TakenHeaders, settings.Value);
        headers.ContentLength = upstream.Content.Headers.ContentLength;
        return default;
    }

    /// <summary>Copies single-valued headers of these names, unless a value is unprintable or holds a secret.</summary>
    public static void Copy(HttpHeaders from, IHeaderDictionary to, IEnumerable<string> names, GatewaySettings settings)
    {
        foreach (var name in names)
        {
            if (from.NonValidated.TryGetValues(name, out var values) && values.Count == 1
                && values.ToString() is { } value && IsPrintable(value) && SecretMask.Apply(value, settings.KnownSecrets) == value)
            {
                to[name] = value;
            }
        }
    }

    private static bool IsPrintable(string value) => value.Length <= 256 && value.All(c => c is >= ' ' and <= '~');
}
