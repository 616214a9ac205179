// Elements of the page by their names, of the kind that is expected.

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {{new (): T}} kind
 * @returns {T}
 */
export function find(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} called ${id}`);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Partial<HTMLElementTagNameMap[K]>} properties
 * @param {(Node | string)[]} inside
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(name, properties = {}, inside = []) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...inside);
  return made;
}

/** @param {number} value Whole number, with separators of thousands and a true minus. */
export function whole(value) {
  return value.toLocaleString("en-US").replace("-", "\u2212");
}

/** @param {number} share @param {number} digits */
export function percent(share, digits = 2) {
  return `${(100 * share).toFixed(digits)} %`;
}
