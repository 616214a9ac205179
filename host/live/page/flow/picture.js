// Small pictures: the image that drives the rows, and a column's weights in the same places.

import { Panel } from "../draw/panel.js";
import { mix, raster } from "../draw/raster.js";

/** @typedef {import("../draw/colours.js").Colours} Colours */
/** @typedef {import("../draw/surface.js").Surface} Surface */

const SIDE = 112;
const LINE = 20;

export class PictureView {
  /** @param {HTMLElement} parent @param {string} title @param {Colours} colours */
  constructor(parent, title, colours) {
    this.colours = colours;
    /** @type {HTMLCanvasElement | null} */
    this.canvas = null;
    this.words = "";
    /** @type {(() => void) | null} */
    this.again = null;
    this.panel = new Panel(parent, { title, className: "picture", height: SIDE + LINE }, (surface, width) => this.draw(surface, width));
  }

  /** @param {Surface} surface @param {number} width */
  draw(surface, width) {
    if (!this.canvas) return;
    const scale = Math.min(width, SIDE) / Math.max(this.canvas.width, this.canvas.height);
    const [wide, high] = [this.canvas.width * scale, this.canvas.height * scale];
    surface.image(this.canvas, 0, 0, wide, high);
    surface.rect(0, 0, wide, high, { stroke: this.colours.rule });
    surface.text(0, SIDE + 14, this.words, { fill: this.colours.soft, size: 11 });
  }

  /**
   * @param {number} height
   * @param {number} width
   * @param {(place: number) => import("../draw/colours.js").Rgb} colour
   * @param {string} words Below it.
   */
  set(height, width, colour, words) {
    this.again = () => {
      this.canvas = raster(width, height, (x, y) => colour(y * width + x));
      this.words = words;
      this.panel.describe(words);
      this.panel.redraw();
    };
    this.again();
  }

  /**
   * Row values as ink on paper.
   *
   * @param {[number, number]} shape
   * @param {number[]} values
   * @param {number} top
   * @param {string} words
   */
  ink([height, width], values, top, words) {
    const { colours } = this;
    this.set(height, width, (place) => mix(colours.paperRgb, colours.inkRgb, values[place] / top), words);
  }

  /**
   * A column's R_AH.
   *
   * @param {[number, number]} shape
   * @param {Int8Array} words
   * @param {number} columns
   * @param {number} column
   * @param {number} top
   * @param {string} said
   */
  weights([height, width], words, columns, column, top, said) {
    const { colours } = this;
    this.set(height, width, (place) => colours.diverging(words[place * columns + column] / top), said);
  }

  recolour() {
    this.again?.();
  }
}
