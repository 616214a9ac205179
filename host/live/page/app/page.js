// The page: what is chosen and drawn goes to its source, and what that says is shown.

import { Asking } from "./asking.js";
import { find, whole } from "./elements.js";
import { NAMES } from "./names.js";
import { asPng, asSvg, save } from "./saving.js";
import { pack, unpack } from "./state.js";
import { Status } from "./status.js";
import { Colours } from "../draw/colours.js";
import { FlowView } from "../flow/flow.js";
import { highest } from "../flow/logits.js";
import { Pad } from "../input/pad.js";
import { SettingForm } from "../input/setting.js";
import { SubjectChoice } from "../input/subject.js";
import { ChipsView } from "../many/chips.js";
import { ConfusionView } from "../many/confusion.js";
import { order, stateAt } from "../time/replay.js";
import { TimelineView } from "../time/timeline.js";

/** @typedef {import("./types.js").Told} Told */
/** @typedef {import("./types.js").Hello} Hello */
/** @typedef {import("./types.js").Made} Made */
/** @typedef {import("./types.js").Shown} Shown */
/** @typedef {import("./types.js").Setting} Setting */
/** @typedef {import("./types.js").Subject} Subject */

const SLIDING = 120; // Milliseconds between two chips while a slider moves.
const REST = 150; // Milliseconds after which what is shown is remembered.
const NARROW = "(max-width: 56rem)"; // As of page.css.
const COMING = "The engine's activity is on its way.";

export class Page {
  /** @param {(take: (told: Told, content: Uint8Array) => void, lost: (text: string) => void) => import("./types.js").Source} source */
  constructor(source) {
    this.colours = new Colours();
    this.connection = source(
      (told, content) => this.take(told, content),
      (text) => this.lost(text),
    );
    this.asking = new Asking(this.connection);
    this.status = new Status();
    this.flow = new FlowView(this.colours, (layer, column) => this.choose(layer, column), () => this.draw());
    this.timeline = new TimelineView(this.colours, (cycle) => this.replay(cycle));
    this.chips = new ChipsView(this.colours, () => this.wantChips(true), (seed) => this.pickChip(seed));
    this.confusion = new ConfusionView(this.colours, (number) => this.show({ test: number, strokes: [], use: 0 }));
    /** @type {import("./state.js").State | null} */
    this.state = null;
    /** @type {Made | null} */
    this.made = null;
    /** @type {Int8Array[]} */
    this.words = [];
    /** @type {Shown | null} */
    this.shown = null;
    this.sliding = this.remembering = 0;
    this.connection.open();
    this.listen();
  }

  listen() {
    this.colours.dark.addEventListener("change", () => this.recolour());
    addEventListener("hashchange", () => this.restore());
    const narrow = matchMedia(NARROW);
    const fold = () => (find("settings", HTMLDetailsElement).open = !narrow.matches);
    narrow.addEventListener("change", fold);
    fold();
    for (const [id, act] of /** @type {[string, () => void][]} */ ([
      ["undo", () => this.pad?.undo()],
      ["clear", () => this.pad?.clear()],
      ["copy", () => this.copy()],
      ["png", () => asPng(this.colours).then((blob) => save(blob, "allspin.png"))],
      ["svg", () => save(asSvg(this.colours), "allspin.svg")],
      ["npz", () => this.connection.send({ kind: "save" })],
    ])) {
      find(id, HTMLButtonElement).addEventListener("click", act);
    }
  }

  /** @param {Told} told @param {Uint8Array} content */
  take(told, content) {
    switch (told.kind) {
      case "hello":
        return this.welcome(told);
      case "made":
        return this.takeMade(told, content);
      case "shown":
        return this.takeShown(told);
      case "timeline":
        if (told.serial === this.shown?.serial) this.timeline.set(told, this.state?.cycle ?? null, "");
        return this.draw();
      case "machine":
        return this.status.machine(told);
      case "score":
        this.status.score(told.compared, told.mismatches, told.words);
        if (told.words && !told.words[1]) this.flow.sourceOfWords("read back");
        return this.confusion.set(told, content, this.made?.shape ?? [28, 28]);
      case "chip":
        return this.chips.add(told);
      case "archive":
        return save(new Blob([content.slice()], { type: "application/zip" }), "allspin.npz");
      case "problem":
        this.asking.forget();
        return this.status.trouble(told.text);
    }
  }

  /** @param {Hello} hello */
  welcome(hello) {
    const first = this.state === null;
    this.hello = hello;
    this.state = unpack(location.hash.slice(1), hello);
    this.status.trouble("");
    this.asking.forget();
    if (first) {
      this.form = new SettingForm(hello, this.state.setting, (setting, settled) => this.set(setting, settled));
      this.subject = new SubjectChoice(
        hello.tests,
        (number) => this.show({ test: number, strokes: [], use: 0 }),
        () => this.useAgain(),
      );
      const most = { grid: hello.grid, strokes: hello.most.strokes, points: hello.most.points };
      this.pad = new Pad(find("pad", HTMLCanvasElement), this.colours, most, (strokes, ended) => this.drawn(strokes, ended));
    }
    this.restored();
  }

  /** The link was changed by hand, or is another one. */
  restore() {
    if (!this.hello) return;
    this.state = unpack(location.hash.slice(1), this.hello);
    this.restored();
  }

  restored() {
    const { state } = this;
    if (!state) return;
    this.form?.set(state.setting);
    this.pad?.set(state.subject.strokes);
    this.subject?.show(state.subject.test);
    state.chips = this.chips.want(state.chips);
    this.wantChips(false);
    this.connection.send({ kind: "choose", setting: state.setting });
    this.asking.ask(state.subject);
    if (location.hash) this.rememberNow(); // What the link said that may not be is not what is shown.
  }

  /** Put what is shown into the address, when nothing has moved for a moment: browsers allow few changes. */
  remember() {
    clearTimeout(this.remembering);
    this.remembering = window.setTimeout(() => this.rememberNow(), REST);
  }

  rememberNow() {
    clearTimeout(this.remembering);
    if (this.state) history.replaceState(null, "", `#${pack(this.state)}`);
  }

  /** @param {Setting} setting @param {boolean} settled */
  set(setting, settled) {
    if (!this.state) return;
    this.state.setting = setting;
    clearTimeout(this.sliding);
    this.sliding = window.setTimeout(
      () => {
        this.remember();
        this.connection.send({ kind: "choose", setting });
        if (this.state) this.asking.ask(this.state.subject, "chip to logits");
      },
      settled ? 0 : SLIDING,
    );
  }

  /** @param {number} seed */
  pickChip(seed) {
    if (!this.state || !this.form) return;
    const setting = { ...this.state.setting, chip: seed };
    this.form.set(setting);
    this.set(setting, true);
  }

  /** @param {Subject} subject @param {string} measured What its time is called. */
  show(subject, measured = "") {
    if (!this.state) return;
    this.state.subject = subject;
    this.state.cycle = null;
    this.subject?.show(subject.test);
    if (subject.test !== null) this.pad?.set([]);
    this.asking.ask(subject, measured);
    this.remember();
  }

  /** @param {number[][]} strokes @param {boolean} ended */
  drawn(strokes, ended) {
    const use = this.state?.subject.use ?? 0;
    this.show({ test: null, strokes: strokes.map((stroke) => [...stroke]), use }, ended ? "stroke to logits" : "");
  }

  /** The same drawing once more: neurons differ from use to use. */
  useAgain() {
    const subject = this.state?.subject;
    if (subject && subject.test === null) this.show({ ...subject, use: subject.use + 1 });
  }

  /** @param {boolean} others Whether another number of them was chosen. */
  wantChips(others) {
    if (others && this.state) {
      this.state.chips = this.chips.wanted;
      this.remember();
    }
    this.connection.send({ kind: "chips", count: this.chips.wanted });
  }

  /** @param {Made} made @param {Uint8Array} content */
  takeMade(made, content) {
    this.made = made;
    this.status.trouble("");
    this.status.clear();
    let place = 0;
    this.words = made.layers.map(({ rows, columns }) => {
      const words = new Int8Array(content.slice(place, place + rows * columns).buffer);
      place += rows * columns;
      return words;
    });
    this.shown = null;
    this.flow.build(made, this.words);
    this.flow.sourceOfWords(made.source ?? NAMES.golden);
    this.chips.mark(made.setting.chip);
    find("made", HTMLElement).textContent = this.howMade(made);
  }

  /** @param {Made} made */
  howMade({ counts, setting }) {
    if (!counts || setting.chip === null) return "Each cell holds exactly its level.";
    const share = ((100 * counts.changed) / counts.cells).toFixed(1);
    const energy = counts.energy === null ? "" : `, all cells ${energyText(counts.energy)}`;
    const reads = counts.readsPerCell ? ` and ${counts.readsPerCell} reads` : "";
    return `${share} % of the words differ from the ideal chip's. A cell took ${counts.pulsesPerCell} pulses${reads}${energy}.`;
  }

  /** @param {Shown} shown */
  takeShown(shown) {
    if (!this.made) return;
    this.shown = shown;
    if (shown.machine) this.status.add(shown.machine.length, shown.mismatches);
    if (shown.on !== "virtual") this.timeline.set(order(this.made, shown), this.state?.cycle ?? null, "");
    else if (!this.timeline.timeline || this.timeline.timeline.order) this.timeline.set(null, null, COMING);
    this.draw();
    find("answer", HTMLElement).textContent = answerText(shown);
    this.asking.answered(shown.serial);
  }

  /** @param {number} layer @param {number} column */
  choose(layer, column) {
    const { state } = this;
    if (!state || (state.column[0] === layer && state.column[1] === column)) return;
    state.column = [layer, column];
    this.draw();
    this.remember();
  }

  /** @param {number | null} cycle */
  replay(cycle) {
    if (!this.state) return;
    this.state.cycle = cycle;
    this.draw();
    this.remember();
  }

  draw() {
    const { made, shown, state } = this;
    if (!made || !shown || !state) return;
    const layer = Math.min(state.column[0], made.layers.length - 1);
    const column = Math.min(state.column[1], made.layers[layer].columns - 1);
    const { timeline } = this.timeline;
    const own = timeline && timeline.serial === shown.serial ? timeline : null;
    const states = stateAt(made, this.words, shown, own, own ? this.timeline.cycle : null, this.flow.positions);
    this.flow.set(shown, states, [layer, column]);
  }

  recolour() {
    this.colours.read();
    this.pad?.redraw();
    this.flow.recolour();
    this.timeline.panel.redraw();
    this.chips.chart.recolour();
    this.confusion.recolour();
  }

  copy() {
    this.rememberNow();
    const copied = find("copied", HTMLElement);
    const failed = () => (copied.textContent = "the address of this page is the link");
    // There is none where a page is reached from another machine.
    if (!navigator.clipboard) failed();
    else navigator.clipboard.writeText(location.href).then(() => (copied.textContent = "copied"), failed);
    setTimeout(() => (copied.textContent = ""), 3000);
  }

  /** @param {string} text */
  lost(text) {
    this.asking.forget();
    this.status.machine({ kind: "machine", state: "lost", text, s: 0 });
  }
}

/** @param {Shown} shown */
function answerText({ machine, golden, label }) {
  const [answer, margin] = highest(machine ?? golden);
  const known = label === null ? "" : answer === label ? ", as labelled" : `, the label is ${label}`;
  return `Answer ${answer}, ahead by ${whole(margin)}${known}`;
}

/** @param {number} joule */
function energyText(joule) {
  const [factor, unit] = joule >= 1 ? [1, "J"] : joule >= 1e-3 ? [1e3, "mJ"] : [1e6, "\u00b5J"];
  return `${Number((factor * joule).toPrecision(2))} ${unit}`;
}
