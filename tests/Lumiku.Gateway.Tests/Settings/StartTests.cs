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
    [InlineData("", "Serilog:MinimumLevel:Default=Loud", "'Serilog:MinimumLevel:Default' is 'Loud'; it must be Verbose, Debug, Information, Warning, Error or Fatal.")]
    [InlineData("", "DefaultTier=gold", "'DefaultTier' is 'gold', which Tiers does not have (basic, enterprise, free, internal, payg, pro).")]
    [InlineData("", "DefaultTier=fre", "'DefaultTier' is 'fre', which Tiers does not have (basic, enterprise, free, internal, payg, pro); did you mean 'free'?")]
    [InlineData("Callers:studio:Key=some-key", "Callers:studio:Tier=intern", "'Callers:studio:Tier' is 'intern', which Tiers does not have (basic, enterprise, free, internal, payg, pro); did you mean 'internal'?")]
    [InlineData("", "Models:Catalog:a/b:Requires=PRP", "'Models:Catalog:a/b:Requires' is 'PRP', which no tier has among its Entitlements; did you mean 'PRO'?")]
    [InlineData("", "Models:Catalog:a/b:Fallback=black-forest-labs/FLUX.1-schnel", "'Models:Catalog:a/b:Fallback' is 'black-forest-labs/FLUX.1-schnel', which Models:Catalog does not have; did you mean 'black-forest-labs/FLUX.1-schnell'?")]
    [InlineData("Models:Catalog:a/b:Fallback=c/d", "Models:Catalog:c/d:Fallback=a/b", "'Models:Catalog:c/d:Fallback' leads back to 'a/b': a chain of Fallback must end.")]
    [InlineData("", "ReverseProxy:Routes:models:ClusterId=hugingface", "names the cluster 'hugingface', which ReverseProxy:Clusters does not have; did you mean 'huggingface'?")]
    [InlineData("RateLimiterPolicies:gentle:Kind=Concurrency", "ReverseProxy:Routes:models:RateLimiterPolicy=gentel", "names the policy 'gentel', which RateLimiterPolicies does not have; did you mean 'gentle'?")]
    [InlineData("", "ReverseProxy:Clusters:other:LoadBalancingPolicy=Random", "'ReverseProxy:Clusters:other:Destinations' has no destination.")]
    [InlineData("", "ReverseProxy:Routes:models:TimeoutPolicy=x", "'ReverseProxy:Routes:models' has a Timeout or TimeoutPolicy, which YARP answers with 400 (yarp#2662): use Generation:Deadline and the cluster's HttpRequest:ActivityTimeout.")]
    [InlineData("", "Callers:studio:Tier=pro", "'Callers:studio' has neither Key nor KeySha256")]
    [InlineData("", "Callers:studio:KeySha256=abc", "'Callers:studio:KeySha256' must be 64 hexadecimal digits and has 3 characters.")]
    [InlineData("Callers:studio:Key=some-key", "Callers:studio:KeySha256=abc", "'Callers:studio' has both Key and KeySha256")]
    [InlineData("Callers:studio:Key=some-key", "Callers:studio:Tier=gold", "'Callers:studio:Tier' is 'gold'")]
    [InlineData("Callers:studio:Key=some-key", "Callers:other:Key=some-key", "has the same key as Callers:")]
    [InlineData("", "Callers:backend:Teir=pro", "'Callers:backend:Teir' is not a setting; did you mean 'Tier'?")]
    [InlineData("", "Tiers:free:Entitlments:0=PRO", "'Tiers:free:Entitlments' is not a setting; did you mean 'Entitlements'?")]
    [InlineData("", "Tiers:free:Colour=red", "'Tiers:free:Colour' is not a setting; there are ")]
    [InlineData("", "Generation:Breaker:Windows=00:01:00", "'Generation:Breaker:Windows' is not a setting; did you mean 'Window'?")]
    [InlineData("", "ReverseProxy:Routes:models:RateLimitterPolicy=x", "'ReverseProxy:Routes:models:RateLimitterPolicy' is not a setting; did you mean 'RateLimiterPolicy'?")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:HttpRequest:ActivtyTimeout=00:05:00", "'ReverseProxy:Clusters:huggingface:HttpRequest:ActivtyTimeout' is not a setting; did you mean 'ActivityTimeout'?")]
    [InlineData("", "Serilog:MinimumLevel:Defualt=Debug", "'Serilog:MinimumLevel:Defualt' is not a setting; did you mean 'Default'?")]
    [InlineData("", "Tiers:free:Entitlements=PRO", "'Tiers:free:Entitlements' must be a list, and is a single value.")]
    [InlineData("", "Tiers:free:Entitlements:PRO=yes", "'Tiers:free:Entitlements' must be a list, and has a member 'PRO'.")]
    [InlineData("", "Tiers:free:RequestsPerMinute:Value=5", "'Tiers:free:RequestsPerMinute' must be a whole number, and has members.")]
    [InlineData("", "Tiers:free:RequestsPerMinute=0", "'Tiers:free:RequestsPerMinute' must be between 1 and 1000000, or left out for unlimited, and is 0.")]
    [InlineData("", "Tiers:free:RequestsPerMinute=10.5", "'Tiers:free:RequestsPerMinute' must be a whole number and is '10.5'.")]
    [InlineData("", "Callers:backend:ActsForUsers=yes", "'Callers:backend:ActsForUsers' must be true or false and is 'yes'.")]
    [InlineData("", "Generation:Breaker:FailureRatio=half", "'Generation:Breaker:FailureRatio' must be a number and is 'half'.")]
    [InlineData("", "Models:Catalog:black-forest-labs/FLUX.1-dev:Units=99999999999999999999", "Units' must be between 0 and 10000 and is 99999999999999999999.")]
    [InlineData("", "Models:Catalog:black-forest-labs/FLUX.1-dev:FallbackOn:0=Gon", "FallbackOn:0' is 'Gon'; it must be Loading, Overloaded, RateLimited, Gone, Account, ParameterRefused, Refused, NotAnImage, Timeout, Unreachable or Failed. Did you mean Gone?")]
    [InlineData("", "Redis:KeyPrefix=a b", "'Redis:KeyPrefix' is 'a b', which does not fit: What all keys begin with: 1 to 32 letters, digits, - and _.")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:HttpClient:DangerousAcceptAnyServerCertificate=true", "'ReverseProxy:Clusters:huggingface:HttpClient:DangerousAcceptAnyServerCertificate' is not offered: the token would go to whoever answers.")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:HttpRequest:Version=4", "'ReverseProxy:Clusters:huggingface:HttpRequest:Version' is '4'; it must be 1.0, 1.1, 2, 2.0, 3 or 3.0.")]
    [InlineData("", "Callers:studio:Limits:Burst=3", "'Callers:studio:Limits:Burst' says how many requests in one go, but no RequestsPerMinute how many follow.")]
    [InlineData("", "Models:Catalog:a/b:FallbackOn:0=Gone", "'Models:Catalog:a/b:FallbackOn' says when, but no Fallback says which model.")]
    [InlineData("", "Generation:FailureRules:0:Class=Gone", "'Generation:FailureRules:0' fits every answer: give it a Status, a Message or both.")]
    [InlineData("", "Generation:FailureRules:0:Status=418", "'Generation:FailureRules:0:Class' is missing; there are Loading,")]
    [InlineData("", "Quota:TimeZone=Europe/Berlin2", "'Quota:TimeZone' is 'Europe/Berlin2', which is no IANA time zone that this machine knows")]
    [InlineData("", "Limits:BufferedBytes=100000", "'Limits:BufferedBytes' is 100000, less than twice Limits:RequestBodyBytes (64000000): the largest body would never be taken.")]
    [InlineData("", "Shutdown:Grace=00:02:00", "'Shutdown:Grace' is 00:02:00, not shorter than Shutdown:DrainLimit (00:02:00): what is taken last would have no time.")]
    [InlineData("", "Redis:Images=http://example.org", "'Redis:Images' ")]
    [InlineData("", "Models:Unlisted=Maybe", "'Models:Unlisted' is 'Maybe'; it must be Allow or Deny.")]
    [InlineData("", "Models:Unlisted=Denny", "'Models:Unlisted' is 'Denny'; it must be Allow or Deny. Did you mean Deny?")]
    [InlineData("", "Models:Catalog:a/b:Requires=GOLD", "'Models:Catalog:a/b:Requires' is 'GOLD', which no tier has")]
    [InlineData("", "Models:Catalog:a/b:Substitute=c/d", "'Models:Catalog:a/b:Substitute' is 'c/d', which Models:Catalog does not have.")]
    [InlineData("Models:Catalog:a/b:Substitute=c/d", "Models:Catalog:c/d:Substitute=a/b", "a chain of Substitute must end")]
    [InlineData("Models:Catalog:a/b:Substitute=c/d", "Models:Catalog:c/d:Output=Json", "whose Output is Json and not Image")]
    [InlineData("", "Models:Catalog:a/b:WaitLimit=00:00:00", "'Models:Catalog:a/b:WaitLimit' must be between 00:00:01 and 01:00:00")]
    [InlineData("", "Models:Catalog:a/b:Parameters:MultipleOf:width=0", "'Models:Catalog:a/b:Parameters:MultipleOf:width' must be between 1 and 1000000000 and is 0.")]
    [InlineData("", "Models:Catalog:a/b:Parameters:Maximum:width=big", "'Models:Catalog:a/b:Parameters:Maximum:width' must be a number and is 'big'.")]
    [InlineData("", "Models:Catalog:a b:Requires=PRO", "'Models:Catalog:a b' is no model id")]
    [InlineData("", "Generation:WaitLimit=170", "'Generation:WaitLimit' must be a duration, [d.]hh:mm:ss such as 00:02:50, and is '170'.")] // Which .NET takes for 170 days.
    [InlineData("", "Generation:WaitLimit=02:00:00", "'Generation:WaitLimit' must be between 00:00:01 and 01:00:00 and is 02:00:00.")]
    [InlineData("", "Generation:Deadline=00:06:00", "'Generation:Deadline' (00:06:00) is longer than 'ReverseProxy:Clusters:huggingface:HttpRequest:ActivityTimeout' (00:05:00)")]
    [InlineData("", "Limits:FailedLoginsPerMinute=0", "'Limits:FailedLoginsPerMinute' must be between 1 and 100000 and is 0.")]
    [InlineData("", "Limits:ImageBytes=many", "'Limits:ImageBytes' must be a whole number and is 'many'.")]
    [InlineData("", "Network:TrustedProxies:0=proxy.local", "'Network:TrustedProxies:0' is 'proxy.local'")]
    [InlineData("", "ReverseProxy:Routes:models:ClusterId=nowhere", "'ReverseProxy:Routes:models:ClusterId' names the cluster 'nowhere'")]
    [InlineData("", "Callers:studio=some-key", "'Callers:studio' must be an object, and is a single value.")]
    [InlineData("", "Credentials=some-key", "'Credentials' must be an object, and is a single value.")]
    [InlineData("", "Tiers=free", "'Tiers' must be an object, and is a single value.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:0:UpstreamCredential=hf_some-key", "The credential (too long for a name), which the transform UpstreamCredential names")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Address=https://user:some-key@example.org/", "holds a user or password")]
    [InlineData("ReverseProxy:Routes:twin:ClusterId=huggingface", "ReverseProxy:Routes:twin:Match:Path=/models/{**model}", "'ReverseProxy:Routes:twin:Match' is the same as that of 'models'")]
    [InlineData("", "ReverseProxy:Routes:models:CorsPolicy=disable", "'ReverseProxy:Routes:models:CorsPolicy' is not offered")]
    [InlineData("", "ReverseProxy:Routes:models:Timeout=00:01:00", "Timeout")]
    [InlineData("", "ReverseProxy:Routes:models:RateLimiterPolicy=strict", "'ReverseProxy:Routes:models:RateLimiterPolicy' names the policy 'strict', which RateLimiterPolicies does not have.")]
    [InlineData("RateLimiterPolicies:strict:Kind=Concurrency", "RateLimiterPolicies:strict:Window=00:01:00", "'RateLimiterPolicies:strict:PermitLimit' is missing: how many requests are let through.")]
    [InlineData("RateLimiterPolicies:strict:PermitLimit=1", "RateLimiterPolicies:strict:Kind=FixedWindow", "'RateLimiterPolicies:strict:Window' is missing: in what time so many requests are let through.")]
    [InlineData("RateLimiterPolicies:strict:PermitLimit=1", "RateLimiterPolicies:strict:Window=00:01:00", "'RateLimiterPolicies:strict:Kind' is missing; there are FixedWindow, SlidingWindow, TokenBucket, Concurrency.")]
    [InlineData("", "ReverseProxy:Routes:models:AuthorizationPolicy=nobody", "'nobody'")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:1:ImageAccept=image/gif", "The transform ImageAccept is 'image/gif'; it must be image/png, image/jpeg or image/webp.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:0:UpstreamCredential=second", "The credential 'second', which the transform UpstreamCredential names, is not in Credentials.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:0:Other=x", "The transform UpstreamCredential takes no other keys; it has Other.")]
    [InlineData("", "ReverseProxy:Routes:models:Transforms:2:NoSuch=x", "NoSuch")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Address=http://example.org/", "a token does not travel over plain http")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Address=router", "it must be an absolute https address")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:Destinations:primary:Metadata:Credential=second", "The credential 'second', which the destination 'primary' names, is not in Credentials.")]
    [InlineData("", "ReverseProxy:Clusters:huggingface:HttpRequest:ActivityTimeout=soon", "'soon'")]
    [InlineData("", "Upstreams:far:Route=models", "'Upstreams:far:Dialect' is missing; there are hf-inference, openai-images, fal-ai, replicate, wavespeed.")]
    [InlineData("", "Upstreams:nscale:Dialect=openai", "'Upstreams:nscale:Dialect' is 'openai', which does not fit: How it is spoken to: hf-inference, openai-images, fal-ai, replicate or wavespeed. Required.")]
    [InlineData("", "Upstreams:far:Dialect=fal-ai", "'Upstreams:far:Route' names the route 'far', which ReverseProxy:Routes does not have")]
    [InlineData("", "Upstreams:nscale:Route=nscal", "'Upstreams:nscale:Route' names the route 'nscal', which ReverseProxy:Routes does not have; did you mean 'nscale'?")]
    [InlineData("", "Upstreams:nscale:Route=models", "'ReverseProxy:Routes:models:AuthorizationPolicy' must be Closed: 'Upstreams:nscale' goes by it, and no caller may.")]
    [InlineData("", "Upstreams:fal-ai:ImageHosts:0=https://fal.media/", "'Upstreams:fal-ai:ImageHosts:0' ")]
    [InlineData("", "Upstreams:fal-ai:ImageHosts:0=*.com", "'Upstreams:fal-ai:ImageHosts:0' ")]
    [InlineData("", "Upstreams:fal-ai:PollEvery=00:00:00", "'Upstreams:fal-ai:PollEvery' must be between 00:00:00.1000000 and 00:00:30 and is 00:00:00.")]
    [InlineData("", "Upstreams:nscale:Parameters:Size=Big", "'Upstreams:nscale:Parameters:Size' is 'Big'; it must be WidthAndHeight, SizeWithX, SizeWithStar, ImageSize, AspectRatio or None.")]
    [InlineData("", "Upstreams:hf-inference:Parameters:Rename:a=b", "'Upstreams:hf-inference:Parameters' has no effect with the dialect hf-inference")]
    [InlineData("", "Upstreams:nscale:Parameters:Set:model=x", "'Upstreams:nscale:Parameters:Set:model' would be a second model: what it is called there is ProviderModelId of Served.")]
    [InlineData("", "Upstreams:fal-ai:Parameters:Set:Prompt=x", "'Upstreams:fal-ai:Parameters:Set:Prompt' would be a second prompt")]
    [InlineData("", "Models:Catalog:a/b:Served:0:Upstream=nscal", "'Models:Catalog:a/b:Served:0:Upstream' is 'nscal', which Upstreams does not have; did you mean 'nscale'?")]
    [InlineData("", "Models:Catalog:a/b:Served:0:ProviderModelId=x", "'Models:Catalog:a/b:Served:0:Upstream' is missing.")]
    [InlineData("Models:Catalog:a/b:Served:0:Upstream=nscale", "Models:Catalog:a/b:Served:0:ProviderModelId=../admin", "'Models:Catalog:a/b:Served:0:ProviderModelId' is no model id")]
    [InlineData("Models:Catalog:a/b:Served:0:Upstream=hf-inference", "Models:Catalog:a/b:Served:0:ProviderModelId=c/d", "'Models:Catalog:a/b:Served:0:ProviderModelId' needs a Route at Upstreams:hf-inference")]
    [InlineData("Models:Catalog:a/b:Served:0:Upstream=hf-inference", "Models:Catalog:a/b:Served:0:Pictures:image=x", "'Models:Catalog:a/b:Served:0:Pictures' has no effect with the dialect hf-inference")]
    [InlineData("Models:Catalog:a/b:Served:0:Upstream=nscale", "Models:Catalog:a/b:Served:0:Pictures:picture=x", "'Models:Catalog:a/b:Served:0:Pictures:picture' is no picture that callers send: image, mask, control_image, input_id_images.")]
    [InlineData("Models:Catalog:a/b:Served:0:Upstream=nscale", "Models:Catalog:a/b:NextOn:0=Gone", "'Models:Catalog:a/b:NextOn' says when the next is asked, but Served does not name two.")]
    [InlineData("Models:Catalog:a/b:Served:0:Upstream=nscale", "Models:Catalog:a/b:Output=Json", "'Models:Catalog:a/b:Served' is for models that make images; this one's Output is Json.")]
    [InlineData("", "Models:Catalog:a/b:Formats:0=image/gif", "'Models:Catalog:a/b:Formats:0' is 'image/gif', which does not fit: image/png, image/jpeg or image/webp.")]
    [InlineData("", "Models:Catalog:a/b:Served:0:Parametres:Size=None", "'Models:Catalog:a/b:Served:0:Parametres' is not a setting; did you mean 'Parameters'?")]
    [InlineData("", "Limit:ImageBytes=5", "'Limit' is not a setting; did you mean 'Limits'?")]
    [InlineData("", "Serilog:Using:0=No.Such.Sink", "'Serilog': ")]
    [InlineData("", "Models:Catalog:a/b:Substitute=black-forest-labs/FLUX.1-schnell", "'Models:Catalog:a/b:Substitute' says who serves tiers without what it Requires, but it requires nothing")]
    [InlineData("Models:Catalog:a/b:Output=Json", "Models:Catalog:a/b:WaitLimit=00:00:05", "'Models:Catalog:a/b:WaitLimit' is for models that make images; what Output Json is streams through.")]
    [InlineData("Models:Catalog:a/b:Output=Audio", "Models:Catalog:a/b:ConcurrentGenerations=1", "'Models:Catalog:a/b:ConcurrentGenerations' is for models that make images")]
    [InlineData("", "ReverseProxy:Routes:models:Match:QueryParameters:0:Name=eu", "'ReverseProxy:Routes:models:Match:QueryParameters' would never match")]
    [InlineData("ReverseProxy:Routes:v1:ClusterId=huggingface", "ReverseProxy:Routes:v1:Match:Path=/v1/{**rest}", "'ReverseProxy:Routes:v1:Match:Path' begins with 'v1': callers get to /models/ alone.")]
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
    [InlineData("[1]", "is not valid: Top-level JSON element must be an object")]
    [InlineData("""{ "Modles": { "Unlisted": "Deny" } }""", "'Modles' is not a setting; did you mean 'Models'?")]
    [InlineData("""{ "Tiers": { "free": {}, "internal": {} } }""", "'ReverseProxy:Routes' has no route: every request would be 404.")]
    [InlineData("""{ "Colours": 1 }""", "'Colours' is not a setting; there are ")]
    [InlineData("""{ "Tiers": { "free": { "Burst": 3 "x": 1 } } }""", "is not valid JSON at line 1, column 35, behind 'Tiers:free:Burst': ")]
    [InlineData("""{ "Tiers": { "free": {}, "free": {} } }""", "'Tiers:free' stands in the file twice: keep one.")]
    [InlineData("""{ "Models": { "Unlisted": "Deny" }, "models": { "Catalog": { "a/b": {}, "A/B": {} } } }""", "'models:Catalog:A/B' stands in the file twice: keep one.")]
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
