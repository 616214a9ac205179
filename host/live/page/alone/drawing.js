// A drawing as a network sees it: of 28 x 28 pixels cropped, scaled into a box and centred by its
// mass, as MNIST's digits were; of others as a whole. What host/live/drawing.py and
// host/data/images.py do, for a drawing.

const SIDE = 280; // Pixels across the raster that strokes are drawn on.
const [PIXEL, STEP] = [25, 7]; // What a pixel and a step of the grid are in units that both are whole numbers of.
const PEN = 0.085; // As pad.js.
const BOX = 20 / 28;
const SUPPORT = 2; // Of the bicubic kernel, in pixels.

/** @param {number} value @returns {number} The nearest whole number, of halves the even one. */
function nearest(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low & 1) : Math.round(value);
}

/**
 * Each pixel whose middle is as near to a line as half a pen; in whole numbers, as shown.py.
 *
 * @param {number[][]} strokes
 * @returns {Uint8Array} 1 where there is ink.
 */
function drawn(strokes) {
  const ink = new Uint8Array(SIDE * SIDE);
  const reach = (PEN * SIDE * PIXEL) / 2;
  const most = Math.floor(reach * reach);
  for (const stroke of strokes) {
    for (let n = 0; n < Math.max(stroke.length - 2, 1); n += 2) {
      const [x, y, endX, endY] = [0, 1, stroke.length > 2 ? 2 : 0, stroke.length > 2 ? 3 : 1].map((place) => stroke[n + place] * STEP);
      const [across, down] = [endX - x, endY - y];
      const square = Math.max(across * across + down * down, 1);
      const range = (/** @type {number} */ a, /** @type {number} */ b) => [Math.max(0, Math.floor((Math.min(a, b) - reach) / PIXEL)), Math.min(SIDE - 1, Math.floor((Math.max(a, b) + reach) / PIXEL))];
      const [left, right] = range(x, endX);
      const [top, bottom] = range(y, endY);
      for (let row = top; row <= bottom; row++) {
        for (let column = left; column <= right; column++) {
          const [toX, toY] = [column * PIXEL - x, row * PIXEL - y];
          const along = toX * across + toY * down;
          const distance = along > 0 && along < square ? (toX * down - toY * across) ** 2 : (along <= 0 ? toX ** 2 + toY ** 2 : (toX - across) ** 2 + (toY - down) ** 2) * square;
          if (distance <= most * square) ink[row * SIDE + column] = 1;
        }
      }
    }
  }
  return ink;
}

/** @param {number} distance @returns {number} The bicubic kernel's weight. */
function bicubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < SUPPORT ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/**
 * Scale lines of a picture to another length.
 *
 * @param {ArrayLike<number>} source
 * @param {number} lines
 * @param {number} from
 * @param {number} to
 * @returns {Float32Array} Turned: places first, then lines.
 */
function scaled(source, lines, from, to) {
  const target = new Float32Array(lines * to);
  const scale = from / to;
  const filter = Math.max(1, scale);
  for (let place = 0; place < to; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - SUPPORT * filter + 0.5));
    const end = Math.min(from, Math.trunc(centre + SUPPORT * filter + 0.5));
    const weights = Array.from({ length: end - first }, (_, n) => bicubic((first + n - centre + 0.5) * (1 / filter)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const shares = weights.map((weight) => weight / total);
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      shares.forEach((share, n) => (sum += source[line * from + first + n] * share));
      target[place * lines + line] = sum;
    }
  }
  return target;
}

/**
 * Grey levels of a drawing; all 0 where nothing is drawn.
 *
 * @param {number[][]} strokes Of each stroke x, y, x, y and so on.
 * @param {[number, number]} shape
 */
export function drawnImage(strokes, [height, width]) {
  const image = new Uint8Array(height * width);
  const ink = drawn(strokes);
  const places = Array.from(ink.keys()).filter((place) => ink[place]);
  if (!places.length) return image;
  const columns = places.map((place) => place % SIDE);
  const isDigit = height === 28 && width === 28;
  const [top, bottom] = isDigit ? [places[0], places[places.length - 1]].map((place) => Math.floor(place / SIDE)) : [0, SIDE - 1];
  const left = isDigit ? columns.reduce((least, column) => Math.min(least, column)) : 0;
  const right = isDigit ? columns.reduce((most, column) => Math.max(most, column)) : SIDE - 1;
  const [high, wide] = [bottom - top + 1, right - left + 1];
  const part = Array.from({ length: high * wide }, (_, n) => ink[(top + Math.floor(n / wide)) * SIDE + left + (n % wide)]);
  const box = isDigit ? BOX : 1;
  const share = Math.min((box * height) / high, (box * width) / wide);
  const [rows, across] = [high, wide].map((side) => Math.max(1, nearest(side * share)));
  // Across, which turns it, and down, which turns it back.
  const small = scaled(scaled(part, high, wide, across), across, high, rows).map((value) => nearest(Math.fround(Math.max(0, Math.min(1, value)) * 255)));
  const total = small.reduce((sum, value) => sum + value, 0);
  const begin = (/** @type {number} */ size, /** @type {number} */ room, /** @type {(n: number) => number} */ place) => {
    const centre = isDigit ? small.reduce((sum, value, n) => sum + value * place(n), 0) / total : size / 2;
    return Math.min(Math.max(nearest(room / 2 - centre), 0), room - size);
  };
  const y = begin(rows, height, (n) => Math.floor(n / across));
  const x = begin(across, width, (n) => n % across);
  small.forEach((value, n) => (image[(y + Math.floor(n / across)) * width + x + (n % across)] = value));
  return image;
}
