// A tour for people who do not know the machine: six steps, each a sentence and an arrow.

import { element, find } from "../app/elements.js";

/** @type {[string, string][]} What is pointed at, and what is said of it. */
const STEPS = [
  [".pictures figure", "Each pixel that has ink drives a row of the crossbar: these rows are driven."],
  [".crossbar canvas", "A cell of the crossbar holds a weight as a Hall resistance, R_AH. The driven rows of a column add up to its sum, below."],
  [".neurons figure", "A sum becomes a current into the column's neuron, and the neuron's curve gives its activation."],
  [".logits", "Activations drive a second crossbar. Its sums are the logits: the largest is the answer."],
  ["#time", "The gateware did this clock by clock. Play, or the slider, shows each cycle."],
  ["#dice", "No two chips are alike: their cells and neurons vary. Throw the dice: this is another chip."],
];

export class Tour {
  constructor() {
    this.step = 0;
    /** @type {Element | null} */
    this.begun = null;
    this.words = element("p");
    this.next = element("button", { type: "button" });
    const close = element("button", { type: "button", textContent: "Close" });
    this.box = element("div", { id: "tour", hidden: true }, [this.words, element("div", { className: "row" }, [this.next, close])]);
    this.box.setAttribute("role", "dialog");
    this.box.setAttribute("aria-label", "Tour");
    document.body.append(this.box);
    this.next.addEventListener("click", () => this.go(this.step + 1));
    close.addEventListener("click", () => this.go(STEPS.length));
    this.box.addEventListener("keydown", ({ key }) => key === "Escape" && this.go(STEPS.length));
    addEventListener("resize", () => this.place());
  }

  /** @param {number} step One that there is not ends the tour. */
  go(step) {
    if (step === 0) this.begun = document.activeElement;
    this.step = step;
    this.box.hidden = step >= STEPS.length;
    document.querySelector(".toured")?.classList.remove("toured");
    if (this.box.hidden) {
      // Whoever goes by keyboard goes on where the tour began.
      if (this.begun instanceof HTMLElement) this.begun.focus({ preventScroll: true });
      return;
    }
    this.words.textContent = `${step + 1} of ${STEPS.length}: ${STEPS[step][1]}`;
    this.next.textContent = step + 1 < STEPS.length ? "Next" : "Done";
    if (STEPS[step][0] === "#dice") find("settings", HTMLDetailsElement).open = true;
    const target = document.querySelector(STEPS[step][0]);
    target?.classList.add("toured");
    // Below what is high there is room in a low window too.
    if (target) target.scrollIntoView({ block: target.clientHeight > innerHeight / 3 ? "start" : "center" });
    this.place();
    this.next.focus({ preventScroll: true });
  }

  /** Below what is pointed at, or above where there is no room; the arrow is the box's own. */
  place() {
    const target = this.box.hidden ? null : document.querySelector(STEPS[this.step][0]);
    if (!target) return;
    const { left, top, bottom, width } = target.getBoundingClientRect();
    const room = document.documentElement.clientWidth - this.box.offsetWidth - 8;
    const middle = left + Math.min(width, 200) / 2;
    const x = Math.max(8, Math.min(room, middle - this.box.offsetWidth / 2));
    const above = bottom + this.box.offsetHeight + 16 > innerHeight;
    const y = above ? Math.max(8, top - this.box.offsetHeight - 12) : bottom + 12;
    this.box.className = above ? "above" : "";
    this.box.style.left = `${x}px`;
    this.box.style.top = `${y + scrollY}px`;
    this.box.style.setProperty("--arrow", `${middle - x}px`);
  }
}
