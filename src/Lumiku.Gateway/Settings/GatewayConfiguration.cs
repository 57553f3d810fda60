using Microsoft.Extensions.Configuration.Memory;

namespace Lumiku.Gateway.Settings;

/// <summary>Where settings come from, the strongest last: our defaults, the file, the environment, the command line, the short variables.</summary>
internal sealed class GatewayConfiguration
{
    private readonly string[] _args;
    private readonly PublishedSettings _file = new();
    private readonly IConfigurationRoot _overrides;

    /// <param name="args">The command line: <c>--Section:Key=value</c>.</param>
    /// <exception cref="SettingsException">The settings file cannot be read or is not JSON.</exception>
    public GatewayConfiguration(string[] args)
    {
        _args = args;
        _overrides = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
        FilePath = SettingsFile.Locate(_overrides["GATEWAY_SETTINGS"]);
        FileContent = SettingsFile.Read(FilePath);
        _file.Publish(SettingsFile.Parse(FilePath, FileContent));
    }

    public string FilePath { get; }

    /// <summary>The content that was published last.</summary>
    public byte[] FileContent { get; private set; }

    /// <summary>Adds every source to the running configuration; it follows <see cref="Publish"/>.</summary>
    public void AddTo(IConfigurationBuilder configuration) => Add(configuration, _file);

    /// <summary>What the whole configuration would be with this file, for checking before anybody sees it.</summary>
    /// <exception cref="SettingsException">The content is not JSON.</exception>
    public IConfigurationRoot Candidate(byte[] content)
    {
        var configuration = new ConfigurationBuilder();
        var file = new PublishedSettings();
        file.Publish(SettingsFile.Parse(FilePath, content));
        Add(configuration, file);
        return configuration.Build();
    }

    /// <summary>What the file says by itself.</summary>
    /// <exception cref="SettingsException">The content is not JSON.</exception>
    public IDictionary<string, string?> FileSettings(byte[] content) => SettingsFile.Parse(FilePath, content);

    /// <summary>Makes a checked file the running configuration; YARP and everybody else who listens follows.</summary>
    public void Publish(byte[] content)
    {
        FileContent = content;
        _file.Publish(SettingsFile.Parse(FilePath, content));
    }

    private void Add(IConfigurationBuilder configuration, PublishedSettings file)
    {
        var (defaults, shorthands) = ShortVariables.Expand(_overrides);
        configuration.Add(new MemoryConfigurationSource { InitialData = defaults });
        configuration.Add(file);
        configuration.AddEnvironmentVariables();
        configuration.AddCommandLine(_args);
        configuration.Add(new MemoryConfigurationSource { InitialData = shorthands });
    }

    /// <summary>The settings file as a source that changes only when told to, never because a file is half written.</summary>
    private sealed class PublishedSettings : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public void Publish(IDictionary<string, string?> data)
        {
            Data = data;
            OnReload();
        }
    }
}
