import axios from "axios";
import { InferenceClient as Client4130 } from "@huggingface/inference";
import { InferenceClient as Client4111 } from "hf-inference-4-11-1";
import { HfInference as Client337 } from "hf-inference-3-3-7";
import { HfInference as Client281 } from "hf-inference-2-8-1";

/** The official client by version; the backend's lock file has 4.11.1. */
export const official = { "2.8.1": Client281, "3.3.7": Client337, "4.11.1": Client4111, "4.13.30": Client4130 };

/** Everybody who asks, by the name that the guide's table gives them. */
export const askers = {
  axios: viaAxios,
  ...Object.fromEntries(Object.entries(official).map(([version, Client]) => [version, (asked) => viaClient(version, Client, asked)])),
};

/**
 * As the backend calls FLUX: bytes, 180 s, Accept: image/png.
 * @returns what the backend's developer gets to see: { image } or { error, status, body, headers }
 */
async function viaAxios({ url, key, inputs, parameters, picture, headers = {}, giveUpAfter = 180_000 }) {
  const bytes = picture && Buffer.from(await picture.arrayBuffer());
  const raw = picture && !parameters;
  try {
    const response = await axios.post(url, raw ? bytes : { inputs: bytes?.toString("base64") ?? inputs, parameters }, {
      headers: { Authorization: `Bearer ${key}`, "Content-Type": raw ? picture.type : "application/json", Accept: "image/png", ...headers },
      responseType: "arraybuffer",
      timeout: giveUpAfter,
    });
    return { image: new Blob([response.data]), headers: response.headers };
  } catch (error) {
    const { status, data, headers: told } = error.response ?? {};
    return { error, status, bytes: data, body: parsed(data), headers: told };
  }
}

async function viaClient(version, Client, { url, key, model, inputs, parameters, picture, headers, signal }) {
  const client = new Client(key);
  // The client has no option for headers, in no version: its fetch is the place for them.
  const options = { signal, ...(headers && { fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, ...headers } }) }) };
  // The older ones ask Hugging Face for a default model where none is named.
  const asked = { endpointUrl: url, model, parameters };
  try {
    return { image: await (picture ? client.imageToImage({ ...asked, inputs: picture }, options) : client.textToImage({ ...asked, inputs }, options)) };
  } catch (error) {
    const { status, body, requestId } = error.httpResponse ?? {};
    return { error, status, body, requestId };
  }
}

function parsed(bytes) {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
