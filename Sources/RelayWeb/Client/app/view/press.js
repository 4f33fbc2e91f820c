// A button that is pressed and not let go yet. What moves away from under the pointer meanwhile loses the click, since a
// click is for what was under the pointer both times.

/** How long, in milliseconds, a press counts at most: that one was let go elsewhere nobody may ever be told. */
export const pressMax = 10_000;

export class Press {
  /** Whether a button or a link of the element is pressed. */
  isHeld = false;
  #timer;

  /** @param {EventTarget} element @param {() => void} onEnd called when it is let go, and its click has been heard */
  constructor(element, onEnd) {
    this.onEnd = onEnd;
    element.addEventListener("pointerdown", (event) => this.#begin(/** @type {PointerEvent} */ (event)));
    // Not of the elements in it, of which one loses the focus with every press.
    globalThis.addEventListener("blur", () => this.#letGo());
    for (const type of ["pointerup", "pointercancel"]) globalThis.addEventListener(type, () => this.#letGo(), true);
  }

  /** Forgets it: what was pressed is gone. */
  end() {
    clearTimeout(this.#timer);
    this.isHeld = false;
  }

  #begin({ target, button }) {
    if (button !== 0 || !/** @type {Element} */ (target).closest("button, a")) return;
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
      this.end();
      this.onEnd();
    }, milliseconds);
  }
}
