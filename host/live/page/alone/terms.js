// What the glossary says of the terms in a caption or a label, as its tooltip, or where it is touched or has the focus.

import { element } from "../app/elements.js";

const TERMED = ".title, .source, label, .hint, #tour p";

/** @param {string} term @returns {RegExp[]} Its own name, its abbreviation, and other names. */
function names(term) {
  return term
    .split(/[(),]/)
    .map((name) => name.trim())
    .filter((name) => name.length > 1) // "A" is an article, too.
    .map((name) => new RegExp(`(^|[^\\w])${name.replace(/[^\w ]/g, ".")}s?([^\\w]|$)`, "i"));
}

export async function explainTerms() {
  /** @type {[string, string][]} */
  const glossary = await (await fetch(new URL("terms.json", import.meta.url))).json();
  const terms = glossary.map(([term, meaning]) => ({ term, meaning, names: names(term) }));
  /** @param {unknown} target @returns {HTMLElement | null} It, with its tooltip, if it names a term. */
  const explained = (target) => {
    if (!(target instanceof HTMLElement) || !target.matches(TERMED)) return null;
    const words = target.textContent ?? "";
    const said = terms.filter((each) => each.names.some((name) => name.test(words)));
    target.title = said.map(({ term, meaning }) => `${term}: ${meaning}`).join("\n");
    return said.length ? target : null;
  };
  const box = element("div", { id: "term", hidden: true });
  box.setAttribute("role", "tooltip");
  document.body.append(box);
  /** @type {HTMLElement | null} What the box is of. */
  let shown = null;
  /** @param {HTMLElement | null} target */
  const show = (target) => {
    shown = target;
    box.hidden = !target;
    if (!target) return;
    box.textContent = target.title;
    const { left, bottom } = target.getBoundingClientRect();
    const room = document.documentElement.clientWidth - box.offsetWidth - 8;
    box.style.left = `${Math.max(8, Math.min(room, left))}px`;
    box.style.top = `${bottom + scrollY + 4}px`;
  };
  document.addEventListener("pointerover", ({ target }) => explained(target));
  document.addEventListener("pointerdown", ({ target, pointerType }) => show(pointerType === "touch" ? explained(target) : null));
  // Charts come and go: whoever goes through the page by keyboard finds the terms of those that are there.
  document.addEventListener("focusin", ({ target }) => {
    for (const each of document.querySelectorAll(TERMED)) if (explained(each)) each.setAttribute("tabindex", "0");
    if (target instanceof Element && target.matches(":focus-visible")) show(explained(target));
  });
  document.addEventListener("focusout", ({ target }) => target === shown && show(null));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && show(null));
}
