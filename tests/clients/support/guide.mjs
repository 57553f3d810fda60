import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const guide = new URL("../../../docs/migrate-node.md", import.meta.url);
// Below node_modules: the snippets find the clients there, and nobody commits them.
const folder = new URL("../node_modules/.cache/guide/", import.meta.url);

/**
 * Writes the guide's code to files by the names in its first lines; of a diff, what is there after it.
 * @returns {Record<string, string>} each file's address, to import it from
 */
export function snippets() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = {};
  for (const [, language, code] of readFileSync(guide, "utf8").matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)) {
    const text = language === "diff" ? code.split("\n").filter((line) => line[0] !== "-").map((line) => line.slice(1)).join("\n") : code;
    const name = /^\/\/ (\S+\.mjs)\n/.exec(text)?.[1];
    if (!name || name in files) {
      throw new Error(`A snippet of the guide has no file name of its own in its first line: ${text.slice(0, 60)}`);
    }

    files[name] = new URL(name, folder).href;
    writeFileSync(new URL(name, folder), text);
  }

  return files;
}
