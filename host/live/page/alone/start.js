// The page that needs no server: `allspin live`'s, with a worker in the server's place.

import { element } from "../app/elements.js";
import { NAMES } from "../app/names.js";
import { Page } from "../app/page.js";
import { explainTerms } from "./terms.js";
import { Tour } from "./tour.js";

Object.assign(NAMES, { golden: "model in this page", virtual: "gateware here" });

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
explainTerms();
const tour = new Tour();
const begin = element("button", { type: "button", textContent: "Tour" });
begin.addEventListener("click", () => tour.go(0));
document.querySelector(".actions")?.prepend(begin);
const help = document.querySelector("link[rel=help]"); // Only where the page lies beside documents.
if (help instanceof HTMLLinkElement) begin.after(element("a", { className: "button", href: help.href, textContent: "Documents" }));
const footer = document.querySelector("footer");
if (footer) footer.textContent = "Logits, R_AH and cycles come from the gateware, which runs in this browser; sums, currents and activations from a model in this page. Nothing leaves it.";
