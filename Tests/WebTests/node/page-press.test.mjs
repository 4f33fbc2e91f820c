// A button that is pressed and let go.

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";

const page = new EventTarget();
globalThis.addEventListener = page.addEventListener.bind(page);
const { Press, pressMax, tapMax } = await import("../../../Sources/RelayWeb/Client/app/press.js");

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

/** Dispatches an event with these fields; of the window itself where no target is named. */
function tell(type, { target = globalThis, ...fields } = {}) {
  page.dispatchEvent(Object.defineProperties(new Event(type), {
    target: { value: target }, ...Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, { value }])),
  }));
}

/** A pointer that goes down where `found` is what a selector finds around it. */
const down = (found = {}, button = 0) => tell("pointerdown", { target: { closest: () => found }, button });

let ended = 0;
const press = new Press(() => { ended += 1; });
beforeEach(() => {
  pass(pressMax);
  ended = 0;
});

for (const type of ["pointerup", "pointercancel", "blur", "contextmenu"]) {
  test(`it is held until ${type}, and ends behind the click`, () => {
    down();
    pass(pressMax - 1);
    assert.equal(press.isHeld, true);
    tell(type, { pointerType: "mouse" });
    assert.deepEqual([press.isHeld, ended], [true, 0]);
    pass(0);
    assert.deepEqual([press.isHeld, ended], [false, 1]);
    pass(pressMax);
    tell(type);
    pass(0);
    assert.equal(ended, 1, "once");
  });
}

test("the click of a finger comes later", () => {
  down();
  tell("pointerup", { pointerType: "touch" });
  pass(tapMax - 1);
  assert.deepEqual([press.isHeld, ended], [true, 0]);
  tell("click");
  assert.deepEqual([press.isHeld, ended], [false, 0]);
  pass(0);
  assert.equal(ended, 1);
  down();
  tell("pointerup", { pointerType: "touch" });
  pass(tapMax);
  assert.deepEqual([press.isHeld, ended], [false, 2], "one that moved and is no tap");
});

test("what a click changes need not wait, and what came before is still told of", () => {
  down();
  tell("pointerup", { pointerType: "mouse" });
  tell("click");
  assert.deepEqual([press.isHeld, ended], [false, 0]);
  pass(0);
  assert.equal(ended, 1);
});

test("an element that loses the focus lets nothing go", () => {
  down();
  tell("blur", { target: {} });
  pass(0);
  assert.deepEqual([press.isHeld, ended], [true, 0]);
});

test("one that nobody lets go ends by itself", () => {
  down();
  pass(pressMax);
  assert.deepEqual([press.isHeld, ended], [false, 1]);
});

test("what is no button is not held, and neither is what the second button presses", () => {
  down(null);
  assert.equal(press.isHeld, false);
  down({}, 2);
  assert.equal(press.isHeld, false);
});
