using Lumiku.Gateway.Bench.Servers;

namespace Lumiku.Gateway.Bench.Scenarios;

/// <summary>Several servers, asked the same by wrk in turns.</summary>
/// <param name="Kind"><c>hit</c>: one request again and again. <c>miss</c>: none like another.</param>
/// <param name="Reference">The server that ratios are taken to.</param>
/// <param name="Goal">The least ratio that the gateway is meant to have.</param>
internal sealed record LoadScenario(string Kind, int ImageBytes, string Reference, double Goal)
{
    public const string Hit = "hit";
    public const string Miss = "miss";
    public const string Gateway = "gateway";

    public static readonly IReadOnlyList<LoadScenario> All =
    [
        new(Hit, 1_024, Reference: "nginx", Goal: 0.80),
        new(Hit, 1_200_000, Reference: "nginx", Goal: 0.85),
        new(Miss, 1_024, Reference: "yarp", Goal: 0.80),
        new(Miss, 1_200_000, Reference: "yarp", Goal: 0.75),
    ];

    public bool IsHit => Kind == Hit;

    public string Name => $"{Kind} {ImageBytes:N0} B";

    public async Task<IReadOnlyList<Contestant>> StartAsync(ServerFleet fleet, ServerProcess upstream) => IsHit
        ?
        [
            new("nginx", await fleet.StartNginxAsync("hit.conf", upstream), CacheHeader: "HIT"),
            new(Gateway, await fleet.StartGatewayAsync(upstream), CacheHeader: "HIT"),
            new("kestrel", await fleet.StartGroundAsync(ImageBytes), CacheHeader: null),
        ]
        :
        [
            new("yarp", await fleet.StartYarpAsync(upstream), CacheHeader: null),
            new(Gateway, await fleet.StartGatewayAsync(upstream), CacheHeader: "MISS"),
            new("nginx", await fleet.StartNginxAsync("miss.conf", upstream), CacheHeader: null),
        ];
}

/// <param name="CacheHeader">What <c>X-Cache</c> must say to a request that comes a second time, or in a miss to a new one; null: not asked for.</param>
internal sealed record Contestant(string Name, ServerProcess Process, string? CacheHeader);
