// What a second connection, and a second try, begin with.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Wire, message, turn } from "./wire.mjs";

const wires = [];
const { random } = Math;
async function connected(...options) { wires.push(await Wire.connected(...options)); return wires.at(-1); }
afterEach(() => {
  Math.random = random;
  for (const wire of wires.splice(0)) wire.client.disconnect();
});

/** The rooms that the newest connection asked to join, in order. */
const asked = (wire) => wire.sent.filter(({ op }) => op === "join").map(({ room }) => room);

test("who is told to try now begins the waits anew", async () => {
  Math.random = () => 0.9999;
  const wire = await connected({ timing: { backoffMin: 2, backoffMax: 10_000 } });
  for (let count = 1; count <= 4; count += 1) { await wire.attempt(count); wire.close(1006); }
  assert.equal(wire.client.status.attempt, 4);
  wire.client.reconnectNow();
  await wire.attempt(5);
  wire.close(1006);
  assert.equal(wire.client.status.attempt, 1);
  assert.ok(wire.client.status.retryAt - Date.now() <= 2, "as short as the first one");
});

test("a join that had no turn before the connection broke is asked for once on the next one", async () => {
  const wire = await connected({}, { rate: 0.001, burst: 3 });
  const joining = wire.client.joinRoom("room", { history: 200 });
  joining.catch(() => {});
  assert.deepEqual(asked(wire), [], "there is no turn for it yet");
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  await turn();
  assert.deepEqual(asked(wire), ["room"]);
});

test("the room that was used last is taken up first", async () => {
  const wire = await connected();
  for (const room of ["first", "second", "third"]) await wire.joined(room, [message(room, 1)]);
  await wire.client.joinRoom("second");
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  assert.deepEqual(asked(wire), ["second", "third", "first"]);
});
