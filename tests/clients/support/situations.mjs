// What can happen to a caller. The prompts' [[kinds]] are the simulator's; its README lists them.
const dev = "black-forest-labs/FLUX.1-dev";
const plain = "stabilityai/stable-diffusion-3-medium-diffusers";
const sdxl = "stabilityai/stable-diffusion-xl-base-1.0";
const sd21 = "stabilityai/stable-diffusion-2-1";
const inpainting = "runwayml/stable-diffusion-inpainting";
// Those that get into trouble have a model each: a model in trouble is asked by one request at a time.
const [loads, waits, busy, limited] = ["thibaud/controlnet-openpose-sdxl-1.0", "TencentARC/PhotoMaker-V2", "TencentARC/PhotoMaker", "lllyasviel/control_v11p_sd15_openpose"];

/** Small limits, so that they are met soon. */
export const settings = {
  [`Models:Catalog:${sd21}:Requires`]: "PRO",
  [`Models:Catalog:${waits}:WaitLimit`]: "00:00:01",
  [`Models:Catalog:${sdxl}:WaitLimit`]: "00:00:01",
  [`Models:Catalog:${busy}:WaitLimit`]: "00:00:01",
  "Limits:RequestBodyBytes": "100000",
  "Tiers:one-a-minute:RequestsPerMinute": "1",
  "Tiers:one-a-day:UnitsPerDay": "1",
  "Tiers:one-at-once:ConcurrentRequests": "1",
};

/**
 * inputs, parameters, picture, headers, key, model: what is asked; tier: of a user of one's own.
 * first: is asked before, and its answer is not waited for where it is "under way". expects: of the gateway; without it, an image.
 */
export const situations = [
  { name: "text to image", parameters: { width: 512, height: 512 } },
  { name: "image to image, with parameters", model: inpainting, picture: "image/png", parameters: { prompt: "with a heron" } },
  { name: "image to image, without parameters", model: inpainting, picture: "image/png", leaves: ["2.8.1", "3.3.7"] },
  { name: "axios' own Accept", only: "axios", headers: { Accept: "application/json, text/plain, */*" } },
  { name: "the model is loading for a moment", model: loads, inputs: "[[loading-times(1,1)]]" },
  { name: "the model is loading for long", model: waits, inputs: "[[loading(20)]]", expects: [504, "model-loading", /still being loaded/] },
  { name: "overloaded", model: busy, inputs: "[[overload]]", expects: [504, "upstream-overloaded", /too busy/] },
  { name: "longer than the wait limit", model: sdxl, inputs: "[[delay(2s)]]", again: true, expects: [504, "still-generating", /Send the same request again/] },
  { name: "upstream's time-out", inputs: "[[gateway-timeout]]", expects: [504, "upstream-timeout", /did not answer/] },
  { name: "upstream's error page", inputs: "[[bad-gateway]]", expects: [502, "upstream-failed", /Upstream failed/] },
  { name: "upstream breaks off", inputs: "[[reset-before-headers]]", expects: [502, "upstream-failed", /could not be reached, or broke off/] },
  { name: "our account's credits are spent", inputs: "[[credits-depleted]]", expects: [502, "upstream-account", /gateway's operator/] },
  { name: "200 with JSON", inputs: "[[json-200]]", expects: [502, "not-an-image", /without a whole image/] },
  { name: "200 with nothing", inputs: "[[empty-200]]", expects: [502, "not-an-image", /without a whole image/] },
  { name: "upstream's rate limit", model: limited, inputs: "[[rate-limited]]", expects: [429, "upstream-rate-limited", /not your own limit/] },
  { name: "too many requests a minute", tier: "one-a-minute", first: "answered", expects: [429, "rate-limited", /1 a minute/] },
  { name: "the day's units are used up", tier: "one-a-day", first: "answered", expects: [429, "quota-exceeded", /units of this day/] },
  { name: "two at once where one may be", tier: "one-at-once", first: "under way", expects: [429, "too-many-at-once", /1 may be under way/] },
  { name: "a parameter that the model does not know", inputs: "[[unexpected-keyword(scheduler)]]", expects: [422, "parameter-refused", /refused a parameter/] },
  { name: "FLUX.1-dev refused with 400", model: dev, inputs: "[[missing-inputs]]", expects: [422, "upstream-refused", /refused the request/] },
  { name: "a tier that does not exist", tier: "gold", expects: [422, "unknown-tier", /no tier of this name/] },
  { name: "a user id with spaces", headers: { "X-Lumiku-User": "anna b" }, expects: [422, "invalid-user", /visible ASCII/] },
  { name: "not JSON and no picture", headers: { "Content-Type": "text/plain" }, expects: [415, "unsupported-media-type", /Content-Type is not taken/] },
  { name: "a body over the limit", inputs: "x".repeat(120_000), expects: [413, "body-too-large", /100000 bytes/] },
  { name: "the base URL without the model", path: "", expects: [404, "unknown-route", /nothing at this path/] },
  { name: "the model is no longer served", inputs: "[[deprecated]]", expects: [404, "model-not-offered", /Choose another model/] },
  { name: "a model that the tier does not have", model: sd21, tier: "free", expects: [403, "model-not-in-tier", /entitlement PRO/] },
  { name: "an unknown key", key: "nobody's", expects: [401, "unauthenticated", /does not know this key/] },
  { name: "FLUX.1-dev asked for at the tier free", model: dev, tier: "free" },
].map((situation) => ({ model: plain, ...situation }));
