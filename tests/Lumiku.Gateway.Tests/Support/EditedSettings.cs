using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A settings file of a test's own, without the tiers' limits, in a directory of its own; edited while a gateway follows it.</summary>
public sealed class EditedSettings : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lumiku-settings-");

    public EditedSettings() => File.Copy(TestGateway.UnlimitedSettings, Path);

    public string Path => System.IO.Path.Combine(_directory.FullName, "appsettings.json");

    /// <summary>Fails where nothing is changed by it: the test would wait for nothing.</summary>
    public void Edit(Func<string, string> change)
    {
        var before = File.ReadAllText(Path);
        var after = change(before);
        after.ShouldNotBe(before);
        File.WriteAllText(Path, after);
    }

    /// <inheritdoc cref="Edit(Func{string, string})"/>
    public void Edit(string before, string after) => Edit(text => text.Replace(before, after, StringComparison.Ordinal));

    public void Dispose() => _directory.Delete(recursive: true);
}
