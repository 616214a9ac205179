// What of an image is there at a cycle: which rows were driven, which sums were taken.

/** @typedef {import("../app/types.js").Shown} Shown */
/** @typedef {import("../app/types.js").Timeline} Timeline */
/** @typedef {import("../app/types.js").Made} Made */

/**
 * @typedef {{inputs: number[], driven: number[], current: number | null, sums: number[],
 *   taken: number, currents: number[] | null, activations: number[] | null}} LayerState
 *   `driven` are the rows that were driven by now, `current` the one in this cycle; of currents and
 *   activations the first `taken` are there.
 */

/** @param {number[]} cycles Rising. @param {number} cycle */
function until(cycles, cycle) {
  let [low, high] = [0, cycles.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cycles[middle] <= cycle) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {Int8Array} words
 * @param {number} columns
 * @param {number[]} inputs
 * @param {number[]} rows
 */
export function partialSums(words, columns, inputs, rows) {
  const sums = new Array(columns).fill(0);
  for (const row of rows) {
    const value = inputs[row];
    for (let column = 0; column < columns; column++) sums[column] += value * words[row * columns + column];
  }
  return sums;
}

/**
 * The state of every layer.
 *
 * @param {Made} made
 * @param {Int8Array[]} words
 * @param {Shown} shown
 * @param {Timeline | null} timeline
 * @param {number | null} cycle Null for the image's end.
 * @returns {LayerState[]}
 */
export function stateAt(made, words, shown, timeline, cycle) {
  return shown.layers.map((layer, number) => {
    const rows = layer.inputs.flatMap((value, row) => (value ? [row] : []));
    const columns = made.layers[number].columns;
    if (timeline === null || cycle === null) {
      return { ...layer, driven: rows, current: null, taken: columns };
    }
    const stage = timeline.stages[number];
    const begun = until(stage.rows, cycle);
    const driven = rows.slice(0, begun);
    const taken = Math.min(columns, until(stage.sums, cycle));
    const now = begun > 0 && stage.rows[begun - 1] === cycle ? (rows[begun - 1] ?? null) : null;
    const whole = begun >= rows.length || !made.layers[number].inWords;
    const sums = whole ? layer.sums : partialSums(words[number], columns, layer.inputs, driven);
    return { ...layer, driven, current: now, sums, taken };
  });
}
