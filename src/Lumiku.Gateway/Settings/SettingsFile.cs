using System.Text.Json;
using Microsoft.Extensions.Configuration.Json;

namespace Lumiku.Gateway.Settings;

/// <summary>The operators' file: where it lies and what it says.</summary>
internal static class SettingsFile
{
    public const string FileName = "appsettings.json";

    /// <summary>What the file may hold at its top; a misspelled section would otherwise be one that is missing.</summary>
    private static readonly string[] Sections =
        ["$schema", "ReverseProxy", "Credentials", "Callers", "Tiers", "DefaultTier", "Models", "Limits", "Quota", "Generation", "Cache", "Redis", "Network", "Serilog"];

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

            string[] strangers = [.. parser.Settings.Keys.Select(key => key.Split(':')[0]).Distinct(StringComparer.OrdinalIgnoreCase).Except(Sections, StringComparer.OrdinalIgnoreCase)];
            return strangers.Length == 0 ? parser.Settings
                : throw new SettingsException([.. strangers.Select(name => $"'{name}' is not a section of the settings; there are {string.Join(", ", Sections[1..])}.")]);
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            throw new SettingsException($"The settings file '{path}' is not valid JSON: {exception.Message}");
        }
    }

    /// <summary>ASP.NET Core's own parser, for what it understands.</summary>
    private sealed class Parser(Stream stream) : JsonStreamConfigurationProvider(new JsonStreamConfigurationSource { Stream = stream })
    {
        public IDictionary<string, string?> Settings => Data;
    }
}
