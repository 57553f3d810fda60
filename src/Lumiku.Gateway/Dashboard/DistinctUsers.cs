using System.Globalization;

namespace Lumiku.Gateway.Dashboard;

/// <summary>How many different users there were, in a form that adds up across replicas: a user who asked two of them is one.</summary>
/// <remarks>
/// The smallest hashes are kept. Up to <see cref="Most"/> the number is exact; beyond, it follows from how close together they lie, and is some 4 %
/// off (the "k minimum values" of Bar-Yossef et al., RANDOM 2002).
/// </remarks>
/// <param name="Smallest">Hashes of 48 bits, the smallest first.</param>
internal sealed record DistinctUsers(ulong[] Smallest)
{
    public const int Most = 512;

    private const double Range = 1UL << 48;

    public static readonly DistinctUsers None = new([]);

    public bool IsExact => Smallest.Length < Most;

    public int Count => IsExact ? Smallest.Length : (int)((Most - 1) / (Smallest[^1] / Range));

    /// <param name="digits">Of each user twelve hex digits of a hash; the same user may come more than once.</param>
    public static DistinctUsers Of(IEnumerable<string> digits) => Keep(digits.Select(one => ulong.Parse(one, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));

    public static DistinctUsers Add(IEnumerable<DistinctUsers> parts) => Keep(parts.SelectMany(part => part.Smallest));

    private static DistinctUsers Keep(IEnumerable<ulong> hashes) => new([.. hashes.Distinct().Order().Take(Most)]);
}
