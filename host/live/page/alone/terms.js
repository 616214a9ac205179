// What the glossary says of the terms in a caption or a label, as its tooltip, or where it is touched.

import { element } from "../app/elements.js";

const TERMED = ".title, .source, label, .hint, #tour p";

/** @param {string} term @returns {RegExp[]} Its own name, its abbreviation, and other names. */
function names(term) {
  return term
    .split(/[(),]/)
    .map((name) => name.trim())
    .filter((name) => name)
    .map((name) => new RegExp(`(^|[^\\w])${name.replace(/[^\w ]/g, ".")}s?([^\\w]|$)`, "i"));
}

export async function explainTerms() {
  /** @type {[string, string][]} */
  const glossary = await (await fetch(new URL("terms.json", import.meta.url))).json();
  const terms = glossary.map(([term, meaning]) => ({ term, meaning, names: names(term) }));
  document.addEventListener("pointerover", ({ target }) => {
    if (!(target instanceof HTMLElement) || target.title || !target.matches(TERMED)) return;
    const words = target.textContent ?? "";
    const said = terms.filter((each) => each.names.some((name) => name.test(words)));
    target.title = said.map(({ term, meaning }) => `${term}: ${meaning}`).join("\n");
  });
  const box = element("div", { id: "term", hidden: true });
  box.setAttribute("role", "tooltip");
  document.body.append(box);
  document.addEventListener("pointerdown", ({ target, pointerType }) => {
    const touched = pointerType === "touch" && target instanceof HTMLElement && target.matches(TERMED) ? target : null;
    box.hidden = !touched?.title;
    if (!touched || box.hidden) return;
    box.textContent = touched.title;
    box.style.top = `${touched.getBoundingClientRect().bottom + scrollY + 4}px`;
  });
}
