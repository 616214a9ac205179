// The generator of a chip's draws: docs/generator.md.

export const NEURON_GAIN = 3;
export const NEURON_THRESHOLD = 4;
export const NEURON_USE = 5;
const ROUNDS = 22;
const GROUPS = 16;

/** @param {number} x @param {number} y @param {number} key @returns {[number, number]} A round of Speck32/64. */
function mix(x, y, key) {
  const upper = ((((x >>> 7) | (x << 9)) + y) & 0xffff) ^ key;
  return [upper, (((y << 2) | (y >>> 14)) & 0xffff) ^ upper];
}

export class Generator {
  /** @param {Uint16Array} table Magnitudes of all segments, then their falls. @param {number} seed Of the chip. */
  constructor(table, seed) {
    this.table = table;
    this.seed = seed;
    /** @type {Map<string, number[]>} */
    this.keys = new Map();
  }

  /** @param {number} layer @param {number} purpose @param {number} number */
  roundKeys(layer, purpose, number) {
    const name = `${layer} ${purpose} ${number}`;
    const known = this.keys.get(name);
    if (known) return known;
    const queue = [this.seed >>> 16, (layer << 8) | purpose, number];
    const keys = [this.seed & 0xffff];
    for (let round = 0; round < ROUNDS - 1; round++) {
      const [head, next] = mix(/** @type {number} */ (queue.shift()), keys[round], round);
      queue.push(head);
      keys.push(next);
    }
    this.keys.set(name, keys);
    return keys;
  }

  /**
   * A normal value, in units of 2^-13 standard deviations.
   *
   * @param {number} layer
   * @param {number} purpose
   * @param {number} row
   * @param {number} column
   * @param {number} number
   */
  normal(layer, purpose, row, column, number = 0) {
    let [x, y] = [row, column];
    for (const key of this.roundKeys(layer, purpose, number)) [x, y] = mix(x, y, key);
    const share = ((x & 0x7fff) << 16) | y;
    const group = Math.min(Math.clz32(share) - 1, GROUPS - 1);
    const shift = group === GROUPS - 1 ? 1 : 15 - group; // Of the place.
    const entry = 32 * group + ((share >>> (shift + 10)) & 31);
    const fall = this.table[512 + entry] * (2 * ((share >>> shift) & 1023) + 1);
    const magnitude = this.table[entry] - ((fall + 1024) >> 11);
    return x >>> 15 ? -magnitude : magnitude;
  }
}
