// The logits: the machine's as bars, with those of the golden model and of the ideal chip beside.

import { whole } from "../app/elements.js";
import { NAMES } from "../app/names.js";
import { Panel } from "../draw/panel.js";

/** @typedef {import("../app/types.js").Shown} Shown */
/** @typedef {import("../draw/colours.js").Colours} Colours */
/** @typedef {import("../draw/surface.js").Surface} Surface */

const HIGH = 476;
const CLASS = 15; // Pixels of a class at least.
const LEGEND = 58;
const HEAD = 92;
const NUMBERS = 52; // Room for them at the right.

export class LogitsView {
  /** @param {HTMLElement} parent @param {Colours} colours */
  constructor(parent, colours) {
    this.colours = colours;
    /** @type {Shown | null} */
    this.shown = null;
    this.read = 0;
    this.panel = new Panel(parent, { title: "Logits", className: "logits", height: HIGH }, (surface, width) => this.draw(surface, width));
  }

  /** @param {Shown} shown @param {number} read How many are there by now. */
  set(shown, read) {
    this.shown = shown;
    this.read = read;
    const high = Math.max(HIGH, HEAD + LEGEND + CLASS * shown.golden.length);
    if (this.panel.height !== high) this.panel.resize(high);
    this.panel.label("Logits", NAMES[shown.on]);
    const logits = shown.machine ?? shown.golden;
    const [answer] = highest(logits);
    const told = shown.label === null ? "" : `; the label is ${shown.label}`;
    this.panel.describe(`Class ${answer}${told}. Logits ${logits.join(", ")}`);
    this.panel.redraw();
  }

  /** @param {Surface} surface @param {number} width */
  draw(surface, width) {
    const { shown } = this;
    const high = this.panel.height;
    if (!shown) return;
    const { ink, soft, rule, accent, ideal } = this.colours;
    const logits = shown.machine ?? shown.golden;
    this.head(surface, logits, shown.label, width);
    const values = [...logits, ...shown.golden, ...shown.ideal];
    const most = Math.max(1, ...values.map(Math.abs));
    const [left, right] = [26, width - NUMBERS];
    const middle = (left + right) / 2;
    const x = (/** @type {number} */ value) => middle + (value / most) * ((right - left) / 2 - 2);
    const step = (high - HEAD - LEGEND) / logits.length;
    const [answer] = highest(logits);
    const done = this.read >= logits.length;
    surface.line([[middle, HEAD], [middle, high - LEGEND]], { stroke: rule });
    logits.forEach((logit, number) => {
      const y = HEAD + number * step;
      const best = done && number === answer;
      surface.text(19, y + step / 2 + 5, String(number), { fill: ink, size: Math.min(14, step), anchor: "end", weight: best ? 700 : 400 });
      if (number >= this.read) return;
      const bar = Math.min(step * 0.5, 16);
      const top = y + (step - bar) / 2;
      surface.rect(middle, top, x(logit) - middle, bar, { fill: accent, alpha: best ? 1 : 0.55 });
      if (shown.machine) {
        surface.rect(middle, top - 2.5, x(shown.golden[number]) - middle, bar + 5, { stroke: ink, width: 1.3 });
      }
      diamond(surface, x(shown.ideal[number]), top + bar / 2, 5, ideal);
      surface.text(width - 2, top + bar / 2 + 4, whole(logit), { fill: best ? ink : soft, size: 11, anchor: "end" });
    });
    this.legend(surface, shown);
  }

  /** @param {Surface} surface @param {number[]} logits @param {number | null} label @param {number} width */
  head(surface, logits, label, width) {
    const { ink, soft, good, heat } = this.colours;
    if (this.read < logits.length) {
      surface.text(width / 2, 52, `${this.read} of ${logits.length} are read`, { fill: soft, anchor: "middle" });
      return;
    }
    const [answer, margin] = highest(logits);
    surface.text(4, 70, String(answer), { fill: ink, size: 76, serif: true, weight: 600 });
    const left = 4 + 50 * String(answer).length + 6;
    surface.text(left, 34, `ahead by ${whole(margin)}`, { fill: soft, size: 12 });
    if (label === null) return;
    const right = answer === label;
    surface.text(left, 54, right ? "as labelled" : `the label is ${label}`, { fill: right ? good : heat, size: 13, weight: 600 });
  }

  /** @param {Surface} surface @param {Shown} shown */
  legend(surface, shown) {
    const { ink, soft, accent, ideal } = this.colours;
    let y = this.panel.height - LEGEND + 18;
    const line = (/** @type {string} */ words) => {
      surface.text(28, y + 4, words, { fill: soft, size: 11 });
      y += 16;
    };
    surface.rect(6, y - 4, 14, 8, { fill: accent });
    line(`this chip, ${NAMES[shown.machine ? shown.on : "golden"]}`);
    if (shown.machine) {
      surface.rect(6, y - 5, 14, 10, { stroke: ink, width: 1.3 });
      line(`this chip, ${NAMES.golden}`);
    }
    diamond(surface, 13, y, 5, ideal);
    line(`ideal chip, ${NAMES.golden}`);
  }
}

/** @param {Surface} surface @param {number} x @param {number} y @param {number} size @param {string} stroke */
function diamond(surface, x, y, size, stroke) {
  surface.line([[x, y - size], [x + size, y], [x, y + size], [x - size, y], [x, y - size]], { stroke, width: 1.8 });
}

/** @param {number[]} logits @returns {[number, number]} The class, the lowest of the largest, and by how much it is ahead. */
export function highest(logits) {
  const answer = logits.indexOf(Math.max(...logits));
  const others = logits.filter((_, number) => number !== answer);
  return [answer, logits[answer] - Math.max(...others)];
}
