using Yarp.ReverseProxy.Transforms.Builder;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Our transforms have one key; another beside it would be ignored, which its writer did not mean.</summary>
internal static class TransformKeys
{
    public static void RefuseOthers(TransformRouteValidationContext context, string key, IReadOnlyDictionary<string, string> values)
    {
        if (values.Count > 1)
        {
            var others = values.Keys.Where(other => !other.Equals(key, StringComparison.OrdinalIgnoreCase));
            context.Errors.Add(new ArgumentException($"The transform {key} takes no other keys; it has {string.Join(", ", others)}."));
        }
    }
}
