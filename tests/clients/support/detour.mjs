/**
 * Sends what is meant for Hugging Face's hosts to another address instead, and everything else where it was meant to go.
 * The clients ask a mapping, poll and download by the global fetch, so that is the one to replace.
 * @param {string} root of a simulator; ends in a slash
 * @returns {() => void} puts the former fetch back
 */
export function detour(root) {
  const direct = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const address = new URL(input instanceof Request ? input.url : input);
    if (!["router.huggingface.co", "huggingface.co"].includes(address.host)) {
      return direct(input, init);
    }

    const instead = new URL(address.pathname + address.search, root);
    return direct(input instanceof Request ? new Request(instead, input) : instead, init);
  };

  return () => {
    globalThis.fetch = direct;
  };
}
