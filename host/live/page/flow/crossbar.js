// A crossbar: rows that are driven at the left, R_AH of the cells, column sums at the foot.

import { whole } from "../app/elements.js";
import { Panel } from "../draw/panel.js";
import { fillPixels, mix, pixel } from "../draw/raster.js";

/** @typedef {import("../app/types.js").LayerPlan} LayerPlan */
/** @typedef {import("../time/replay.js").LayerState} LayerState */
/** @typedef {import("../draw/colours.js").Colours} Colours */
/** @typedef {import("../draw/surface.js").Surface} Surface */

export const HIGH = 392;
const STRIP = 12;
const GAP = 4;
const FOOT = 84;
const NARROW = 20; // Columns up to which a crossbar is drawn narrow.
const IDLE = 0.72; // How far the colours of rows that are not driven are from the paper's.

export class CrossbarView {
  /**
   * @param {HTMLElement} parent
   * @param {number} number Of the layer.
   * @param {Pick<LayerPlan, "rows" | "columns" | "top">} plan
   * @param {Int8Array} words
   * @param {Colours} colours
   * @param {(column: number) => void} chosen
   */
  constructor(parent, number, plan, words, colours, chosen) {
    this.plan = plan;
    this.words = words;
    this.colours = colours;
    this.column = 0;
    /** @type {LayerState | null} */
    this.state = null;
    this.top = 15;
    this.map = document.createElement("canvas");
    /** @type {{driven: Uint32Array, idle: Uint32Array} | null} Pixels of each word, from -128 on. */
    this.pixels = null;
    this.mapOf = "";
    this.panel = new Panel(
      parent,
      {
        title: `Crossbar ${number}`,
        className: "crossbar",
        height: HIGH + FOOT,
      },
      (surface, width) => this.draw(surface, width),
    );
    this.panel.figure.classList.toggle("narrow", plan.columns <= NARROW);
    const { canvas } = this.panel;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "slider");
    canvas.setAttribute("aria-valuemin", "0");
    canvas.setAttribute("aria-valuemax", String(plan.columns - 1));
    for (const name of /** @type {const} */ (["pointermove", "pointerdown"])) {
      canvas.addEventListener(name, (event) => chosen(this.under(event)));
    }
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      const end = { Home: 0, End: plan.columns - 1 }[event.key];
      if (step === undefined && end === undefined) return;
      event.preventDefault();
      chosen(end ?? Math.max(0, Math.min(plan.columns - 1, this.column + (step ?? 0))));
    });
  }

  /** Where the map begins; rows have no values while a network learns. */
  get left() {
    return this.state?.inputs.length ? STRIP + GAP : 0;
  }

  /** @param {PointerEvent} event */
  under(event) {
    const box = this.panel.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - this.left) / (box.width - this.left);
    return Math.max(0, Math.min(this.plan.columns - 1, Math.floor(share * this.plan.columns)));
  }

  /** @param {LayerState} state @param {number} column Which is chosen; -1 for none. @param {number} top */
  set(state, column, top) {
    this.state = state;
    this.column = Math.max(0, column);
    this.chosen = column >= 0;
    this.top = top;
    const { canvas } = this.panel;
    canvas.setAttribute("aria-valuenow", String(this.column));
    const sum = state.sums[this.column];
    canvas.setAttribute("aria-valuetext", `column ${this.column}${sum === undefined ? "" : `, sum ${sum}`}`);
    this.panel.describe(sum === undefined ? "" : `${state.driven.length} rows are driven; column ${this.column} sums to ${sum}`);
    this.panel.redraw();
  }

  /** @param {string} words Where the words come from. */
  source(words) {
    const { rows, columns } = this.plan;
    const size = columns > NARROW ? ` of ${rows} \u00d7 ${columns}` : "";
    this.panel.label(this.panel.title.textContent ?? "", `R_AH${size}, ${words}`);
  }

  /** The colours are others now. */
  recolour() {
    this.pixels = null;
    this.mapOf = "";
    this.panel.redraw();
  }

  /** @param {LayerState} state */
  picture(state) {
    const key = state.driven.join();
    if (this.mapOf === key) return this.map;
    const { rows, columns } = this.plan;
    const { words } = this;
    const { driven, idle } = this.palette();
    const on = new Uint8Array(rows);
    for (const row of state.driven) on[row] = 1;
    fillPixels(this.map, columns, rows, (pixels) => {
      for (let row = 0, place = 0; row < rows; row++) {
        const colours = on[row] ? driven : idle;
        for (let column = 0; column < columns; column++, place++) pixels[place] = colours[words[place] + 128];
      }
    });
    this.mapOf = key;
    return this.map;
  }

  palette() {
    if (this.pixels) return this.pixels;
    const { colours } = this;
    const driven = new Uint32Array(256);
    const idle = new Uint32Array(256);
    for (let word = -128; word < 128; word++) {
      const colour = colours.diverging(word / this.plan.top);
      driven[word + 128] = pixel(colour);
      idle[word + 128] = pixel(mix(colour, colours.paperRgb, IDLE));
    }
    this.pixels = { driven, idle };
    return this.pixels;
  }

  /** @param {Surface} surface @param {number} width */
  draw(surface, width) {
    const { state } = this;
    if (!state) return;
    const { rows, columns } = this.plan;
    const { ink, soft, grid, accent, rule } = this.colours;
    const { left } = this;
    const wide = width - left;
    if (left) surface.rect(0, 0, STRIP, HIGH, { fill: grid, alpha: 0.6 });
    const step = HIGH / rows;
    const driven = new Set(state.driven);
    state.inputs.forEach((value, row) => {
      if (!value || !driven.has(row)) return;
      surface.rect(0, row * step, STRIP, Math.max(step, 0.8), { fill: accent, alpha: 0.25 + (0.75 * value) / this.top });
    });
    surface.image(this.picture(state), left, 0, wide, HIGH, rows > HIGH);
    surface.rect(left, 0, wide, HIGH, { stroke: rule });
    if (state.current !== null) {
      const y = (state.current + 0.5) * step;
      surface.line([[0, y], [width, y]], { stroke: accent, width: Math.max(1.5, Math.min(step, 3)) });
    }
    if (state.sums.length) this.feet(surface, left, wide / columns, soft);
    if (this.chosen) {
      const high = state.sums.length ? HIGH + FOOT - 15 : HIGH + 1;
      surface.rect(left + (this.column * wide) / columns - 1, -1, Math.max(wide / columns, 1.5) + 2, high, { stroke: ink, width: 1.4 });
    }
  }

  /** @param {Surface} surface @param {number} left @param {number} step @param {string} soft */
  feet(surface, left, step, soft) {
    const sums = this.state?.sums ?? [];
    const most = Math.max(1, ...sums.map(Math.abs));
    const [top, bottom] = [HIGH + 10, HIGH + FOOT - 16];
    const middle = (top + bottom) / 2;
    const high = (bottom - top) / 2;
    surface.line([[left, middle], [left + step * sums.length, middle]], { stroke: this.colours.rule });
    sums.forEach((sum, column) => {
      const share = sum / most;
      const fill = this.colours.divergingText(0.75 * Math.sign(share));
      surface.rect(left + column * step + step * 0.08, middle, step * 0.84, -share * high, { fill });
    });
    const words = this.plan.columns > NARROW ? "column sums, " : "sums, ";
    surface.text(left, HIGH + FOOT - 3, `${words}\u00b1 ${whole(most)}`, { fill: soft, size: 11 });
  }
}
