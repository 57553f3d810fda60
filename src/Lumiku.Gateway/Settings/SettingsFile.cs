using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Configuration.Json;

namespace Lumiku.Gateway.Settings;

/// <summary>The operators' file: where it lies and what it says.</summary>
internal static class SettingsFile
{
    public const string FileName = "appsettings.json";

    /// <summary>The path in <c>GATEWAY_SETTINGS</c>; else <c>appsettings.json</c> in the working directory, else the one beside the program.</summary>
    public static string Locate(string? configuredPath)
    {
        if (!string.IsNullOrEmpty(configuredPath))
        {
            return Path.GetFullPath(configuredPath);
        }

        var here = Path.GetFullPath(FileName);
        return File.Exists(here) ? here : Path.Combine(AppContext.BaseDirectory, FileName);
    }

    /// <exception cref="SettingsException">The file cannot be read.</exception>
    public static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"The settings file '{path}' cannot be read: {exception.Message}");
        }
    }

    /// <summary>The file's settings as flat keys. Comments and trailing commas are allowed, as ASP.NET Core allows them.</summary>
    /// <exception cref="SettingsException">It is not JSON, or empty, or has a section that is none; the message names line and position, or the section.</exception>
    public static IDictionary<string, string?> Parse(string path, byte[] content)
    {
        if (content.Length == 0)
        {
            throw new SettingsException($"The settings file '{path}' is missing, cannot be read, or is empty.");
        }

        try
        {
            using var stream = new MemoryStream(content);
            var parser = new Parser(stream);
            parser.Load();
            if (parser.Settings.Count == 0)
            {
                throw new SettingsException($"The settings file '{path}' holds no settings.");
            }

            // Which of the two counts would be a guess; of two objects both would, in part.
            HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
            string[] twice = [.. JsonKeys.Of(content).Where(key => !seen.Add(key)).Distinct(StringComparer.OrdinalIgnoreCase)];
            if (twice.Length > 0)
            {
                throw new SettingsException([.. twice.Select(key => $"'{SettingsShape.Printable(key)}' stands in the file twice: keep one.")]);
            }

            string[] strangers = [.. parser.Settings.Keys.Select(key => key.Split(':')[0]).Distinct(StringComparer.OrdinalIgnoreCase).Where(name => SettingsSchema.Root.Member(name) is null)];
            return strangers.Length == 0 ? parser.Settings
                : throw new SettingsException([.. strangers.Select(name => SettingsShape.Unknown(name, SettingsSchema.Root.Properties.Keys))]);
        }
        catch (JsonException exception)
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"line {exception.LineNumber + 1}, column {exception.BytePositionInLine + 1}");
            throw new SettingsException($"The settings file '{path}' is not valid JSON at {place}, behind '{SettingsShape.Printable(JsonKeys.Of(content).LastOrDefault("{"))}': {exception.Message.Split(" LineNumber")[0]}");
        }
        catch (FormatException exception)
        {
            throw new SettingsException($"The settings file '{path}' is not valid: {exception.Message}");
        }
    }

    /// <summary>ASP.NET Core's own parser, for what it understands.</summary>
    private sealed class Parser(Stream stream) : JsonStreamConfigurationProvider(new JsonStreamConfigurationSource { Stream = stream })
    {
        public IDictionary<string, string?> Settings => Data;
    }
}
