// One image on its way through the chip, from left to right.

import { element, find, whole } from "../app/elements.js";
import { corner, places } from "../time/replay.js";
import { BuildUpView } from "./buildup.js";
import { CrossbarView } from "./crossbar.js";
import { LogitsView } from "./logits.js";
import { MapsView } from "./maps.js";
import { NeuronView } from "./neuron.js";
import { PictureView } from "./picture.js";

/** @typedef {import("../app/types.js").Made} Made */
/** @typedef {import("../app/types.js").Shown} Shown */
/** @typedef {import("../time/replay.js").LayerState} LayerState */
/** @typedef {import("../draw/colours.js").Colours} Colours */

export class FlowView {
  /**
   * @param {Colours} colours
   * @param {(layer: number, column: number) => void} chosen
   * @param {() => void} moved Another position of kernels was chosen.
   */
  constructor(colours, chosen, moved) {
    this.colours = colours;
    this.chosen = chosen;
    this.moved = moved;
    /** @type {number[]} Of each layer's kernels, which is looked at. */
    this.positions = [];
    /** @type {(MapsView | null)[]} */
    this.maps = [];
    this.place = find("flow", HTMLElement);
    /** @type {Made | null} */
    this.made = null;
    /** @type {Int8Array[]} */
    this.words = [];
    /** @type {CrossbarView[]} */
    this.crossbars = [];
    /** @type {NeuronView[]} */
    this.neurons = [];
    /** @type {(() => void)[]} */
    this.removals = [];
    const first = element("div", { className: "stage pictures" });
    this.image = new PictureView(first, "Rows driven", colours);
    this.weights = new PictureView(first, "Weights", colours);
    const last = element("div", { className: "stage answer" });
    this.logits = new LogitsView(last, colours);
    this.place.append(first, last);
    this.first = first;
    this.last = last;
    /** @type {BuildUpView | null} */
    this.buildup = null;
  }

  /** @param {Made} made @param {Int8Array[]} words */
  build(made, words) {
    const same = JSON.stringify(this.made?.layers) === JSON.stringify(made.layers);
    this.made = made;
    this.words = words;
    if (same) {
      this.crossbars.forEach((view, layer) => {
        view.words = words[layer];
        view.mapOf = "";
        const maps = this.maps[layer];
        if (maps) maps.words = words[layer];
      });
      return;
    }
    for (const remove of this.removals) remove();
    this.removals = [];
    this.crossbars = [];
    this.neurons = [];
    this.maps = [];
    this.positions = made.layers.map((plan) => {
      const [down, across] = places(plan);
      return (down >> 1) * across + (across >> 1);
    });
    this.buildup = null;
    made.layers.forEach((plan, layer) => {
      const stage = element("div", { className: "stage" });
      this.last.before(stage);
      const view = new CrossbarView(stage, layer, plan, words[layer], this.colours, (column) => this.chosen(layer, column));
      this.crossbars.push(view);
      this.removals.push(() => (view.panel.remove(), stage.remove()));
      if (plan.curve) this.buildNeurons(made, layer);
      this.maps.push(plan.kernels && this.buildMaps(made, layer, plan.kernels));
    });
  }

  /** @param {Made} made @param {number} layer @param {import("../app/types.js").Kernels} kernels */
  buildMaps(made, layer, kernels) {
    const stage = element("div", { className: "stage neurons" });
    this.last.before(stage);
    const view = new MapsView(stage, made.layers[layer], kernels, this.words[layer], 2 ** made.hiddenBits - 1, this.colours, (column, position) => {
      this.positions[layer] = position;
      this.chosen(layer, column);
      this.moved();
    });
    this.removals.push(() => (view.panel.remove(), stage.remove()));
    return view;
  }

  /** @param {Made} made @param {number} layer */
  buildNeurons(made, layer) {
    const stage = element("div", { className: "stage neurons" });
    this.last.before(stage);
    const view = new NeuronView(stage, layer, made, this.colours);
    this.neurons.push(view);
    this.removals.push(() => (view.panel.remove(), stage.remove()));
    if (layer === 0) {
      const buildup = new BuildUpView(stage, this.colours);
      this.buildup = buildup;
      this.removals.push(() => buildup.chart.remove());
    }
  }

  /**
   * @param {Shown} shown
   * @param {LayerState[]} states
   * @param {[number, number]} column Layer and column.
   */
  set(shown, states, [layer, column]) {
    const { made } = this;
    if (!made) return;
    const first = states[0];
    const top = 2 ** made.pixelBits - 1;
    const driven = new Set(first.driven);
    const plan = made.layers[0];
    const now = plan.kernels ? first.values : first.values.map((value, row) => (driven.has(row) ? value : 0));
    const mark = plan.kernels && [...corner(plan, first.position), ...plan.kernels.kernel];
    this.image.ink(made.shape, now, top, `${whole(first.driven.length)} of ${whole(plan.rows)}`, mark);
    states.forEach((state, number) => {
      const chosen = number === layer ? column : -1;
      this.crossbars[number].set(state, chosen, number ? 2 ** made.hiddenBits - 1 : top);
      this.neurons[number]?.set(state, chosen);
      this.maps[number]?.set(state, chosen);
    });
    this.column(states, layer, column, made);
    this.logits.set(shown, states[states.length - 1].taken);
  }

  /** @param {LayerState[]} states @param {number} layer @param {number} column @param {Made} made */
  column(states, layer, column, made) {
    const { rows, columns, top, kernels } = made.layers[layer];
    const shape = kernels ? [...kernels.kernel, kernels.map[2]] : layer ? near(rows) : made.shape;
    this.weights.panel.label(made.layers.length > 2 ? `Column ${layer}.${column}` : `Column ${column}`);
    this.weights.weights(shape, this.words[layer], columns, column, top, `R_AH \u2212${top} to ${top}`);
    this.buildup?.set(this.words[layer], columns, column, states[layer]);
  }

  /** @param {string} source Where the words that are shown come from. */
  sourceOfWords(source) {
    for (const view of this.crossbars) view.source(source);
  }

  recolour() {
    this.image.recolour();
    this.weights.recolour();
    for (const view of this.crossbars) view.recolour();
    for (const view of this.neurons) view.panel.redraw();
    for (const view of this.maps) view?.panel.redraw();
    this.buildup?.chart.recolour();
    this.logits.panel.redraw();
  }
}

/** @param {number} rows @returns {[number, number]} The rectangle nearest to a square. */
export function near(rows) {
  let high = Math.floor(Math.sqrt(rows));
  while (rows % high) high -= 1;
  return [high, rows / high];
}
