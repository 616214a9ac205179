// The page that watches a network learn in the array: it draws a frame, and asks for the next.

import { Connection } from "./connection.js";
import { element, find, percent, whole } from "./elements.js";
import { asPng, asSvg, save } from "./saving.js";
import { Chart } from "../draw/chart.js";
import { Colours } from "../draw/colours.js";
import { Panel } from "../draw/panel.js";
import { CrossbarView, HIGH } from "../flow/crossbar.js";
import { near } from "../flow/flow.js";
import { PictureView } from "../flow/picture.js";

/** @typedef {import("./types.js").Told} Told */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("../draw/surface.js").Surface} Surface */

const MOST = 600; // Points of the loss, of which then every second is left out.
const CURVE = 222;
const PULSES = 176;
const FOOT = 32;

class LearningPage {
  constructor() {
    this.colours = new Colours();
    /** @type {Frame | null} */
    this.frame = null;
    this.content = new Uint8Array();
    /** @type {[number, number][]} Images and loss. */
    this.losses = [];
    /** @type {[number, number]} Layer and column. */
    this.column = [0, 0];
    /** @type {CrossbarView[]} */
    this.crossbars = [];
    const flow = find("flow", HTMLElement);
    const first = element("div", { className: "stage pictures" });
    this.last = element("div", { className: "stage curves" });
    flow.append(first, this.last);
    this.weights = new PictureView(first, "Weights", this.colours);
    this.curve = this.chart();
    this.pulses = new Panel(this.last, { title: "Pulses", height: PULSES }, (surface, width) => this.bars(surface, width));
    this.connection = new Connection(
      (told, content) => this.take(told, content),
      (text) => this.state("lost", "no connection", text),
      "learning",
    );
    this.listen();
    this.connection.open();
  }

  listen() {
    this.colours.dark.addEventListener("change", () => this.recolour());
    for (const [id, act] of /** @type {[string, () => void][]} */ ([
      ["pause", () => this.connection.send({ kind: this.frame?.paused ? "go" : "pause" })],
      ["again", () => this.again()],
      ["png", () => asPng(this.colours).then((blob) => save(blob, "learning.png"))],
      ["svg", () => save(asSvg(this.colours), "learning.svg")],
    ])) {
      find(id, HTMLButtonElement).addEventListener("click", act);
    }
  }

  again() {
    this.connection.send({ kind: "again", seed: find("seed", HTMLInputElement).valueAsNumber });
    this.connection.send({ kind: "go" });
  }

  /** @param {string} state @param {string} word @param {string} said */
  state(state, word, said) {
    const place = find("state", HTMLElement);
    place.dataset.state = state;
    place.textContent = word;
    find("state-said", HTMLElement).textContent = said;
  }

  /** @param {Told} told @param {Uint8Array} content */
  take(told, content) {
    const problem = find("problem", HTMLElement);
    problem.hidden = told.kind !== "problem";
    if (told.kind === "problem") problem.textContent = told.text;
    if (told.kind !== "frame") return;
    const begins = told.seed !== this.frame?.seed || told.images < this.frame.images;
    if (begins) find("seed", HTMLInputElement).value = String(told.seed + 1);
    // What was learnt before this page was opened is known as means between points of the accuracy.
    if (begins) this.losses = told.curve.map(([images, loss]) => [images, loss]);
    if (told.loss !== null) this.losses.push([told.images, told.loss]);
    if (this.losses.length > MOST) this.losses = this.losses.filter((_, place) => place % 2);
    [this.frame, this.content] = [told, content];
    // A page that nobody sees draws nothing, and takes no more frames.
    requestAnimationFrame(() => {
      this.draw();
      this.connection.send({ kind: "ready" });
    });
  }

  draw() {
    const { frame } = this;
    if (!frame) return;
    let place = 0;
    frame.layers.forEach((plan, layer) => {
      const words = new Int8Array(this.content.slice(place, place + plan.rows * plan.columns).buffer);
      place += words.length;
      const view = (this.crossbars[layer] ??= this.build(plan, layer));
      view.words = words;
      view.mapOf = "";
    });
    this.choose(...this.column);
    this.say(frame);
    const points = new Map(this.losses.map(([images, loss]) => [images, [loss, /** @type {number | null} */ (null)]]));
    for (const [images, , accuracy] of frame.curve) points.set(images, [points.get(images)?.[0] ?? null, 100 * accuracy]);
    const sorted = [...points].sort(([a], [b]) => a - b);
    this.curve.set([sorted.map(([images]) => images), ...[0, 1].map((which) => sorted.map(([, values]) => values[which]))]);
    this.pulses.redraw();
  }

  /** @param {Frame["layers"][0]} plan @param {number} layer */
  build(plan, layer) {
    const stage = element("div", { className: "stage" });
    this.last.before(stage);
    const view = new CrossbarView(stage, layer, plan, new Int8Array(), this.colours, (column) => this.choose(layer, column));
    view.panel.resize(HIGH);
    view.source("as read");
    return view;
  }

  /** @param {number} layer @param {number} column */
  choose(layer, column) {
    this.column = [layer, column];
    const plan = this.frame?.layers[layer];
    if (!this.frame || !plan) return;
    this.crossbars.forEach((view, number) => {
      const driven = Array.from({ length: view.plan.rows }, (_, row) => row);
      view.set({ inputs: [], driven, current: null, sums: [], taken: 0, currents: null, activations: null, position: 0, values: [], answers: null, uses: 0 }, number === layer ? column : -1, 1);
    });
    const shape = layer ? near(plan.rows) : this.frame.shape;
    this.weights.panel.label(`Column ${layer ? `${layer}.` : ""}${column}`);
    this.weights.weights(shape, this.crossbars[layer].words, plan.columns, column, plan.top, "weights, 8 bits");
  }

  /** @param {Frame} frame */
  say({ images, of, epochs, paused, fault, loss, curve, pulses, most, layers, device, rule, seed }) {
    const ended = images === of;
    if (fault) this.state("failed", "failed", `${fault}: start allspin live again`);
    else if (ended) this.state("ready", "learnt", `${epochs} \u00d7 ${whole(of / epochs)} images`);
    else this.state(paused ? "paused" : "golden", paused ? "paused" : "learning", `epoch ${1 + Math.floor((images * epochs) / of)} of ${epochs}, ${whole(images)} of ${whole(of)} images`);
    find("badge", HTMLElement).textContent = `${device}, ${rule}, seed ${seed}`;
    const pause = find("pause", HTMLButtonElement);
    pause.disabled = ended;
    pause.textContent = paused ? "Continue" : "Pause";
    find("draw", HTMLElement).hidden = !curve.length;
    const right = curve.length ? percent(curve[curve.length - 1][2]) : "unknown";
    this.curve.label(`Accuracy ${right}, loss ${(loss ?? curve[curve.length - 1]?.[1])?.toFixed(3) ?? "unknown"}`);
    this.curve.describe(`${whole(images)} images: accuracy on test images ${right}. ${curve.map(([seen, , share]) => `${whole(seen)}: ${percent(share)}`).join(", ")}`);
    const devices = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
    const mean = (pulses / devices).toPrecision(3);
    this.pulses.label(`Pulses: ${whole(pulses)}`, `${mean} for each of ${whole(devices)} weights, at most ${whole(most)} a device`);
    this.pulses.describe("Devices by the pulses that they got");
  }

  chart() {
    const { colours } = this;
    const about = { title: "Accuracy", source: "test images at each quarter of an epoch; loss of the last batches, nats", height: CURVE };
    return new Chart(this.last, about, colours, ({ axis }) => ({
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: () => [0, this.frame?.of ?? 1] },
        // A guess costs so much; what is above it at first is cut off.
        y: { range: () => [0, 1.1 * Math.log(this.frame?.layers.at(-1)?.columns ?? 2)] },
        share: { range: (/** @type {unknown} */ _, /** @type {number | null} */ low) => [10 * Math.floor((low ?? 90) / 10), 100] },
      },
      axes: [
        { ...axis, size: 40, label: "images", labelSize: 14, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map(whole) },
        { ...axis, size: 50, stroke: colours.accent, label: "loss", labelSize: 14, grid: { show: false } },
        { ...axis, size: 58, stroke: colours.heat, scale: "share", side: 1, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => `${tick} %`) },
      ],
      series: [
        {},
        { stroke: colours.accent, width: 1.4, spanGaps: true, points: { show: false } },
        { stroke: colours.heat, width: 1.8, scale: "share", spanGaps: true, points: { show: true, size: 6, fill: colours.heat } },
      ],
    }));
  }

  /** @param {Surface} surface @param {number} width */
  bars(surface, width) {
    if (!this.frame) return;
    const { bars, most, width: step } = this.frame;
    const { soft, rule, accent } = this.colours;
    const high = PULSES - FOOT;
    const wide = width / bars.length;
    const full = Math.log1p(Math.max(...bars));
    bars.forEach((count, place) => {
      const share = Math.log1p(count) / full;
      surface.rect(place * wide + 0.5, high * (1 - share), Math.max(wide - 1, 0.5), high * share, { fill: accent, alpha: 0.8 });
    });
    surface.line([[0, high], [width, high]], { stroke: rule });
    surface.text(0, high + 15, step > 1 ? `0 to ${step - 1} pulses` : "0 pulses", { fill: soft, size: 11 });
    surface.text(width, high + 15, whole(most), { fill: soft, size: 11, anchor: "end" });
    surface.text(0, high + 29, `devices by their pulses, on a logarithmic scale up to ${whole(Math.max(...bars))}`, { fill: soft, size: 11 });
  }

  recolour() {
    this.colours.read();
    for (const view of this.crossbars) view.recolour();
    this.weights.recolour();
    this.curve.recolour();
    this.pulses.redraw();
  }
}

new LearningPage();
