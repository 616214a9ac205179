// The setting: network, machine, chip and its seed, how it is programmed, and the knobs.

import { element, find } from "../app/elements.js";
import { NAMES } from "../app/names.js";

/** @typedef {import("../app/types.js").Hello} Hello */
/** @typedef {import("../app/types.js").Setting} Setting */
/** @typedef {import("../app/types.js").Knob} Knob */

const SEEDS = 2 ** 32;
const DICE = 10_000; // The dice throws seeds that can be told to another person.

export class SettingForm {
  /**
   * @param {Hello} hello
   * @param {Setting} setting What is chosen at first.
   * @param {(setting: Setting, settled: boolean) => void} changed
   */
  constructor(hello, setting, changed) {
    this.hello = hello;
    this.changed = changed;
    this.network = find("network", HTMLSelectElement);
    this.machine = find("machine", HTMLSelectElement);
    this.scheme = find("scheme", HTMLSelectElement);
    this.about = find("about-scheme", HTMLElement);
    this.seed = find("seed", HTMLInputElement);
    this.ideal = find("ideal", HTMLInputElement);
    this.calibrate = find("calibrate", HTMLInputElement);
    this.chip = find("chip", HTMLFieldSetElement);
    this.network.append(...hello.networks.map((name) => new Option(name)));
    this.machine.append(...hello.machines.map((name) => new Option(NAMES[name] ?? name, name)));
    this.scheme.append(...hello.schemes.map(({ name }) => new Option(name)));
    find("device", HTMLElement).textContent = hello.device;
    this.knobs = hello.knobs.map((knob) => new KnobSlider(knob, (settled) => this.tell(settled)));
    find("knobs", HTMLElement).append(...this.knobs.map((knob) => knob.row));
    this.set(setting);
    for (const input of [this.network, this.machine, this.scheme, this.seed, this.ideal, this.calibrate]) {
      input.addEventListener("change", () => this.tell(true));
    }
    find("dice", HTMLButtonElement).addEventListener("click", () => this.throwDice());
    find("usual", HTMLButtonElement).addEventListener("click", () => this.reset());
  }

  throwDice() {
    this.ideal.checked = false;
    this.seed.value = String(Math.floor(Math.random() * DICE));
    this.tell(true);
  }

  /** All knobs back to the device's own variation. */
  reset() {
    for (const knob of this.knobs) knob.set(knob.knob.value);
    this.tell(true);
  }

  /** @param {Setting} setting */
  set(setting) {
    this.network.value = setting.network;
    this.machine.value = setting.on;
    this.scheme.value = setting.scheme;
    this.ideal.checked = setting.chip === null;
    if (setting.chip !== null) this.seed.value = String(setting.chip);
    this.calibrate.checked = setting.calibrate;
    for (const knob of this.knobs) knob.set(setting.knobs[knob.knob.name] ?? knob.knob.value);
    this.settle();
  }

  /** @returns {Setting} */
  get() {
    const seed = Number(this.seed.value);
    const legal = Number.isInteger(seed) && seed >= 0 && seed < SEEDS;
    if (!legal) this.seed.value = "0";
    return {
      network: this.network.value,
      on: this.machine.value,
      chip: this.ideal.checked ? null : legal ? seed : 0,
      scheme: this.scheme.value,
      calibrate: this.calibrate.checked,
      knobs: Object.fromEntries(this.knobs.map((knob) => [knob.knob.name, knob.value])),
    };
  }

  settle() {
    this.chip.disabled = this.ideal.checked;
    this.about.textContent = this.hello.schemes.find(({ name }) => name === this.scheme.value)?.about ?? "";
  }

  /** @param {boolean} settled Whether no slider is under way. */
  tell(settled) {
    this.settle();
    this.changed(this.get(), settled);
  }
}

class KnobSlider {
  /** @param {Knob} knob @param {(settled: boolean) => void} changed */
  constructor(knob, changed) {
    this.knob = knob;
    const id = `knob-${knob.name}`;
    this.input = element("input", { type: "range", id, min: "0", max: String(knob.high), step: String(knob.step) });
    this.output = element("output");
    this.output.htmlFor.add(id);
    const label = element("label", { htmlFor: id, textContent: knob.title });
    this.row = element("div", { className: "knob", title: knob.unit }, [label, this.output, this.input]);
    this.input.addEventListener("input", () => {
      this.tell();
      changed(false);
    });
    this.input.addEventListener("change", () => changed(true));
  }

  get value() {
    return Number(this.input.value);
  }

  /** @param {number} value */
  set(value) {
    this.input.value = String(value);
    this.tell();
  }

  tell() {
    const times = this.knob.unit.startsWith("times");
    this.output.textContent = times ? `\u00d7 ${this.value.toFixed(2)}` : `10^${this.value.toFixed(2)} s`;
    this.input.setAttribute("aria-valuetext", `${this.output.textContent}, ${this.knob.unit}`);
  }
}
