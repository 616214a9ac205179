// A chart by uPlot, in the colours and letters of the page.

import { Captioned } from "./caption.js";

/** @typedef {import("./colours.js").Colours} Colours */

/** @type {Set<Chart>} Every chart of the page, for saving. */
export const charts = new Set();

export class Chart extends Captioned {
  /**
   * @param {HTMLElement} parent
   * @param {{title: string, source?: string, height: number}} about
   * @param {Colours} colours
   * @param {(paint: {axis: Record<string, unknown>}) => Record<string, unknown>} options Of uPlot,
   *   made anew when the colours change.
   */
  constructor(parent, about, colours, options) {
    const place = document.createElement("div");
    place.className = "plot";
    super(parent, place, { ...about, className: "chart" });
    this.place = place;
    this.colours = colours;
    this.options = options;
    /** @type {(number | null)[][]} */
    this.values = [];
    /** @type {uPlot | null} */
    this.plot = null;
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.place);
    charts.add(this);
  }

  /** @param {string} words */
  describe(words) {
    this.place.setAttribute("aria-label", words);
  }

  /** @param {(number | null)[][]} values Of x, and of each series. */
  set(values) {
    this.values = values;
    if (this.plot) this.plot.setData(values);
    else this.recolour();
  }

  resized() {
    const width = this.place.clientWidth;
    if (this.plot && width) this.plot.setSize({ width, height: this.height });
    else this.recolour();
  }

  recolour() {
    this.plot?.destroy();
    this.plot = null;
    const width = this.place.clientWidth;
    if (!this.values.length || !width) return;
    const { soft, grid, rule } = this.colours;
    const axis = {
      stroke: soft,
      font: "11px system-ui, sans-serif",
      labelFont: "11px system-ui, sans-serif",
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: rule, width: 1, size: 4 },
    };
    const plain = { width, height: this.height, padding: [8, 14, 0, 0] };
    this.plot = new uPlot({ ...plain, ...this.options({ axis }) }, this.values, this.place);
  }

  /** The picture that it is, to be saved. */
  get canvas() {
    return this.place.querySelector("canvas");
  }

  remove() {
    this.observer.disconnect();
    this.plot?.destroy();
    charts.delete(this);
    this.figure.remove();
  }
}
