// Asks for one image at a time: while an answer is under way only the newest question waits.

/** @typedef {import("./types.js").Subject} Subject */
/** @typedef {import("./types.js").Source} Source */

const EVERY = 33; // Milliseconds between two questions while something moves.
const PATIENCE = 3000; // Milliseconds after which no answer is expected any more.

export class Asking {
  /** @param {Source} connection */
  constructor(connection) {
    this.connection = connection;
    this.serial = 0;
    /** @type {number | null} */
    this.pending = null;
    this.since = 0;
    this.later = 0;
    /** @type {Subject | null} */
    this.next = null;
    /** @type {[string, number] | null} What the next question's time is called, and its begin. */
    this.begun = null;
    /** @type {Map<number, [string, number]>} The same of questions that are under way. */
    this.begins = new Map();
  }

  /** @param {Subject} subject @param {string} measured What its time is called, from now on. */
  ask(subject, measured = "") {
    this.next = subject;
    if (measured) this.begun = [measured, performance.now()];
    if (this.pending === null || performance.now() - this.since > PATIENCE) this.send();
  }

  send() {
    clearTimeout(this.later);
    const subject = this.next;
    if (!subject) return;
    const early = EVERY - (performance.now() - this.since);
    if (early > 0 && !this.begun) {
      this.later = window.setTimeout(() => this.send(), early);
      return;
    }
    this.next = null;
    const serial = ++this.serial;
    const { test, strokes, use } = subject;
    const asked = test === null ? { kind: "show", serial, strokes, use } : { kind: "show", serial, test };
    this.pending = this.connection.send(asked) ? serial : null;
    this.since = performance.now();
    if (this.begun) this.begins.set(serial, this.begun);
    this.begun = null;
  }

  /** @param {number} serial Of an answer that is on the page now. */
  answered(serial) {
    const begun = this.begins.get(serial);
    if (begun !== undefined) {
      performance.measure(begun[0], { start: begun[1], end: performance.now() });
      this.begins.delete(serial);
    }
    if (serial === this.pending) {
      this.pending = null;
      this.send();
    }
  }

  /** No answer comes of what was asked. */
  forget() {
    this.pending = null;
    this.begins.clear();
  }
}
