// What a chip computes, in integers: docs/physics.md, a chip in integers. It is written apart from
// the gateware and from the golden model, and compared with both.

import { NEURON_GAIN, NEURON_THRESHOLD, NEURON_USE } from "./generator.js";

/** @typedef {import("./data.js").Plan} Plan */
/** @typedef {import("./generator.js").Generator} Generator */

/** @param {number} value @param {number} bits */
function rounded(value, bits) {
  return Math.floor(value / 2 ** bits + 0.5);
}

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/**
 * V-I converters of a layer, with the chip's neurons in them.
 *
 * @param {Plan} plan
 * @param {number} layer
 * @param {Generator | null} draws Null for the ideal chip.
 */
export function converters(plan, layer, draws) {
  const { gains, offsets } = plan.layers[layer];
  if (!draws) return gains.map((gain, column) => ({ gain, offset: offsets[column] }));
  const { gainShare, gainTop, pivot, thresholdSpread } = plan.chip;
  const bound = 2 ** (plan.currentBits + 1);
  return gains.map((base, column) => {
    const share = rounded(draws.normal(layer, NEURON_GAIN, 0, column) * gainShare, 16);
    const threshold = rounded(draws.normal(layer, NEURON_THRESHOLD, 0, column) * thresholdSpread, 19);
    const offset = offsets[column] + rounded((offsets[column] + pivot) * share, 13) + threshold;
    return { gain: clamp(base + rounded(base * share, 13), 0, gainTop), offset: clamp(offset, -bound, bound - 1) };
  });
}

export class Model {
  /** @param {Plan} plan @param {Int8Array[]} words Of each crossbar. @param {Generator | null} draws */
  constructor(plan, words, draws) {
    this.plan = plan;
    this.words = words;
    this.draws = draws;
    this.converters = plan.layers.map((_, layer) => converters(plan, layer, draws));
  }

  /**
   * Every value of an image on its way.
   *
   * @param {number[]} values
   * @param {number} number Of the image: which use of the neurons it is.
   */
  trace(values, number) {
    const { plan } = this;
    let inputs = values;
    return plan.layers.map(({ columns, activations: table, shift }, layer) => {
      const words = this.words[layer];
      const sums = new Array(columns).fill(0);
      inputs.forEach((value, row) => {
        if (value) for (let column = 0; column < columns; column++) sums[column] += value * words[row * columns + column];
      });
      if (!table) return { inputs, sums, currents: null, activations: null };
      const currents = sums.map((sum, column) => {
        const { gain, offset } = this.converters[layer][column];
        const current = Math.floor((sum * gain) / 2 ** shift) - offset;
        return clamp(current + this.noise(layer, column, number), 0, 2 ** plan.currentBits - 1);
      });
      const here = { inputs, sums, currents, activations: currents.map((current) => table[current]) };
      inputs = here.activations;
      return here;
    });
  }

  /** @param {number} layer @param {number} column @param {number} number */
  noise(layer, column, number) {
    const { useSpread } = this.plan.chip;
    if (!this.draws || !useSpread) return 0;
    return rounded(this.draws.normal(layer, NEURON_USE, number & 0xffff, column, number >>> 16) * useSpread, 19);
  }
}
