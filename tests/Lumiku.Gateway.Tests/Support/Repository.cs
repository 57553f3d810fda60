using System.Reflection;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>The files that are tested besides the program.</summary>
internal static class Repository
{
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "RepositoryRoot").Value!;
}
