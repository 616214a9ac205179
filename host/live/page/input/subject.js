// Which image is shown: a drawing, a test image by number, or one of the wrong ones.

import { find } from "../app/elements.js";

export class SubjectChoice {
  /**
   * @param {number} tests How many test images there are.
   * @param {(number: number) => void} chosen
   * @param {() => void} again Another use of the neurons.
   */
  constructor(tests, chosen, again) {
    this.tests = tests;
    /** @type {number | null} What is shown; null for a drawing. */
    this.test = null;
    this.chosen = chosen;
    this.input = find("test", HTMLInputElement);
    this.use = find("use", HTMLButtonElement);
    this.input.max = String(tests - 1);
    this.input.addEventListener("change", () => this.choose(this.input.value === "" ? NaN : Number(this.input.value)));
    find("previous", HTMLButtonElement).addEventListener("click", () => this.step(-1));
    find("next", HTMLButtonElement).addEventListener("click", () => this.step(1));
    find("any", HTMLButtonElement).addEventListener("click", () => this.choose(Math.floor(Math.random() * tests)));
    this.use.addEventListener("click", again);
  }

  /** @param {number} by */
  step(by) {
    const now = this.input.value === "" ? (by > 0 ? -1 : 0) : Number(this.input.value);
    this.choose((now + by + this.tests) % this.tests);
  }

  /** @param {number} number If there is no such image, what is shown stays. */
  choose(number) {
    if (Number.isInteger(number) && number >= 0 && number < this.tests) this.chosen(number);
    else this.show(this.test);
  }

  /** @param {number | null} test What is shown; null for a drawing. */
  show(test) {
    this.test = test;
    this.input.value = test === null ? "" : String(test);
    this.use.disabled = test !== null;
  }
}
