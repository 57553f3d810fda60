import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(
  new URL("../../../artifacts/bin/Lumiku.HuggingFace.Simulator/debug/Lumiku.HuggingFace.Simulator.dll", import.meta.url),
);

/** Hugging Face's router and Hub on a free port of this machine, in a process of their own. */
export class Simulator {
  #process;

  constructor(process, root) {
    this.#process = process;
    this.root = root;
  }

  /** @param {string[]} flags as the simulator's README lists them */
  static async start(...flags) {
    const process = spawn("dotnet", [program, "--port", "0", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: process.stdout })) {
      const address = /http:\/\/\S+/.exec(line);
      if (address) {
        return new Simulator(process, new URL("/", address[0]).href);
      }
    }

    throw new Error("The simulator ended without an address: is the solution built?");
  }

  /** Everything asked since the last call that did not keep it. */
  async received({ keep = false } = {}) {
    const requests = await (await fetch(new URL("/_simulator/received", this.root))).json();
    if (!keep) {
      await fetch(new URL("/_simulator/received", this.root), { method: "DELETE" });
    }

    return requests;
  }

  /** The next request for a picture goes as that kind says. */
  async behaveNext(kind) {
    const body = JSON.stringify({ kind });
    const response = await fetch(new URL("/_simulator/behave", this.root), { method: "POST", body });
    if (!response.ok) {
      throw new Error(await response.text());
    }
  }

  async stop() {
    this.#process.kill("SIGTERM");
    await once(this.#process, "exit");
  }
}
