using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary>A gateway that cannot serve safely does not start, and says which setting to give.</summary>
public class StartTests
{
    [Fact]
    public async Task Without_a_token_and_a_caller_the_program_ends_with_1_and_names_both_variables()
    {
        await using var gateway = GatewayProcess.Start([], []);

        (await gateway.ExitCodeAsync()).ShouldBe(1);
        gateway.Errors.ShouldContain("GATEWAY_API_KEY");
        gateway.Errors.ShouldContain("HUGGINGFACE_API_KEY");
        gateway.Errors.ShouldNotContain("   at "); // No stack trace for a missing setting.
    }

    [Theory]
    [InlineData("", "GATEWAY_API_KEY=", "'Callers' names nobody")]
    [InlineData("", "HUGGINGFACE_API_KEY=", "set the variable HUGGINGFACE_API_KEY")]
    [InlineData("", "HUGGINGFACE_API_KEY=two words", "'Credentials:huggingface' must be a token of visible ASCII")]
    [InlineData("", "GATEWAY_API_KEY=schlüssel", "'Callers:backend:Key' must be visible ASCII")]
    [InlineData("", "JWT_SECRET=short", "'JWT_SECRET' has 5 bytes; HS256 needs at least 16")]
    [InlineData("", "PORT=70000", "'PORT' is '70000'; it must be a number from 1 to 65535.")]
    [InlineData("", "Serilog:MinimumLevel:Default=Loud", "'Serilog:MinimumLevel:Default' is 'Loud', which is no level: Verbose, Debug")]
    [InlineData("", "DefaultTier=gold", "'DefaultTier' is 'gold', which Tiers does not have (basic, enterprise, free, internal, payg, pro).")]
    [InlineData("", "Callers:studio:Tier=pro", "'Callers:studio' has neither Key nor KeySha256")]
    [InlineData("", "Callers:studio:KeySha256=abc", "'Callers:studio:KeySha256' must be 64 hexadecimal digits and has 3 characters.")]
    [InlineData("Callers:studio:Key=some-key", "Callers:studio:KeySha256=abc", "'Callers:studio' has both Key and KeySha256")]
    [InlineData("Callers:studio:Key=some-key", "Callers:studio:Tier=gold", "'Callers:studio:Tier' is 'gold'")]
    [InlineData("Callers:studio:Key=some-key", "Callers:other:Key=some-key", "has the same key as Callers:")]
    [InlineData("", "Callers:backend:Teir=pro", "'Teir'")]
    [InlineData("", "Tiers:free:Entitlments:0=PRO", "Entitlments")]
    [InlineData("", "Models:Unlisted=Maybe", "Maybe")]
    [InlineData("", "Models:Catalog:a/b:Requires=GOLD", "'Models:Catalog:a/b:Requires' is 'GOLD', which no tier has")]
    [InlineData("", "Models:Catalog:a/b:Substitute=c/d", "'Models:Catalog:a/b:Substitute' is 'c/d', which Models:Catalog does not have.")]
    [InlineData("Models:Catalog:a/b:Substitute=c/d", "Models:Catalog:c/d:Substitute=a/b", "a chain of Substitute must end")]
    [InlineData("Models:Catalog:a/b:Substitute=c/d", "Models:Catalog:c/d:Output=Json", "whose Output is Json and not Image")]
    [InlineData("", "Models:Catalog:a/b:WaitLimit=00:00:00", "'Models:Catalog:a/b:WaitLimit' must be between 00:00:01 and 01:00:00")]
    [InlineData("", "Models:Catalog:a/b:Parameters:MultipleOf:width=0", "'Models:Catalog:a/b:Parameters:MultipleOf:width' must be a whole number of at least 1 and is 0.")]
    [InlineData("", "Models:Catalog:a/b:Parameters:Maximum:width=big", "Models:Catalog:a/b:Parameters:Maximum:width")]
    [InlineData("", "Models:Catalog:a b:Requires=PRO", "'Models:Catalog:a b' is no model id")]
    [InlineData("", "Generation:WaitLimit=170", "'Generation:WaitLimit'")] // 170 days.
    [InlineData("", "Generation:Deadline=00:06:00", "'Generation:Deadline' (00:06:00) is longer than 'ReverseProxy:Clusters:huggingface:HttpRequest:ActivityTimeout' (00:05:00)")]
    [InlineData("", "Limits:FailedLoginsPerMinute=0", "'Limits:FailedLoginsPerMinute'")]
    [InlineData("", "Limits:ImageBytes=many", "Limits:ImageBytes")]
    [InlineData("", "Network:TrustedProxies:0=proxy.local", "'Network:TrustedProxies:0' is 'proxy.local'")]
    [InlineData("", "ReverseProxy:Routes:models:ClusterId=nowhere", "'ReverseProxy:Routes:models:ClusterId' names the cluster 'nowhere'")]
    [InlineData("", "Callers:studio=some-key", "'Callers' holds something of the wrong kind, or a name that is no setting (at 'Callers:studio').")]
    [InlineData("", "Credentials=some-key", "'Credentials' must be an object.")]
    [InlineData("", "Tiers=free", "'Tiers' must be an object.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:0:UpstreamCredential=hf_some-key", "The credential (too long for a name), which the transform UpstreamCredential names")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Address=https://user:some-key@example.org/", "holds a user or password")]
    [InlineData("ReverseProxy:Routes:twin:ClusterId=huggingface", "ReverseProxy:Routes:twin:Match:Path=/models/{**model}", "'ReverseProxy:Routes:twin:Match' is the same as that of 'models'")]
    [InlineData("", "ReverseProxy:Routes:models:CorsPolicy=disable", "'ReverseProxy:Routes:models:CorsPolicy' is not offered")]
    [InlineData("", "ReverseProxy:Routes:models:Timeout=00:01:00", "Timeout")]
    [InlineData("", "ReverseProxy:Routes:models:RateLimiterPolicy=strict", "'strict'")]
    [InlineData("", "ReverseProxy:Routes:models:AuthorizationPolicy=nobody", "'nobody'")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:1:ImageAccept=image/gif", "The transform ImageAccept is 'image/gif'; it must be image/png, image/jpeg or image/webp.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:0:UpstreamCredential=second", "The credential 'second', which the transform UpstreamCredential names, is not in Credentials.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:0:Other=x", "The transform UpstreamCredential takes no other keys; it has Other.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:2:NoSuch=x", "NoSuch")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Address=http://example.org/", "a token does not travel over plain http")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Address=router", "it must be an absolute https address")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Metadata:Credential=second", "The credential 'second', which the destination 'primary' names, is not in Credentials.")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:HttpRequest:ActivityTimeout=soon", "'soon'")]
    [InlineData("", "GATEWAY_SETTINGS=/nowhere/appsettings.json", "The settings file '/nowhere/appsettings.json' cannot be read")]
    public async Task A_wrong_setting_is_refused_with_its_key(string also, string wrong, string message)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        string[] settings = also.Length == 0 ? [wrong] : [also, wrong];

        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(huggingFace, settings));

        refusal.Message.ShouldContain(message);
        refusal.Message.ShouldNotContain(TestGateway.BackendKey);
        refusal.Message.ShouldNotContain("some-key");
        refusal.Message.ShouldNotContain(TestGateway.UpstreamToken);
    }

    [Fact]
    public async Task A_session_affinity_that_would_fail_after_the_work_is_refused()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(
            huggingFace,
            "ReverseProxy:Clusters:huggingface:SessionAffinity:Enabled=true",
            "ReverseProxy:Clusters:huggingface:SessionAffinity:Policy=HashCookie",
            "ReverseProxy:Clusters:huggingface:SessionAffinity:AffinityKeyName=x"));

        refusal.Message.ShouldContain("HashCookie");
    }

    [Fact]
    public async Task All_mistakes_are_told_at_once()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(
            huggingFace, "DefaultTier=gold", "Limits:FailedLoginsPerMinute=0", "ReverseProxy:Routes:models:ClusterId=nowhere"));

        refusal.Mistakes.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData("{ \"Tiers\": ", "is not valid JSON")]
    [InlineData("", "is missing, cannot be read, or is empty")]
    [InlineData("{}", "holds no settings")]
    [InlineData("[1]", "is not valid JSON")]
    [InlineData("""{ "Modles": { "Unlisted": "Deny" } }""", "'Modles' is not a section of the settings; there are ReverseProxy,")]
    public async Task A_file_that_is_no_settings_stops_the_start(string content, string message)
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, content, TestContext.Current.CancellationToken);
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(huggingFace, $"GATEWAY_SETTINGS={path}"));

        refusal.Message.ShouldContain(message);
        File.Delete(path);
    }

    [Fact]
    public async Task HF_TOKEN_stands_in_for_HUGGINGFACE_API_KEY()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "HUGGINGFACE_API_KEY=", "HF_TOKEN=hf_AnotherToken123");

        (await gateway.GenerateAsync(TestGateway.Dev, """{"inputs":"a heron"}""")).ShouldBeAnImage();
        huggingFace.Received[0].Header("Authorization").ShouldBe("Bearer hf_AnotherToken123");
    }

    [Fact]
    public async Task A_destination_is_asked_with_the_credential_that_it_names()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, "Credentials:second=hf_TheSecondToken", "ReverseProxy:Clusters:huggingface:Destinations:primary:Metadata:Credential=second");

        (await gateway.GenerateAsync(TestGateway.Dev, """{"inputs":"a heron"}""")).ShouldBeAnImage();
        huggingFace.Received[0].Header("Authorization").ShouldBe("Bearer hf_TheSecondToken");
    }

    [Fact]
    public async Task The_file_in_the_working_directory_comes_before_the_one_beside_the_program()
    {
        var directory = Directory.CreateTempSubdirectory("lumiku-settings-");
        await File.WriteAllTextAsync(Path.Combine(directory.FullName, "appsettings.json"), """{ "DefaultTier": "nowhere" }""", TestContext.Current.CancellationToken);

        await using var gateway = GatewayProcess.Start([], [], directory.FullName);

        (await gateway.ExitCodeAsync()).ShouldBe(1);
        gateway.Errors.ShouldContain("'DefaultTier' is 'nowhere'");
        directory.Delete(recursive: true);
    }
}
