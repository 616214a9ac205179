// The worker of a page without a server: the gateware runs here, so that the page stays quick.

import { unpacked } from "./data.js";
import { Visit } from "./visit.js";

/** @param {import("../app/types.js").Told} told @param {Uint8Array} content */
const tell = (told, content) => postMessage([told, content]);
const load = (/** @type {string} */ name) => fetch(new URL(name, import.meta.url)).then(unpacked);

Promise.all([load("machine.bin"), load("data.bin")])
  .then(([code, file]) => Visit.open(code, file, tell))
  .then((visit) => {
    onmessage = ({ data }) => visit.take(data);
    visit.hello();
  })
  .catch((error) => tell({ kind: "problem", text: `the gateware cannot run here: ${error.message}` }, new Uint8Array()));
