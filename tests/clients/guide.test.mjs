// The guide's own code, and the habits of the backend that it changes, against the gateway.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import axios from "axios";
import { official } from "./support/clients.mjs";
import { Door } from "./support/door.mjs";
import { Gateway, key } from "./support/gateway.mjs";
import { snippets } from "./support/guide.mjs";
import { stayHome } from "./support/home.mjs";
import { pictureOf } from "./support/picture.mjs";
import { Simulator } from "./support/simulator.mjs";

const dev = "black-forest-labs/FLUX.1-dev";
const schnell = "black-forest-labs/FLUX.1-schnell";
const plain = "stabilityai/stable-diffusion-3-medium-diffusers";
const pro = { id: "paula", tier: "pro" };

const tried = stayHome();
const files = snippets();
const run = {};
let simulator;
let gateway;
let door;

before(async () => {
  simulator = await Simulator.start();
  gateway = await Gateway.start(simulator.root, { "Tiers:brisk:RequestsPerMinute": "60", "Tiers:brisk:Burst": "1", "Tiers:slow:RequestsPerMinute": "1" });
  door = await Door.before(gateway.root);
  Object.assign(process.env, { GATEWAY_URL: door.root.slice(0, -1), GATEWAY_API_KEY: key });
  for (const [name, file] of Object.entries(files)) {
    run[name] = await import(file);
  }
});

after(async () => {
  door?.stop();
  await gateway?.stop();
  await simulator?.stop();
});

/** How often upstream was asked for an image with this text. */
const generations = async (text) => (await simulator.received({ keep: true })).filter((request) => request.text?.includes(text)).length;

const image = (data) => pictureOf(data instanceof Blob ? data : new Blob([data]));

for (const name of ["with-axios.mjs", "with-the-client.mjs"]) {
  test(`${name}: an image, for a user of a tier`, async () => {
    await image(await run[name].generate(pro, dev, `a heron of ${name}`, { num_inference_steps: 20 }));
    await image(await run[name].generate({ id: `freddy-${name}`, tier: "free" }, dev, `a pond of ${name}`, { num_inference_steps: 20 }));

    const asked = (await simulator.received({ keep: true })).filter(({ text }) => text?.includes(` of ${name}`));
    assert.deepEqual(asked.map(({ model }) => model), [dev, schnell]);
  });

  test(`${name}: an error is understood, shown, and repeated only where the gateway says when`, async () => {
    const { problemOf, shownTo, isAlarm } = run["errors.mjs"];
    const brisk = { id: `brisk-${name}`, tier: "brisk" };
    await run[name].generate(brisk, plain, `one of ${name}`);
    const refused = await run[name].generate(brisk, plain, `two of ${name}`).catch(problemOf);
    assert.deepEqual([refused.status, refused.type, refused.retryAfter], [429, "rate-limited", 1]);
    assert.equal(shownTo(refused), "Too fast. Please wait a moment.");
    assert.equal(isAlarm(refused), false);

    await image(await run["retry.mjs"].withRetry(() => run[name].generate(brisk, plain, `three of ${name}`)));

    // Longer than anybody should wait, and nothing to wait for.
    const slow = { id: `slow-${name}`, tier: "slow" };
    await run[name].generate(slow, plain, `four of ${name}`);
    let times = 0;
    const count = (ask) => () => (times++, ask());
    await assert.rejects(run["retry.mjs"].withRetry(count(() => run[name].generate(slow, plain, `five of ${name}`)), { longest: 10 }));
    const spent = await run["retry.mjs"].withRetry(count(() => run[name].generate(pro, plain, `[[credits-depleted]] ${name}`))).catch(problemOf);
    assert.equal(times, 2);
    assert.equal(isAlarm(spent), true);
    assert.equal(shownTo(spent), `Something went wrong (${spent.requestId}).`);
  });
}

test("no answer is no problem to read", () => {
  assert.equal(run["errors.mjs"].problemOf(new Error("timeout of 1 ms exceeded")), undefined);
});

test("what a proxy in front says is no problem of the gateway's, and still shown", async () => {
  const { problemOf, shownTo, isAlarm } = run["errors.mjs"];
  for (const data of [Buffer.from("<html>Bad gateway</html>"), Buffer.from("")]) {
    const problem = problemOf({ response: { status: 502, headers: {}, data } });

    assert.deepEqual(problem, { status: 502, retryAfter: 0 });
    assert.equal(shownTo(problem), "Something went wrong (no answer).");
    assert.equal(isAlarm(problem), false);
    await assert.rejects(run["retry.mjs"].withRetry(() => Promise.reject({ response: { status: 502, headers: {}, data } })), ({ response }) => response.status === 502);
  }
});

test("look.mjs tells where an image came from, and why", async () => {
  const { told, explain } = run["look.mjs"];
  const { endpointOf, headersFor } = run["gateway.mjs"];
  const ask = () => axios.post(endpointOf(dev), { inputs: "a lighthouse" }, {
    headers: { Authorization: `Bearer ${key}`, ...headersFor({ id: "lena", tier: "free" }) }, responseType: "arraybuffer",
  });
  await image((await ask()).data);

  const { id, ...rest } = told((await ask()).headers);

  assert.deepEqual(rest, { cache: "HIT", requested: dev, served: schnell, substitution: "entitlement", upstream: "hf-inference", units: "0" });
  assert.ok(JSON.stringify(await explain(id)).includes(id));
});

for (const [version, Client] of Object.entries(official)) {
  test(`${version}: endpoint() is bound to one model`, async () => {
    const client = new Client(key).endpoint(gateway.endpointOf(plain));
    // The older ones ask Hugging Face for a default model where none is named.
    await image(await client.textToImage({ inputs: `a heron at ${version}'s endpoint`, ...(/^[23]/.test(version) && { model: plain }) }));
  });

  test(`${version}: who gives up and asks again gets the image that was made meanwhile`, async () => {
    const inputs = `a comet for ${version} [[delay(1s)]]`;
    const ask = (options) => new Client(key).textToImage({ model: plain, endpointUrl: `${door.root}models/${plain}`, inputs }, options);

    await assert.rejects(ask({ signal: AbortSignal.timeout(300) }), { name: /AbortError|TimeoutError/ });

    await image(await ask());
    assert.equal(await generations(inputs), 1);
  });
}

/** As the backend had it, but for its sleep of a minute. */
async function asTheBackendDid(model, inputs, timeout = 180_000, asked = []) {
  for (let retries = 0; ; retries++) {
    try {
      asked.push(model);
      const response = await axios.post(`${door.root}models/${model}`, { inputs }, {
        headers: { Authorization: `Bearer ${key}`, Accept: "image/png", "X-Lumiku-User": "backend-user", "X-Lumiku-Tier": "brisk" }, responseType: "arraybuffer", timeout,
      });
      return { data: response.data, asked };
    } catch (error) {
      if (error.response?.status === 429 && retries < 3) {
        await setTimeout(1_000);
      } else if (error.response?.status === 400 && model === dev) {
        return asTheBackendDid(schnell, inputs, timeout, asked);
      } else {
        throw Object.assign(new Error(error.code === "ECONNABORTED" ? "generation timeout" : error.message), { asked });
      }
    }
  }
}

test("the backend's wrapper sleeps after 429 and is served then", async () => {
  await asTheBackendDid(schnell, "a first one");
  const { data, asked } = await asTheBackendDid(schnell, "a second one");
  await image(data);
  assert.equal(asked.length, 2);
});

test("the backend's wrapper does not call schnell by itself: no refusal of upstream's comes as 400", async () => {
  await setTimeout(1_000);
  await assert.rejects(asTheBackendDid(dev, "[[unexpected-keyword(scheduler)]]"), ({ asked }) => !asked.includes(schnell));
});

test("the backend's wrapper calls it a generation timeout, and gets the image when it asks again", async () => {
  await setTimeout(1_000);
  const inputs = "a slow comet [[delay(1s)]]";
  await assert.rejects(asTheBackendDid(schnell, inputs, 300), { message: "generation timeout" });
  await image((await asTheBackendDid(schnell, inputs)).data);
  assert.equal(await generations(inputs), 1);
});

test("every snippet of the guide was run, and nobody asked Hugging Face itself", () => {
  assert.deepEqual(Object.keys(run), Object.keys(files));
  assert.deepEqual(tried, []);
});
