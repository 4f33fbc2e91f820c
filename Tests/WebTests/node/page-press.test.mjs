// A button that is pressed and let go.

import assert from "node:assert/strict";
import { after, test } from "node:test";

const page = new EventTarget();
globalThis.addEventListener = page.addEventListener.bind(page);
const { Press, pressMax } = await import("../../../Sources/RelayWeb/Client/app/view/press.js");

// The time of these tests: of one timer, which is all that a press has.
const { setTimeout, clearTimeout } = globalThis;
after(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
let timer = null;
globalThis.setTimeout = (work, milliseconds) => (timer = { work, left: milliseconds });
globalThis.clearTimeout = (other) => { if (timer === other) timer = null; };

/** Lets so much time go by. */
function pass(milliseconds) {
  if (timer === null || (timer.left -= milliseconds) > 0) return;
  const { work } = timer;
  timer = null;
  work();
}

/** A press over an element in which `found` is what a selector finds around the pointer; `ended` counts. */
function make(found = {}) {
  const seen = { ended: 0 };
  const element = Object.assign(new EventTarget(), { closest: () => found });
  const press = new Press(element, () => { seen.ended += 1; });
  const down = (button = 0) => element.dispatchEvent(Object.assign(new Event("pointerdown"), { button }));
  return { press, seen, down };
}

for (const type of ["pointerup", "pointercancel", "blur"]) {
  test(`it is held until ${type}, and ends behind the click`, () => {
    const { press, seen, down } = make();
    down();
    assert.equal(press.isHeld, true);
    pass(pressMax - 1);
    assert.equal(press.isHeld, true);
    page.dispatchEvent(new Event(type));
    assert.deepEqual([press.isHeld, seen.ended], [true, 0]);
    pass(0);
    assert.deepEqual([press.isHeld, seen.ended], [false, 1]);
    pass(pressMax);
    page.dispatchEvent(new Event(type));
    pass(0);
    assert.equal(seen.ended, 1, "once");
  });
}

test("one that nobody lets go ends by itself", () => {
  const { press, seen, down } = make();
  down();
  pass(pressMax);
  assert.deepEqual([press.isHeld, seen.ended], [false, 1]);
});

test("what is no button is not held, and neither is what the second button presses", () => {
  const text = make(null);
  text.down();
  assert.equal(text.press.isHeld, false);
  const menu = make();
  menu.down(2);
  assert.equal(menu.press.isHeld, false);
});

test("what is gone is forgotten", () => {
  const { press, seen, down } = make();
  down();
  press.end();
  page.dispatchEvent(new Event("pointerup"));
  pass(pressMax);
  assert.deepEqual([press.isHeld, seen.ended], [false, 0]);
});
