using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.JsonDocuments;

namespace Lumiku.Gateway.Tests.ModelSubstitution;

/// <summary>Over random JSON: what is not ruled keeps its meaning, and equal meaning gives equal bytes.</summary>
public class TranslationProperties
{
    private const int Documents = 2_000;

    private static readonly Model Ruled = new("a/b", new ModelOptions
    {
        Parameters = new ParameterRules
        {
            Remove = ["removed"],
            Maximum = new() { ["capped"] = 4 },
            MultipleOf = new() { ["stepped"] = 8 },
            Default = new() { ["defaulted"] = 3 },
        },
    });

    private static readonly Model Unruled = new("a/c", new ModelOptions());

    /// <summary>Names that rules hold for, names that look like them, and any others.</summary>
    private static readonly Gen<string> Name = Gen.OneOf(
        Gen.Elements("removed", "capped", "stepped", "defaulted", "Removed", "capped ", "seed", "é", "\u2028", "😀", ""),
        ArbMap.Default.GeneratorFor<NonNull<string>>().Select(text => Sound(text.Get)));

    private static readonly Gen<string> Number = Gen.OneOf(
        ArbMap.Default.GeneratorFor<int>().Select(number => $"{number}"),
        Gen.Elements("9007199254740993", "18446744073709551616", "1.0", "1e2", "-0", "0.1", "1e-400", "123456789012345678901234567890"));

    [Fact]
    public void Without_rules_every_document_keeps_its_meaning()
    {
        foreach (var document in Sample())
        {
            var written = Write(document, Unruled);
            Meaning(JsonElement.Parse(written)).ShouldBe(Meaning(JsonElement.Parse(document)));
        }
    }

    [Fact]
    public void Written_again_nothing_changes()
    {
        foreach (var document in Sample())
        {
            var once = Write(document, Ruled);
            Write(once, Ruled).ShouldBe(once);
        }
    }

    [Fact]
    public void Order_white_space_and_escapes_make_no_difference()
    {
        foreach (var document in Sample())
        {
            Write(Disguise(document), Ruled).ShouldBe(Write(document, Ruled));
        }
    }

    [Fact]
    public void With_rules_parameters_are_what_the_rules_say_and_nothing_else_changed()
    {
        foreach (var document in Sample())
        {
            var sent = JsonElement.Parse(document);
            var seen = JsonElement.Parse(Write(document, Ruled));

            var expected = sent.GetProperty("parameters").EnumerateObject().Where(member => member.Name != "removed")
                .ToDictionary(member => member.Name, member => Expected(member.Name, member.Value));
            if (expected.GetValueOrDefault("defaulted") is null or "null")
            {
                expected["defaulted"] = "3";
            }

            seen.GetProperty("parameters").EnumerateObject().ToDictionary(member => member.Name, member => Meaning(member.Value)).ShouldBe(expected, ignoreOrder: true);
            foreach (var member in sent.EnumerateObject().Where(member => member.Name is not "parameters"))
            {
                Meaning(seen.GetProperty(member.Name)).ShouldBe(Meaning(member.Value));
            }
        }
    }

    [Theory]
    [InlineData("""{"inputs":"a"}""", """{"inputs":"a","parameters":{"height":512,"width":512}}""")]
    [InlineData("""{"inputs":"a","parameters":{"target_size":{"width":64,"height":null}}}""", """{"inputs":"a","parameters":{"height":512,"target_size":{"height":null,"width":64}}}""")]
    [InlineData("""{"inputs":{"target_size":{"width":64,"height":32}}}""", """{"inputs":{"target_size":{"height":32,"width":64}}}""")]
    public void A_default_size_is_not_added_to_a_target_size(string document, string written) =>
        Write(document, new Model("a/d", new ModelOptions { Parameters = new ParameterRules { Default = new() { ["width"] = 512, ["height"] = 512 } } })).ShouldBe(written);

    private static string Expected(string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && name is "capped" or "stepped" && value.ValueKind == JsonValueKind.Number)
        {
            var number = value.TryGetDecimal(out var exact) ? exact : decimal.MaxValue;
            var ruled = name == "capped" ? Math.Min(number, 4) : number % 8 == 0 ? number : Math.Max(8, number - (number % 8));
            return ruled == number ? value.GetRawText() : ruled.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return Meaning(value);
    }

    private static string Write(string document, Model model)
    {
        using var request = CheckedRequest.Of(document);
        var bytes = UpstreamBody.Write(request, new ModelChoice(model, model), out _, out var refused);
        refused.ShouldBeNull();
        return Encoding.UTF8.GetString(bytes.Span);
    }

    private static string[] Sample()
    {
        var value = Gen.Sized(size => Value(Math.Min(size, 4)));
        var document =
            from inputs in Name
            from extra in Members(value)
            from parameters in Members(Gen.OneOf(value, Number))
            select Object([("inputs", Quote(inputs)), ("parameters", Object(Fit(parameters))), .. extra.Where(member => member.Name is not ("inputs" or "parameters" or "model"))]);
        return document.Sample(Documents, 12);
    }

    /// <summary>Rules for numbers refuse other kinds; that is another test's affair.</summary>
    private static IEnumerable<(string Name, string Value)> Fit(IEnumerable<(string Name, string Value)> members) =>
        members.Where(member => member.Name is not ("capped" or "stepped") || char.IsAsciiDigit(member.Value[^1]));

    private static Gen<string> Value(int depth) => depth == 0
        ? Gen.OneOf(Number, Name.Select(Quote), Gen.Elements("null", "true", "false"))
        : Gen.OneOf(
            Value(0),
            Value(depth - 1).ListOf(3).Select(items => $"[{string.Join(" , ", items)}]"),
            Members(Value(depth - 1)).Select(Object));

    private static Gen<IEnumerable<(string Name, string Value)>> Members(Gen<string> value) =>
        from count in Gen.Choose(0, 4)
        from names in Name.ListOf(count)
        from values in value.ListOf(count)
        select names.Zip(values).DistinctBy(member => member.First).Where(member => !ImageCount.IsSaidBy(member.First));

    private static string Object(IEnumerable<(string Name, string Value)> members) =>
        $"{{{string.Join(",", members.Select(member => $"{Quote(member.Name)}: {member.Value}"))}}}";

    /// <summary>Random strings hold lone surrogates, which are refused; they become question marks here.</summary>
    private static string Sound(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
