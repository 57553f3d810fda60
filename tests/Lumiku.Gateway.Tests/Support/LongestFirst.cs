using Lumiku.Gateway.Tests.Dashboard;
using Lumiku.Gateway.Tests.Support;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace Lumiku.Gateway.Tests.Support;

/// <summary>The browser's tests, one after the other for a minute, beside all others rather than after them.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<T> OrderTestCollections<T>(IReadOnlyCollection<T> testCollections)
        where T : notnull, ITestCollection => [.. testCollections.OrderByDescending(collection => collection.TestCollectionDisplayName == Operators.Name)];
}
