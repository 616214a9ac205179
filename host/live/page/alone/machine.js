// The gateware, compiled to WebAssembly, behind the link protocol.

import { IDENTIFY, NUMBERED, READ, WRITE, checked, decode, frame, identity, little, sparse } from "./protocol.js";

const BYTES = 496; // Of lines in a request, about.
const TAGS = 0xffff;

/**
 * @typedef {{memory: WebAssembly.Memory, _initialize: () => void, give: (count: number) => number,
 *   run: (frames: number) => number, out_ptr: () => number, trace: (on: boolean) => void,
 *   activity_clocks: () => number, activity_ptr: () => number}} Reactor
 */

/** What the C++ library might ask a system for: there is none. */
const NO_SYSTEM = new Proxy({}, { get: () => () => 52 });

export class Machine {
  /** @param {Uint8Array} code WebAssembly. */
  static async load(code) {
    const { instance } = await WebAssembly.instantiate(code, { wasi_snapshot_preview1: NO_SYSTEM });
    return new Machine(/** @type {Reactor} */ (/** @type {unknown} */ (instance.exports)));
  }

  /** @param {Reactor} reactor */
  constructor(reactor) {
    this.reactor = reactor;
    this.tag = 0;
    reactor._initialize();
    this.send([0]);
    this.identity = identity(this.ask([[IDENTIFY, [1]]])[0]);
  }

  /** @param {ArrayLike<number>} bytes */
  send(bytes) {
    const place = this.reactor.give(bytes.length);
    new Uint8Array(this.reactor.memory.buffer, place, bytes.length).set(bytes);
  }

  /**
   * The bodies of the answers to some requests.
   *
   * @param {[number, ArrayLike<number>][]} requests Kinds and bodies.
   */
  ask(requests) {
    const first = this.tag;
    this.tag = (first + requests.length) % TAGS;
    this.send(requests.flatMap(([kind, body], place) => frame(kind, (first + place) % TAGS, body)));
    const answers = [];
    for (let size = 1; answers.length < requests.length && size; ) {
      size = this.reactor.run(requests.length - answers.length);
      const bytes = new Uint8Array(this.reactor.memory.buffer, this.reactor.out_ptr(), size);
      for (let start = 0, end; (end = bytes.indexOf(0, start)) >= 0; start = end + 1) {
        if (end > start) answers.push(decode(bytes.subarray(start, end)));
      }
    }
    if (answers.length !== requests.length) throw new Error("the gateware does not answer");
    return answers.map((answer, place) => checked(answer, requests[place][0], (first + place) % TAGS));
  }

  /**
   * Write whole memories, one after another.
   *
   * @param {[number, ArrayLike<number>, number][]} memories Each one's space, content, and bytes of a line.
   */
  write(memories) {
    /** @type {[number, number[]][]} */
    const requests = [];
    for (const [space, content, line] of memories) {
      const bytes = Array.from(content);
      const step = Math.max(1, Math.floor(BYTES / line));
      for (let address = 0; address * line < bytes.length; address += step) {
        const part = bytes.slice(address * line, (address + step) * line);
        requests.push([WRITE, [space, ...little(address, 2), ...part]]);
      }
    }
    this.ask(requests);
  }

  /** @param {number} space @param {number} lines @param {number} line Bytes of one. */
  read(space, lines, line) {
    /** @type {[number, number[]][]} */
    const requests = [];
    const step = Math.max(1, Math.floor(BYTES / line));
    for (let address = 0; address < lines; address += step) {
      requests.push([READ, [space, ...little(address, 2), ...little(Math.min(step, lines - address), 2)]]);
    }
    return Uint8Array.from(this.ask(requests).flatMap((body) => [...body]));
  }

  /**
   * Logits of images.
   *
   * @param {ArrayLike<number>[]} images Row values of each.
   * @param {number} first The number of the first.
   */
  logits(images, first) {
    const { layers, pixelBits } = this.identity;
    const last = layers[layers.length - 1];
    const width = Math.ceil(last.sumBits / 8);
    const answers = this.ask(images.map((values, place) => [NUMBERED, [...little(first + place, 4), ...sparse(values, pixelBits)]]));
    return answers.map((body) =>
      Array.from({ length: last.columns }, (_, column) => {
        let value = body[(column + 1) * width - 1] << 24 >> 24;
        for (let place = width - 2; place >= 0; place--) value = value * 256 + body[column * width + place];
        return value;
      }),
    );
  }

  /**
   * The logits of one image, and what the engine did in each clock of it.
   *
   * @param {ArrayLike<number>} values
   * @param {number} number
   */
  traced(values, number) {
    const { reactor } = this;
    reactor.trace(true);
    const [logits] = this.logits([values], number);
    const activity = new Uint32Array(reactor.memory.buffer, reactor.activity_ptr(), reactor.activity_clocks()).slice();
    reactor.trace(false);
    return { logits, activity };
  }
}
