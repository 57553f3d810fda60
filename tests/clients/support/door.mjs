import { once } from "node:events";
import { createServer, request } from "node:http";

/** Stands before a server and counts who comes in; what it is told and what it answers pass unchanged, broken connections too. */
export class Door {
  #server;
  #seen = [];

  /** @param {string} behind the server's root; ends in a slash */
  static async before(behind) {
    const door = new Door();
    door.#server = createServer((incoming, outgoing) => door.#pass(incoming, outgoing, behind));
    door.#server.listen(0, "127.0.0.1");
    await once(door.#server, "listening");
    door.root = `http://127.0.0.1:${door.#server.address().port}/`;
    return door;
  }

  /** How many requests had this text in their address. */
  count(mark) {
    return this.#seen.filter((url) => url.includes(mark)).length;
  }

  #pass(incoming, outgoing, behind) {
    this.#seen.push(incoming.url);
    const { method, headers, url } = incoming;
    const onward = request(new URL(url, behind), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      answer.pipe(outgoing);
      answer.on("close", () => answer.complete || outgoing.destroy());
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => outgoing.writableFinished || onward.destroy());
    incoming.pipe(onward);
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
