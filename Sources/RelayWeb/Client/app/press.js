// A button that is pressed and not let go yet. What moves away from under the pointer meanwhile loses the click, which
// is for what was under the pointer both times.

/** How long, in milliseconds, a press counts at most: that one was let go elsewhere nobody may ever be told. */
export const pressMax = 10_000;

export class Press {
  /** Whether a button or a link of the page is pressed. */
  isHeld = false;
  #timer;

  /** @param {() => void} onEnd called when it was let go, and its click was heard */
  constructor(onEnd) {
    this.onEnd = onEnd;
    const on = (type, listener) => globalThis.addEventListener(type, listener, true);
    on("pointerdown", (event) => this.#begin(event));
    on("pointerup", () => this.#letGo());
    on("pointercancel", () => this.#letGo());
    // Also of each element that loses the focus, as one does with every press.
    on("blur", ({ target }) => target === globalThis && this.#letGo());
    // Whatever a click changes is shown at once.
    on("click", () => { this.isHeld = false; });
  }

  #begin({ target, button }) {
    if (button !== 0 || !target.closest?.("button, a")) return;
    this.isHeld = true;
    this.#endIn(pressMax);
  }

  #letGo() {
    // The click comes within the same turn.
    if (this.isHeld) this.#endIn(0);
  }

  #endIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isHeld = false;
      this.onEnd();
    }, milliseconds);
  }
}
