import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

const guide = new URL("../../../docs/migrate-node.md", import.meta.url);
const [begin, end] = ["<!-- table: npm run table -->", "<!-- end of table -->"];

/** What the developer gets to see, in a few words that are the same at every run. */
export function cell({ image, error, status, bytes, body, headers }, requests) {
  if (requests > 9) {
    return "asks again at once, without end";
  }

  const times = requests > 1 ? ` (${requests} requests)` : "";
  if (image) {
    return (!image.size ? "success with no bytes" : image.size < 1_000 ? "JSON as if it were the image" : "the image") + times;
  }

  if (bytes !== undefined) {
    const wait = headers["retry-after"] ? ", Retry-After" : "";
    return `${status} ${body?.type ? `\`${body.type}\`` : "and bytes"}${wait}${times}`;
  }

  const past = /do not let (\S+) be asked/.exec(error.cause?.message);
  if (past) {
    return `goes to ${past[1]}, whatever \`endpointUrl\` says`;
  }

  const message = (error.cause?.message ?? error.message)
    .replace("Failed to perform inference: ", "").replace(/^"(.*)"$/, "$1")
    .replace(/\d{4}-\d\d-\d\d.*$/, "…").replace(/127\.0\.0\.1:\d+/g, "…").replace(/[\s|]+/g, " ");
  return `${status ? `${status} ` : ""}“${message.length > 80 ? `${message.slice(0, 79)}…` : message}”${times}`;
}

/** Compares the guide's table with what was seen; with LUMIKU_TABLE=write it is written instead. */
export function checkTable(rows) {
  const table = ["| situation | client | Hugging Face itself | through the gateway |", "|---|---|---|---|", ...merged(rows)].join("\n");
  const text = readFileSync(guide, "utf8");
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  assert.ok(to > from, "the guide has no place for the table");
  if (process.env.LUMIKU_TABLE === "write") {
    writeFileSync(guide, `${text.slice(0, from)}\n\n${table}\n\n${text.slice(to)}`);
    return;
  }

  assert.deepEqual(text.slice(from, to).trim().split("\n"), table.split("\n"), "docs/migrate-node.md tells otherwise: npm run table writes it anew");
}

/** Clients that see the same share a row. */
function merged(rows) {
  const order = ["axios", "2.8.1", "3.3.7", "4.11.1", "4.13.30"];
  const lines = new Map();
  for (const { situation, who, before, after } of rows.toSorted((a, b) => a.index - b.index || order.indexOf(a.who) - order.indexOf(b.who))) {
    const key = JSON.stringify([situation, before, after]);
    lines.set(key, [...(lines.get(key) ?? []), who]);
  }

  let last;
  return [...lines].map(([key, who]) => {
    const [situation, before, after] = JSON.parse(key);
    const first = situation === last ? "" : situation;
    last = situation;
    return `| ${first} | ${who.join(", ")} | ${before} | ${after} |`;
  });
}
