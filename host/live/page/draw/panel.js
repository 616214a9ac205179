// A panel: a canvas with a caption that is drawn anew when its size, colours or values change.

import { Captioned } from "./caption.js";
import { CanvasSurface } from "./surface.js";

/** @typedef {import("./surface.js").Surface} Surface */
/** @typedef {(surface: Surface, width: number, height: number) => void} Draw */

/** @type {Set<Panel>} Every panel of the page, for saving. */
export const panels = new Set();

export class Panel extends Captioned {
  /**
   * @param {HTMLElement} parent
   * @param {{title: string, source?: string, className?: string, height: number}} about
   * @param {Draw} draw
   */
  constructor(parent, about, draw) {
    const canvas = document.createElement("canvas");
    super(parent, canvas, about);
    this.canvas = canvas;
    this.draw = draw;
    this.width = 0;
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.canvas);
    panels.add(this);
  }

  /** @param {string} words What is seen, for those who do not see it. */
  describe(words) {
    this.canvas.setAttribute("aria-label", `${this.title.textContent}. ${words}`);
  }

  /** @param {number} height */
  resize(height) {
    this.height = height;
    this.canvas.style.height = `${height}px`;
  }

  resized() {
    const width = this.canvas.clientWidth;
    if (width === this.width) return;
    this.width = width;
    this.redraw();
  }

  redraw() {
    this.width = this.canvas.clientWidth;
    if (!this.width) return;
    const dots = devicePixelRatio || 1;
    const [wide, high] = [Math.round(this.width * dots), Math.round(this.height * dots)];
    if (this.canvas.width !== wide) this.canvas.width = wide;
    if (this.canvas.height !== high) this.canvas.height = high;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(dots, 0, 0, dots, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.draw(new CanvasSurface(context), this.width, this.height);
  }

  remove() {
    this.observer.disconnect();
    panels.delete(this);
    this.figure.remove();
  }
}
