// What a page without a server is told: the gateware is programmed here, and shown images.

import { Data } from "./data.js";
import { drawnImage } from "./drawing.js";
import { Generator } from "./generator.js";
import { Machine } from "./machine.js";
import { Model } from "./model.js";
import { little } from "./protocol.js";

/** @typedef {import("../app/types.js").Setting} Setting */
/** @typedef {import("../app/types.js").Told} Told */

// Memories of a layer, and spaces of the engine: docs/protocol.md.
const [WEIGHTS, TABLE, CONVERTER, SHIFT, STATES, WRITE_TABLE, USE_NOISE] = [0, 1, 2, 3, 5, 6, 7];
const [CHIP, REDRAW] = [0xf5, 0xf6];
const MOST = { strokes: 200, points: 2000, chips: 0 };
const GRID = 1000;
const AT_ONCE = 5; // Test images between two looks at what the page says.
const WRONG = 48;
const ROW = 1; // Bits of a layer's activity: a driven row, a column's sum, the last one's.
const SUM = 4;
const LAST_SUM = 8;

export class Visit {
  /**
   * @param {Uint8Array} code The gateware.
   * @param {Uint8Array} file What `Data` takes.
   * @param {(told: Told, content: Uint8Array) => void} tell
   */
  static async open(code, file, tell) {
    return new Visit(await Machine.load(code), new Data(file), tell);
  }

  /** @param {Machine} machine @param {Data} data @param {(told: Told, content: Uint8Array) => void} tell */
  constructor(machine, data, tell) {
    this.machine = machine;
    this.data = data;
    this.tell = tell;
    const { plan } = data;
    const shape = plan.layers.map(({ rows, columns }) => `${rows}-${columns}`).join();
    if (machine.identity.layers.map(({ rows, columns }) => `${rows}-${columns}`).join() !== shape) {
      throw new Error("gateware and network do not go together: build the page anew");
    }
    this.ideal = new Model(plan, plan.layers.map((_, layer) => data.idealWords(layer)), null);
    this.model = this.ideal;
    this.hasStates = false;
    this.scoring = 0;
  }

  hello() {
    const { plan, tests } = this.data;
    const setting = { network: plan.network, on: "virtual", chip: 0, scheme: plan.scheme.name, calibrate: false, knobs: {} };
    this.tell({ kind: "hello", version: plan.version, networks: [plan.network], machines: ["virtual"], calibrates: false, schemes: [plan.scheme], device: plan.device, knobs: [], tests, setting, grid: GRID, most: MOST }, new Uint8Array());
  }

  /** @param {any} said */
  take(said) {
    try {
      if (said.kind === "choose") this.choose(said.setting);
      if (said.kind === "show") this.show(said);
    } catch (error) {
      this.say({ kind: "problem", text: String(error instanceof Error ? error.message : error) });
    }
  }

  /** @param {Told} told */
  say(told) {
    this.tell(told, new Uint8Array());
  }

  /** @param {Setting} setting */
  choose(setting) {
    const { plan } = this.data;
    const begun = performance.now();
    this.program(setting.chip);
    const words = plan.layers.map(({ rows, columns }, layer) => new Int8Array(this.machine.read((layer << 4) | WEIGHTS, rows, columns).buffer));
    this.model = new Model(plan, words, setting.chip === null ? null : new Generator(this.data.normals, setting.chip));
    const cells = words.reduce((sum, each) => sum + each.length, 0);
    const changed = words.reduce((sum, each, layer) => sum + each.filter((word, cell) => word !== this.ideal.words[layer][cell]).length, 0);
    const counts = setting.chip === null ? null : { cells, changed, pulsesPerCell: plan.pulsesPerCell, readsPerCell: 0, energy: plan.energy };
    const content = new Uint8Array(cells);
    words.reduce((place, each) => (content.set(new Uint8Array(each.buffer), place), place + each.length), 0);
    const { network, shape, pixelBits, hiddenBits, currentBits, rahBits, neuron, layers } = plan;
    const told = { network, shape, pixelBits, hiddenBits, currentBits, rahBits, neuron, layers, counts };
    this.tell({ kind: "made", setting, ...told, readings: [], source: "read back", seconds: (performance.now() - begun) / 1000 }, content);
    const size = [layers[0].rows, ...layers.map(({ columns }) => columns)].join("-");
    this.say({ kind: "machine", state: "ready", text: `the gateware of ${size}, cycle by cycle in this browser; ${setting.chip === null ? "an ideal chip" : "words made by the gateware"}`, s: 0 });
    this.score();
  }

  /** @param {number | null} seed Of the chip; null for the ideal one. */
  program(seed) {
    const { plan, parts } = this.data;
    const { flags, threshold, useSpread } = plan.chip;
    /** @type {[number, ArrayLike<number>, number][]} */
    const memories = [];
    const draws = seed === null ? null : new Generator(this.data.normals, seed);
    const model = new Model(plan, [], draws);
    plan.layers.forEach(({ table, activations, shift }, layer) => {
      const base = layer << 4;
      if (table) memories.push([base | TABLE, table, 1]);
      if (!activations) return;
      const lines = model.converters[layer].flatMap(({ gain, offset }) => [...little(gain, 2), ...little(offset, 2)]);
      memories.push([base | CONVERTER, lines, 4], [base | SHIFT, [shift], 1], [base | USE_NOISE, little(draws ? useSpread : 0, 4), 4]);
    });
    if (seed === null) {
      plan.layers.forEach(({ columns }, layer) => memories.push([(layer << 4) | WEIGHTS, new Uint8Array(this.ideal.words[layer].buffer), columns]));
      return this.machine.write(memories);
    }
    memories.push([CHIP, [...little(seed, 4), 0, 0, ...little(flags, 2), ...little(threshold, 4)], 12]);
    if (this.hasStates) return this.machine.write([...memories, [REDRAW, [1], 1]]);
    plan.layers.forEach((_, layer) => memories.push([(layer << 4) | WRITE_TABLE, parts[`writes_${layer}`], 8]));
    this.machine.write(memories);
    this.machine.write(plan.layers.map(({ columns }, layer) => [(layer << 4) | STATES, parts[`states_${layer}`], columns]));
    this.hasStates = true;
  }

  /** @param {{serial: number, test?: number, strokes?: number[][], use?: number}} said */
  show({ serial, test, strokes = [], use = 0 }) {
    const { data } = this;
    const begun = performance.now();
    const image = test === undefined ? drawnImage(strokes, data.plan.shape) : data.image(test);
    const number = test ?? use;
    const values = data.values(image);
    const { logits: machine, activity } = this.machine.traced(values, number);
    const layers = this.model.trace(values, number);
    const golden = layers[layers.length - 1].sums;
    const ideal = this.ideal.trace(values, number)[layers.length - 1].sums;
    const mismatches = golden.filter((logit, place) => logit !== machine[place]).length;
    const label = test === undefined ? null : data.parts.labels[test];
    const seconds = (performance.now() - begun) / 1000;
    this.say({ kind: "shown", serial, on: "virtual", image: [...image], label, number, layers, golden, ideal, machine, mismatches, seconds });
    this.say({ kind: "timeline", serial, ...this.timeline(activity) });
  }

  /** @param {Uint32Array} activity */
  timeline(activity) {
    const layers = this.data.plan.layers.length;
    const clocks = activity.findIndex((word) => ((word >>> (4 * (layers - 1))) & LAST_SUM) > 0) + 1;
    const cycles = (/** @type {number} */ layer, /** @type {number} */ bit) =>
      Array.from({ length: clocks }, (_, cycle) => cycle).filter((cycle) => ((activity[cycle] >>> (4 * layer)) & bit) > 0);
    return { clocks, stages: this.data.plan.layers.map((_, layer) => ({ rows: cycles(layer, ROW), sums: cycles(layer, SUM) })) };
  }

  /** Show the test images to the chip, some at a time: what the page says meanwhile comes between. */
  score() {
    clearTimeout(this.scoring);
    const { data, model } = this;
    const { labels } = data.parts;
    const classes = data.plan.layers[data.plan.layers.length - 1].columns;
    const confusion = Array.from({ length: classes }, () => new Array(classes).fill(0));
    /** @type {[number, number, number][]} */
    const wrong = [];
    let [images, correct, mismatches] = [0, 0, 0];
    const next = () => {
      const numbers = Array.from({ length: Math.min(AT_ONCE, data.tests - images) }, (_, n) => images + n);
      const values = numbers.map((number) => data.values(data.image(number)));
      const answers = this.machine.logits(values, images);
      answers.forEach((logits, n) => {
        const expected = model.trace(values[n], numbers[n]).pop()?.sums ?? [];
        mismatches += logits.filter((logit, place) => logit !== expected[place]).length;
        const [label, answer] = [labels[numbers[n]], logits.indexOf(Math.max(...logits))];
        confusion[label][answer]++;
        correct += Number(label === answer);
        if (label !== answer && wrong.length < WRONG) wrong.push([numbers[n], label, answer]);
      });
      images += numbers.length;
      const ended = images === data.tests;
      const pictures = ended ? wrong.flatMap(([number]) => [...data.image(number)]) : [];
      this.tell({ kind: "score", on: "virtual", images, of: data.tests, correct, confusion, compared: images * classes, mismatches, words: null, wrong: ended ? wrong : null }, Uint8Array.from(pictures));
      if (!ended) this.scoring = setTimeout(next);
    };
    this.scoring = setTimeout(next);
  }
}
