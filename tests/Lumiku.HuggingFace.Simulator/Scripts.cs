using System.Text.RegularExpressions;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>Who is to misbehave, and how often each script has played.</summary>
/// <remarks>What was queued for the next request goes first, then the prompt's own wish, then the model's script.</remarks>
internal sealed partial class Scripts
{
    /// <summary>As a model: all of them; behind a provider's name and a colon, all of that provider's.</summary>
    public const string AnyModel = "*";

    private readonly Lock _lock = new();
    private readonly Queue<Misbehaviour> _next = [];
    private readonly Dictionary<string, Script> _models = [];
    private readonly Dictionary<string, Script> _prompts = [];

    public void Behave(string model, Misbehaviour behaviour)
    {
        lock (_lock)
        {
            _models[model] = new Script(behaviour);
        }
    }

    public void BehaveNext(Misbehaviour behaviour)
    {
        lock (_lock)
        {
            _next.Enqueue(behaviour);
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _next.Clear();
            _models.Clear();
            _prompts.Clear();
        }
    }

    /// <summary>What to do now; null is to behave well.</summary>
    /// <exception cref="FormatException">The prompt asks for a kind that does not exist.</exception>
    public Turn? Take(ReceivedRequest request)
    {
        lock (_lock)
        {
            if (_next.TryDequeue(out var next))
            {
                return new Turn(next, Played: 0);
            }

            return FromPrompt($"{request.Provider}:{request.ProviderModel}", request.Prompt)?.Play()
                ?? NamesOf(request).Select(name => _models.GetValueOrDefault(name)).FirstOrDefault(script => script is not null)?.Play();
        }
    }

    /// <summary>From the narrowest to the widest.</summary>
    private static string[] NamesOf(ReceivedRequest request) =>
    [
        $"{request.Provider}:{request.ProviderModel}", $"{request.Provider}:{request.Model}", $"{request.Provider}:{AnyModel}", request.Model, AnyModel,
    ];

    private Script? FromPrompt(string model, string? prompt)
    {
        if (prompt is null || Wish().Match(prompt) is not { Success: true } wish)
        {
            return null;
        }

        var key = model + "\n" + prompt;
        if (!_prompts.TryGetValue(key, out var script))
        {
            script = _prompts[key] = new Script(Misbehaviour.Parse(wish.Groups["kind"].Value));
        }

        return script;
    }

    [GeneratedRegex(@"\[\[(?<kind>.+?)\]\]", RegexOptions.Singleline)]
    private static partial Regex Wish();

    private sealed class Script(Misbehaviour behaviour)
    {
        private int _played;

        public Turn Play() => new(behaviour, _played++);
    }
}

/// <param name="Behaviour">How to misbehave.</param>
/// <param name="Played">How many requests this script has had before.</param>
internal sealed record Turn(Misbehaviour Behaviour, int Played);
