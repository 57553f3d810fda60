using System.Security.Cryptography;
using System.Text;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>How the page looks. The page's policy allows these very words and no others.</summary>
internal static class StoryStyle
{
    public const string Css = """
        :root{color-scheme:light dark;--paper:#f6f5f2;--card:#fff;--ink:#1d1d1f;--soft:#66666e;--line:#e4e2dc;--track:#eceae4;--good:#1f8a5b;--fair:#a86a00;--bad:#c23b36;--fill:#4a68d8}
        @media (prefers-color-scheme:dark){:root{--paper:#141417;--card:#1d1d21;--ink:#ececf0;--soft:#9d9da8;--line:#2e2e35;--track:#2b2b32;--good:#4cc38a;--fair:#e0a840;--bad:#f0716b;--fill:#8299f2}}
        *{box-sizing:border-box;margin:0;padding:0}
        body{background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        main{max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem 3rem}
        header{margin-bottom:1.5rem}
        .brand{color:var(--soft);font-size:.85rem;letter-spacing:.02em}
        h1{font-size:1.6rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
        h1.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:1.25rem;font-weight:600;overflow-wrap:anywhere;margin-top:.15rem}
        h2{font-size:.8rem;font-weight:600;color:var(--soft);margin-bottom:.75rem}
        article+article{margin-top:2.5rem;padding-top:2.5rem;border-top:1px solid var(--line)}
        .card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.25rem 1.4rem;margin-top:1rem}
        .lead{border-left:5px solid var(--tone)}
        .good{--tone:var(--good)}.fair{--tone:var(--fair)}.bad{--tone:var(--bad)}
        .status{display:flex;flex-wrap:wrap;gap:.1rem .6rem;align-items:baseline;color:var(--tone);font-weight:600}
        .status b{font-size:1.35rem}
        .when{margin-left:auto;color:var(--soft);font-weight:400;font-size:.85rem;font-variant-numeric:tabular-nums}
        .summary{font-size:1.15rem;line-height:1.5;margin-top:.5rem;text-wrap:pretty;overflow-wrap:anywhere}
        .advice{margin-top:.75rem;padding-top:.75rem;border-top:1px solid var(--line);overflow-wrap:anywhere}
        .advice b{color:var(--soft);font-weight:600;margin-right:.35rem}
        .columns{display:grid;grid-template-columns:1fr 1fr;gap:0 1rem}
        dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.35rem 1rem;font-size:.95rem}
        dt{color:var(--soft)}dd{overflow-wrap:anywhere}
        ol,ul{list-style:none}
        .note{color:var(--soft);font-size:.9rem}
        .timeline{margin-top:.9rem}
        .timeline li+li,.limits li+li{margin-top:1.1rem}
        .timeline p:first-child,.limits p{display:flex;flex-wrap:wrap;gap:0 .6rem;align-items:baseline;overflow-wrap:anywhere}
        .timeline span{font-size:.9rem;color:var(--soft)}
        .bar{display:block;margin:.35rem 0}
        .track{fill:var(--track)}.fill{fill:var(--fill)}.fill.good{fill:var(--good)}.fill.bad{fill:var(--bad)}
        .decision{font-size:.9rem}
        .said{font-size:.9rem;color:var(--soft);overflow-wrap:anywhere}
        .limits{display:grid;grid-template-columns:1fr 1fr;gap:1.1rem 2rem}
        .limits li+li{margin-top:0}
        .limits p{font-size:.92rem;color:var(--soft)}.limits b{color:var(--ink);font-weight:600}
        .refused{color:var(--bad);font-weight:600}
        footer{margin-top:1.75rem;color:var(--soft);font-size:.82rem}
        @media (max-width:44rem){main{padding:1.5rem .9rem 2rem}.columns,.limits{grid-template-columns:1fr}.card{padding:1.05rem 1.1rem}.when{margin-left:0;flex-basis:100%}.summary{font-size:1.08rem}}
        """;

    public static string Digest { get; } = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Css)));
}
