using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lumiku.HuggingFace.Simulator;

internal static class Json
{
    /// <summary>Compact, and without escapes for apostrophes and letters beyond ASCII.</summary>
    public static JsonSerializerOptions AsPythonWrites { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
