using System.Globalization;
using System.Text.Json;

namespace Lumiku.HuggingFace.Simulator.Models;

/// <summary>The checks of the diffusers pipelines, with their messages.</summary>
internal static class ParameterChecks
{
    private const int LongestSequence = 512;
    private const string TriggerWord = "img";

    public static ParameterCheck OnlyKeywords(params string[] known) => (request, pipeline) =>
        request.Parameters.EnumerateObject().FirstOrDefault(member => !known.Contains(member.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } unknown
            ? $"{pipeline}.__call__() got an unexpected keyword argument '{unknown.Name}'"
            : null;

    public static ParameterCheck SidesDivideBy(int step) => (request, _) =>
    {
        var height = Side(request, "height");
        var width = Side(request, "width");
        return height % step == 0 && width % step == 0
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"`height` and `width` have to be divisible by {step} but are {height} and {width}.");
    };

    public static string? PromptIsText(ReceivedRequest request, string pipeline) =>
        request.Json.Member("inputs").ValueKind == JsonValueKind.String
            ? null
            : $"`prompt` has to be of type `str` or `list` but is {PythonTypeOf(request.Json.Member("inputs").ValueKind)}";

    public static string? PromptIsGivenOnce(ReceivedRequest request, string pipeline) =>
        request.Parameters.TryGetProperty("prompt", out _)
            ? $"{pipeline}.__call__() got multiple values for argument 'prompt'"
            : null;

    public static string? SequenceIsShort(ReceivedRequest request, string pipeline) =>
        request.Parameters.Member("max_sequence_length").Number() is > LongestSequence and var length
            ? string.Create(CultureInfo.InvariantCulture, $"`max_sequence_length` cannot be greater than {LongestSequence} but is {length}")
            : null;

    public static string? StrengthIsAFraction(ReceivedRequest request, string pipeline) =>
        request.Parameters.Member("strength").Number() is { } strength and (< 0 or > 1)
            ? string.Create(CultureInfo.InvariantCulture, $"The value of strength should in [0.0, 1.0] but is {strength}")
            : null;

    public static string? IdentityIsGiven(ReceivedRequest request, string pipeline) =>
        request.Json.Member("inputs").Member("input_id_images").ValueKind == JsonValueKind.Array
        || request.Parameters.Member("input_id_images").ValueKind == JsonValueKind.Array
            ? null
            : "Provide `input_id_images`. Cannot leave `input_id_images` undefined for PhotoMaker pipeline.";

    public static string? PromptHasTheTriggerWord(ReceivedRequest request, string pipeline) =>
        request.Prompt?.Contains(TriggerWord, StringComparison.Ordinal) is true
            ? null
            : $"Cannot find the trigger word '{TriggerWord}' in text prompt!";

    private static double Side(ReceivedRequest request, string name) => request.Parameters.Member(name).Number() ?? PictureSize.DefaultSide;

    private static string PythonTypeOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "<class 'dict'>",
        JsonValueKind.Array => "<class 'list'>",
        JsonValueKind.Number => "<class 'int'>",
        JsonValueKind.True or JsonValueKind.False => "<class 'bool'>",
        JsonValueKind.Null => "<class 'NoneType'>",
        _ => "<class 'PIL.Image.Image'>",
    };
}
