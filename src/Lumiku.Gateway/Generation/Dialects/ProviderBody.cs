using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>Writes a request for an image in a provider's names.</summary>
/// <remarks>What the provider does not take is dropped where a rule says so, and else sent: it knows best. Nothing that would change the size is dropped.</remarks>
internal static class ProviderBody
{
    /// <param name="mediaWord">What the provider calls the format that is wanted; empty: it is not told.</param>
    /// <param name="picturesAsDataUrls">Else in base64 alone.</param>
    /// <param name="write">Writes the object's members; those of the order itself by what it is given.</param>
    /// <exception cref="RefusedParameterException">It cannot be asked for there.</exception>
    public static ReadOnlyMemory<byte> Write(UpstreamRequest request, Serving serving, string mediaWord, bool picturesAsDataUrls, Action<Utf8JsonWriter, Action> write)
    {
        using var order = PictureOrder.Read(request);
        var bytes = new ArrayBufferWriter<byte>(request.Body.Length + 256);
        using var writer = new Utf8JsonWriter(bytes, CanonicalJson.Options);
        writer.WriteStartObject();
        write(writer, () => WriteOrder(writer, order, serving, mediaWord, picturesAsDataUrls));
        writer.WriteEndObject();
        writer.Flush();
        return bytes.WrittenMemory;
    }

    private static void WriteOrder(Utf8JsonWriter writer, PictureOrder order, Serving serving, string mediaWord, bool picturesAsDataUrls)
    {
        var rules = serving.Rules;
        // What Set says stands in place of all else.
        HashSet<string> written = new([.. serving.Dialect.OwnNames, "prompt", .. PictureSize.NamesIn(serving.Size), .. rules.Set.Keys], StringComparer.OrdinalIgnoreCase);
        if (order.Prompt is { } prompt)
        {
            writer.WritePropertyName("prompt");
            prompt.WriteTo(writer);
        }

        WriteSize(writer, order, serving);
        foreach (var (name, value) in order.Parameters)
        {
            if (name is not ("width" or "height") && !ImageCount.IsSaidBy(name) && !rules.Removes(name) && !rules.Set.Keys.Contains(NameThere(name, rules), StringComparer.OrdinalIgnoreCase))
            {
                WriteParameter(writer, name, value, serving, written);
            }
        }

        foreach (var (name, number) in rules.Default)
        {
            if (name is not ("width" or "height") && written.Add(NameThere(name, rules)))
            {
                writer.WriteNumber(NameThere(name, rules), number);
            }
        }

        WritePictures(writer, order, serving, picturesAsDataUrls, written);
        if (rules.Format is { Length: > 0 } format && mediaWord.Length > 0 && written.Add(format))
        {
            writer.WriteString(format, mediaWord);
        }

        foreach (var (name, value) in rules.Set)
        {
            WriteSet(writer, name, value);
        }
    }

    private static void WriteParameter(Utf8JsonWriter writer, string name, JsonElement value, Serving serving, HashSet<string> written)
    {
        var rules = serving.Rules;
        if (rules.Refuse.Contains(name))
        {
            throw new RefusedParameterException($"'{name}' is not taken for this model by {serving.Upstream}, which serves it.");
        }

        var there = NameThere(name, rules);
        ReservedNames.Check(name, there, serving);
        WriteName(writer, name, there, written);
        if (RuledNumber.Apply(name, value, rules) is { } number)
        {
            writer.WriteNumberValue(number);
        }
        else
        {
            CanonicalJson.Write(writer, value);
        }
    }

    private static void WriteSize(Utf8JsonWriter writer, PictureOrder order, Serving serving)
    {
        var rules = serving.Rules;
        if (PictureSize.Of(Find("width"), Find("height")) is not { } size)
        {
            if (serving.Size != SizeForm.None && rules.Default.TryGetValue("width", out var width) && rules.Default.TryGetValue("height", out var height))
            {
                new PictureSize((int)width, (int)height).Write(writer, serving.Size);
            }

            return;
        }

        size = new PictureSize(Ruled("width", size.Width), Ruled("height", size.Height));
        size.Write(writer, serving.Size);

        JsonElement? Find(string name) => order.Parameters.FirstOrDefault(parameter => parameter.Key == name) is { Key: not null } found ? found.Value : null;

        int Ruled(string name, int pixels) => rules.Maximum.TryGetValue(name, out var most) && pixels > most
            ? throw new RefusedParameterException($"'{name}' is {pixels}, and this model's upstream makes {most} at the most.")
            : rules.MultipleOf.TryGetValue(name, out var step) ? Math.Max((int)step, pixels - (pixels % (int)step)) : pixels;
    }

    private static void WritePictures(Utf8JsonWriter writer, PictureOrder order, Serving serving, bool asDataUrls, HashSet<string> written)
    {
        foreach (var pictures in order.Pictures.GroupBy(picture => picture.Name))
        {
            if (!serving.Served.Pictures.TryGetValue(pictures.Key, out var there))
            {
                throw new RefusedParameterException(
                    serving.Served.Pictures.Count == 0 ? $"This model makes images of words alone at {serving.Upstream}, which serves it; the request brings a picture ('{pictures.Key}')."
                        : $"'{pictures.Key}' is not taken for this model by {serving.Upstream}, which serves it; pictures that it takes: {string.Join(", ", serving.Served.Pictures.Keys)}.");
            }

            var isList = there.EndsWith("[]", StringComparison.Ordinal);
            if (!isList && pictures.Count() > 1)
            {
                throw new RefusedParameterException($"'{pictures.Key}' must be one picture for this model's upstream; there are {pictures.Count()}.");
            }

            WriteName(writer, pictures.Key, isList ? there[..^2] : there, written);
            if (isList)
            {
                writer.WriteStartArray();
            }

            foreach (var picture in pictures)
            {
                picture.Write(writer, asDataUrls);
            }

            if (isList)
            {
                writer.WriteEndArray();
            }
        }
    }

    private static void WriteName(Utf8JsonWriter writer, string name, string there, HashSet<string> written)
    {
        if (!written.Add(there))
        {
            throw new RefusedParameterException($"'{name}' would be a second '{there}' for this model's upstream.");
        }

        writer.WritePropertyName(there);
    }

    private static void WriteSet(Utf8JsonWriter writer, string name, string value)
    {
        if (bool.TryParse(value, out var flag))
        {
            writer.WriteBoolean(name, flag);
        }
        else if (decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            writer.WriteNumber(name, number);
        }
        else
        {
            writer.WriteString(name, value);
        }
    }

    private static string NameThere(string name, ProviderRules rules) => rules.Rename.GetValueOrDefault(name, name);
}
