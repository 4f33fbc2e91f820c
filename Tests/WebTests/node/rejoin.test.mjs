// Coming back to many rooms: what it costs of the rate.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Wire, joined, message, turn } from "./wire.mjs";

const now = Date.now;
afterEach(() => { Date.now = now; });

/** A client that was in so many rooms and is connected again, in a time that stands still from then on. */
async function back(count) {
  const wire = await Wire.connected({}, { rate: 1000, burst: 1000 });
  for (let room = 0; room < count; room += 1) await wire.joined(`r${room}`, [message(`r${room}`, 1)]);
  wire.close(1006);
  await wire.attempt(2);
  const moment = now();
  Date.now = () => moment;
  wire.welcome({ rate: 20, burst: 40 });
  return wire;
}

const joins = (wire) => wire.sent.filter((frame) => frame.op === "join" && !frame.isAnswered);

test("a client that missed nothing is back in all of its rooms at once", async () => {
  const wire = await back(24);
  let count = 0;
  while (joins(wire).length > 0) {
    for (const frame of joins(wire)) {
      frame.isAnswered = true;
      count += 1;
      wire.say({ ref: frame.ref, ...joined(frame.room, [], { last: "1001-0", seq: 1 }) });
    }
    await turn();
  }
  assert.equal(count, 24);
  wire.client.disconnect();
});

test("what was brought counts: after whole pages it waits as long as the relay would have it wait", async () => {
  const wire = await back(24);
  assert.equal(joins(wire).length, 3);
  const page = (room) => Array.from({ length: 500 }, (_, index) => message(room, index + 2));
  for (const frame of joins(wire)) {
    frame.isAnswered = true;
    wire.say({ ref: frame.ref, ...joined(frame.room, page(frame.room)) });
  }
  await turn();
  assert.equal(joins(wire).length, 0);
  wire.client.disconnect();
});
