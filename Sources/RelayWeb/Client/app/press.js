// A button that is pressed and not let go yet. What moves away from under the pointer meanwhile loses the click, which
// is for what was under the pointer both times.

/** How long, in milliseconds, a press counts at most: that one was let go elsewhere nobody may ever be told. */
export const pressMax = 10_000;
/** How long the click may take that comes of a finger: it is an event of its own, for what is there by then. */
export const tapMax = 400;

export class Press {
  /** Whether a button or a link of the page is pressed. */
  isHeld = false;
  #timer;

  /** @param {() => void} onEnd called when it was let go, and its click was heard */
  constructor(onEnd) {
    this.onEnd = onEnd;
    const on = (type, listener) => globalThis.addEventListener(type, listener, true);
    on("pointerdown", (event) => this.#begin(event));
    on("pointerup", ({ pointerType }) => this.#letGo(pointerType === "mouse" ? 0 : tapMax));
    on("pointercancel", () => this.#letGo());
    // Some systems tell nothing more of a press that opened a menu.
    on("contextmenu", () => this.#letGo());
    // Also of each element that loses the focus, as one does with every press.
    on("blur", ({ target }) => target === globalThis && this.#letGo());
    on("click", () => this.#clicked());
  }

  #begin({ target, button }) {
    if (button !== 0 || !target.closest?.("button, a")) return;
    this.isHeld = true;
    this.#endIn(pressMax);
  }

  /** The click of a mouse comes within the same turn. */
  #letGo(within = 0) {
    if (this.isHeld) this.#endIn(within);
  }

  /** Whatever the click changes is shown at once. */
  #clicked() {
    this.#letGo();
    this.isHeld = false;
  }

  #endIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isHeld = false;
      this.onEnd();
    }, milliseconds);
  }
}
