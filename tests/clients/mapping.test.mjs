// The Hub's older form of the mapping, in a process of its own: the clients remember what they were told.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { InferenceClient as Client4130 } from "@huggingface/inference";
import { InferenceClient as Client4111 } from "hf-inference-4-11-1";
import { detour } from "./support/detour.mjs";
import { pictureOf } from "./support/picture.mjs";
import { Simulator } from "./support/simulator.mjs";

let simulator;
let undo;

before(async () => {
  simulator = await Simulator.start("--mapping-by-name");
  undo = detour(simulator.root);
});

after(async () => {
  undo?.();
  await simulator?.stop();
});

for (const [version, Client] of Object.entries({ "4.13.30": Client4130, "4.11.1": Client4111 })) {
  test(`${version}: finds a provider in the mapping by name`, async () => {
    const blob = await new Client("hf_RefereeToken").textToImage({
      provider: "together",
      model: "black-forest-labs/FLUX.1-schnell",
      inputs: "a heron",
    });

    assert.equal((await pictureOf(blob)).format, "jpeg");
  });
}
