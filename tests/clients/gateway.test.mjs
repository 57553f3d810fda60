// The same models as in referee.test.mjs, through the gateway: one request for axios and for the plain client, whoever makes the image.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import axios from "axios";
import { InferenceClient as Client4130 } from "@huggingface/inference";
import { InferenceClient as Client4111 } from "hf-inference-4-11-1";
import { Gateway, key } from "./support/gateway.mjs";
import { pictureOf } from "./support/picture.mjs";
import { Simulator } from "./support/simulator.mjs";

const dev = "black-forest-labs/FLUX.1-dev";
const schnell = "black-forest-labs/FLUX.1-schnell";
const kontext = "black-forest-labs/FLUX.1-Kontext-dev";

const clients = { "4.13.30": Client4130, "4.11.1": Client4111 };

const served = [
  { upstream: "nscale", model: schnell, id: schnell },
  { upstream: "together", model: schnell, id: schnell, kontext: ["black-forest-labs/FLUX.1-kontext-dev", "image_url"] },
  { upstream: "fal-ai", model: dev, id: "fal-ai/flux/dev", kontext: ["fal-ai/flux-kontext/dev", "image_url"] },
  { upstream: "replicate", model: dev, id: "black-forest-labs/flux-dev", kontext: ["black-forest-labs/flux-kontext-dev", "input_image"] },
  { upstream: "wavespeed", model: dev, id: "wavespeed-ai/flux-dev", kontext: ["wavespeed-ai/flux-kontext-dev", "image"] },
];

for (const { upstream, model, id, kontext: change } of served) {
  describe(upstream, () => {
    let simulator;
    let gateway;

    before(async () => {
      simulator = await Simulator.start();
      gateway = await Gateway.start(simulator.root, {
        [`Models:Catalog:${model}:Served:0:Upstream`]: upstream,
        [`Models:Catalog:${model}:Served:0:ProviderModelId`]: id,
        ...(change && {
          [`Models:Catalog:${kontext}:Served:0:Upstream`]: upstream,
          [`Models:Catalog:${kontext}:Served:0:ProviderModelId`]: change[0],
          [`Models:Catalog:${kontext}:Served:0:Pictures:image`]: change[1],
        }),
      });
    });

    after(async () => {
      await gateway?.stop();
      await simulator?.stop();
    });

    test("axios, as the backend calls it, gets its image", async () => {
      const response = await axios.post(
        gateway.endpointOf(model),
        { inputs: "a heron at dusk", parameters: { width: 1024, height: 1024, num_inference_steps: 4, guidance_scale: 3.5, seed: 7 } },
        { headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, responseType: "arraybuffer", timeout: 180_000 },
      );

      assert.deepEqual(await pictureOf(new Blob([response.data])), { format: "png", width: 1024, height: 1024 });
      assert.equal(response.headers["content-type"], "image/png");
      assert.equal(response.headers["x-lumiku-upstream"], upstream);
    });

    for (const [version, Client] of Object.entries(clients)) {
      test(`the plain client ${version} gets its image`, async () => {
        const blob = await new Client(key).textToImage({
          endpointUrl: gateway.endpointOf(model),
          inputs: `a heron, says ${version}`,
          parameters: { width: 1024, height: 1024, num_inference_steps: 4 },
        });

        assert.deepEqual(await pictureOf(blob), { format: "png", width: 1024, height: 1024 });
        const [asked] = (await simulator.received()).filter(({ call, text }) => call === "inference" && text.includes(version));
        assert.deepEqual([asked.provider, asked.model], [upstream, model]);
      });

      if (!change) {
        continue;
      }

      test(`the plain client ${version} changes a picture`, async () => {
        const inputs = await new Client(key).textToImage({ endpointUrl: gateway.endpointOf(model), inputs: "a pond", parameters: { width: 1024, height: 1024 } });

        const blob = await new Client(key).imageToImage({ endpointUrl: gateway.endpointOf(kontext), inputs, parameters: { prompt: `with a heron, says ${version}` } });

        await pictureOf(blob);
        const asked = (await simulator.received()).filter(({ call, text }) => call === "inference" && text.includes(version));
        assert.ok(asked.some(({ provider, model }) => provider === upstream && model === kontext));
      });
    }
  });
}
