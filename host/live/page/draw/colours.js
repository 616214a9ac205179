// Colours: those of the style sheet, and the diverging ones of R_AH, purple below and orange above.

/** @typedef {[number, number, number]} Rgb */

// ColorBrewer's PuOr, as allspin's pictures have it; on a dark page the middle is dark.
/** @type {Record<string, {below: string[], above: string[]}>} */
const DIVERGING = {
  light: {
    below: ["f7f7f7", "d8daeb", "b2abd2", "8073ac", "542788", "2d004b"],
    above: ["f7f7f7", "fee0b6", "fdb863", "e08214", "b35806", "7f3b08"],
  },
  dark: {
    below: ["22262c", "433a66", "64559b", "8f80c6", "b9aee3", "e4def8"],
    above: ["22262c", "6b3f0d", "a85f0c", "e08214", "fdb863", "fee6c3"],
  },
};
const STEPS = 127;

/** @param {string} hex @returns {Rgb} */
function rgb(hex) {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** @param {string[]} stops @param {number} share From 0 to 1. @returns {Rgb} */
function between(stops, share) {
  const place = share * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const [a, b] = [rgb(stops[low]), rgb(stops[low + 1])];
  const mixed = a.map((value, channel) => Math.round(value + (b[channel] - value) * (place - low)));
  return [mixed[0], mixed[1], mixed[2]];
}

export class Colours {
  constructor() {
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.paper = this.raised = this.ink = this.soft = this.rule = this.grid = "";
    this.accent = this.heat = this.ideal = this.good = "";
    /** @type {Rgb[]} From -1 to 1. */
    this.words = [];
    /** @type {Rgb} */
    this.paperRgb = [255, 255, 255];
    /** @type {Rgb} */
    this.inkRgb = [0, 0, 0];
    this.read();
  }

  /** Take the style sheet's colours, of the scheme that the reader has now. */
  read() {
    const style = getComputedStyle(document.documentElement);
    const own = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    this.paper = own("paper");
    this.raised = own("raised");
    this.ink = own("ink");
    this.soft = own("soft");
    this.rule = own("rule");
    this.grid = own("grid");
    this.accent = own("accent");
    this.heat = own("heat");
    this.ideal = own("ideal");
    this.good = own("good");
    const stops = DIVERGING[this.dark.matches ? "dark" : "light"];
    this.words = [];
    for (let step = -STEPS; step <= STEPS; step++) {
      this.words.push(between(step < 0 ? stops.below : stops.above, Math.abs(step) / STEPS));
    }
    this.paperRgb = rgb(this.raised.slice(1));
    this.inkRgb = rgb(this.ink.slice(1));
  }

  /** @param {number} value From -1 to 1. @returns {Rgb} */
  diverging(value) {
    return this.words[Math.round(Math.max(-1, Math.min(1, value)) * STEPS) + STEPS];
  }

  /** @param {number} value From -1 to 1. */
  divergingText(value) {
    return `rgb(${this.diverging(value).join(",")})`;
  }
}
