using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Lumiku.Gateway.Microbench;

// In this process: the project needs no second build for that.
var config = DefaultConfig.Instance
    .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
    .WithArtifactsPath(Path.Combine("artifacts", "microbench"));
BenchmarkSwitcher.FromTypes([typeof(LimitDecisions), typeof(RequestMetrics), typeof(SharedImageHits), typeof(StoryOfAHit)]).Run(args is [] ? ["--filter", "*"] : args, config);
