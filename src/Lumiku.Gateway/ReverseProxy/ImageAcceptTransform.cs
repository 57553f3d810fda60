using Lumiku.Gateway.InferenceRequests;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary><c>{ "ImageAccept": "image/png" }</c> sends exactly one media type as <c>Accept</c> for a generation: the caller's choice of PNG, JPEG or WebP, else this one.</summary>
/// <remarks>The header is set, never appended to: upstream looks the whole of it up as one string. Requests that are no generations keep the caller's own.</remarks>
internal sealed class ImageAcceptTransform : ITransformFactory
{
    public const string Key = "ImageAccept";

    /// <returns>The type a route's transform names; null where it has none.</returns>
    public static string? MediaTypeOf(RouteConfig route) =>
        route.Transforms?.FirstOrDefault(transform => transform.ContainsKey(Key))?[Key] is { } mediaType ? ImageMediaType.Known(mediaType) : null;

    public bool Validate(TransformRouteValidationContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(Key, out var mediaType))
        {
            return false;
        }

        TransformKeys.RefuseOthers(context, Key, transformValues);
        if (ImageMediaType.Known(mediaType) is null)
        {
            context.Errors.Add(new ArgumentException($"The transform {Key} is '{mediaType}'; it must be image/png, image/jpeg or image/webp."));
        }

        return true;
    }

    public bool Build(TransformBuilderContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.ContainsKey(Key))
        {
            return false;
        }

        context.AddRequestTransform(transform =>
        {
            // A generation's own request carries the chosen type; any other, what its caller accepts.
            var accept = transform.HttpContext.Request.Headers.Accept.ToString();
            transform.ProxyRequest.Headers.Remove("Accept");
            if (accept.Length > 0)
            {
                transform.ProxyRequest.Headers.TryAddWithoutValidation("Accept", accept);
            }

            return default;
        });
        return true;
    }
}
