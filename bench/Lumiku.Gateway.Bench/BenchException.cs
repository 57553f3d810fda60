namespace Lumiku.Gateway.Bench;

/// <summary>A scenario cannot be measured, or was answered wrongly.</summary>
/// <param name="message">One line for the reader of the table.</param>
internal sealed class BenchException(string message) : Exception(message);
