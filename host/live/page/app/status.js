// How it is with the machine, and whether the gateware equals the golden model.

import { find, whole } from "./elements.js";
import { NAMES } from "./names.js";

/** @typedef {import("./types.js").MachineState} MachineState */

/** @type {Record<string, string>} */
const STATES = {
  golden: "golden model",
  opening: "opening",
  compiling: "compiling",
  ready: "ready",
  missing: "not there",
  failed: "failed",
  lost: "no connection",
};

export class Status {
  constructor() {
    this.state = find("state", HTMLElement);
    this.said = find("state-said", HTMLElement);
    this.badge = find("badge", HTMLElement);
    this.problem = find("problem", HTMLElement);
    this.ticking = 0;
    this.compared = 0;
    this.mismatches = 0;
    this.scored = [0, 0];
    /** @type {[number, number] | null} */
    this.words = null;
  }

  /** @param {MachineState} told */
  machine({ state, text, s }) {
    clearInterval(this.ticking);
    this.state.dataset.state = state;
    this.state.textContent = STATES[state] ?? state;
    const begun = performance.now() - 1000 * s;
    const serves = ["opening", "compiling", "missing", "failed"].includes(state);
    const say = () => {
      const seconds = Math.floor((performance.now() - begun) / 1000);
      const since = state === "compiling" ? `, ${seconds} s (half a minute the first time)` : "";
      this.said.textContent = `${text}${since}${serves ? `; the ${NAMES.golden} serves meanwhile` : ""}`;
    };
    say();
    // The first steps of a compilation tell only that they begin.
    if (state === "compiling") this.ticking = setInterval(say, 1000);
  }

  /** Nothing of this chip is compared yet. */
  clear() {
    this.compared = this.mismatches = 0;
    this.scored = [0, 0];
    this.words = null;
    this.show();
  }

  /** @param {number} compared @param {number} mismatches Of one image. */
  add(compared, mismatches) {
    this.compared += compared;
    this.mismatches += mismatches;
    this.show();
  }

  /** @param {number} compared @param {number} mismatches @param {[number, number] | null} words Of all test images so far. */
  score(compared, mismatches, words) {
    this.scored = [compared, mismatches];
    this.words = words;
    this.show();
  }

  show() {
    const compared = this.compared + this.scored[0];
    const wrong = this.mismatches + this.scored[1] + (this.words?.[1] ?? 0);
    this.badge.dataset.state = compared ? (wrong ? "wrong" : "equal") : "none";
    if (!compared) {
      this.badge.textContent = `no gateware is compared: the ${NAMES.golden} computes`;
      return;
    }
    const right = whole(compared - this.mismatches - this.scored[1]);
    const words = this.words ? `, and ${whole(this.words[0] - this.words[1])} of ${whole(this.words[0])} R_AH words read back` : "";
    this.badge.textContent = `gateware ${wrong ? "differs from" : "equals"} ${NAMES.golden}, ${right} of ${whole(compared)} logits${words}`;
  }

  /** @param {string} text Empty to take it away. */
  trouble(text) {
    this.problem.textContent = text;
    this.problem.hidden = !text;
  }
}
