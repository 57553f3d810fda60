// What each client's developer gets to see: of Hugging Face itself (before), and of the gateway (after).
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { askers } from "./support/clients.mjs";
import { Door } from "./support/door.mjs";
import { Gateway, key } from "./support/gateway.mjs";
import { stayHome } from "./support/home.mjs";
import { pictureOf } from "./support/picture.mjs";
import { Simulator } from "./support/simulator.mjs";
import { settings, situations } from "./support/situations.mjs";
import { cell, checkTable } from "./support/table.mjs";

const tried = stayHome();
const rows = [];
let simulator;
let gateway;
let doors;
let picture;

before(async () => {
  simulator = await Simulator.start();
  gateway = await Gateway.start(simulator.root, settings);
  doors = { before: await Door.before(simulator.root), after: await Door.before(gateway.root) };
  const painted = await fetch(`${simulator.root}hf-inference/models/${situations[0].model}`, {
    method: "POST",
    headers: { Authorization: "Bearer hf_x", "Content-Type": "application/json", Accept: "image/png" },
    body: JSON.stringify({ inputs: "a pond", parameters: { width: 256, height: 256 } }),
  });
  picture = new Blob([await painted.arrayBuffer()], { type: "image/png" });
});

after(async () => {
  doors?.before.stop();
  doors?.after.stop();
  await gateway?.stop();
  await simulator?.stop();
});

for (const [index, situation] of situations.entries()) {
  describe(situation.name, { concurrency: true }, () => {
    for (const [who, ask] of Object.entries(askers).filter(([name]) => !situation.only || situation.only === name)) {
      test(`${who}: ${situation.expects?.slice(0, 2).join(" ") ?? "an image"}`, () => judge(situation, index, who, ask));
    }
  });
}

test("only the old clients' image to image without parameters asks Hugging Face itself", () => {
  assert.deepEqual([...new Set(tried)].sort(), ["api-inference.huggingface.co", "router.huggingface.co"]);
});

test("the guide's table is what was seen", () => {
  checkTable(rows);
});

async function judge(situation, index, who, ask) {
  const mark = `${who}-${index}`;
  const asked = (phase) => {
    const { model, path = `models/${model}`, parameters, tier, headers } = situation;
    return {
      model,
      parameters,
      key: situation.key ?? { before: "hf_Direct", after: key }[phase],
      url: `${doors[phase].root}${phase === "before" && path ? "hf-inference/" : ""}${path}?${mark}`,
      inputs: `a heron for ${mark} ${situation.inputs ?? ""}`,
      picture: situation.picture && picture,
      headers: tier ? { "X-Lumiku-User": mark, "X-Lumiku-Tier": tier } : headers,
    };
  };

  // A client that repeats without end is stopped, soon enough and late enough to tell.
  const direct = await ask({ ...asked("before"), signal: AbortSignal.timeout(4_000) });
  const was = cell(direct, doors.before.count(mark));
  const ours = asked("after");
  if (situation.first) {
    const earlier = ask({ ...ours, url: `${gateway.endpointOf(situation.model)}?first`, inputs: `a pond for ${mark} ${situation.first === "under way" ? "[[delay(2s)]]" : ""}` });
    await (situation.first === "under way" ? new Promise((resolve) => setTimeout(resolve, 500)) : earlier);
  }

  const seen = await ask(ours);
  rows.push({ situation: situation.name, index, who, before: was, after: cell(seen, doors.after.count(mark)) });
  if (situation.leaves?.includes(who)) {
    assert.match(String(seen.error.cause ?? seen.error), /do not let .*huggingface\.co be asked/);
    return;
  }

  assert.equal(doors.after.count(mark), 1, "more than one request reached the gateway");
  if (!situation.expects) {
    assert.ifError(seen.error);
    await pictureOf(seen.image);
    return;
  }

  understood(who, seen, situation.expects);
  if (situation.again) {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await pictureOf((await ask(ours)).image);
    const generations = (await simulator.received({ keep: true })).filter(({ text }) => text?.includes(`for ${mark} `));
    assert.equal(generations.filter(({ headers }) => !JSON.stringify(headers).includes("hf_Direct")).length, 1);
  }
}

/** The error, as a developer with that client can know it. */
function understood(who, { error, status, bytes, body, headers, requestId }, [wanted, type, says]) {
  assert.ok(error, "there was no error");
  if (who === "2.8.1" || who === "3.3.7") {
    // All that they tell: the sentence, in quotes.
    assert.match(JSON.parse(error.message), says);
    return;
  }

  assert.deepEqual([status, body?.type, body?.status], [wanted, type, wanted]);
  assert.match(body.error, says);
  assert.equal(typeof body.detail, "string");
  if (who === "axios") {
    assert.ok(Buffer.isBuffer(bytes));
    assert.equal(error.message, `Request failed with status code ${wanted}`);
    assert.equal(headers["x-request-id"], body.requestId);
    assert.equal(Number(headers["retry-after"] ?? 0) > 0, [429, 504].includes(wanted) || (type === "upstream-failed" && /Ask again/.test(body.error)));
  } else {
    assert.equal(error.message, `Failed to perform inference: ${body.error}`);
    assert.equal(requestId, body.requestId);
  }
}
