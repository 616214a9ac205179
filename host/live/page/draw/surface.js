// What panels draw on: a canvas on the page, or an SVG to save. Both do the same few things.

/**
 * @typedef {{fill?: string, stroke?: string, width?: number, alpha?: number,
 *   dash?: number[]}} Look
 * @typedef {{fill: string, size?: number, anchor?: "start" | "middle" | "end",
 *   weight?: number, serif?: boolean, turned?: boolean}} TextLook
 * @typedef {{
 *   rect(x: number, y: number, width: number, height: number, look: Look): void,
 *   line(points: number[][], look: Look): void,
 *   circle(x: number, y: number, radius: number, look: Look): void,
 *   text(x: number, y: number, words: string, look: TextLook): void,
 *   image(source: HTMLCanvasElement, x: number, y: number, width: number, height: number,
 *     smooth?: boolean): void,
 * }} Surface
 */

export const SANS =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif';
export const SERIF =
  '"Iowan Old Style", "Palatino Linotype", Palatino, "Source Serif 4", Georgia, "Noto Serif", "DejaVu Serif", serif';

/** @implements {Surface} */
export class CanvasSurface {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x Where the surface's own origin is.
   * @param {number} y
   */
  constructor(context, x = 0, y = 0) {
    this.context = context;
    this.x = x;
    this.y = y;
  }

  /** @param {Look} look */
  paint({ fill, stroke, width = 1, alpha = 1, dash = [] }) {
    const c = this.context;
    c.globalAlpha = alpha;
    if (fill) {
      c.fillStyle = fill;
      c.fill();
    }
    if (stroke) {
      c.strokeStyle = stroke;
      c.lineWidth = width;
      c.setLineDash(dash);
      c.lineJoin = "round";
      c.lineCap = dash.length ? "butt" : "round";
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  /** @type {Surface["rect"]} */
  rect(x, y, width, height, look) {
    this.context.beginPath();
    this.context.rect(this.x + x, this.y + y, width, height);
    this.paint(look);
  }

  /** @type {Surface["line"]} */
  line(points, look) {
    this.context.beginPath();
    for (const [x, y] of points) this.context.lineTo(this.x + x, this.y + y);
    this.paint(look);
  }

  /** @type {Surface["circle"]} */
  circle(x, y, radius, look) {
    this.context.beginPath();
    this.context.arc(this.x + x, this.y + y, radius, 0, 2 * Math.PI);
    this.paint(look);
  }

  /** @type {Surface["text"]} */
  text(x, y, words, { fill, size = 12, anchor = "start", weight = 400, serif = false, turned = false }) {
    const c = this.context;
    c.save();
    c.font = `${weight} ${size}px ${serif ? SERIF : SANS}`;
    c.fillStyle = fill;
    c.textAlign = anchor === "middle" ? "center" : anchor;
    c.textBaseline = "alphabetic";
    c.translate(this.x + x, this.y + y);
    if (turned) c.rotate(-Math.PI / 2);
    c.fillText(words, 0, 0);
    c.restore();
  }

  /** @type {Surface["image"]} */
  image(source, x, y, width, height, smooth = false) {
    this.context.imageSmoothingEnabled = smooth;
    this.context.imageSmoothingQuality = "medium";
    this.context.drawImage(source, this.x + x, this.y + y, width, height);
  }
}

const ESCAPES = new Map([["&", "&amp;"], ["<", "&lt;"], [">", "&gt;"], ['"', "&quot;"]]);

/** @param {string} words */
function escaped(words) {
  return words.replace(/[&<>"]/g, (letter) => ESCAPES.get(letter) ?? letter);
}

/** @param {number} value */
function short(value) {
  return String(Math.round(100 * value) / 100);
}

/** @implements {Surface} */
export class SvgSurface {
  /** @param {string[]} parts Where elements go. @param {number} x @param {number} y */
  constructor(parts, x = 0, y = 0) {
    this.parts = parts;
    this.x = x;
    this.y = y;
  }

  /** @param {Look} look */
  attributes({ fill = "none", stroke, width = 1, alpha = 1, dash = [] }) {
    const own = [`fill="${escaped(fill)}"`];
    if (stroke) own.push(`stroke="${escaped(stroke)}" stroke-width="${short(width)}"`);
    if (stroke) own.push('stroke-linejoin="round"');
    if (alpha !== 1) own.push(`opacity="${short(alpha)}"`);
    if (dash.length) own.push(`stroke-dasharray="${dash.join(" ")}"`);
    return own.join(" ");
  }

  /** @type {Surface["rect"]} */
  rect(x, y, width, height, look) {
    const [left, top, wide, high] = [
      this.x + Math.min(x, x + width),
      this.y + Math.min(y, y + height),
      Math.abs(width),
      Math.abs(height),
    ].map(short);
    this.parts.push(`<rect x="${left}" y="${top}" width="${wide}" height="${high}" ${this.attributes(look)}/>`);
  }

  /** @type {Surface["line"]} */
  line(points, look) {
    const places = points.map(([x, y]) => `${short(this.x + x)},${short(this.y + y)}`).join(" ");
    this.parts.push(`<polyline points="${places}" ${this.attributes(look)}/>`);
  }

  /** @type {Surface["circle"]} */
  circle(x, y, radius, look) {
    const [left, top] = [short(this.x + x), short(this.y + y)];
    this.parts.push(`<circle cx="${left}" cy="${top}" r="${short(radius)}" ${this.attributes(look)}/>`);
  }

  /** @type {Surface["text"]} */
  text(x, y, words, { fill, size = 12, anchor = "start", weight = 400, serif = false, turned = false }) {
    const [left, top] = [short(this.x + x), short(this.y + y)];
    const turn = turned ? ` transform="rotate(-90 ${left} ${top})"` : "";
    this.parts.push(
      `<text x="${left}" y="${top}" fill="${escaped(fill)}" font-size="${short(size)}" font-weight="${weight}"` +
        ` font-family="${escaped(serif ? SERIF : SANS)}" text-anchor="${anchor}"${turn}>${escaped(words)}</text>`,
    );
  }

  /** @type {Surface["image"]} */
  image(source, x, y, width, height, smooth = false) {
    const look = smooth ? "" : ' style="image-rendering:pixelated"';
    this.parts.push(
      `<image x="${short(this.x + x)}" y="${short(this.y + y)}" width="${short(width)}" height="${short(height)}"` +
        ` preserveAspectRatio="none"${look} href="${source.toDataURL("image/png")}"/>`,
    );
  }
}
