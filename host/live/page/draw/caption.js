// A figure under a caption: what it shows, and who computed it.

export class Captioned {
  /**
   * @param {HTMLElement} parent
   * @param {HTMLElement} place What it is drawn on.
   * @param {{title: string, source?: string, className?: string, height: number}} about
   */
  constructor(parent, place, { title, source = "", className = "", height }) {
    this.height = height;
    this.figure = document.createElement("figure");
    if (className) this.figure.className = className;
    this.caption = document.createElement("figcaption");
    this.title = document.createElement("span");
    this.title.className = "title";
    this.source = document.createElement("span");
    this.source.className = "source";
    this.caption.append(this.title, this.source);
    place.setAttribute("role", "img");
    place.style.height = `${height}px`;
    this.figure.append(this.caption, place);
    parent.append(this.figure);
    this.label(title, source);
  }

  /** @param {string} title @param {string} source Who computed what is shown. */
  label(title, source = this.source.textContent ?? "") {
    if (this.title.textContent !== title) this.title.textContent = title;
    if (this.source.textContent !== source) this.source.textContent = source;
  }
}
