// The neurons of a layer: each column's current as a point on the neuron's curve.

import { whole } from "../app/elements.js";
import { NAMES } from "../app/names.js";
import { Panel } from "../draw/panel.js";

/** @typedef {import("../app/types.js").Made} Made */
/** @typedef {import("../app/types.js").LayerPlan} LayerPlan */
/** @typedef {import("../time/replay.js").LayerState} LayerState */
/** @typedef {import("../draw/colours.js").Colours} Colours */
/** @typedef {import("../draw/surface.js").Surface} Surface */

const HIGH = 222;
const MARGIN = { left: 34, right: 10, top: 10, bottom: 52 };

export class NeuronView {
  /**
   * @param {HTMLElement} parent
   * @param {number} number Of the layer.
   * @param {Made} made
   * @param {Colours} colours
   */
  constructor(parent, number, made, colours) {
    this.plan = made.layers[number];
    this.most = 2 ** made.currentBits - 1;
    this.top = 2 ** made.hiddenBits - 1;
    this.colours = colours;
    /** @type {LayerState | null} */
    this.state = null;
    this.column = -1;
    const title = `${made.neuron} neurons`;
    this.panel = new Panel(parent, { title, source: `points: ${NAMES.golden}`, height: HIGH }, (surface, width) => this.draw(surface, width),
    );
  }

  /** @param {LayerState} state @param {number} column Which is chosen; -1 for none. */
  set(state, column) {
    this.state = state;
    this.column = column;
    const active = (state.activations ?? []).slice(0, state.taken).filter((value) => value > 0).length;
    this.panel.describe(`${active} of ${state.taken} neurons answer more than 0`);
    this.panel.redraw();
  }

  /** @param {Surface} surface @param {number} width */
  draw(surface, width) {
    const { ink, soft, grid, rule, accent } = this.colours;
    const [wide, high] = [width - MARGIN.left - MARGIN.right, HIGH - MARGIN.top - MARGIN.bottom];
    const x = (/** @type {number} */ current) => MARGIN.left + (current / this.most) * wide;
    const y = (/** @type {number} */ value) => MARGIN.top + (1 - value / this.top) * high;
    for (const tick of [0, Math.round(this.top / 3), Math.round((2 * this.top) / 3), this.top]) {
      surface.line([[x(0), y(tick)], [x(this.most), y(tick)]], { stroke: tick ? grid : rule });
      surface.text(MARGIN.left - 9, y(tick) + 4, String(tick), { fill: soft, size: 11, anchor: "end" });
    }
    for (const tick of [0, Math.round(this.most / 2), this.most]) {
      const anchor = tick ? (tick === this.most ? "end" : "middle") : "start";
      surface.text(x(tick), HIGH - MARGIN.bottom + 20, String(tick), { fill: soft, size: 11, anchor });
    }
    const curve = this.plan.curve ?? [];
    const points = curve.map((value, place) => [x((place / (curve.length - 1)) * this.most), y(value)]);
    surface.line(points, { stroke: soft, width: 2, alpha: 0.8 });
    const { currents, activations, taken } = this.state ?? { currents: null, activations: null, taken: 0 };
    if (!currents || !activations) return;
    for (let column = 0; column < taken; column++) {
      surface.circle(x(currents[column]), y(activations[column]), 3.2, { fill: accent, alpha: 0.5 });
    }
    if (this.column >= 0 && this.column < taken) {
      surface.circle(x(currents[this.column]), y(activations[this.column]), 5.5, { stroke: ink, width: 2 });
    }
    const [low, full] = [0, this.most].map((end) => currents.slice(0, taken).filter((value) => value === end).length);
    surface.text(6, HIGH - 18, "activation over current (LSB):", { fill: soft, size: 11 });
    surface.text(6, HIGH - 3, `${whole(low)} neurons at 0, ${whole(full)} at full scale`, { fill: soft, size: 11 });
  }
}
