// The pad: strokes by mouse, finger, pen or keyboard.

import { CanvasSurface } from "../draw/surface.js";

/** @typedef {import("../draw/colours.js").Colours} Colours */

const PEN = 0.085; // Width of the pen, as the server draws it, as a share of the side.
const NEAR = 6; // Points closer than this are left out.
const CELLS = 28; // Steps of the keyboard across the pad.
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Colours} colours
   * @param {{grid: number, strokes: number, points: number}} most Largest coordinate and counts.
   * @param {(strokes: number[][], ended: boolean) => void} changed Also told at a stroke's end.
   */
  constructor(canvas, colours, most, changed) {
    this.canvas = canvas;
    this.colours = colours;
    this.most = most;
    this.changed = changed;
    /** @type {number[][]} */
    this.strokes = [];
    /** @type {number | null} The pointer that draws: another finger does not. */
    this.pointer = null;
    this.cursor = [CELLS / 2, CELLS / 2];
    this.penDown = false;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(name, (event) => this.end(event));
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.redraw());
    canvas.addEventListener("blur", () => {
      this.penDown = false;
      this.redraw();
    });
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const at = (/** @type {number} */ value) =>
      Math.max(0, Math.min(this.most.grid, Math.round(value * this.most.grid)));
    return [at((event.clientX - box.left) / box.width), at((event.clientY - box.top) / box.height)];
  }

  get full() {
    const points = this.strokes.reduce((sum, stroke) => sum + stroke.length / 2, 0);
    return points >= this.most.points;
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (this.pointer !== null || event.button !== 0) return;
    if (this.strokes.length >= this.most.strokes || this.full) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.penDown = false;
    this.pointer = event.pointerId;
    this.strokes.push(this.place(event));
    this.tell(false);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (event.pointerId !== this.pointer || this.full) return;
    const stroke = this.strokes[this.strokes.length - 1];
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) {
      const [x, y] = this.place(each);
      const [lastX, lastY] = stroke.slice(-2);
      if (Math.hypot(x - lastX, y - lastY) >= NEAR && !this.full) stroke.push(x, y);
    }
    this.tell(false);
  }

  /** @param {PointerEvent} event */
  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.tell(true);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const arrow = ARROWS[event.key];
    if (arrow) this.step(arrow, event.shiftKey ? 4 : 1);
    else if (event.key === " ") this.lift();
    else if (event.key === "Backspace") this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
  }

  /** @param {[number, number]} arrow @param {number} cells */
  step([x, y], cells) {
    const within = (/** @type {number} */ value) => Math.max(0, Math.min(CELLS, value));
    this.cursor = [within(this.cursor[0] + x * cells), within(this.cursor[1] + y * cells)];
    if (this.penDown && !this.full) {
      this.strokes[this.strokes.length - 1].push(...this.under());
      this.tell(true);
    } else {
      this.redraw();
    }
  }

  /** Where the keyboard's cursor is, on the grid. */
  under() {
    return this.cursor.map((value) => Math.round((value / CELLS) * this.most.grid));
  }

  /** Put the keyboard's pen down, or lift it; while a pointer draws there is no other pen. */
  lift() {
    if (this.pointer !== null) return;
    this.penDown = !this.penDown && this.strokes.length < this.most.strokes && !this.full;
    if (this.penDown) {
      this.strokes.push(this.under());
      this.tell(true);
    } else {
      this.redraw();
    }
  }

  /** No pen is down any more: the stroke that it drew may be gone. */
  liftAll() {
    this.penDown = false;
    this.pointer = null;
  }

  undo() {
    this.liftAll();
    this.strokes.pop();
    this.tell(true);
  }

  clear() {
    this.liftAll();
    this.strokes = [];
    this.tell(true);
  }

  /** @param {number[][]} strokes Shown, and not told. */
  set(strokes) {
    this.liftAll();
    this.strokes = strokes.map((stroke) => [...stroke]);
    this.redraw();
  }

  /** @param {boolean} ended */
  tell(ended) {
    this.redraw();
    this.changed(this.strokes, ended);
  }

  redraw() {
    const side = this.canvas.clientWidth;
    const dots = devicePixelRatio || 1;
    const size = Math.round(side * dots);
    const context = this.canvas.getContext("2d");
    if (!context || !size) return;
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    context.setTransform(dots, 0, 0, dots, 0, 0);
    context.clearRect(0, 0, side, side);
    const surface = new CanvasSurface(context);
    this.guides(surface, side);
    const look = { stroke: this.colours.ink, width: PEN * side };
    for (const stroke of this.strokes) {
      const points = [];
      for (let n = 0; n < stroke.length; n += 2) {
        points.push([(stroke[n] / this.most.grid) * side, (stroke[n + 1] / this.most.grid) * side]);
      }
      if (points.length === 1) points.push(points[0]);
      surface.line(points, look);
    }
    if (document.activeElement === this.canvas) this.mark(surface, side);
  }

  /** @param {CanvasSurface} surface @param {number} side */
  guides(surface, side) {
    if (this.strokes.length) return;
    const { grid, soft } = this.colours;
    surface.line([[side / 2, 12], [side / 2, side - 12]], { stroke: grid, dash: [3, 5] });
    surface.line([[12, side / 2], [side - 12, side / 2]], { stroke: grid, dash: [3, 5] });
    surface.text(side / 2, side / 2 - 10, "draw a digit here", { fill: soft, size: 15, anchor: "middle", serif: true });
  }

  /** @param {CanvasSurface} surface @param {number} side */
  mark(surface, side) {
    const [x, y] = this.cursor.map((value) => (value / CELLS) * side);
    const { accent } = this.colours;
    surface.circle(x, y, 6, this.penDown ? { fill: accent } : { stroke: accent, width: 2 });
  }
}
