using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>What a request for an image says, out of the forms that Hugging Face's clients and the backend say it in.</summary>
/// <remarks>
/// A prompt in <c>inputs</c>; a picture there, with the prompt among the parameters; an object of both there; or nothing but a picture's bytes.
/// </remarks>
internal sealed class PictureOrder : IDisposable
{
    /// <summary>Of a picture that callers bring.</summary>
    public static readonly string[] Names = ["image", "mask", "control_image", "input_id_images"];

    /// <summary>Diffusers' name of a mask.</summary>
    private const string MaskImage = "mask_image";

    private readonly JsonDocument? _json;
    private readonly List<KeyValuePair<string, JsonElement>> _parameters = [];
    private readonly List<GivenPicture> _pictures = [];

    private PictureOrder(JsonDocument? json) => _json = json;

    /// <summary>Null: there is none.</summary>
    public JsonElement? Prompt { get; private set; }

    /// <summary>All others, in Hugging Face's names; none is null.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonElement>> Parameters => _parameters;

    public IReadOnlyList<GivenPicture> Pictures => _pictures;

    /// <param name="request">Of the gateway's own writing, so its JSON is good.</param>
    /// <exception cref="RefusedParameterException">It says something twice, or a picture is none.</exception>
    public static PictureOrder Read(UpstreamRequest request)
    {
        if (request.MediaType != "application/json")
        {
            var bytes = new PictureOrder(json: null);
            bytes._pictures.Add(new GivenPicture("image", Text: null, request.Body));
            return bytes;
        }

        var order = new PictureOrder(JsonDocument.Parse(request.Body));
        try
        {
            order.ReadJson();
            return order;
        }
        catch
        {
            order.Dispose();
            throw;
        }
    }

    public void Dispose() => _json?.Dispose();

    private void ReadJson()
    {
        var root = _json!.RootElement;
        var inputs = root.GetProperty("inputs");
        switch (inputs.ValueKind)
        {
            case JsonValueKind.String when GivenPicture.IsOne(inputs):
                _pictures.Add(new GivenPicture("image", inputs));
                break;
            case JsonValueKind.String:
                Prompt = inputs;
                break;
            case JsonValueKind.Object:
                ReadMembers(inputs);
                break;
            default:
                throw new RefusedParameterException($"'inputs' must be a prompt, a picture in base64 or an object; it is {InferenceJson.Describe(inputs)}.");
        }

        if (root.TryGetProperty("parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Object)
        {
            ReadMembers(parameters);
        }
    }

    private void ReadMembers(JsonElement members)
    {
        foreach (var member in members.EnumerateObject())
        {
            var (name, value) = (member.Name, member.Value);
            if (value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (name == MaskImage || Names.Contains(name))
            {
                AddPictures(name == MaskImage ? "mask" : name, value);
            }
            else if (name == "prompt")
            {
                Prompt = Prompt is null ? value : throw Twice(name);
            }
            else if (name == "target_size" && value.ValueKind == JsonValueKind.Object)
            {
                ReadSize(value);
            }
            else
            {
                AddParameter(name, value);
            }
        }
    }

    /// <summary>Another parameter in there would be one that no rule has seen.</summary>
    private void ReadSize(JsonElement size)
    {
        foreach (var side in size.EnumerateObject().Where(side => side.Value.ValueKind != JsonValueKind.Null))
        {
            if (side.Name is not ("width" or "height"))
            {
                throw new RefusedParameterException("'target_size' must be an object of 'width' and 'height' alone.");
            }

            AddParameter(side.Name, side.Value);
        }
    }

    private void AddParameter(string name, JsonElement value)
    {
        if (_parameters.Exists(other => other.Key == name))
        {
            throw Twice(name);
        }

        _parameters.Add(new(name, value));
    }

    private void AddPictures(string name, JsonElement value)
    {
        if (_pictures.Exists(other => other.Name == name))
        {
            throw Twice(name);
        }

        foreach (var picture in value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : new[] { value })
        {
            _pictures.Add(GivenPicture.IsOne(picture) ? new GivenPicture(name, picture)
                : throw new RefusedParameterException($"'{name}' must be a PNG, JPEG, WebP or GIF in base64, with or without 'data:image/…;base64,' before it; it is {InferenceJson.Describe(picture)}."));
        }
    }

    private static RefusedParameterException Twice(string name) => new($"'{name}' is there twice: in 'inputs' and in 'parameters'.");
}
