import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../artifacts/bin/Lumiku.Gateway/debug/Lumiku.Gateway.dll", import.meta.url));
const providers = ["nscale", "together", "fal-ai", "replicate", "wavespeed"];

export const key = "backend-key-of-the-client-tests";
export const token = "hf_OnlyTheGatewayKnows";

/** The gateway with the shipped settings on a free port of this machine, in a process of its own, with a simulator as all its upstreams. */
export class Gateway {
  #process;

  constructor(process, root) {
    this.#process = process;
    this.root = root;
  }

  /**
   * @param {string} upstream the simulator's root; ends in a slash
   * @param {Record<string, string>} settings by key, with colons
   */
  static async start(upstream, settings = {}) {
    const all = {
      "ReverseProxy:Clusters:huggingface:Destinations:primary:Address": `${upstream}hf-inference/`,
      ...Object.fromEntries(providers.map((name) => [`ReverseProxy:Clusters:${name}:Destinations:primary:Address`, `${upstream}${name}/`])),
      ...Object.fromEntries(["fal-ai", "replicate", "wavespeed"].map((name) => [`Upstreams:${name}:ImageHosts:9`, "127.0.0.1"])),
      ...settings,
    };
    const process = spawn("dotnet", [program, "--urls", "http://127.0.0.1:0", ...Object.entries(all).map(([name, value]) => `--${name}=${value}`)], {
      env: { ...globalThis.process.env, HUGGINGFACE_API_KEY: token, GATEWAY_API_KEY: key, REDIS_URL: "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: process.stdout });
    const root = await new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const address = /"Addresses":"(http:[^"]+)"/.exec(line);
        if (address) {
          resolve(`${address[1]}/`);
        }
      });
      lines.on("close", () => reject(new Error("The gateway ended without an address: is the solution built?")));
    });
    return new Gateway(process, root);
  }

  /** What a caller's client takes in place of Hugging Face's address. */
  endpointOf(model) {
    return `${this.root}models/${model}`;
  }

  async stop() {
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }
}
