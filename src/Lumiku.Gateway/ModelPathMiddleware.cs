namespace Lumiku.Gateway;

/// <summary>Lets only well-formed model paths and their methods on: 404 and 405 for the rest, before anything is looked up or paid for.</summary>
internal sealed class ModelPathMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (!ModelPath.IsBelowModels(context.Request.Path))
        {
            return next(context);
        }

        if (ModelPath.Parse(context.Request.Path) is not { } path)
        {
            return GatewayProblem.UnknownRoute(context.Request.Path).ExecuteAsync(context);
        }

        var method = context.Request.Method;
        // Methods are case-sensitive (RFC 9110 section 9.1); what is read as GET here could be something else behind us.
        if (method is not ("POST" or "GET" or "HEAD"))
        {
            context.Response.Headers.Allow = "GET, HEAD, POST";
            return GatewayProblem.MethodNotAllowed(method, "GET, HEAD, POST").ExecuteAsync(context);
        }

        // One spelling from here on: routes match it, and the query string was never ours to pass on.
        context.Request.Path = ModelPath.For(path.ModelId, path.Task);
        context.Request.QueryString = QueryString.Empty;
        context.Features.Set(path);
        return next(context);
    }
}

internal static class ModelPathFeature
{
    public static IApplicationBuilder UseModelPaths(this IApplicationBuilder app) => app.UseMiddleware<ModelPathMiddleware>();

    public static ModelPath GetModelPath(this HttpContext context) => context.Features.GetRequiredFeature<ModelPath>();
}
