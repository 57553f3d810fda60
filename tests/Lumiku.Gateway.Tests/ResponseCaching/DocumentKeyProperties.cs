using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.JsonDocuments;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>Over random JSON: documents of one meaning have one key, and documents of two meanings two.</summary>
public class DocumentKeyProperties
{
    private const int Documents = 2_000;

    private static readonly Model Served = new("a/b", new ModelOptions());

    /// <summary>So few that documents are often equal, or nearly; and look alike where they are not.</summary>
    private static readonly Gen<string> Text = Gen.Elements("a", "b", "A", "é", "e\u0301", "😀", "1", "null", "");

    private static readonly Gen<string> Scalar = Gen.OneOf(
        Gen.Elements("1", "1.0", "1e0", "10e-1", "-0", "0", "9007199254740993", "9007199254740992", "null", "true", "false"),
        Text.Select(Quote));

    private static readonly string[] Sample =
    [
        .. (from inputs in Gen.OneOf(Text.Select(Quote), Object(Scalar))
            from parameters in Gen.OneOf(Gen.Constant<string>(null!), Object(Gen.OneOf(Scalar, Object(Scalar), Scalar.ListOf(2).Select(items => $"[{string.Join(",", items)}]"))))
            select parameters is null ? $$"""{"inputs":{{inputs}}}""" : $$"""{"inputs":{{inputs}},"parameters":{{parameters}}}""").Sample(Documents, 10),
    ];

    [Fact]
    public void Equal_keys_equal_upstream_bytes_and_equal_meaning_are_one_and_the_same()
    {
        var seen = Sample.Select(document => (Key: Key(document), Bytes: Encoding.UTF8.GetString(Write(document).Body.Span), Meaning: Meaning(JsonElement.Parse(document)))).ToArray();

        var keys = seen.Select(one => one.Key).Distinct().Count();
        keys.ShouldBeInRange(50, Documents - 50, "some are equal and some are not");
        seen.Select(one => one.Bytes).Distinct().Count().ShouldBe(keys);
        seen.Select(one => one.Meaning).Distinct().Count().ShouldBe(keys);
        seen.Distinct().Count().ShouldBe(keys, "key, bytes and meaning always go together");
    }

    [Fact]
    public void A_document_in_other_clothes_has_the_same_key()
    {
        foreach (var document in Sample)
        {
            Key(Disguise(document)).ShouldBe(Key(document), document);
        }
    }

    [Fact]
    public void Path_media_type_accept_and_owner_each_change_the_key_of_any_document()
    {
        foreach (var document in Sample.Take(200))
        {
            var request = Write(document);
            CacheKey[] keys =
            [
                CacheKey.Of(request, "image/png", owner: null),
                CacheKey.Of(request with { Path = request.Path + "/pipeline/text-to-image" }, "image/png", owner: null),
                CacheKey.Of(request with { MediaType = "image/png" }, "image/png", owner: null),
                CacheKey.Of(request, "image/jpeg", owner: null),
                CacheKey.Of(request, "image/png", owner: ""),
                CacheKey.Of(request, "image/png", owner: "user a"),
                CacheKey.Of(request, "image/png", owner: "caller a"),
                CacheKey.Of(request, "image/png", owner: null).For("user a"),
            ];
            keys.Distinct().Count().ShouldBe(keys.Length, document);
        }
    }

    [Fact]
    public void One_text_cut_into_fields_at_different_places_gives_different_keys()
    {
        var cut =
            from text in Gen.Elements("ab", "/models/a/bimage/png", "aof b", "of of a", "\0\0\0\0", "\u0001\0\0\0a\u0001\0\0\0a")
            from cuts in Gen.Choose(0, text.Length).ListOf(3)
            let at = cuts.Order().ToArray()
            select (Text: text, Fields: (text[..at[0]], text[at[0]..at[1]], text[at[1]..at[2]], text[at[2]..]));
        var seen = cut.Sample(Documents).Select(one => (one.Text, one.Fields, Key: KeyOf(one.Fields))).ToArray();

        seen.Select(one => one.Text).Distinct().Count().ShouldBeLessThan(seen.Select(one => one.Fields).Distinct().Count() / 10, "each text was cut in many ways");
        seen.Select(one => one.Key).Distinct().Count().ShouldBe(seen.Select(one => one.Fields).Distinct().Count());

        static CacheKey KeyOf((string Path, string MediaType, string Accept, string Owner) fields) => CacheKey.Of(
            new UpstreamRequest(new ModelChoice(Served, Served), fields.Path, fields.MediaType, default), fields.Accept, fields.Owner.Length == 0 ? null : fields.Owner);
    }

    private static CacheKey Key(string document) => CacheKey.Of(Write(document), "image/png", owner: null);

    private static UpstreamRequest Write(string document)
    {
        using var request = CheckedRequest.Of(document);
        var written = UpstreamRequest.Write(request, new ModelChoice(Served, Served), task: null, out var problem);
        problem.ShouldBeNull();
        return written;
    }

    private static Gen<string> Object(Gen<string> value) =>
        from count in Gen.Choose(0, 2)
        from names in Text.ListOf(count)
        from values in value.ListOf(count)
        select $"{{{string.Join(",", names.Zip(values).DistinctBy(member => member.First).Select(member => $"{Quote(member.First)}:{member.Second}"))}}}";
}
