// What a second connection, and a second try, begin with.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { MemoryStorage } from "../../../Sources/RelayWeb/Client/martlet-client.js";
import { eventually } from "./world.mjs";
import { Wire, joined, message, turn } from "./wire.mjs";

const wires = [];
const { random } = Math;
const { now } = Date;
async function connected(...options) { wires.push(await Wire.connected(...options)); return wires.at(-1); }
afterEach(() => {
  Math.random = random;
  Date.now = now;
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
  wire.answer("join", joined("room", [message("room", 1)]));
  await joining;
  await turn();
  assert.deepEqual(asked(wire), ["room"], "also after the answer");
});

test("a hello that came too late, on a network that stood still, is said once more", async () => {
  for (const [span, state] of [[9_500, "reconnecting"], [100, "signed-out"]]) {
    const wire = new Wire();
    wires.push(wire);
    wire.client.connect().catch(() => {});
    await turn();
    wire.open();
    const moment = now();
    Date.now = () => moment + span;
    wire.close(4501, "unauthorized");
    assert.equal(wire.client.status.state, state, `after ${span} ms`);
    Date.now = now;
    if (state === "signed-out") continue;
    await wire.attempt(2);
    wire.welcome();
    wire.close(4501, "unauthorized");
    assert.equal(wire.client.status.state, "signed-out", "whoever was welcome was told of a token");
  }
});

test("a relay that answers a ping is not given up, one that does not is", async (t) => {
  // The next try stays away for as long as it can.
  t.mock.method(Math, "random", () => 0.9999);
  for (const isAlive of [true, false]) {
    const wire = await connected({ timing: { pingAfter: 5, pongWithin: 60, backoffMin: 10_000 } });
    const { socket } = wire;
    let pings = 0;
    socket.send = (text) => {
      const { op, ref } = JSON.parse(text);
      if (op !== "ping") return;
      pings += 1;
      // In the same turn, so that no stalled machine makes it late.
      if (isAlive) queueMicrotask(() => wire.say({ type: "pong", ref, ts: 1 }));
    };
    const begun = now();
    await eventually("some pings, for longer than an answer may take",
      () => (isAlive ? pings > 3 && now() - begun > 200 : wire.client.status.state !== "connected"));
    assert.equal(wire.client.status.state, isAlive ? "connected" : "reconnecting");
    assert.equal(wire.sockets.length, 1);
  }
});

test("a page that is seen again asks at once whether its connection is alive, or tries for a new one", async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  globalThis.document = page;
  try {
    const wire = await connected({ timing: { backoffMin: 100_000, backoffMax: 100_000 } });
    const seen = (state) => {
      page.visibilityState = state;
      page.dispatchEvent(new Event("visibilitychange"));
    };
    seen("hidden");
    assert.equal(wire.last("ping"), undefined);
    seen("visible");
    assert.ok(wire.last("ping"), "machines sleep, and their connections die");
    Math.random = () => 0.9999;
    wire.close(1006);
    assert.equal(wire.sockets.length, 1);
    seen("visible");
    await wire.attempt(2);
  } finally {
    delete globalThis.document;
  }
});

test("what is under way is waited for, however old it is", async () => {
  const wire = await connected({ timing: { sendWithin: 10_000_000 } });
  const entry = wire.client.sendMessage("room", "slow");
  const moment = now();
  Date.now = () => moment + 10 * 60_000;
  const other = wire.client.sendMessage("other", "new");
  assert.deepEqual([entry.state, other.state], ["sending", "sending"]);
  wire.say({ type: "ack", ref: 2, room: "room", id: "9-0", seq: 1, ts: 9, nonce: entry.nonce });
  assert.equal(entry.state, "sent");
});

test("what is tried again goes behind what was said since, also after a reload", async () => {
  const moment = now();
  Date.now = () => moment; // in one and the same millisecond
  const storage = new MemoryStorage();
  const wire = await connected({ storage });
  const [first, second] = ["first", "second"].map((text) => wire.client.sendMessage("room", text));
  for (const entry of [first, second]) {
    entry.done.catch(() => {});
    wire.answer("send", { type: "error", code: "forbidden", message: "You are muted." });
  }
  assert.deepEqual([first.state, second.state], ["failed", "failed"]);
  wire.close(1006);
  first.retry().catch(() => {});
  const reloaded = new Wire({ storage });
  wires.push(reloaded);
  assert.deepEqual(reloaded.client.outbox.map(({ text }) => text), ["second", "first"]);
});

test("who was typing when the connection broke is not seen to type on", async () => {
  const wire = await connected({ timing: { typingLasts: 60_000, backoffMin: 10_000 } });
  const room = await wire.joined("room", [message("room", 1)]);
  wire.say({ type: "typing", room: "room", user: "you", name: "You" });
  assert.deepEqual(room.typing, [{ user: "you", name: "You" }]);
  wire.close(1006);
  assert.deepEqual(room.typing, []);
  assert.equal(room.joined, false);
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
