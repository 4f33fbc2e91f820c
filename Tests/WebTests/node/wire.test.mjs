// The client's own decisions, told apart from any relay: when to come back, what is news, what goes out when.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { MemoryStorage, applyEdits, compareIds } from "../../../Sources/RelayWeb/Client/martlet-client.js";
import { eventually, pause, texts } from "./world.mjs";
import { Wire, joined, message, turn } from "./wire.mjs";

const wires = [];
const { random } = Math;
const { now } = Date;
async function connected(...options) { wires.push(await Wire.connected(...options)); return wires.at(-1); }
function unconnected(options) { wires.push(new Wire(options)); return wires.at(-1); }
afterEach(() => {
  Math.random = random;
  Date.now = now;
  for (const wire of wires.splice(0)) wire.client.disconnect();
});

// MARK: Coming back

/** From now on no time passes, so that what a moment is after another can be told to the millisecond. */
function stopClock() {
  const moment = now();
  Date.now = () => moment;
  return moment;
}

test("the waits double from half a second to thirty, and each is random below that", async () => {
  const moment = stopClock();
  for (const share of [0.9999, 0.5, 0]) {
    Math.random = () => share;
    const wire = unconnected({ timing: { backoffMin: 5, backoffMax: 40, stableAfter: 10_000 } });
    const waits = [];
    wire.client.on("status", ({ state, retryAt }) => {
      if (state === "reconnecting" && retryAt) waits.push(retryAt - moment);
    });
    wire.client.connect().catch(() => {});
    for (let count = 1; count <= 6; count += 1) { await wire.attempt(count); wire.close(1006); }
    assert.deepEqual(waits.map(Math.round), [5, 10, 20, 40, 40, 40].map((ceiling) => Math.round(share * ceiling)));
    assert.deepEqual(wire.told.status.at(-1).attempt, 6);
  }
  Math.random = () => 0.9999;
  const slow = unconnected({ timing: {} });
  slow.client.connect().catch(() => {});
  await turn();
  slow.close(1006);
  assert.equal(Math.round(slow.client.status.retryAt - moment), 500, "half a second, unless told otherwise");
});

test("a connection that lasted makes the next wait a short one; one that did not does not", async () => {
  Math.random = () => 0.9999;
  for (const [stableAfter, attempt] of [[0, 1], [10_000, 4]]) {
    const wire = unconnected({ timing: { backoffMin: 2, backoffMax: 100, stableAfter } });
    wire.client.connect().catch(() => {});
    for (let count = 1; count <= 3; count += 1) { await wire.attempt(count); wire.close(1006); }
    await wire.attempt(4);
    wire.welcome();
    assert.deepEqual(wire.client.status, { state: "connected" });
    wire.close(1006);
    assert.equal(wire.client.status.attempt, attempt);
  }
});

test("close codes are obeyed: 4500 to 4999 end it, everything else is come back from", async () => {
  for (const code of [4500, 4501, 4503, 4504, 4999]) {
    const wire = await connected();
    await wire.joined("room");
    wire.close(code, "why");
    assert.deepEqual(wire.client.status, { state: "signed-out", code, reason: "why" });
    await pause(10);
    assert.equal(wire.sockets.length, 1);
  }
  for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 1012, 4000, 4001, 4002, 4003, 4499, 5000]) {
    const wire = await connected();
    const moment = stopClock();
    wire.close(code, "why");
    const { retryAt, ...status } = wire.client.status;
    assert.deepEqual(status, { state: "reconnecting", attempt: 1, code, reason: "why" });
    assert.ok(retryAt <= moment + 2);
    Date.now = now;
    await wire.attempt(2);
    assert.deepEqual(wire.client.status, { state: "reconnecting", attempt: 1 });
    wire.welcome();
    assert.deepEqual(wire.client.status, { state: "connected" });
  }
});

test("a relay that is about to end is come back to within the jitter, whatever the backoff says", async () => {
  Math.random = () => 0.9999;
  const wire = await connected({ timing: { backoffMin: 1, backoffMax: 2, drainJitter: 5_000 } });
  const moment = stopClock();
  wire.close(4000, "draining");
  assert.equal(Math.round(wire.client.status.retryAt - moment), 5_000);
  wire.client.reconnectNow();
  await wire.attempt(2);
  wire.close(4000, "draining"); // one that is still ending is no better than one that is gone
  assert.ok(wire.client.status.retryAt - moment < 2);
});

test("before the first welcome too: connect rejects only where coming back is useless", async () => {
  const wire = unconnected();
  const connecting = wire.client.connect();
  await turn();
  wire.close(1006);
  await wire.attempt(2);
  wire.open();
  wire.close(4501, "who?");
  await assert.rejects(connecting, { name: "MartletError", code: "unauthorized", closeCode: 4501, message: "who?" });
  assert.equal(wire.client.status.state, "signed-out");
});

test("a relay that has no time says when to come back", async () => {
  const wire = unconnected();
  const connecting = wire.client.connect();
  await turn();
  wire.open();
  const moment = stopClock();
  wire.answer("hello", { type: "error", code: "rate_limited", message: "Too fast.", retry_after: 60 });
  assert.equal(wire.client.status.retryAt - moment, 60);
  Date.now = now;
  await wire.attempt(2);
  wire.welcome();
  await connecting;
  const refused = unconnected();
  const other = refused.client.connect();
  await turn();
  refused.open();
  refused.answer("hello", { type: "error", code: "bad_request", message: "No such name." });
  await assert.rejects(other, { message: "No such name." });
});

test("what an abandoned connection still says does not count", async () => {
  const wire = await connected();
  const room = await wire.joined("room", [message("room", 1)]);
  const [old] = wire.sockets;
  const { onmessage, onclose } = old;
  wire.close(1006);
  await wire.attempt(2);
  onmessage({ data: JSON.stringify(message("room", 2)) });
  onclose({ code: 4503, reason: "late" });
  wire.welcome();
  wire.answer("join", joined("room", []));
  assert.deepEqual([wire.client.status.state, room.messages.length, old.isClosed], ["connected", 1, true]);
});

test("whoever is told of the status may hang up in the same breath", async () => {
  for (const state of ["connecting", "connected", "reconnecting"]) {
    const wire = unconnected();
    wire.client.on("status", (status) => { if (status.state === state) wire.client.disconnect(); });
    const welcomes = [];
    wire.client.on("welcome", (welcome) => welcomes.push(welcome));
    const connecting = wire.client.connect();
    await turn();
    if (state !== "connecting") wire.welcome();
    if (state === "reconnecting") {
      await connecting;
      wire.close(1006);
    } else await assert.rejects(connecting, { code: "closed" });
    await pause(20);
    assert.deepEqual([wire.client.status, wire.sockets.length], [{ state: "closed" }, state === "connecting" ? 0 : 1]);
    assert.equal(welcomes.length, state === "reconnecting" ? 1 : 0);
  }
});

test("the browser's word on the network is obeyed", async () => {
  const page = new EventTarget();
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  let onLine = true;
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { get onLine() { return onLine; } } });
  globalThis.addEventListener = page.addEventListener.bind(page);
  globalThis.removeEventListener = page.removeEventListener.bind(page);
  try {
    const wire = await connected({ timing: { backoffMin: 1, backoffMax: 2, offlineProbe: 60_000 } });
    onLine = false;
    page.dispatchEvent(new Event("offline"));
    assert.equal(wire.client.status.state, "offline");
    assert.equal(wire.socket.isClosed, true);
    await pause(10);
    assert.equal(wire.sockets.length, 1);
    onLine = true;
    page.dispatchEvent(new Event("online"));
    await wire.attempt(2);
    assert.equal(wire.client.status.state, "reconnecting");
    wire.welcome();
    assert.deepEqual(wire.client.status, { state: "connected" });
    wire.client.disconnect();
    page.dispatchEvent(new Event("offline"));
    assert.equal(wire.client.status.state, "closed");

    // A browser may be wrong, and a relay on one's own machine needs no network: it is tried all the same.
    onLine = false;
    const probing = unconnected({ timing: { offlineProbe: 2 } });
    const connecting = probing.client.connect();
    await turn();
    assert.equal(probing.client.status.state, "connecting");
    probing.close(1006);
    await probing.attempt(2);
    assert.equal(probing.client.status.state, "offline");
    probing.welcome();
    await connecting;
    assert.equal(probing.client.status.state, "connected");
  } finally {
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else delete globalThis.navigator;
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
  }
});

// MARK: Who one is

test("a token is asked for anew at every connection, and once more where it ran out", async () => {
  let count = 0;
  const wire = await connected({ user: undefined, token: async () => `t${(count += 1)}` });
  assert.equal(wire.last("hello").token, "t1");
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  assert.equal(wire.last("hello").token, "t2");
  wire.close(4502, "token expired");
  assert.equal(wire.client.status.state, "reconnecting");
  await wire.attempt(3);
  wire.open();
  assert.equal(wire.last("hello").token, "t3");
  wire.close(4502, "token expired"); // the new one was no better
  assert.equal(wire.client.status.state, "signed-out");

  const fixed = await connected({ user: undefined, token: "always" });
  fixed.close(4502, "token expired");
  assert.equal(fixed.client.status.state, "signed-out");
});

test("a token that cannot be had now is tried for again", async () => {
  let count = 0;
  const wire = unconnected({ token: async () => {
    count += 1;
    if (count < 3) throw new Error("no net");
    return "t";
  } });
  const connecting = wire.client.connect();
  await wire.attempt(1);
  wire.welcome();
  await connecting;
  assert.equal(count, 3);
  assert.deepEqual(wire.told.error.map((error) => error.code), ["unauthorized", "unauthorized"]);
});

test("what one user has said does not go out as another's, and waits for whom it belongs to", async () => {
  const storage = new MemoryStorage();
  const wire = unconnected({ user: undefined, token: async () => "t", storage });
  const early = wire.client.sendMessage("room", "before anybody knew who I am");
  const connecting = wire.client.connect();
  await turn();
  wire.welcome({}, "alice");
  await connecting;
  assert.equal(wire.last("send").text, "before anybody knew who I am");
  wire.answer("send", { type: "ack", room: "room", id: "1-0", seq: 1, ts: 1, nonce: early.nonce });
  await early.done;
  wire.close(1006);
  const hers = wire.client.sendMessage("room", "I, alice, said so");
  await wire.attempt(2);
  wire.welcome({}, "bob");
  assert.deepEqual([wire.last("send"), wire.client.outbox, storage.length], [undefined, [], 1]);
  await assert.rejects(hers.done, { code: "other_user" });
  assert.deepEqual([hers.state, wire.told.outbox.at(-1)], ["failed", hers]);
  // He can do nothing about it, and it is not lost.
  await assert.rejects(hers.retry(), { code: "other_user" });
  hers.discard();
  assert.deepEqual([wire.client.outbox, storage.length], [[], 1]);
  wire.close(1006);
  await wire.attempt(3);
  wire.welcome({}, "alice");
  assert.deepEqual([wire.last("send").text, wire.last("send").nonce], ["I, alice, said so", hers.nonce]);
  wire.answer("send", { type: "ack", room: "room", id: "2-0", seq: 2, ts: 2, nonce: hers.nonce });
  assert.deepEqual([wire.client.outbox, storage.length], [[], 0]);
});

// MARK: What is news

test("a room is taken up again where it was, and what follows the answer comes before what is new", async () => {
  const wire = await connected();
  const room = await wire.joined("room", [message("room", 1), message("room", 2)]);
  assert.deepEqual(wire.last("join"), { op: "join", room: "room", history: 50, ref: 2 });
  wire.say(message("room", 3));
  wire.close(1006);
  assert.equal(room.joined, false);
  await wire.attempt(2);
  wire.welcome();
  const { ref, ...join } = wire.last("join");
  assert.deepEqual(join, { op: "join", room: "room", since: "1003-0", epoch: 7 });
  const missed = [message("room", 4), message("room", 5)];
  wire.answer("join", joined("room", missed, { more: true, last: "1007-0", seq: 7 }));
  assert.deepEqual([room.joined, room.catchingUp], [true, true]);
  wire.say(message("room", 6));
  wire.close(1006); // in the middle of it
  await wire.attempt(3);
  wire.welcome();
  assert.equal(wire.last("join").since, "1006-0");
  wire.answer("join", joined("room", [message("room", 7)]));
  wire.say(message("room", 7)); // said twice, told once
  wire.say(message("room", 8));
  assert.equal(room.catchingUp, false);
  assert.deepEqual(texts(wire.told.message), ["3", "4", "5", "6", "7", "8"]);
  assert.deepEqual(texts(room.messages), ["1", "2", "3", "4", "5", "6", "7", "8"]);
  assert.deepEqual(wire.told.gap, []);
});

test("a history that does not fit into its answer is history all the same", async () => {
  const wire = await connected();
  const room = await wire.joined("room", [message("room", 5)], { more: true, last: "1007-0", seq: 7 });
  for (const seq of [6, 7, 8]) wire.say(message("room", seq));
  assert.deepEqual([texts(room.messages), texts(wire.told.message)], [["5", "6", "7", "8"], ["8"]]);
  assert.equal(room.more, true);
});

test("an empty room is recovered from its beginning", async () => {
  const wire = await connected();
  const room = await wire.joined("room");
  assert.equal(room.more, false);
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  assert.equal(wire.last("join").since, "0-0");
  wire.answer("join", joined("room", [message("room", 1)]));
  assert.deepEqual([texts(wire.told.message), texts(room.messages)], [["1"], ["1"]]);
});

test("a copy of a direct message that overtakes the answer to a join waits for what is older", async () => {
  const wire = await connected();
  const room = await wire.joined("dm:me+you", [message("dm:me+you", 1)]);
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  for (const seq of [6, 5]) wire.say(message("dm:me+you", seq));
  assert.deepEqual(texts(wire.told.message), []);
  wire.answer("join", joined("dm:me+you", [message("dm:me+you", 2)], { more: true, last: "1005-0", seq: 5 }));
  for (const seq of [3, 4, 5, 6, 7]) wire.say(message("dm:me+you", seq));
  assert.deepEqual(texts(wire.told.message), ["2", "3", "4", "5", "6", "7"]);
  assert.deepEqual(texts(room.messages), ["1", "2", "3", "4", "5", "6", "7"]);
  assert.deepEqual(wire.told.gap, []);
});

test("a copy that waits comes before what is newer, also where something between them is gone", async () => {
  const wire = await connected();
  await wire.joined("dm:me+you", [message("dm:me+you", 1)]);
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  wire.say(message("dm:me+you", 5));
  wire.answer("join", joined("dm:me+you", [message("dm:me+you", 2)], { more: true, last: "1006-0", seq: 6 }));
  wire.say(message("dm:me+you", 6));
  assert.deepEqual(texts(wire.told.message), ["2", "5", "6"]);
  assert.deepEqual(wire.told.gap.map(({ from, to }) => [from, to]), [[3, 4]]);
});

test("a direct message that is not in the answer to a join comes after it", async () => {
  const wire = await connected();
  const joining = wire.client.joinRoom("dm:me+you");
  wire.say(message("dm:me+you", 3));
  wire.answer("join", joined("dm:me+you", [message("dm:me+you", 1), message("dm:me+you", 2)]));
  const room = await joining;
  assert.deepEqual([texts(room.messages), texts(wire.told.message)], [["1", "2", "3"], ["3"]]);
});

test("what will not come is said: trimmed, lagged, unexplained", async () => {
  const wire = await connected();
  const room = await wire.joined("room", [message("room", 1)]);
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  wire.answer("join", joined("room", [message("room", 4)], { recovered: false, reason: "trimmed" }));
  wire.say({ type: "lagged", room: "room", from_seq: 5, to_seq: 7, count: 3, edge: "e" });
  wire.say(message("room", 8));
  wire.say(message("room", 10));
  assert.deepEqual(wire.told.gap, [
    { room: "room", after: "1001-0", reason: "trimmed", from: 2, to: 3, count: 2 },
    { room: "room", after: "1004-0", reason: "lagged", from: 5, to: 7, count: 3 },
    { room: "room", after: "1008-0", reason: "unexplained", from: 9, to: 9, count: 1 },
  ]);
  assert.deepEqual(room.gaps, wire.told.gap);
  assert.deepEqual(texts(wire.told.message), ["4", "8", "10"]);

  // Where nothing turns out to be missing, nothing is said.
  wire.close(1006);
  await wire.attempt(3);
  wire.welcome();
  wire.answer("join", joined("room", [message("room", 11)], { recovered: false, reason: "trimmed" }));
  assert.equal(wire.told.gap.length, 3);
  // What somebody publishes by hand says nothing of the room.
  for (const type of ["lagged", "rewound", "join", "leave", "typing", "read", "left"]) {
    wire.say({ type, room: "room", user: "me", name: {}, from_seq: 1, to_seq: 99, count: 99, epoch: 1, foreign: true });
  }
  for (const nothing of [null, 7, [], {}, { id: "1-0", seq: 1 }]) wire.say(nothing);
  assert.equal(wire.told.gap.length, 3);
  assert.deepEqual([room.joined, room.epoch, room.people, room.typing, room.here], [true, 7, [], [], 1]);
});

test("a relay that lost writes and got them back tells nothing twice", async () => {
  const wire = await connected();
  const room = await wire.joined("room", [message("room", 1), message("room", 2)]);
  wire.say(message("room", 3));
  wire.say({ type: "rewound", room: "room", epoch: 8, from_seq: 3, to_seq: 1, edge: "e" });
  assert.equal(room.epoch, 8);
  wire.say(message("room", 3)); // put back under its old id
  wire.say(message("room", 4));
  assert.deepEqual(texts(wire.told.message), ["3", "4"]);

  // While the client was away: everything that the room has comes once more.
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  assert.equal(wire.last("join").epoch, 8);
  const all = [1, 2, 3, 4, 5].map((seq) => message("room", seq));
  wire.answer("join", joined("room", all, { recovered: false, reason: "rewound", epoch: 9 }));
  assert.deepEqual(texts(wire.told.message), ["3", "4", "5"]);
  assert.deepEqual(texts(room.messages), ["1", "2", "3", "4", "5"]);
  assert.deepEqual(wire.told.gap.map((gap) => gap.reason), ["rewound"]);
  assert.deepEqual([room.epoch, room.catchingUp, room.last], [9, false, "1005-0"]);

  // Nothing of it is new: the place in the room is that of the newest all the same.
  wire.close(1006);
  await wire.attempt(3);
  wire.welcome();
  wire.answer("join", joined("room", all, { recovered: false, reason: "rewound", epoch: 10, more: true }));
  assert.deepEqual([texts(wire.told.message), room.last, room.catchingUp], [["3", "4", "5"], "1005-0", false]);
});

test("a message that the relay moved stands where it is now", async () => {
  const wire = await connected();
  const room = await wire.joined("room", [message("room", 1)]);
  wire.say(message("room", 2));
  wire.say({ type: "rewound", room: "room", moved: [{ id: "1002-0", seq: 2, to_id: "1009-0", to_seq: 3 }], edge: "e" });
  wire.say({ ...message("room", 3), id: "1009-0", text: "2" });
  assert.deepEqual(room.messages.map((one) => [one.id, one.text]), [["1001-0", "1"], ["1009-0", "2"]]);
});

test("people in crowds are told in numbers", async () => {
  const wire = await connected({ people: true });
  const joining = wire.client.joinRoom("room");
  wire.answer("join", joined("room", [], { here: 2 }));
  const room = await joining;
  wire.answer("who", { type: "who", room: "room", users: [{ user: "me", name: "Me" }, { user: "you", name: "You" }] });
  assert.equal(room.here, 2);
  wire.say({ type: "join", room: "room", user: "eve", name: "Eve", edge: "e" });
  assert.deepEqual([room.here, room.people.map((person) => person.user)], [3, ["eve", "me", "you"]]);
  wire.say({ type: "join", room: "room", count: 250, edge: "e" });
  assert.equal(room.here, 250);
  wire.say({ type: "leave", room: "room", user: "you", name: "You", edge: "e" });
  assert.deepEqual([room.here, room.people.map((person) => person.user)], [249, ["eve", "me"]]);
});

test("people that the relay cannot name just now are asked for again", async () => {
  const wire = await connected({ people: true });
  const joining = wire.client.joinRoom("room");
  wire.answer("join", joined("room", [], { here: 2 }));
  const room = await joining;
  const asked = () => wire.sent.filter((frame) => frame.op === "who").length;
  for (const code of ["unavailable", "rate_limited"]) {
    const before = asked();
    wire.answer("who", { type: "error", code, message: "Not now.", retry_after: 5 });
    await eventually("it asks again", () => asked() > before);
  }
  wire.answer("who", { type: "who", room: "room", users: [{ user: "me", name: "Me" }, { user: "you", name: "You" }] });
  assert.deepEqual(room.people.map((person) => person.user), ["me", "you"]);
});

// MARK: What goes out

test("whoever is told of an entry may hang up in the same breath", async () => {
  const wire = await connected({ timing: { backoffMin: 1, outboxAge: 60_000 } });
  wire.close(1006);
  Date.now = () => now() - 60_000;
  const old = wire.client.sendMessage("room", "1");
  Date.now = now;
  const young = wire.client.sendMessage("room", "2");
  wire.client.on("outbox", () => wire.client.disconnect());
  const asked = wire.client.who("room");
  await wire.attempt(2);
  wire.welcome();
  await assert.rejects(asked, { code: "closed" });
  assert.deepEqual([wire.client.status.state, old.state, young.state], ["closed", "expired", "sending"]);
});

test("what waits for its moment is not forgotten where the moment comes while it is looked for", async () => {
  for (let span = 1; span <= 24; span += 1) {
    const wire = await connected();
    const entry = wire.client.sendMessage("room", "1");
    // Each look at the clock is a millisecond later than the one before.
    let clock = now();
    Date.now = () => (clock += 1);
    wire.answer("send", { type: "error", code: "unavailable", message: "Redis is away.", retry_after: span });
    const sends = () => wire.sent.filter((frame) => frame.op === "send").length;
    for (let left = 400; sends() < 2 && left > 0; left -= 1) await pause(5);
    Date.now = now;
    assert.equal(sends(), 2, `after ${span} ms`);
    wire.answer("send", { type: "ack", room: "room", id: "9-0", seq: 1, ts: 9, nonce: entry.nonce });
    await entry.done;
    wire.client.disconnect();
  }
});

test("in one room nothing overtakes; another room does not wait", async () => {
  const wire = await connected();
  const [first, second] = ["1", "2"].map((text) => wire.client.sendMessage("a", text));
  const other = wire.client.sendMessage("b", "3");
  const sends = () => wire.sent.filter((frame) => frame.op === "send").map((frame) => frame.text);
  assert.deepEqual(sends(), ["1", "3"]);
  wire.say({ type: "error", ref: 2, code: "unavailable", message: "Redis is away." });
  wire.say({ type: "ack", ref: 3, room: "b", id: "9-0", seq: 1, ts: 9, nonce: other.nonce });
  assert.equal((await other.done).text, "3");
  assert.deepEqual([first.state, second.state, sends()], ["sending", "sending", ["1", "3"]]);
  for (let left = 2000; sends().length < 3 && left > 0; left -= 1) await pause(5);
  assert.deepEqual(sends(), ["1", "3", "1"]);
  assert.equal(wire.last("send").nonce, first.nonce);
  wire.answer("send", { type: "error", code: "forbidden", message: "You are muted.", retry_after: 5000 });
  await assert.rejects(first.done, { code: "forbidden", retryAfter: 5000 });
  assert.deepEqual(sends(), ["1", "3", "1", "2"]);
  const again = first.retry();
  wire.answer("send", { type: "ack", room: "a", id: "9-0", seq: 1, ts: 9, nonce: second.nonce });
  assert.notEqual(wire.last("send").nonce, second.nonce);
  wire.answer("send", { type: "ack", room: "a", id: "10-0", seq: 2, ts: 10, nonce: wire.last("send").nonce });
  assert.equal((await again).seq, 2);
  assert.deepEqual(wire.client.outbox, []);
});

test("what is asked and what is sent take turns where the relay allows little", async () => {
  const wire = await connected({}, { rate: 200, burst: 3 });
  const asked = Array.from({ length: 10 }, () => wire.client.page("room", "you"));
  for (const room of ["a", "b", "c"]) wire.client.sendMessage(room, "x");
  while (wire.sent.length < 14) await pause(1);
  const ops = wire.sent.slice(1).map((frame) => frame.op);
  assert.ok(ops.lastIndexOf("send") < 8, ops.join());
  wire.client.disconnect();
  await Promise.allSettled(asked);
});

test("a text that was cut within a character goes out as text", async () => {
  const wire = await connected();
  wire.client.sendMessage("a", "bad \ud83d text \ud83d\ude00");
  assert.equal(wire.last("send").text, "bad \ufffd text \u{1f600}");
});

test("what waits says why the last try came to nothing, until it is stored", async () => {
  const wire = await connected();
  const entry = wire.client.sendMessage("a", "1");
  const told = wire.told.outbox.length;
  wire.answer("send", { type: "error", code: "unavailable", message: "Redis is away.", retry_after: 1 });
  assert.deepEqual([entry.state, entry.error.code, entry.error.message], ["sending", "unavailable", "Redis is away."]);
  assert.ok(wire.told.outbox.length > told);
  const count = () => wire.sent.filter((frame) => frame.op === "send").length;
  while (count() < 2) await pause(1);
  wire.answer("send", { type: "ack", room: "a", id: "1-0", seq: 1, ts: 1, nonce: entry.nonce });
  assert.deepEqual([entry.state, entry.error], ["sent", undefined]);
});

test("the relay's wish to wait is obeyed", async () => {
  const wire = await connected();
  const entry = wire.client.sendMessage("a", "1");
  const began = Date.now();
  wire.answer("send", { type: "error", code: "rate_limited", message: "Too fast.", retry_after: 80 });
  const count = () => wire.sent.filter((frame) => frame.op === "send").length;
  while (count() < 2) await pause(1);
  assert.ok(Date.now() - began >= 78);
  assert.equal(entry.state, "sending");
});

test("a send without an ack goes out again with its nonce, at the next connection and on a deaf one", async () => {
  const wire = await connected({ timing: { backoffMin: 1, backoffMax: 2, sendWithin: 20 } });
  const entry = wire.client.sendMessage("a", "1");
  while (wire.sent.filter((frame) => frame.op === "send").length < 2) await pause(1);
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  assert.equal(wire.last("send").nonce, entry.nonce);
  wire.answer("send", { type: "ack", room: "a", id: "9-0", seq: 1, ts: 9, nonce: entry.nonce });
  assert.equal((await entry.done).id, "9-0");
});

test("an ack that is late proves what it says: of a try that was given up, and of an entry that has expired", async () => {
  const wire = await connected({ timing: { backoffMin: 1, sendWithin: 20, outboxAge: 60_000 } });
  const sends = () => wire.sent.filter((frame) => frame.op === "send");
  const [late, refused] = ["a", "b"].map((room) => wire.client.sendMessage(room, "1"));
  const [first, second] = sends();
  await eventually("both go out again", () => sends().length >= 4);
  wire.say({ type: "ack", ref: first.ref, room: "a", id: "9-0", seq: 1, ts: 9, nonce: late.nonce });
  assert.deepEqual([late.state, (await late.done).id], ["sent", "9-0"]);
  // What an error says of one try, the next may have made good.
  wire.say({ type: "error", ref: second.ref, code: "forbidden", message: "No." });
  assert.equal(refused.state, "sending");
  Date.now = () => now() + 60_001;
  await eventually("it is too old", () => refused.state === "expired");
  wire.answer("send", { type: "ack", room: "b", id: "8-0", seq: 1, ts: 8, nonce: refused.nonce });
  assert.deepEqual([refused.state, wire.client.outbox], ["sent", []]);
});

test("a message that came is sent, though its ack was lost", async () => {
  const wire = await connected();
  await wire.joined("room");
  const entry = wire.client.sendMessage("room", "1");
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  const came = message("room", 1, { user: "me", name: "Me", nonce: entry.nonce });
  wire.answer("join", joined("room", [came]));
  assert.deepEqual(await entry.done, came);
  assert.deepEqual(wire.client.outbox, []);
  // A late refusal of the second try changes nothing.
  wire.answer("send", { type: "error", code: "forbidden", message: "No." });
  assert.equal(entry.state, "sent");
});

test("what was sent stays in the outbox until it has come", async () => {
  const wire = await connected();
  const room = await wire.joined("room");
  const entry = wire.client.sendMessage("room", "1");
  wire.answer("send", { type: "ack", room: "room", id: "1001-0", seq: 1, ts: 1001, nonce: entry.nonce });
  assert.deepEqual([entry.state, wire.client.outbox], ["sent", [entry]]);
  wire.say(message("room", 1, { user: "me", nonce: entry.nonce }));
  assert.deepEqual([wire.client.outbox, room.messages.length], [[], 1]);
});

test("what may be asked twice is asked again on the next connection, the rest is an error", async () => {
  const wire = await connected();
  const history = wire.client.history("room");
  const page = wire.client.page("room", "you");
  wire.close(1006);
  await assert.rejects(page, { code: "disconnected" });
  await wire.attempt(2);
  wire.welcome();
  const messages = [message("room", 1)];
  wire.answer("history", { type: "history", room: "room", messages, more: false, source: "stream" });
  assert.equal((await history).messages.length, 1);
  const limited = wire.client.who("room");
  wire.answer("who", { type: "error", code: "rate_limited", message: "Too fast.", retry_after: 5 });
  const count = () => wire.sent.filter((frame) => frame.op === "who").length;
  while (count() < 2) await pause(1);
  wire.answer("who", { type: "who", room: "room", users: [{ user: "a" }], more: true, next: "a" });
  await turn();
  assert.equal(wire.last("who").after, "a");
  wire.answer("who", { type: "who", room: "room", users: [{ user: "b" }] });
  assert.deepEqual((await limited).map((person) => person.user), ["a", "b"]);
});

test("a request that nobody answers ends", async () => {
  const wire = await connected({ timing: { backoffMin: 1, requestWithin: 20 } });
  await assert.rejects(wire.client.who("room"), { code: "timeout" });
  const offline = unconnected({ timing: { requestWithin: 20 } });
  offline.client.connect().catch(() => {});
  await assert.rejects(offline.client.who("room"), { code: "timeout" });
});

test("a frame that the relay would hang up at is not sent", async () => {
  const wire = await connected();
  await assert.rejects(wire.client.edit("room", "1-0", "x".repeat(70_000)), { code: "too_large" });
  const wide = await connected({}, { max_text: 1_000_000 });
  await assert.rejects(wide.client.sendMessage("room", "\u0001".repeat(20_000)).done, { code: "too_large" });
  assert.equal(wide.last("send"), undefined);
});

test("leaving while a join is under way leaves, and one may come back at once", async () => {
  const wire = await connected();
  const first = wire.client.joinRoom("room");
  const leaving = wire.client.leaveRoom("room");
  await assert.rejects(first, { code: "not_joined" });
  const second = wire.client.joinRoom("room");
  assert.equal(wire.sent.filter((frame) => frame.op === "leave").length, 0, "the relay is still busy with the join");
  wire.answer("join", joined("room", [message("room", 1)]));
  assert.equal(wire.client.room("room").joined, false);
  wire.answer("leave", { type: "left", room: "room" });
  await leaving;
  wire.answer("join", joined("room", [message("room", 1)]));
  assert.equal((await second).messages.length, 1);
});

test("a join that Redis holds up is tried again; one that is refused is an error, also later", async () => {
  const wire = await connected();
  const joining = wire.client.joinRoom("room");
  wire.answer("join", { type: "error", code: "unavailable", message: "Redis is away.", retry_after: 1 });
  while (wire.sent.filter((frame) => frame.op === "join").length < 2) await pause(1);
  wire.answer("join", joined("room", []));
  const room = await joining;
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  wire.answer("join", { type: "error", code: "no_such_room", message: "There is no such room." });
  assert.deepEqual([room.joined, room.error.code, wire.client.room("room")], [false, "no_such_room", undefined]);
  assert.deepEqual(wire.told.event, [{ type: "left", room: "room", reason: "There is no such room." }]);
  assert.deepEqual(wire.told.error.map((error) => error.code), ["no_such_room"]);
});

// MARK: Plain functions

test("ids are compared as numbers", () => {
  assert.ok(compareIds("999-0", "1000-0") < 0);
  assert.ok(compareIds("1000-10", "1000-9") > 0);
  assert.equal(compareIds("1000", "1000-0"), 0);
});

test("edits and deletions are applied, the newest edit counts, and what is gone stays gone", () => {
  const shown = applyEdits([
    message("r", 1), message("r", 2), message("r", 3, { type: "topic" }),
    message("r", 4, { type: "edit", target: "1001-0", text: "once" }),
    message("r", 5, { type: "delete", target: "1002-0", text: "" }),
    message("r", 6, { type: "edit", target: "1001-0", text: "twice" }),
    message("r", 7, { type: "edit", target: "1002-0", text: "undead" }),
    message("r", 8, { type: "edit", target: "999-0", text: "not loaded" }),
  ]);
  assert.deepEqual(shown.map(({ seq, text, edited, deleted }) => [seq, text, edited, deleted]),
    [[1, "twice", true, undefined], [2, "", undefined, true], [3, "3", undefined, undefined]]);
});

test("a bound on what one holds: a room lets its oldest go", async () => {
  const wire = await connected();
  const room = await wire.joined("room");
  for (let seq = 1; seq <= 20_600; seq += 1) wire.say(message("room", seq));
  assert.ok(room.messages.length <= 20_500 && room.messages.length >= 20_000);
  assert.deepEqual([room.messages.at(-1).seq, room.more, wire.told.message.length], [20_600, true, 20_600]);
});

test("what has expired says whether it may have been sent, also after a reload and of another page", async () => {
  const storage = new MemoryStorage();
  const page = () => unconnected({ storage, timing: { backoffMin: 60_000, outboxAge: 60_000 } });
  const welcomed = async (wire) => {
    wire.client.connect();
    wire.client.reconnectNow();
    await turn();
    wire.welcome();
  };
  const why = ({ client }) => client.outbox.map(({ text, state, error }) => [text, state, error?.message]).sort();
  const [first, other] = [page(), page()];
  await welcomed(first);
  const tried = first.client.sendMessage("a", "on the wire");
  first.close(1006);
  first.client.sendMessage("b", "never on the wire");
  other.client.sendMessage("c", "by another page");
  const reloaded = page();
  await welcomed(reloaded);
  assert.deepEqual(texts(reloaded.sent.filter(({ op }) => op === "send")).length, 3);
  assert.equal(tried.state, "sending");
  const last = page();
  last.client.sendMessage("d", "yet another");
  Date.now = () => now() + 61_000;
  const perhaps = "Nobody knows whether this was sent: it is too old to be sent again by itself.";
  const surely = "This was not sent: it has waited too long to be sent by itself.";
  await welcomed(other);
  assert.deepEqual(why(other), [["by another page", "expired", perhaps]]);
  await welcomed(last);
  assert.deepEqual(why(last), [
    ["by another page", "expired", perhaps], ["never on the wire", "expired", perhaps],
    ["on the wire", "expired", perhaps], ["yet another", "expired", surely],
  ]);
});

test("the outbox has a bound, and keeps its place in a storage that is full", async () => {
  const wire = unconnected();
  for (let count = 0; count < 1000; count += 1) wire.client.sendMessage("room", `${count}`);
  const over = wire.client.sendMessage("room", "one too many");
  await assert.rejects(over.done, { code: "outbox_full" });
  assert.equal(wire.client.outbox.length, 1000);
  class Full extends MemoryStorage { setItem() { throw new Error("quota"); } }
  const full = await connected({ storage: new Full() });
  const entry = full.client.sendMessage("room", "1");
  assert.equal(full.told.error[0].code, "storage");
  full.answer("send", { type: "ack", room: "room", id: "1-0", seq: 1, ts: 1, nonce: entry.nonce });
  await entry.done;
});
