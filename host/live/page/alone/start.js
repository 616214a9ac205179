// The page that needs no server: `allspin live`'s, with a worker in the server's place.

import { NAMES } from "../app/names.js";
import { Page } from "../app/page.js";

Object.assign(NAMES, { golden: "model in this page", virtual: "gateware in this browser" });

/**
 * @param {(told: import("../app/types.js").Told, content: Uint8Array) => void} take
 * @param {(text: string) => void} lost
 * @returns {import("../app/types.js").Source}
 */
function gateware(take, lost) {
  /** @type {Worker | null} */
  let worker = null;
  return {
    open() {
      worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }) => take(data[0], data[1]);
      worker.onerror = ({ message }) => lost(`the gateware has stopped: ${message || "this browser cannot run it"}`);
    },
    send(said) {
      worker?.postMessage(said);
      return worker !== null;
    },
  };
}

new Page(gateware);
