using System.Text.Json.Nodes;

namespace Lumiku.HuggingFace.Simulator.Providers;

internal sealed record Answer(int Status, JsonNode Body);
