namespace Lumiku.HuggingFace.Simulator.Models;

/// <param name="Id">As spelled on the Hub; letter case counts.</param>
/// <param name="Pipeline">The class that serves it.</param>
internal sealed record Model(string Id, Pipeline Pipeline);
