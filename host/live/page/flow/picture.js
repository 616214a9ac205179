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
    /** @type {number[] | null} */
    this.mark = null;
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
    if (this.mark) {
      const [y, x, down, across] = this.mark.map((value) => value * scale);
      surface.rect(x, y, across, down, { stroke: this.colours.accent, width: 2 });
    }
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
   * @param {number[]} shape Height and width, and channels: three are a colour, of others the mean is shown.
   * @param {number[]} values
   * @param {number} top
   * @param {string} words
   * @param {number[] | null} mark What is marked: its first line and place, height and width.
   */
  ink([height, width, channels = 1], values, top, words, mark = null) {
    const { colours } = this;
    this.mark = mark;
    const mean = (/** @type {number} */ place) =>
      values.slice(place * channels, (place + 1) * channels).reduce((sum, value) => sum + value, 0) / channels;
    const light = (/** @type {number} */ value) => (255 * value) / top;
    this.set(height, width, (place) => {
      const [red, green, blue] = values.slice(place * channels);
      if (channels === 3) return [light(red), light(green), light(blue)];
      return mix(colours.paperRgb, colours.inkRgb, mean(place) / top);
    }, words);
  }

  /**
   * A column's R_AH.
   *
   * @param {number[]} shape Height and width, and channels, each a picture, in lines.
   * @param {Int8Array} words
   * @param {number} columns
   * @param {number} column
   * @param {number} top
   * @param {string} said
   */
  weights([height, width, channels = 1], words, columns, column, top, said) {
    const { colours } = this;
    const beside = Math.ceil(Math.sqrt(channels));
    const gap = channels > 1 ? 1 : 0;
    const [high, across] = [height + gap, beside * (width + gap) - gap];
    const lines = Math.ceil(channels / beside);
    this.set(lines * high - gap, across, (place) => {
      const [y, x] = [Math.floor(place / across), place % across];
      const channel = Math.floor(y / high) * beside + Math.floor(x / (width + gap));
      const [ky, kx] = [y % high, x % (width + gap)];
      if (channel >= channels || ky >= height || kx >= width) return colours.paperRgb;
      return colours.diverging(words[((ky * width + kx) * channels + channel) * columns + column] / top);
    }, said);
  }

  recolour() {
    this.again?.();
  }
}
