using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary><c>limits show|grant|reset</c>: asks the gateway that runs, by <c>OPERATOR_KEY</c>, as what is used is known to it alone.</summary>
internal static class LimitsCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly Argument<string> User = new("user") { Description = "The user's id, as X-Lumiku-User has it; with --caller, a caller's name." };
    private static readonly Option<bool> IsCaller = new("--caller") { Description = "The limits of a caller's own requests." };
    private static readonly Option<bool> IsJson = new("--json") { Description = "Print what GET /limits answers." };
    private static readonly Option<Uri?> Url = new("--url")
    {
        Description = "The gateway; by default the one on this machine, at PORT.",
        CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : Misfit(result),
    };

    public static Command Create()
    {
        Argument<int> units = new("units") { Description = "How many more the user may use today and this month; a negative number takes units away." };
        var show = Action("show", "What one user has used, what is left, and when it frees.", HttpMethod.Get, "ops/limits");
        var grant = Action("grant", "Gives one user units for the running day and month, or takes them.", HttpMethod.Post, "ops/limits/grant", units);
        var reset = Action("reset", "Forgets what one user has used and was granted in the running day and month.", HttpMethod.Post, "ops/limits/reset");
        return new Command("limits", $"An operator's look at one user's limits, and correction; needs {ShortVariables.OperatorKey}.") { show, grant, reset };
    }

    private static Command Action(string name, string description, HttpMethod method, string path, Argument<int>? units = null)
    {
        var command = new Command(name, description) { User };
        if (units is not null)
        {
            command.Add(units);
        }

        command.Add(IsCaller);
        command.Add(IsJson);
        command.Add(Url);
        command.SetAction((parsed, cancellationToken) =>
        {
            var query = $"?{(parsed.GetValue(IsCaller) ? "caller" : "user")}={Uri.EscapeDataString(parsed.GetRequiredValue(User))}"
                + (units is null ? "" : string.Create(CultureInfo.InvariantCulture, $"&units={parsed.GetValue(units)}"));
            return AskAsync(method, parsed.GetValue(Url) ?? Here(), path + query, parsed.GetValue(IsJson), cancellationToken);
        });
        return command;
    }

    private static Uri? Misfit(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError("--url must be an address such as http://127.0.0.1:8080.");
        return null;
    }

    /// <returns>Null where PORT is no port.</returns>
    private static Uri? Here()
    {
        var port = Environment.GetEnvironmentVariable("PORT") is { Length: > 0 } given ? given : "8080";
        return ushort.TryParse(port, CultureInfo.InvariantCulture, out var number) && number > 0 ? new Uri($"http://127.0.0.1:{number}") : null;
    }

    private static async Task<int> AskAsync(HttpMethod method, Uri? gateway, string path, bool isJson, CancellationToken cancellationToken)
    {
        var key = Environment.GetEnvironmentVariable(ShortVariables.OperatorKey);
        var misuse = gateway is null ? "PORT is no port: give a number from 1 to 65535, or --url."
            : string.IsNullOrEmpty(key) ? $"{ShortVariables.OperatorKey} is not set: give it to the gateway and to this command."
            : !new Secret(key).FitsHeader ? $"{ShortVariables.OperatorKey} must be visible ASCII characters without spaces."
            : null;
        if (misuse is not null)
        {
            await Console.Error.WriteLineAsync(misuse);
            return GatewayCommandLine.Misuse;
        }

        var address = new Uri($"{gateway!.AbsoluteUri.TrimEnd('/')}/{path}");

        try
        {
            // The key goes to the gateway alone: never through a proxy of the environment to this machine, nor along a redirect.
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = !address.IsLoopback, AllowAutoRedirect = false }) { Timeout = Patience };
            using var request = new HttpRequestMessage(method, address);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using var answer = await client.SendAsync(request, cancellationToken);
            var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
            if (!answer.IsSuccessStatusCode)
            {
                await Console.Error.WriteLineAsync(answer.StatusCode == System.Net.HttpStatusCode.NotFound
                    ? $"The gateway at {address.Authority} has nothing there: it was started without {ShortVariables.OperatorKey}."
                    : $"The gateway at {address.Authority} refused: {ErrorOf(body)}");
                return GatewayCommandLine.No;
            }

            Console.Out.Write(isJson ? System.Text.Encoding.UTF8.GetString(body) + Environment.NewLine : Describe(GatewayJson.DeserializeLimits(body)));
            return GatewayCommandLine.Done;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or JsonException)
        {
            await Console.Error.WriteLineAsync($"No answer from the gateway at {address.Authority}: {exception.Message}");
            return GatewayCommandLine.No;
        }
    }

    private static string ErrorOf(byte[] body) =>
        JsonElement.Parse(body) is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String ? error.GetString()! : "it does not say why";

    /// <summary>For a terminal: a line a limit.</summary>
    private static string Describe(LimitsBody limits)
    {
        var requests = limits.Requests.Limit is null ? "unlimited"
            : $"{limits.Requests.Left} of {limits.Requests.Burst} left in one go, {limits.Requests.Limit} a minute";
        var concurrency = limits.Concurrency.Limit is { } atOnce ? $"{limits.Concurrency.Used} of {atOnce} under way" : $"{limits.Concurrency.Used} under way, unlimited";
        return string.Create(CultureInfo.InvariantCulture, $"""
            {(limits.User is null ? $"caller {limits.Caller}" : $"user {limits.User}")}, tier {limits.Tier}{(limits.Known == true ? "" : " (no request is remembered, so the tier is assumed)")}
              requests     {requests}
              concurrency  {concurrency}
              day          {Units(limits.Day)}
              month        {Units(limits.Month)}

            """);
    }

    private static string Units(UnitLimitBody units)
    {
        var left = units.Left is { } some ? string.Create(CultureInfo.InvariantCulture, $"{some} of {units.Limit} units left, ") : "unlimited, ";
        var granted = units.Granted == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {units.Granted:+0;-0} granted");
        var reserved = units.Reserved == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({units.Reserved} of them for images being made)");
        return string.Create(CultureInfo.InvariantCulture, $"{left}{units.Used} used{reserved}{granted}; anew at {units.FreesAt}");
    }
}
