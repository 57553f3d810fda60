using System.CommandLine;
using System.Globalization;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary><c>purge</c>: has the gateway that runs, and all that share its Redis, remove images that they keep.</summary>
internal static class PurgeCommand
{
    /// <summary>Every image in Redis is looked at.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Exactly one; its name without the dashes is the parameter's.</summary>
    private static readonly Option<string>[] Selectors =
    [
        new("--request") { Description = "The image that answered this request, by its X-Request-Id." },
        new("--etag") { Description = "The image with this ETag, with or without quotes." },
        new("--model") { Description = "Every image that this model made." },
        new("--user") { Description = "Every image that is kept for this user or was made at the user's request." },
        new("--caller") { Description = "The same of a caller's own requests, by the caller's name." },
    ];

    public static Command Create()
    {
        var command = new Command("purge", $"Removes images from the cache, in every replica; needs {ShortVariables.OperatorKey}.");
        foreach (var selector in Selectors)
        {
            command.Add(selector);
        }

        command.Add(OperatorClient.IsJson);
        command.Add(OperatorClient.Url);
        command.Validators.Add(result =>
        {
            if (Selectors.Count(selector => result.GetResult(selector) is not null) != 1)
            {
                result.AddError($"Give exactly one of {string.Join(", ", Selectors.Select(selector => selector.Name))}.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var selector = Selectors.First(selector => parsed.GetResult(selector) is not null);
            return await OperatorClient.PrintAsync(
                parsed, HttpMethod.Post, $"ops/purge?{selector.Name.TrimStart('-')}={Uri.EscapeDataString(parsed.GetRequiredValue(selector))}", Describe, cancellationToken, Patience);
        });
        return command;
    }

    private static string Describe(byte[] body)
    {
        var purge = GatewayJson.DeserializePurge(body);
        return string.Create(CultureInfo.InvariantCulture, $"Removed {Images(purge.Memory)} in the memory of {(purge.Replicas == 1 ? "1 replica" : $"{purge.Replicas} replicas")}")
            + (purge.Redis is { } redis ? $", and {Images(redis)} in Redis.\n" : "; there is no Redis.\n");
    }

    private static string Images(int count) => count == 1 ? "1 image" : string.Create(CultureInfo.InvariantCulture, $"{count} images");
}
