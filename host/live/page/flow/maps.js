// Kernels as pictures, and the feature maps that they leave, position by position.

import { Panel } from "../draw/panel.js";
import { mix, raster } from "../draw/raster.js";
import { places } from "../time/replay.js";

/** @typedef {import("../app/types.js").Kernels} Kernels */
/** @typedef {import("../app/types.js").LayerPlan} LayerPlan */
/** @typedef {import("../time/replay.js").LayerState} LayerState */
/** @typedef {import("../draw/colours.js").Colours} Colours */
/** @typedef {import("../draw/surface.js").Surface} Surface */

const WIDE = 206; // Of a stage of neurons, in which it stands.
const GAP = 6;
const FOOT = 34;

export class MapsView {
  /**
   * @param {HTMLElement} parent
   * @param {LayerPlan} plan
   * @param {Kernels} kernels
   * @param {Int8Array} words
   * @param {number} most The largest activation.
   * @param {Colours} colours
   * @param {(column: number, position: number) => void} chosen
   */
  constructor(parent, plan, kernels, words, most, colours, chosen) {
    this.plan = plan;
    this.kernels = kernels;
    this.words = words;
    this.most = most;
    this.colours = colours;
    this.column = -1;
    /** @type {LayerState | null} */
    this.state = null;
    const [down, across] = places(plan);
    this.down = down;
    this.across = across;
    this.beside = Math.min(plan.columns, Math.max(4, Math.ceil(Math.sqrt(plan.columns))));
    const side = (WIDE - GAP * (this.beside - 1)) / this.beside;
    this.side = side;
    this.kernel = (side * kernels.kernel[0]) / Math.max(...kernels.kernel);
    this.map = (side * this.down) / Math.max(this.down, this.across);
    this.each = this.kernel + this.map + 3 * GAP;
    const height = Math.ceil(plan.columns / this.beside) * this.each + FOOT;
    this.panel = new Panel(parent, { title: "Kernels and maps", source: "golden model", height }, (surface) => this.draw(surface));
    const { canvas } = this.panel;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "slider");
    canvas.setAttribute("aria-valuemin", "0");
    canvas.setAttribute("aria-valuemax", String(this.down * this.across - 1));
    canvas.addEventListener("pointerdown", (event) => {
      const found = this.under(event);
      if (found) chosen(...found);
    });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.across, ArrowDown: this.across }[event.key];
      const position = (this.state?.position ?? 0) + (step ?? 0);
      if (step === undefined || position < 0 || position >= this.down * this.across) return;
      event.preventDefault();
      chosen(Math.max(0, this.column), position);
    });
  }

  /** @param {PointerEvent} event @returns {[number, number] | null} Column and position. */
  under(event) {
    const box = this.panel.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const [left, top] = [Math.floor(x / (this.side + GAP)), Math.floor(y / this.each)];
    const column = top * this.beside + left;
    if (left >= this.beside || column >= this.plan.columns) return null;
    const dot = this.side / Math.max(this.down, this.across);
    const down = Math.floor((y - top * this.each - this.kernel - GAP) / dot);
    const across = Math.floor((x - left * (this.side + GAP)) / dot);
    const inside = down >= 0 && down < this.down && across < this.across;
    return [column, inside ? down * this.across + across : (this.state?.position ?? 0)];
  }

  /** @param {LayerState} state @param {number} column Which is chosen; -1 for none. */
  set(state, column) {
    this.state = state;
    this.column = column;
    this.panel.canvas.setAttribute("aria-valuenow", String(state.position));
    this.panel.describe(this.said(state));
    this.panel.redraw();
  }

  /** @param {LayerState} state */
  said({ position }) {
    return `position ${Math.floor(position / this.across)}, ${position % this.across} of ${this.down} \u00d7 ${this.across}`;
  }

  /** @param {Surface} surface */
  draw(surface) {
    const { state, colours, plan, side } = this;
    if (!state) return;
    const [high, wide] = this.kernels.kernel;
    const channels = this.kernels.map[2];
    const dot = side / Math.max(this.down, this.across);
    const [down, across] = [Math.floor(state.position / this.across), state.position % this.across];
    for (let column = 0; column < plan.columns; column++) {
      const x = (column % this.beside) * (side + GAP);
      const y = Math.floor(column / this.beside) * this.each;
      const kernel = raster(wide, high, (kx, ky) => {
        let sum = 0;
        for (let channel = 0; channel < channels; channel++) {
          sum += this.words[((ky * wide + kx) * channels + channel) * plan.columns + column];
        }
        return colours.diverging(sum / channels / plan.top);
      });
      surface.image(kernel, x, y, (side * wide) / Math.max(high, wide), this.kernel);
      const below = y + this.kernel + GAP;
      const { answers, uses } = state;
      if (answers) {
        const map = raster(this.across, this.down, (px, py) => {
          const use = (py * this.across + px) * plan.columns + column;
          if (use >= uses) return colours.diverging(0);
          return mix(colours.paperRgb, colours.inkRgb, answers[use] / this.most);
        });
        surface.image(map, x, below, dot * this.across, this.map);
      }
      const stroke = column === this.column ? colours.ink : colours.rule;
      surface.rect(x, below, dot * this.across, this.map, { stroke, width: column === this.column ? 1.6 : 1 });
      surface.rect(x + across * dot, below + down * dot, dot, dot, { stroke: colours.accent, width: 1.4 });
    }
    const words = channels > 1 ? `kernels: mean over ${channels} channels` : "kernels above, activations below";
    surface.text(0, this.panel.height - 18, words, { fill: colours.soft, size: 11 });
    surface.text(0, this.panel.height - 3, this.said(state), { fill: colours.soft, size: 11 });
  }
}
