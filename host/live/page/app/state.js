// What is chosen and shown, as the part of the link behind #: a link restores it.

/** @typedef {import("./types.js").Setting} Setting */
/** @typedef {import("./types.js").Subject} Subject */
/** @typedef {import("./types.js").Hello} Hello */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const WIDE = DIGITS.length;

/**
 * @typedef {{setting: Setting, subject: Subject, column: [number, number], cycle: number | null,
 *   chips: number | null}} State
 *   `column` is a layer and its column; `cycle` is null at the end of the image; `chips` is how many
 *   chips are measured, null for as many as at first.
 */

/** @param {number[][]} strokes Coordinates from 0 to 1000, two digits each. */
export function packStrokes(strokes) {
  const digits = (/** @type {number} */ n) => DIGITS[Math.floor(n / WIDE)] + DIGITS[n % WIDE];
  return strokes.map((stroke) => stroke.map(digits).join("")).join(".");
}

/**
 * @param {string} text
 * @param {number} grid Largest coordinate.
 * @returns {number[][]}
 */
export function unpackStrokes(text, grid) {
  if (!/^[\w-]+(\.[\w-]+)*$/.test(text)) return [];
  return text
    .split(".")
    .map((part) => {
      /** @type {number[]} */
      const stroke = [];
      for (let place = 0; place + 1 < part.length; place += 2) stroke.push(value(part, place, grid));
      return stroke.slice(0, stroke.length - (stroke.length % 2));
    })
    .filter((stroke) => stroke.length);
}

/** @param {string} part @param {number} place @param {number} grid */
function value(part, place, grid) {
  const number = DIGITS.indexOf(part[place]) * WIDE + DIGITS.indexOf(part[place + 1]);
  return Math.min(grid, Math.max(0, number));
}

/**
 * As much of a drawing as the server takes.
 *
 * @param {number[][]} strokes
 * @param {{strokes: number, points: number}} most
 */
function fewer(strokes, most) {
  let points = 0;
  return strokes.slice(0, most.strokes).filter((stroke) => (points += stroke.length / 2) <= most.points);
}

/** @param {State} state */
export function pack({ setting, subject, column, cycle, chips }) {
  const said = new URLSearchParams();
  said.set("net", setting.network);
  said.set("on", setting.on);
  said.set("chip", setting.chip === null ? "ideal" : String(setting.chip));
  said.set("program", setting.scheme);
  if (setting.calibrate) said.set("calibrate", "1");
  for (const [name, factor] of Object.entries(setting.knobs)) said.set(name, String(factor));
  if (subject.test !== null) said.set("test", String(subject.test));
  else said.set("drawn", packStrokes(subject.strokes));
  if (subject.test === null && subject.use) said.set("use", String(subject.use));
  said.set("column", column.join("."));
  if (cycle !== null) said.set("cycle", String(cycle));
  if (chips !== null) said.set("chips", String(chips));
  return said.toString();
}

/** @param {string | null} text @param {number} low @param {number} high @param {number} usual */
function whole(text, low, high, usual) {
  const number = text === null || !/^\d+$/.test(text) ? NaN : Number(text);
  return number >= low && number <= high ? number : usual;
}

/**
 * What a link says, as far as it may be chosen.
 *
 * @param {string} text
 * @param {Hello} hello
 * @returns {State}
 */
export function unpack(text, hello) {
  const said = new URLSearchParams(text);
  const usual = hello.setting;
  const one = (/** @type {string} */ name, /** @type {string[]} */ known, /** @type {string} */ other) => {
    const given = said.get(name);
    return given !== null && known.includes(given) ? given : other;
  };
  const chip = said.get("chip");
  const knobs = Object.fromEntries(
    hello.knobs.map((knob) => {
      const given = said.get(knob.name);
      const factor = given === null || given === "" ? NaN : Number(given);
      return [knob.name, factor >= 0 && factor <= knob.high ? factor : knob.value];
    }),
  );
  const isDrawn = said.has("drawn") && !said.has("test");
  const drawn = fewer(unpackStrokes(said.get("drawn") ?? "", hello.grid), hello.most);
  const [layer, column] = (said.get("column") ?? "").split(".");
  return {
    setting: {
      network: one("net", hello.networks, usual.network),
      on: one("on", hello.machines, usual.on),
      chip: chip === "ideal" ? null : whole(chip, 0, 2 ** 32 - 1, usual.chip ?? 0),
      scheme: one("program", hello.schemes.map(({ name }) => name), usual.scheme),
      calibrate: hello.calibrates !== false && said.get("calibrate") === "1",
      knobs,
    },
    subject: {
      test: isDrawn ? null : whole(said.get("test"), 0, hello.tests - 1, 0),
      strokes: isDrawn ? drawn : [],
      use: whole(said.get("use"), 0, 2 ** 31, 0),
    },
    column: [whole(layer ?? null, 0, 15, 0), whole(column ?? null, 0, 65535, 0)],
    cycle: said.has("cycle") ? whole(said.get("cycle"), 0, 1e9, 0) : null,
    chips: whole(said.get("chips"), 0, hello.most.chips, 0) || null,
  };
}
