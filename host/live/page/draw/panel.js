// A panel: a canvas with a caption that is drawn anew when its size, colours or values change.

import { CanvasSurface } from "./surface.js";

/** @typedef {import("./surface.js").Surface} Surface */
/** @typedef {(surface: Surface, width: number, height: number) => void} Draw */

/** @type {Set<Panel>} Every panel of the page, for saving. */
export const panels = new Set();

export class Panel {
  /**
   * @param {HTMLElement} parent
   * @param {{title: string, source?: string, className?: string, height: number}} about
   * @param {Draw} draw
   */
  constructor(parent, { title, source = "", className = "", height }, draw) {
    this.draw = draw;
    this.height = height;
    this.figure = document.createElement("figure");
    if (className) this.figure.className = className;
    this.caption = document.createElement("figcaption");
    this.title = document.createElement("span");
    this.title.className = "title";
    this.source = document.createElement("span");
    this.source.className = "source";
    this.caption.append(this.title, this.source);
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.style.height = `${height}px`;
    this.figure.append(this.caption, this.canvas);
    parent.append(this.figure);
    this.label(title, source);
    this.width = 0;
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.canvas);
    panels.add(this);
  }

  /** @param {string} title @param {string} source Who computed what is shown. */
  label(title, source = this.source.textContent ?? "") {
    if (this.title.textContent !== title) this.title.textContent = title;
    if (this.source.textContent !== source) this.source.textContent = source;
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
