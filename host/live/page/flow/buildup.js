// A column's sum as it builds up, row by row.

import { whole } from "../app/elements.js";
import { NAMES } from "../app/names.js";
import { Chart } from "../draw/chart.js";

/** @typedef {import("../time/replay.js").LayerState} LayerState */
/** @typedef {import("../draw/colours.js").Colours} Colours */

const HIGH = 196;

export class BuildUpView {
  /** @param {HTMLElement} parent @param {Colours} colours */
  constructor(parent, colours) {
    this.chart = new Chart(parent, { title: "A column's sum", source: NAMES.golden, height: HIGH }, colours, (paint) => ({
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false } },
      axes: [
        { ...paint.axis, size: 38, label: "rows driven", labelSize: 14, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map(String) },
        { ...paint.axis, size: 50, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map(short) },
      ],
      series: [{}, { stroke: colours.accent, width: 1.6, fill: `${colours.accent}22`, points: { show: false } }],
    }));
  }

  /**
   * @param {Int8Array} words
   * @param {number} columns
   * @param {number} column
   * @param {LayerState} state
   */
  set(words, columns, column, state) {
    const sums = [0];
    for (const row of state.driven) {
      sums.push(sums[sums.length - 1] + state.inputs[row] * words[row * columns + column]);
    }
    const last = sums[sums.length - 1];
    const noise = state.taken === columns && last !== state.sums[column];
    this.chart.label(`Column ${column}: sum ${whole(noise ? state.sums[column] : last)}`);
    this.chart.describe(`The sum of column ${column} after each of ${state.driven.length} driven rows, ${last} at the end`);
    this.chart.set([sums.map((_, place) => place), sums]);
  }
}

/** @param {number} value */
function short(value) {
  const text = Math.abs(value) >= 1000 ? `${value / 1000}k` : String(value);
  return text.replace("-", "\u2212");
}
