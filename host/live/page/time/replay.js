// What of an image is there at a cycle: which rows were driven, which sums were taken.

/** @typedef {import("../app/types.js").Shown} Shown */
/** @typedef {import("../app/types.js").Timeline} Timeline */
/** @typedef {import("../app/types.js").Made} Made */
/** @typedef {import("../app/types.js").LayerPlan} LayerPlan */

/**
 * @typedef {{inputs: number[], driven: number[], current: number | null, sums: number[],
 *   taken: number, currents: number[] | null, activations: number[] | null, position: number,
 *   values: number[], answers: number[] | null, uses: number}} LayerState
 *   `driven` are the rows that were driven by now, `current` the one in this cycle; of currents and
 *   activations the first `taken` are there. All these are of one position of the layer's kernels;
 *   of all positions are `values`, which drive them, and `answers`, the activations, of which the
 *   first `uses` are there.
 */

/**
 * Positions of a layer, down and across; one of a layer without kernels.
 *
 * @param {LayerPlan} plan
 */
export function places({ kernels }) {
  if (!kernels) return [1, 1];
  const { map, kernel, stride, padding } = kernels;
  return [0, 1].map((side) => Math.floor((map[side] + padding[side] + padding[side + 2] - kernel[side]) / stride[side]) + 1);
}

/**
 * First line and place of the map that are under a kernel.
 *
 * @param {LayerPlan} plan
 * @param {number} position
 */
export function corner(plan, position) {
  const { stride, padding } = plan.kernels ?? { stride: [1, 1], padding: [0, 0] };
  const across = places(plan)[1];
  return [Math.floor(position / across) * stride[0] - padding[0], (position % across) * stride[1] - padding[1]];
}

/**
 * What drives each row at a position.
 *
 * @param {LayerPlan} plan
 * @param {number[]} values
 * @param {number} position
 */
export function under(plan, values, position) {
  if (!plan.kernels) return values;
  const [high, wide, channels] = plan.kernels.map;
  const [top, left] = corner(plan, position);
  const rows = [];
  for (let y = top; y < top + plan.kernels.kernel[0]; y++) {
    for (let x = left; x < left + plan.kernels.kernel[1]; x++) {
      const inside = y >= 0 && y < high && x >= 0 && x < wide;
      for (let channel = 0; channel < channels; channel++) {
        rows.push(inside ? values[(y * wide + x) * channels + channel] : 0);
      }
    }
  }
  return rows;
}

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
 * The position of the last of so many events, and how many there are before that position: one at
 * least for each.
 *
 * @param {LayerPlan} plan
 * @param {number[]} values
 * @param {number} all Positions.
 * @param {number} begun
 */
function working(plan, values, all, begun) {
  let before = 0;
  for (let position = 0; position < all - 1; position++) {
    const events = Math.max(1, under(plan, values, position).filter((value) => value).length);
    if (before + events >= begun) return [position, before];
    before += events;
  }
  return [all - 1, before];
}

/**
 * The order in which rows are driven and sums taken, as steps: what there is of a timeline where no
 * engine tells its cycles.
 *
 * @param {Made} made
 * @param {Shown} shown
 * @returns {Timeline}
 */
export function order(made, shown) {
  let clocks = 0;
  const steps = (/** @type {number} */ count) => Array.from({ length: count }, () => clocks++);
  const stages = shown.layers.map(({ inputs }, layer) => {
    const plan = made.layers[layer];
    const [down, across] = places(plan);
    const stage = { rows: /** @type {number[]} */ ([]), sums: /** @type {number[]} */ ([]) };
    for (let position = 0; position < down * across; position++) {
      const driven = under(plan, inputs, position).filter((value) => value).length;
      stage.rows.push(...steps(Math.max(1, driven)));
      stage.sums.push(...steps(plan.columns));
    }
    return stage;
  });
  return { kind: "timeline", serial: shown.serial, clocks, order: true, stages };
}

/**
 * The state of every layer.
 *
 * @param {Made} made
 * @param {Int8Array[]} words
 * @param {Shown} shown
 * @param {Timeline | null} timeline
 * @param {number | null} cycle Null for the image's end.
 * @param {number[]} positions Of each layer's kernels, which one is looked at while no cycle is.
 * @returns {LayerState[]}
 */
export function stateAt(made, words, shown, timeline, cycle, positions) {
  return shown.layers.map((layer, number) => {
    const plan = made.layers[number];
    const { columns } = plan;
    const [down, across] = places(plan);
    const all = down * across;
    const stage = timeline === null || cycle === null ? null : timeline.stages[number];
    const begun = stage === null || cycle === null ? null : until(stage.rows, cycle);
    const [position, before] = begun === null ? [Math.min(positions[number] ?? 0, all - 1), 0] : working(plan, layer.inputs, all, begun);
    const inputs = under(plan, layer.inputs, position);
    const rows = inputs.flatMap((value, row) => (value ? [row] : []));
    const part = (/** @type {number[]} */ values) => values.slice(position * columns, (position + 1) * columns);
    const here = {
      inputs,
      currents: layer.currents && part(layer.currents),
      activations: layer.activations && part(layer.activations),
      position,
      values: layer.inputs,
      answers: layer.activations,
    };
    if (stage === null || cycle === null || begun === null) {
      return { ...here, sums: part(layer.sums), driven: rows, current: null, taken: columns, uses: all * columns };
    }
    const driven = rows.slice(0, begun - before);
    const uses = Math.min(all * columns, until(stage.sums, cycle));
    const taken = Math.max(0, Math.min(columns, uses - position * columns));
    const now = begun > before && stage.rows[begun - 1] === cycle ? (rows[begun - before - 1] ?? null) : null;
    const whole = driven.length >= rows.length || !plan.inWords;
    const sums = whole ? part(layer.sums) : partialSums(words[number], columns, inputs, driven);
    return { ...here, driven, current: now, sums, taken, uses };
  });
}
