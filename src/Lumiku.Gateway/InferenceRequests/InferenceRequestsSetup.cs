namespace Lumiku.Gateway.InferenceRequests;

internal static class InferenceRequestsSetup
{
    /// <summary>gzip, br and deflate by the framework's own decoder.</summary>
    public static IServiceCollection AddInferenceRequests(this IServiceCollection services) => services
        .AddSingleton<BodyRoom>()
        .AddRequestDecompression();

    public static IApplicationBuilder UseInferenceRequests(this IApplicationBuilder app)
    {
        // The decoder takes its limit from the request when it wraps the body, so the terms come first.
        app.Use((context, next) =>
        {
            BodyTerms.Settle(context);
            return next(context);
        });
        app.UseRequestDecompression();
        return app.UseMiddleware<InferenceRequestMiddleware>();
    }

    public static InferenceRequest GetInferenceRequest(this HttpContext context) => context.Features.GetRequiredFeature<InferenceRequest>();
}
