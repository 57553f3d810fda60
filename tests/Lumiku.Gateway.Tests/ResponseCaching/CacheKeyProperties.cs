using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>A key is all that is in it, field by field, and nothing else.</summary>
public class CacheKeyProperties
{
    private static readonly Model AnyModel = new("a/b", new ModelOptions());

    /// <summary>Few letters, so that fields meet and run into each other often.</summary>
    private static readonly Gen<string> Field = Gen.Elements("", "a", "b", "ab", "ba", "aa", "/", "of a", "image/png", "\0", "é", new string('a', 3000));

    private static readonly Gen<Fields> Any =
        from path in Field
        from mediaType in Field
        from accept in Field
        from owner in Gen.OneOf(Field, Gen.Constant<string>(null!))
        from body in Field
        select new Fields(path, mediaType, accept, owner, body);

    [Fact]
    public void Two_keys_are_equal_where_all_fields_are_and_only_there() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(20_000),
        Prop.ForAll(Arb.From(Any), Arb.From(Any), (one, other) => (Key(one) == Key(other)) == (one == other)));

    [Fact]
    public void A_claim_is_its_owners_alone_and_no_images_key() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(5_000),
        Prop.ForAll(Arb.From(Any), Arb.From(Field), Arb.From(Field), (fields, owner, other) =>
            (Key(fields).For(owner) == Key(fields).For(other)) == (owner == other) && Key(fields).For(owner) != Key(fields with { Owner = owner })));

    [Fact]
    public void The_key_of_a_known_request_stays_what_it_is()
    {
        // Replicas of two releases share images by it: whoever changes how it is made changes the version in it, and this.
        Key(new("/models/a/b", "application/json", "image/png", null, """{"inputs":"x"}""")).ToString().ShouldBe("9326a39ad5db2ce88b21104485179a58ca6bf377a2875d87eb75e23e5f9ab6cb");
    }

    private static CacheKey Key(Fields fields) => CacheKey.Of(
        new UpstreamRequest(new ModelChoice(AnyModel, AnyModel), fields.Path, fields.MediaType, Encoding.UTF8.GetBytes(fields.Body)), fields.Accept, fields.Owner);

    private sealed record Fields(string Path, string MediaType, string Accept, string? Owner, string Body);
}
