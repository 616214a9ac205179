// What machines are called. A page whose machines are others says so before it is made.

/** @type {Record<string, string>} */
export const NAMES = { golden: "golden model", virtual: "virtual board", board: "board" };
