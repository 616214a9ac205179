// Accuracy over chips, which fills in chip by chip.

import { find, percent } from "../app/elements.js";
import { NAMES } from "../app/names.js";
import { Chart } from "../draw/chart.js";

/** @typedef {import("../app/types.js").ChipScore} ChipScore */
/** @typedef {import("../draw/colours.js").Colours} Colours */

const HIGH = 300;

export class ChipsView {
  /**
   * @param {Colours} colours
   * @param {(count: number) => void} wanted
   * @param {(seed: number) => void} chosen
   */
  constructor(colours, wanted, chosen) {
    this.colours = colours;
    /** @type {Map<number, number>} */
    this.accuracies = new Map();
    this.count = find("count", HTMLSelectElement);
    this.count.addEventListener("change", () => wanted(this.wanted));
    this.images = 0;
    /** @type {number | null} */
    this.seed = null;
    this.chart = new Chart(find("chips", HTMLElement), { title: "Accuracy over chips", source: NAMES.golden, height: HIGH }, colours, (paint) => ({
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 9 } },
      scales: { x: { time: false, range: () => [-0.7, this.wanted - 0.3] }, y: { range: (/** @type {unknown} */ _, /** @type {number} */ low, /** @type {number} */ high) => around(low, high) } },
      axes: [
        { ...paint.axis, size: 40, label: "chip (seed)", labelSize: 14, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => (Number.isInteger(tick) ? String(tick) : "")) },
        { ...paint.axis, size: 58, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => `${Number(tick.toFixed(2))} %`) },
      ],
      series: [
        {},
        { stroke: colours.accent, fill: colours.accent, paths: () => null, points: { show: true, size: 7, fill: `${colours.accent}`, stroke: colours.raised, width: 1 } },
        { stroke: colours.soft, width: 1.4, dash: [6, 4], points: { show: false } },
        { stroke: colours.ink, paths: () => null, points: { show: true, size: 12, width: 2, stroke: colours.ink, fill: "transparent" } },
      ],
    }));
    this.chart.place.addEventListener("click", () => {
      const place = this.chart.plot?.cursor.idx;
      if (typeof place === "number") chosen(place);
    });
    this.show();
  }

  get wanted() {
    return Number(this.count.value);
  }

  /**
   * @param {number | null} count Of chips; null for as many as at first.
   * @returns {number | null} The same, or null if that many cannot be chosen.
   */
  want(count) {
    const options = [...this.count.options];
    const chosen = options.find(({ value }) => value === String(count));
    for (const option of options) option.selected = chosen ? option === chosen : option.defaultSelected;
    return chosen ? count : null;
  }

  /** @param {number | null} seed The chip that is shown above. */
  mark(seed) {
    this.seed = seed;
    this.show();
  }

  /** @param {ChipScore} score */
  add({ seed, accuracy, images }) {
    if (seed === 0) this.accuracies.clear();
    this.accuracies.set(seed, accuracy);
    this.images = images;
    this.show();
  }

  show() {
    const values = [...this.accuracies.values()];
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1));
    const spread = values.length > 1 ? ` \u00b1 ${(100 * deviation).toFixed(2)}` : "";
    const title = values.length ? `Accuracy over chips: ${(100 * mean).toFixed(2)}${spread} %` : "Accuracy over chips";
    const source = values.length ? `${values.length} of ${this.wanted} chips, first ${this.images.toLocaleString("en-US")} test images, ${NAMES.golden}` : NAMES.golden;
    this.chart.label(title, source);
    this.chart.describe(`${title}, ${source}. ${values.map((value, seed) => `chip ${seed}: ${percent(value)}`).join(", ")}`);
    const seeds = values.length ? [...this.accuracies.keys()] : [0];
    const points = values.length ? values.map((value) => 100 * value) : [null];
    const means = points.map((value) => (value === null ? null : 100 * mean));
    this.chart.set([seeds, points, means, seeds.map((seed, n) => (seed === this.seed ? points[n] : null))]);
  }
}

/** @param {number | null} low @param {number | null} high @returns {[number, number]} */
function around(low, high) {
  if (low === null || high === null) return [90, 100];
  const room = Math.max(0.3, 0.12 * (high - low));
  return [low - room, Math.min(100, high + room)];
}
