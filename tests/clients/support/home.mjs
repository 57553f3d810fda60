import { Socket } from "node:net";

/**
 * Lets no connection out of this machine: whoever tries is told so, and it is remembered.
 * @returns {string[]} the hosts that were tried
 */
export function stayHome() {
  const tried = [];
  const connect = Socket.prototype.connect;
  Socket.prototype.connect = function (...given) {
    const [options] = Array.isArray(given[0]) ? given[0] : given;
    const host = typeof options === "object" ? (options.host ?? "localhost") : typeof given[1] === "string" ? given[1] : "localhost";
    if (options?.path || ["127.0.0.1", "localhost", "::1"].includes(host)) {
      return connect.apply(this, given);
    }

    tried.push(host);
    process.nextTick(() => this.destroy(new Error(`The tests do not let ${host} be asked.`)));
    return this;
  };
  return tried;
}
