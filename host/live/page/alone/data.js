// What the page has beside the gateware: a network, what its chips are made of, and test images.

/**
 * @typedef {{rows: number, columns: number, top: number, states: number, table: number[] | null,
 *   curve: number[] | null, inWords: boolean, kernels: null, levels: number[], gains: number[],
 *   offsets: number[], shift: number, activations: number[] | null}} LayerData
 *   `activations` are those of all currents, `table` what the gateware keeps of them, if it does.
 * @typedef {{flags: number, threshold: number, useSpread: number, gainShare: number,
 *   gainTop: number, pivot: number, thresholdSpread: number, stateBits: number}} ChipData
 *   As the Programmer and docs/physics.md have them.
 * @typedef {{network: string, device: string, scheme: {name: string, about: string},
 *   shape: [number, number], pixelBits: number, hiddenBits: number, currentBits: number,
 *   rahBits: number, neuron: string, version: string | null, pulsesPerCell: number,
 *   energy: number | null, chip: ChipData, layers: LayerData[], parts: [string, number][]}} Plan
 */

export class Data {
  /** @param {Uint8Array} file Length of the plan as JSON, the plan, and its parts one after another. */
  constructor(file) {
    const length = new DataView(file.buffer, file.byteOffset).getUint32(0, true);
    /** @type {Plan} */
    this.plan = JSON.parse(new TextDecoder().decode(file.subarray(4, 4 + length)));
    /** @type {Record<string, Uint8Array>} */
    this.parts = {};
    let place = 4 + length;
    for (const [name, size] of this.plan.parts) {
      this.parts[name] = file.slice(place, place + size);
      place += size;
    }
    if (place !== file.length) throw new Error("data.bin is damaged: put the page there anew");
    this.normals = new Uint16Array(this.parts.normals.buffer);
    this.pixels = this.plan.shape[0] * this.plan.shape[1];
    this.tests = this.parts.labels.length;
  }

  /** @param {number} layer @returns {Int8Array} Words of an ideal chip. */
  idealWords(layer) {
    const { levels } = this.plan.layers[layer];
    return Int8Array.from(this.parts[`states_${layer}`], (state) => levels[state & 127]);
  }

  /** @param {number} number @returns {Uint8Array} Grey levels of a test image. */
  image(number) {
    return this.parts.images.subarray(number * this.pixels, (number + 1) * this.pixels);
  }

  /** @param {ArrayLike<number>} grey @returns {number[]} Row values of grey levels. */
  values(grey) {
    const top = 2 ** this.plan.pixelBits - 1;
    return Array.from(grey, (level) => Math.floor((level * top + 127) / 255));
  }
}

/** @param {Response} response @returns {Promise<Uint8Array>} What was packed by gzip. */
export async function unpacked(response) {
  if (!response.ok || !response.body) throw new Error(`${response.url} is not there`);
  const stream = response.body.pipeThrough(new DecompressionStream("gzip"));
  const damaged = () => {
    throw new Error(`${response.url.split("/").pop()} is damaged: put the page there anew, or load it again`);
  };
  return new Uint8Array(await new Response(stream).arrayBuffer().catch(damaged));
}
