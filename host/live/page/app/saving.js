// What is shown, as a picture: PNG by canvas, or SVG; and how a file is saved.

import { charts } from "../draw/chart.js";
import { panels } from "../draw/panel.js";
import { CanvasSurface, SvgSurface } from "../draw/surface.js";

/** @typedef {import("../draw/surface.js").Surface} Surface */
/** @typedef {import("../draw/colours.js").Colours} Colours */

const EDGE = 20;
const DOTS = 2;

/** @param {(x: number, y: number) => Surface} at A surface with its origin there. @param {DOMRect} whole @param {string} ink */
function compose(at, whole, ink) {
  const place = (/** @type {Element} */ part) => {
    const box = part.getBoundingClientRect();
    return { x: box.left - whole.left + EDGE, y: box.top - whole.top + EDGE, width: box.width, height: box.height };
  };
  for (const panel of panels) {
    if (!panel.width) continue;
    const { x, y } = place(panel.canvas);
    panel.draw(at(x, y), panel.width, panel.height);
  }
  for (const chart of charts) {
    const { canvas } = chart;
    if (!canvas) continue;
    const { x, y, width, height } = place(canvas);
    at(x, y).image(canvas, 0, 0, width, height, true);
  }
  for (const span of document.querySelectorAll("main figcaption span")) {
    if (!span.textContent || !span.checkVisibility()) continue;
    const { x, y, height } = place(span);
    const style = getComputedStyle(span);
    const size = Number.parseFloat(style.fontSize);
    const weight = Number(style.fontWeight);
    at(x, y).text(0, Math.min(height, size * 1.4) - size * 0.3, span.textContent, { fill: style.color || ink, size, weight });
  }
}

/** @param {Colours} colours @returns {Promise<Blob>} */
export function asPng(colours) {
  const whole = document.getElementById("shown")?.getBoundingClientRect() ?? new DOMRect();
  const canvas = document.createElement("canvas");
  canvas.width = DOTS * (whole.width + 2 * EDGE);
  canvas.height = DOTS * (whole.height + 2 * EDGE);
  const context = canvas.getContext("2d");
  if (!context) return Promise.reject(new Error("this browser draws no pictures"));
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(DOTS, 0, 0, DOTS, 0, 0);
  compose((x, y) => new CanvasSurface(context, x, y), whole, colours.ink);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large")))),
  );
}

/** @param {Colours} colours */
export function asSvg(colours) {
  const whole = document.getElementById("shown")?.getBoundingClientRect() ?? new DOMRect();
  const [width, height] = [whole.width + 2 * EDGE, whole.height + 2 * EDGE].map(Math.ceil);
  /** @type {string[]} */
  const parts = [];
  new SvgSurface(parts).rect(0, 0, width, height, { fill: colours.paper });
  compose((x, y) => new SvgSurface(parts, x, y), whole, colours.ink);
  const space = document.querySelector("svg")?.namespaceURI;
  const text = `<svg xmlns="${space}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n${parts.join("\n")}\n</svg>\n`;
  return new Blob([text], { type: "image/svg+xml" });
}

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
