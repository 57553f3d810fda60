using Lumiku.Gateway.Bench;

return await BenchCommandLine.RunAsync(args);
