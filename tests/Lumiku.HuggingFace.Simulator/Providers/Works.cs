using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>Every provider's jobs, and the pictures that wait for their download.</summary>
internal sealed class Works(SimulatorOptions options)
{
    private readonly Shelf<Job> _jobs = new();
    private readonly Shelf<StoredFile> _files = new();

    public DateTimeOffset Now => options.TimeProvider.GetUtcNow();

    public Job Take(ReceivedRequest request, Offer offer, Order order, Course course, Answer? refusal)
    {
        var job = new Job(Guid.NewGuid().ToString("N"), request, offer, order, course)
        {
            Refusal = refusal,
            TakenAt = Now,
            RenderTime = course.Picture is null ? options.Delay : TimeSpan.Zero,
        };
        _jobs.Put(job.Id, job);
        return job;
    }

    public Job? Find(string id) => _jobs.Find(id);

    public StoredFile? FindFile(string name) => _files.Find(name);

    /// <summary>An array of addresses, the same at every call; null where the job's course says so.</summary>
    public JsonNode? UrlsOf(Job job, Exchange exchange)
    {
        lock (job)
        {
            if (!job.HasUrls)
            {
                job.Urls = job.Course.HasNullOutput ? null : Outputs(job, index => UrlOf(job, index, exchange));
                job.HasUrls = true;
            }

            return job.Urls?.DeepClone();
        }
    }

    public string UrlOf(Job job, int index, Exchange exchange)
    {
        if (job.Course.UsesDataUrls)
        {
            return DataUrlOf(job, index);
        }

        var name = $"{Guid.NewGuid():N}.{ExtensionOf(job.Order.Type)}";
        _files.Put(name, new StoredFile(job, index));
        return $"{exchange.Origin}/files/{name}";
    }

    public string DataUrlOf(Job job, int index)
    {
        var picture = job.Paint(index, options.ImageBytes);
        return $"data:{picture.Type};base64,{picture.AsBase64()}";
    }

    public string Base64Of(Job job, int index) => job.Paint(index, options.ImageBytes).AsBase64();

    /// <summary>One text for each picture, or what the job's course puts in its place.</summary>
    public static JsonArray Outputs(Job job, Func<int, string> output) =>
        [.. Enumerable.Range(0, job.Count).Select(index => (JsonNode)(job.Course.Output ?? output(index)))];

    private static string ExtensionOf(string type) => type switch
    {
        Picture.Jpeg => "jpg",
        Picture.Webp => "webp",
        _ => "png",
    };
}
