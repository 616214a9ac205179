// Small pictures of one pixel a value, which panels draw larger.

/** @typedef {import("./colours.js").Rgb} Rgb */

/**
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => Rgb} colour
 */
export function raster(width, height, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  const pixels = context.createImageData(width, height);
  let place = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = colour(x, y);
      pixels.data[place++] = red;
      pixels.data[place++] = green;
      pixels.data[place++] = blue;
      pixels.data[place++] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** @param {Rgb} colour @returns {number} A pixel, as little-endian machines hold it. */
export function pixel([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/**
 * A picture of pixels, into the canvas that is given.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @param {(pixels: Uint32Array) => void} fill
 */
export function fillPixels(canvas, width, height, fill) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) return;
  const pixels = context.createImageData(width, height);
  fill(new Uint32Array(pixels.data.buffer));
  context.putImageData(pixels, 0, 0);
}

/**
 * @param {Rgb} from
 * @param {Rgb} to
 * @param {number} share
 * @returns {Rgb}
 */
export function mix(from, to, share) {
  const at = (/** @type {0 | 1 | 2} */ channel) =>
    Math.round(from[channel] + (to[channel] - from[channel]) * share);
  return [at(0), at(1), at(2)];
}
