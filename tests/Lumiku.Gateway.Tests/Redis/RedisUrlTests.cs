using Lumiku.Gateway.Redis;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Redis;

/// <summary>A Redis's URL is read as platforms write it, and refused with the reason, without showing a part of it.</summary>
public class RedisUrlTests
{
    [Theory]
    [InlineData("redis://redis", "redis://redis:6379/0", null)]
    [InlineData("redis://redis:6380", "redis://redis:6380/0", null)]
    [InlineData("REDIS://redis/", "redis://redis:6379/0", null)]
    [InlineData("redis://127.0.0.1:6379/3", "redis://127.0.0.1:6379/3", null)]
    [InlineData("redis://:secret@redis", "redis://redis:6379/0", "secret")]
    [InlineData("redis://default:secret@redis:6379/1", "redis://redis:6379/1", "secret")]
    [InlineData("redis://default:@redis", "redis://redis:6379/0", null)]
    [InlineData("redis://default@redis", "redis://redis:6379/0", null)]
    [InlineData("redis://:p%40ss%3Aw%2Frd%25@redis", "redis://redis:6379/0", "p@ss:w/rd%")]
    [InlineData("redis://:a:b@redis", "redis://redis:6379/0", "a:b")]
    [InlineData("redis://:a@b@redis", "redis://redis:6379/0", "a@b")]
    [InlineData("rediss://:secret@redis.example.com:6380/0", "rediss://redis.example.com:6380/0", "secret")]
    [InlineData("redis://:secret@a:1,b,c:3", "redis://a:1,b:6379,c:3/0", "secret")]
    [InlineData("redis://[::1]:6380/2", "redis://[::1]:6380/2", null)]
    public void What_platforms_write_is_understood(string text, string place, string? password)
    {
        var url = RedisUrl.Parse(text, out var problem);

        problem.ShouldBeNull();
        url.ShouldNotBeNull().ToString().ShouldBe(place);
        url.Password?.Reveal().ShouldBe(password);
        (url.Password is null).ShouldBe(password is null);
    }

    [Theory]
    [InlineData("", "must begin with redis:// or rediss://")]
    [InlineData("localhost:6379", "must begin with redis:// or rediss://")]
    [InlineData("http://redis", "must begin with redis:// or rediss://")]
    [InlineData("redis://", "has a host that is none")]
    [InlineData("redis://:secret@", "has a host that is none")]
    [InlineData("redis://a,,b", "has a host that is none")]
    [InlineData("redis://redis:0", "has a host that is none")]
    [InlineData("redis://redis:65536", "has a host that is none")]
    [InlineData("redis://redis:port", "has a host that is none")]
    [InlineData("redis://re dis", "has a host that is none")]
    [InlineData("redis://:secret@a,:secret@b", "has credentials before several hosts")]
    [InlineData("redis://a,b/1", "a cluster has the database 0 only")]
    [InlineData("redis://redis/first", "has something behind the host that is no number of a database")]
    [InlineData("redis://redis/-1", "has something behind the host that is no number of a database")]
    [InlineData("redis://redis?ssl=true", "has options behind '?' or '#'")]
    [InlineData("redis://secret@redis", "which is the name of a user; a password alone is written redis://:password@host")]
    [InlineData("redis://app:secret@redis", "names a user other than 'default'")]
    public void What_cannot_be_is_refused_with_the_reason(string text, string reason)
    {
        RedisUrl.Parse(text, out var problem).ShouldBeNull();

        problem.ShouldNotBeNull().ShouldContain(reason);
        problem.ShouldNotContain("secret");
    }
}
