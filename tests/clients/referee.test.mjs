// The official clients against the simulator itself: what they do not understand, Hugging Face does not say.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { InferenceClient as Client4130 } from "@huggingface/inference";
import { InferenceClient as Client4111 } from "hf-inference-4-11-1";
import { detour } from "./support/detour.mjs";
import { pictureOf } from "./support/picture.mjs";
import { Simulator } from "./support/simulator.mjs";

const dev = "black-forest-labs/FLUX.1-dev";
const schnell = "black-forest-labs/FLUX.1-schnell";
const kontext = "black-forest-labs/FLUX.1-Kontext-dev";
const token = "hf_RefereeToken";

const clients = { "4.13.30": Client4130, "4.11.1": Client4111 };

const textToImage = [
  { provider: "hf-inference", model: "stabilityai/stable-diffusion-3-medium-diffusers", parameters: { width: 512, height: 384 }, picture: ["jpeg", 512, 384] },
  { provider: "nscale", model: schnell, parameters: { size: "512x384" }, picture: ["png", 512, 384] },
  { provider: "nscale", model: "stabilityai/stable-diffusion-xl-base-1.0", parameters: {}, picture: ["png", 1024, 1024] },
  { provider: "together", model: schnell, parameters: { width: 512, height: 384, num_inference_steps: 4 }, picture: ["jpeg", 512, 384] },
  { provider: "together", model: schnell, parameters: { output_format: "png" }, picture: ["png", 1024, 1024] },
  { provider: "fal-ai", model: dev, parameters: { image_size: { width: 512, height: 384 }, output_format: "png" }, picture: ["png", 512, 384] },
  // Not translated by the client, unknown to fal: the application's own size.
  { provider: "fal-ai", model: schnell, parameters: { width: 512, height: 384 }, picture: ["jpeg", 1024, 768] },
  { provider: "replicate", model: schnell, parameters: { aspect_ratio: "16:9", num_inference_steps: 4 }, picture: ["webp", 1344, 768] },
  { provider: "replicate", model: dev, parameters: { output_format: "png", guidance: 3.5 }, picture: ["png", 1024, 1024] },
  // By a version's id: another path.
  { provider: "replicate", model: "stabilityai/stable-diffusion-xl-base-1.0", parameters: { width: 512, height: 384 }, picture: ["png", 512, 384] },
  { provider: "wavespeed", model: dev, parameters: { size: "512*384", output_format: "png" }, picture: ["png", 512, 384], since: "4.13.30" },
];

const imageToImage = [
  { provider: "fal-ai", model: kontext, picture: ["png", 1024, 1024] },
  { provider: "fal-ai", model: "runwayml/stable-diffusion-inpainting", picture: ["png", 1024, 1024] },
  { provider: "replicate", model: kontext, picture: ["webp", 1024, 1024] },
  { provider: "together", model: kontext, picture: ["jpeg", 1024, 1024], since: "4.13.30" },
  { provider: "wavespeed", model: kontext, picture: ["jpeg", 1024, 1024], since: "4.13.30" },
];

let simulator;
let undo;

before(async () => {
  simulator = await Simulator.start();
  undo = detour(simulator.root);
});

after(async () => {
  undo?.();
  await simulator?.stop();
});

for (const [version, Client] of Object.entries(clients)) {
  const client = new Client(token);
  const known = ({ since }) => since === undefined || since === version;

  for (const { provider, model, parameters, picture } of textToImage.filter(known)) {
    test(`${version}: ${provider} makes a picture of a text with ${model}, asked ${JSON.stringify(parameters)}`, async () => {
      await simulator.received();

      const blob = await client.textToImage({ provider, model, inputs: "a heron", parameters });

      assert.deepEqual(Object.values(await pictureOf(blob)), picture);
      const asked = (await simulator.received()).filter(({ call }) => call === "inference");
      assert.equal(asked.length, 1);
      assert.equal(asked[0].provider, provider);
      assert.equal(asked[0].model, model);
    });
  }

  for (const { provider, model, picture } of imageToImage.filter(known)) {
    test(`${version}: ${provider} makes a picture of a picture with ${model}`, async () => {
      const inputs = await client.textToImage({ provider: "nscale", model: schnell, inputs: "a pond", parameters: { size: "256x256" } });
      await simulator.received();

      const blob = await client.imageToImage({ provider, model, inputs, parameters: { prompt: "with a heron" } });

      assert.deepEqual(Object.values(await pictureOf(blob)), picture);
      const [asked] = (await simulator.received()).filter(({ call }) => call === "inference");
      assert.equal(asked.provider, provider);
      assert.match(asked.text, /with a heron/);
    });
  }

  test(`${version}: a download is made without the token`, async () => {
    await simulator.received();

    await client.textToImage({ provider: "replicate", model: schnell, inputs: "a heron" });

    const [download] = (await simulator.received()).filter(({ call }) => call === "download");
    assert.equal(download.headers.Authorization, undefined);
  });

  test(`${version}: replicate refuses the sides that the client does not translate, and the client says so`, async () => {
    await assert.rejects(
      client.textToImage({ provider: "replicate", model: schnell, inputs: "a heron", parameters: { width: 512, height: 512 } }),
      /Additional property width is not allowed/,
    );
  });

  test(`${version}: a spent account is told in the router's words`, async () => {
    await simulator.behaveNext("pay-as-you-go");
    await assert.rejects(client.textToImage({ provider: "fal-ai", model: dev, inputs: "a heron" }), /Pay-as-you go is not enabled/);
  });

  test(`${version}: a cold prediction at replicate is no picture to the client`, async () => {
    await simulator.behaveNext("cold-prediction");
    await assert.rejects(client.textToImage({ provider: "replicate", model: dev, inputs: "a heron" }), /malformed response/);
  });
}

test("4.13.30: fal's queue is waited for", async () => {
  const client = new Client4130(token);
  await simulator.received();
  await simulator.behaveNext("queued-prediction(1,1)");

  const blob = await client.textToImage({ provider: "fal-ai", model: dev, inputs: "a heron" });

  assert.equal((await pictureOf(blob)).format, "jpeg");
  assert.equal((await simulator.received()).filter(({ path }) => path.includes("/status")).length, 3);
});

test("4.13.30: wavespeed's failure is told", async () => {
  const client = new Client4130(token);
  await simulator.behaveNext("failed-prediction(no luck)");
  await assert.rejects(client.textToImage({ provider: "wavespeed", model: dev, inputs: "a heron" }), /no luck/);
});

test("A model that a provider does not serve is found out by the mapping", async () => {
  const client = new Client4130(token);
  await assert.rejects(client.textToImage({ provider: "nscale", model: dev, inputs: "a heron" }), /not been able to find/);
});
