using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>What decides how a picture looks: model, inputs and seed, and nothing else of the request.</summary>
internal static class PictureKey
{
    private static readonly string[] Pictures =
        ["image", "images", "image_url", "image_urls", "input_image", "reference_images", "mask", "mask_url", "mask_image", "control_image_url"];

    public static byte[] Of(ReceivedRequest request)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Encoding.UTF8.GetBytes(request.Model));
        Append(hash, request.Prompt is { } prompt ? Encoding.UTF8.GetBytes(prompt) : []);
        Append(hash, Inputs(request));
        Append(hash, Encoding.UTF8.GetBytes(Raw(request.Parameters.Member("seed"))));
        if (request.Input is not null)
        {
            Append(hash, Encoding.UTF8.GetBytes(request.Provider));
            foreach (var name in Pictures)
            {
                Append(hash, Encoding.UTF8.GetBytes(Raw(request.Parameters.Member(name))));
            }
        }

        return hash.GetHashAndReset();
    }

    /// <summary>The inputs that are no prompt: a picture in base64, an object of several, or the body itself.</summary>
    private static byte[] Inputs(ReceivedRequest request) => request.Json.ValueKind == JsonValueKind.Undefined
        ? request.Body
        : request.Json.Member("inputs").Text() is { } text
            ? Encoding.UTF8.GetBytes(text)
            : Encoding.UTF8.GetBytes(Raw(request.Json.Member("inputs")));

    private static string Raw(JsonElement element) => element.ValueKind == JsonValueKind.Undefined ? "" : element.GetRawText();

    /// <summary>Lengths keep "ab" + "c" apart from "a" + "bc".</summary>
    private static void Append(IncrementalHash hash, byte[] part)
    {
        hash.AppendData(BitConverter.GetBytes(part.Length));
        hash.AppendData(part);
    }
}
