// The engine's timeline of one image, cycle by cycle, with a scrubber.

import { find, whole } from "../app/elements.js";
import { NAMES } from "../app/names.js";
import { Panel } from "../draw/panel.js";

/** @typedef {import("../app/types.js").Timeline} Timeline */
/** @typedef {import("../draw/colours.js").Colours} Colours */
/** @typedef {import("../draw/surface.js").Surface} Surface */

const LEFT = 128;
const RIGHT = 14;
const ROW = 26;
const AXIS = 24;
const PLAY = 7000; // Milliseconds that a whole image is played in.

export class TimelineView {
  /**
   * @param {Colours} colours
   * @param {(cycle: number | null) => void} moved
   */
  constructor(colours, moved) {
    this.colours = colours;
    this.moved = moved;
    /** @type {Timeline | null} */
    this.timeline = null;
    /** @type {number | null} */
    this.cycle = null;
    this.playing = 0;
    const parent = find("timeline", HTMLElement);
    this.panel = new Panel(parent, { title: "The engine, cycle by cycle", height: 4 * ROW + AXIS }, (surface, width, height) => this.draw(surface, width, height),
    );
    this.slider = find("cycle", HTMLInputElement);
    this.said = find("cycle-said", HTMLOutputElement);
    this.play = find("play", HTMLButtonElement);
    this.slider.addEventListener("input", () => {
      this.stop();
      this.move(Number(this.slider.value));
    });
    this.play.addEventListener("click", () => (this.playing ? this.stop() : this.start()));
    this.panel.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 1) this.point(event);
    });
    this.panel.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.set(null, null, "");
  }

  /** @param {PointerEvent} event */
  point(event) {
    if (!this.timeline) return;
    this.stop();
    const box = this.panel.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    this.move(Math.round(Math.max(0, Math.min(1, share)) * (this.timeline.clocks - 1)));
  }

  /**
   * @param {Timeline | null} timeline
   * @param {number | null} cycle
   * @param {string} why What to say where there is none.
   */
  set(timeline, cycle, why) {
    this.stop();
    this.timeline = timeline;
    this.why = why;
    const last = timeline ? timeline.clocks - 1 : 0;
    this.slider.disabled = this.play.disabled = timeline === null;
    this.slider.max = String(last);
    this.cycle = timeline === null || cycle === null || cycle >= last ? null : cycle;
    this.panel.resize(2 * (timeline?.stages.length ?? 2) * ROW + AXIS);
    this.panel.label(
      timeline ? `The engine, ${this.unit} by ${this.unit}: ${whole(timeline.clocks)} ${this.unit}s` : "The engine, cycle by cycle",
      timeline?.order ? "the order only: each cycle is seen on the virtual board" : timeline ? NAMES.virtual : "",
    );
    this.show();
  }

  get unit() {
    return this.timeline?.order ? "step" : "cycle";
  }

  /** @param {number} cycle */
  move(cycle) {
    if (!this.timeline) return;
    this.cycle = cycle >= this.timeline.clocks - 1 ? null : cycle;
    this.show();
    this.moved(this.cycle);
  }

  start() {
    const { timeline } = this;
    if (!timeline) return;
    let begun = performance.now() - ((this.cycle ?? 0) / timeline.clocks) * PLAY;
    const frame = (/** @type {number} */ now) => {
      const cycle = Math.round((Math.max(0, now - begun) / PLAY) * timeline.clocks);
      this.move(cycle);
      if (this.cycle === null) this.stop();
      else this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
    this.play.textContent = "Pause";
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.play.textContent = "Play";
  }

  show() {
    const { timeline } = this;
    const last = timeline ? timeline.clocks - 1 : 0;
    this.slider.value = String(this.cycle ?? last);
    const words = timeline ? this.words(timeline, this.cycle ?? last) : "";
    this.said.textContent = words;
    this.slider.setAttribute("aria-valuetext", words || "no timeline");
    this.panel.describe(words || (this.why ?? ""));
    this.panel.redraw();
  }

  /** @param {Timeline} timeline @param {number} cycle */
  words(timeline, cycle) {
    const happens = timeline.stages.flatMap(({ rows, sums }, layer) => {
      const last = layer === timeline.stages.length - 1;
      const row = rows.indexOf(cycle);
      const sum = sums.indexOf(cycle);
      return [
        ...(row >= 0 ? [`crossbar ${layer} takes event ${row + 1} of ${rows.length}`] : []),
        ...(sum >= 0 ? [last ? `logit ${sum} is read` : `sum ${sum} goes to its neuron`] : []),
      ];
    });
    return `${this.unit} ${whole(cycle)} of ${whole(timeline.clocks - 1)}${happens.length ? `: ${happens.join("; ")}` : ""}`;
  }

  /** @param {Surface} surface @param {number} width @param {number} height */
  draw(surface, width, height) {
    const { soft, grid, ink, rule, accent, heat } = this.colours;
    const { timeline } = this;
    if (!timeline) {
      surface.rect(0, 0, width, height, { fill: grid, alpha: 0.35 });
      // Short lines, so that they fit a phone.
      wrap(this.why ?? "", Math.max(24, Math.floor(width / 7.2))).forEach((line, number, all) =>
        surface.text(width / 2, height / 2 + (number - (all.length - 1) / 2) * 20 + 5, line, { fill: soft, size: 14, anchor: "middle" }),
      );
      return;
    }
    const scale = (width - LEFT - RIGHT) / timeline.clocks;
    timeline.stages.forEach((stage, layer) => {
      const last = layer === timeline.stages.length - 1;
      [
        { name: `crossbar ${layer}: rows`, cycles: stage.rows, fill: accent },
        { name: last ? "readout: logits" : `neurons ${layer}: sums`, cycles: stage.sums, fill: heat },
      ].forEach(({ name, cycles, fill }, second) => {
        const y = (2 * layer + second) * ROW;
        surface.text(LEFT - 10, y + 17, name, { fill: ink, anchor: "end" });
        surface.rect(LEFT, y + 4, width - LEFT - RIGHT, ROW - 8, { fill: grid, alpha: 0.5 });
        for (const [first, count] of runs(cycles)) {
          surface.rect(LEFT + first * scale, y + 4, Math.max(count * scale - (scale > 3 ? 0.6 : 0), 0.7), ROW - 8, { fill });
        }
      });
    });
    const bottom = height - AXIS + 2;
    surface.line([[LEFT, bottom], [width - RIGHT, bottom]], { stroke: rule });
    for (const tick of ticks(timeline.clocks, (width - LEFT - RIGHT) / 70)) {
      const x = LEFT + tick * scale;
      surface.line([[x, bottom], [x, bottom + 4]], { stroke: soft });
      surface.text(x, bottom + 17, whole(tick), { fill: soft, size: 11, anchor: "middle" });
    }
    const x = LEFT + ((this.cycle ?? timeline.clocks - 1) + 0.5) * scale;
    surface.line([[x, 0], [x, bottom + 4]], { stroke: ink, width: 1.5 });
    surface.circle(x, 3, 3.5, { fill: ink });
  }
}

/** @param {number[]} cycles @returns {[number, number][]} First and length of each run. */
function runs(cycles) {
  /** @type {[number, number][]} */
  const found = [];
  for (const cycle of cycles) {
    const last = found[found.length - 1];
    if (last && last[0] + last[1] === cycle) last[1] += 1;
    else found.push([cycle, 1]);
  }
  return found;
}

/** @param {number} end @param {number} count */
function ticks(end, count) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];
  const step = steps.find((each) => end / each <= count) ?? 100000;
  const found = [];
  for (let tick = 0; tick < end; tick += step) found.push(tick);
  return found;
}

/** @param {string} words @param {number} most Letters of a line. */
function wrap(words, most) {
  /** @type {string[]} */
  const lines = [];
  for (const word of words.split(" ")) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + word.length < most) lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}
