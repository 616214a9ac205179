// The confusion matrix of this chip, and the test images that it gets wrong.

import { element, find, percent, whole } from "../app/elements.js";
import { NAMES } from "../app/names.js";
import { Panel } from "../draw/panel.js";
import { mix, raster } from "../draw/raster.js";

/** @typedef {import("../app/types.js").Score} Score */
/** @typedef {import("../draw/colours.js").Colours} Colours */
/** @typedef {import("../draw/surface.js").Surface} Surface */

const HIGH = 300;
const LEFT = 44;
const FOOT = 36;

export class ConfusionView {
  /** @param {Colours} colours @param {(number: number) => void} chosen */
  constructor(colours, chosen) {
    this.colours = colours;
    this.chosen = chosen;
    /** @type {Score | null} */
    this.score = null;
    this.panel = new Panel(find("confusion", HTMLElement), { title: "Confusion on this chip", height: HIGH }, (surface, width) => this.draw(surface, width));
    this.wrong = find("wrong", HTMLElement);
    /** @type {(() => void)[]} */
    this.paint = [];
  }

  /**
   * @param {Score} score
   * @param {Uint8Array} pictures Grey levels of the wrong ones.
   * @param {number[]} shape
   */
  set(score, pictures, shape) {
    this.score = score;
    const all = score.images === score.of;
    this.panel.label(
      `Confusion on this chip: ${percent(score.correct / Math.max(1, score.images))} right`,
      `${whole(score.images)}${all ? "" : ` of ${whole(score.of)}`} test images, ${NAMES[score.on]}`,
    );
    this.panel.describe(`${score.correct} of ${score.images} test images are classified rightly. ${this.worst(score)}`);
    this.panel.redraw();
    if (score.wrong) this.list(score.wrong, pictures, shape);
  }

  /** @param {Score} score */
  worst({ confusion }) {
    let [most, words] = [0, ""];
    confusion.forEach((row, label) =>
      row.forEach((count, answer) => {
        if (label !== answer && count > most) [most, words] = [count, `Most often a ${label} is taken for ${answer}: ${count} times`];
      }),
    );
    return words;
  }

  /** @param {Surface} surface @param {number} width */
  draw(surface, width) {
    const { ink, soft, grid, heat, accent, raised } = this.colours;
    const confusion = this.score?.confusion;
    if (!confusion) return;
    const classes = confusion.length;
    const side = Math.min(HIGH - FOOT, width - LEFT - 4);
    const cell = side / classes;
    const wrong = Math.max(1, ...confusion.flatMap((row, label) => row.filter((_, answer) => answer !== label)));
    confusion.forEach((row, label) =>
      row.forEach((count, answer) => {
        const [x, y] = [LEFT + answer * cell, label * cell];
        const right = label === answer;
        surface.rect(x + 0.5, y + 0.5, cell - 1, cell - 1, { fill: grid, alpha: 0.55 });
        const share = right ? 0.22 : Math.sqrt(count / wrong);
        if (count) surface.rect(x + 0.5, y + 0.5, cell - 1, cell - 1, { fill: right ? accent : heat, alpha: share });
        if (count && cell >= 20) {
          const fill = !right && share > 0.75 ? raised : ink;
          surface.text(x + cell / 2, y + cell / 2 + 4, String(count), { fill, size: Math.min(11, cell / 2.6), anchor: "middle" });
        }
      }),
    );
    for (let number = 0; number < classes && classes <= 20; number++) {
      surface.text(LEFT - 7, (number + 0.5) * cell + 4, String(number), { fill: soft, size: 11, anchor: "end" });
      surface.text(LEFT + (number + 0.5) * cell, side + 14, String(number), { fill: soft, size: 11, anchor: "middle" });
    }
    surface.text(LEFT + side / 2, side + 30, "taken for", { fill: soft, size: 11, anchor: "middle" });
    surface.text(12, side / 2, "label", { fill: soft, size: 11, anchor: "middle", turned: true });
  }

  /** @param {[number, number, number][]} wrong @param {Uint8Array} pictures @param {number[]} shape */
  list(wrong, pictures, [height, width, channels = 1]) {
    const pixels = height * width * channels;
    this.paint = [];
    this.wrong.replaceChildren(
      ...wrong.map(([number, label, answer], place) => {
        const grey = pictures.slice(place * pixels, (place + 1) * pixels);
        const holder = element("span", { className: "digit" });
        const paint = () =>
          holder.replaceChildren(
            raster(width, height, (x, y) => {
              const [first, second, third] = grey.subarray((y * width + x) * channels);
              if (channels === 3) return [first, second, third];
              return mix(this.colours.paperRgb, this.colours.inkRgb, first / 255);
            }),
          );
        paint();
        this.paint.push(paint);
        const button = element("button", { type: "button", className: "wrong", title: `test image ${number}` }, [holder, `${label} \u2192 ${answer}`]);
        button.setAttribute("aria-label", `Test image ${number}, a ${label} taken for ${answer}`);
        button.addEventListener("click", () => this.chosen(number));
        return button;
      }),
    );
    if (!wrong.length) this.wrong.textContent = "none";
  }

  recolour() {
    this.panel.redraw();
    for (const paint of this.paint) paint();
  }
}
