// The link protocol, version 3: docs/protocol.md.

export const IDENTIFY = 1;
export const WRITE = 2;
export const READ = 3;
export const NUMBERED = 5;
const ERROR = 0xff;
/** @type {Record<number, number>} */
const ANSWER = { [IDENTIFY]: 0x81, [WRITE]: 0x82, [READ]: 0x83, [NUMBERED]: 0x84 };
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** @param {ArrayLike<number>} bytes @param {number} count */
export function crc32(bytes, count = bytes.length) {
  let rest = 0xffffffff;
  for (let place = 0; place < count; place++) rest = CRC[(rest ^ bytes[place]) & 255] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

/** @param {number} value @param {number} count @returns {number[]} Its bytes, the low one first. */
export function little(value, count) {
  return Array.from({ length: count }, (_, place) => Math.floor(value / 256 ** place) & 255);
}

/**
 * A frame, with its closing zero.
 *
 * @param {number} kind
 * @param {number} tag
 * @param {ArrayLike<number>} body
 */
export function frame(kind, tag, body) {
  const payload = [kind, ...little(tag, 2), ...Array.from(body)];
  payload.push(...little(crc32(payload), 4));
  const coded = [0];
  let head = 0;
  for (const byte of payload) {
    if (byte) coded.push(byte);
    if (byte && coded.length - head < 255) continue;
    coded[head] = coded.length - head;
    head = coded.push(0) - 1;
  }
  coded[head] = coded.length - head;
  return [...coded, 0];
}

/**
 * What a frame carries; an error if it is damaged.
 *
 * @param {Uint8Array} coded Without its closing zero.
 */
export function decode(coded) {
  /** @type {number[]} */
  const payload = [];
  for (let place = 0; place < coded.length; ) {
    const count = coded[place++];
    if (!count || place + count - 1 > coded.length) throw new Error("the gateware sent a frame that is no COBS");
    for (let end = place + count - 1; place < end; ) payload.push(coded[place++]);
    if (count < 255 && place < coded.length) payload.push(0);
  }
  const size = payload.length - 4;
  if (size < 4 || little(crc32(payload, size), 4).some((byte, place) => byte !== payload[size + place])) {
    throw new Error("the gateware sent a damaged frame");
  }
  return { kind: payload[0], tag: payload[1] | (payload[2] << 8), session: payload[3], body: Uint8Array.from(payload.slice(4, size)) };
}

/**
 * The body of an answer; an error unless it is the one to that request.
 *
 * @param {ReturnType<typeof decode>} answer
 * @param {number} asked Kind of the request.
 * @param {number} expected Its tag.
 */
export function checked({ kind, tag, body }, asked, expected) {
  if (kind === ERROR) throw new Error(`the gateware refuses a request: code ${body[0]}`);
  if (kind !== ANSWER[asked] || tag !== expected) throw new Error("the gateware answers what was not asked");
  return body;
}

/**
 * The body of an image, as runs.
 *
 * @param {ArrayLike<number>} values
 * @param {number} bits Of a value.
 */
export function sparse(values, bits) {
  const coded = [];
  const packed = bits <= 4;
  let position = 0;
  for (let row = 0; row < values.length; ) {
    if (!values[row]) {
      row++;
      continue;
    }
    let end = row;
    while (end < values.length && values[end]) end++;
    while (row < end) {
      const length = end - row <= 7 ? end - row : packed ? 6 : 7;
      let skip = row - position;
      for (; skip > 31; skip -= 31) coded.push(31 << 3);
      coded.push((skip << 3) | length);
      for (let place = 0; place < length; place += packed ? 2 : 1) {
        const second = packed && place + 1 < length ? values[row + place + 1] : 0;
        coded.push(values[row + place] | (second << 4));
      }
      row += length;
      position = row;
    }
  }
  return coded;
}

/** @typedef {ReturnType<typeof identity>} Identity */

/** @param {Uint8Array} body Of the answer to IDENTIFY. */
export function identity(body) {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const word = (/** @type {number} */ place) => view.getUint16(place, true);
  if (String.fromCharCode(...body.slice(0, 4)) !== "ASPN" || body[4] !== 3) throw new Error("this is no such gateware");
  const layers = Array.from({ length: body[5] }, (_, layer) => {
    const place = 32 + 8 * layer;
    return { rows: word(place), columns: word(place + 2), sumBits: body[place + 6] };
  });
  return { pixelBits: body[12], hiddenBits: body[13], rahBits: body[14], currentBits: body[15], features: body[24], stateBits: body[25], layers };
}
