using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>A prompt as a log may tell it: how long it is, and which others are the same.</summary>
/// <remarks>It costs a microsecond or two, so it is told where an image is to be made, and not of kept ones.</remarks>
internal static class PromptDigest
{
    /// <summary>What is longer is a picture in base64.</summary>
    private const int MostBytes = 16_384;

    /// <summary>Of this process alone: nobody can try prompts against its log later.</summary>
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    public static void Tell(RequestRecord record, InferenceRequest request)
    {
        if (request.Json?.RootElement.GetProperty("inputs") is not { ValueKind: JsonValueKind.String } inputs || JsonMarshal.GetRawUtf8Value(inputs).Length > MostBytes)
        {
            return;
        }

        var prompt = inputs.GetString()!;
        record.Facts["PromptCharacters"] = prompt.Length;
        record.Facts["Prompt"] = Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(prompt)))[..12];
    }
}
