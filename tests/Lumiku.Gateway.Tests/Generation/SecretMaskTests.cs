using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

public class SecretMaskTests
{
    private const string Body = """{"inputs":"a heron","parameters":{"seed":1}}""";

    [Fact]
    public void Every_secret_that_is_known_is_masked_and_every_token_that_looks_like_one()
    {
        var said = SecretMask.Apply("key a-secret-of-ours, Bearer abcdefgh.ijk, hf_SomebodyElses1, \u001b[31m\n\n red, user x", ["a-secret-of-ours", "x"]);

        said.ShouldBe("key ***, Bearer ***, ***, [31m red, user x"); // A secret of one letter would mask the language.
        SecretMask.Apply(new string('é', 600), []).ShouldBe(new string('é', 500));
    }

    [Fact]
    public async Task A_token_without_a_shape_of_its_own_is_masked_too()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "HUGGINGFACE_API_KEY=plain.token.of.another.kind");
        huggingFace.BehaveNext(Misbehaviour.EchoInError);

        var answer = await gateway.GenerateAsync(TestGateway.Dev, Body);

        answer.ShouldBe(422, "upstream-refused");
        System.Text.Encoding.UTF8.GetString(answer.Body).ShouldNotContain("plain.token");
    }
}
