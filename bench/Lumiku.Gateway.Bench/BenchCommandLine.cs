using System.CommandLine;
using Lumiku.Gateway.Bench.Roles;

namespace Lumiku.Gateway.Bench;

/// <summary>One program, four roles: the one that measures starts the others as processes of their own.</summary>
internal static class BenchCommandLine
{
    private static readonly Option<int> Port = new("--port") { Required = true, Description = "Where to listen, on 127.0.0.1." };
    private static readonly Option<int> Bytes = new("--bytes") { Required = true, Description = "The size of the image that is answered." };

    public static Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Measures Lumiku Gateway beside nginx and bare YARP.") { Run(), Upstream(), Yarp(), Kestrel() };
        // Long enough to stop every server after Ctrl-C.
        return root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) });
    }

    private static Command Run()
    {
        Option<string> gateway = new("--gateway") { Required = true, Description = "The published Lumiku.Gateway.dll." };
        Option<int> seconds = new("--seconds") { DefaultValueFactory = _ => 3, Description = "How long one server is loaded in one round." };
        Option<int> rounds = new("--rounds") { DefaultValueFactory = _ => 5, Description = "How many rounds count; one more is run first." };
        Option<int> connections = new("--connections") { DefaultValueFactory = _ => 16, Description = "How many requests are open at once." };
        var only = new Option<string?>("--only") { Description = "Just these scenarios." }.AcceptOnlyFromAmong("hit", "miss", "waiting");

        var command = new Command("run", "Measures and prints the table. Exit 1: something was answered wrongly.") { gateway, seconds, rounds, connections, only };
        command.SetAction((parsed, cancellationToken) => BenchRun.RunAsync(
            new BenchOptions(parsed.GetRequiredValue(gateway), parsed.GetValue(seconds), parsed.GetValue(rounds), parsed.GetValue(connections), parsed.GetValue(only)),
            cancellationToken));
        return command;
    }

    private static Command Upstream()
    {
        Option<int> delay = new("--delay-ms") { Description = "How long every answer is held back." };
        var command = new Command("upstream", "Answers every POST with an image.") { Port, Bytes, delay };
        command.SetAction((parsed, cancellationToken) =>
            UpstreamServer.RunAsync(parsed.GetValue(Port), parsed.GetValue(Bytes), TimeSpan.FromMilliseconds(parsed.GetValue(delay)), cancellationToken));
        return command;
    }

    private static Command Yarp()
    {
        Option<Uri> upstream = new("--upstream") { Required = true, Description = "Where requests go.", CustomParser = result => new Uri(result.Tokens[0].Value) };
        var command = new Command("yarp", "Bare YARP: a route, a cluster, two headers.") { Port, upstream };
        command.SetAction((parsed, cancellationToken) => YarpServer.RunAsync(parsed.GetValue(Port), parsed.GetRequiredValue(upstream), cancellationToken));
        return command;
    }

    private static Command Kestrel()
    {
        var command = new Command("kestrel", "The ground: hashes the body and answers an image from memory.") { Port, Bytes };
        command.SetAction((parsed, cancellationToken) => GroundServer.RunAsync(parsed.GetValue(Port), parsed.GetValue(Bytes), cancellationToken));
        return command;
    }
}
