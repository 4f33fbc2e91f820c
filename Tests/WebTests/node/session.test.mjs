// What a signed-in user does, with the page's own state and a relay that says only what a test lets it say.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { MemoryStorage } from "../../../Sources/RelayWeb/Client/martlet-client.js";
import { eventually } from "./world.mjs";
import { Wire, joined, message, turn } from "./wire.mjs";

// What the session and its store ask of a browser.
globalThis.document = { visibilityState: "visible" };
globalThis.requestAnimationFrame = (run) => setTimeout(run, 1);
globalThis.cancelAnimationFrame = clearTimeout;
globalThis.window = { localStorage: new MemoryStorage() };
const app = new URL("../../../Sources/RelayWeb/Client/app/", import.meta.url);
const { Session } = await import(new URL("session.js", app));
const { Store } = await import(new URL("store.js", app));
const { sayTyped } = await import(new URL("typed.js", app));
const conversations = await import(new URL("state/conversations.js", app));

const sessions = [];
beforeEach(() => { globalThis.window.localStorage = new MemoryStorage(); });
afterEach(() => { for (const session of sessions.splice(0)) session.end(); });

/** A session of somebody who is signed in and looks at the page. */
async function signedIn(options = {}) {
  const store = new Store();
  const told = { pages: [], messages: [] };
  let session;
  const wire = new Wire(options, (given) => {
    session = new Session(store, given, {
      onPage: (event) => told.pages.push(event), onMessage: (envelope) => told.messages.push(envelope),
    });
    return session.client;
  });
  sessions.push(session);
  session.isReading = () => true;
  session.start();
  await turn();
  wire.welcome();
  return { session, store, wire, told };
}

/** One line of the list. */
function line(room, seq = 0, unread = 0) {
  return { room, name: room, seq, unread, last: seq > 0 ? message(room, seq) : null, created_at: 1 };
}

/** Answers the list that was asked for. */
async function list(wire, ...lines) {
  await eventually("the list is asked for", () => wire.last("rooms") && !wire.last("rooms").isAnswered);
  wire.last("rooms").isAnswered = true;
  wire.answer("rooms", { type: "rooms", rooms: lines });
  await turn();
}

const joins = (wire) => wire.sent.filter((frame) => frame.op === "join").map((frame) => frame.room);

test("a room that was left stays left, whatever the list says, until it is opened", async () => {
  const { session, store, wire } = await signedIn();
  await list(wire, line("team"), line("tea"));
  assert.deepEqual(joins(wire), ["team", "tea"]);
  for (const frame of wire.sent.filter(({ op }) => op === "join")) wire.say({ ref: frame.ref, ...joined(frame.room, []) });
  await session.open("team");
  const leaving = sayTyped(session, "team", "/quit");
  // The list that is under way meanwhile changes nothing.
  session.refreshList();
  await list(wire, line("team"), line("tea"));
  wire.answer("leave", { type: "left", room: "team" });
  await leaving;
  session.refreshList();
  await list(wire, line("team"), line("tea"));
  assert.deepEqual(joins(wire), ["team", "tea"]);
  assert.ok(store.conversations.has("team"), "it is in the list all the same");

  // At the next connection too, and in a page that is loaded again.
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  await list(wire, line("team"), line("tea"));
  assert.deepEqual(joins(wire), ["tea"]);
  session.end();
  const again = await signedIn();
  await list(again.wire, line("team"), line("tea"));
  assert.deepEqual(joins(again.wire), ["tea"]);
  const opening = again.session.open("team");
  await turn();
  again.wire.answer("join", joined("team", []));
  await opening;
  again.session.end();
  const third = await signedIn();
  await list(third.wire, line("team"), line("tea"));
  assert.deepEqual(joins(third.wire), ["team", "tea"]);
});

test("a conversation that was left is taken up again by writing to it", async () => {
  const { session, wire } = await signedIn();
  await list(wire, line("dm:me+you"), line("tea"));
  for (const frame of wire.sent.filter(({ op }) => op === "join")) wire.say({ ref: frame.ref, ...joined(frame.room, []) });
  await turn();
  const leaving = session.leave("dm:me+you");
  wire.answer("leave", { type: "left", room: "dm:me+you" });
  await leaving;
  await session.open("tea");
  const saying = sayTyped(session, "tea", "/msg you hello");
  wire.answer("send", { type: "ack", room: "dm:me+you", id: "1-0", seq: 1, ts: 1 });
  await saying;
  session.refreshList();
  await list(wire, line("dm:me+you"), line("tea"));
  assert.deepEqual(joins(wire), ["dm:me+you", "tea", "dm:me+you"]);
});

test("a room that could not be left is not left", async () => {
  const { session, store, wire } = await signedIn();
  await list(wire, line("tea"));
  wire.answer("join", joined("tea", []));
  await session.open("tea");
  const leaving = session.leave("tea");
  wire.answer("leave", { type: "error", code: "unavailable", message: "Redis is away." });
  await leaving;
  assert.equal(store.open, "tea");
  session.refreshList();
  await list(wire, line("tea"));
  assert.deepEqual(joins(wire), ["tea", "tea"]);
});

test("what is read is told to the relay as far as it is here, and once more where that fails", async () => {
  const { session, store, wire } = await signedIn();
  const unread = () => conversations.unreadOf(store.conversations.get("tea"));
  const reads = () => wire.sent.filter(({ op }) => op === "read");
  await list(wire, line("tea", 9, 5));
  assert.equal(unread(), 5);
  session.open("tea");
  wire.answer("join", joined("tea", [message("tea", 5), message("tea", 6)], { more: true, last: "1009-0", seq: 9 }));
  await eventually("it is told", () => reads().length === 1);
  assert.deepEqual([reads()[0].id, unread()], ["1006-0", 3], "the rest is on its way, and unread until it is here");
  for (const seq of [7, 8, 9]) wire.say(message("tea", seq));
  await eventually("so is the rest", () => reads().length === 2);
  assert.deepEqual([reads()[1].id, unread()], ["1009-0", 0]);
  wire.answer("read", { type: "error", code: "unavailable", message: "Redis is away." });
  await eventually("what nobody knows to be read is unread", () => unread() === 3);
  session.refreshList();
  await list(wire, line("tea", 9, 3));
  await eventually("it is tried again", () => reads().length === 3);
  assert.deepEqual([reads()[2].id, unread()], ["1009-0", 0]);
  wire.answer("read", { type: "marked", room: "tea", id: "1009-0", seq: 9 });
  await turn();
  assert.equal(unread(), 0);
});

test("of what anybody may publish by hand only words and calls count", async () => {
  const { session, store, wire, told } = await signedIn();
  await list(wire, line("tea", 2));
  session.open("tea");
  wire.answer("join", joined("tea", [message("tea", 1), message("tea", 2)]));
  await turn();
  const thread = store.thread("tea");
  const { length } = thread.items;
  const foreign = (event) => wire.say({ room: "tea", foreign: true, ...event });
  foreign({ type: "rewound", moved: [{ id: "1001-0" }] });
  foreign({ type: "rewound", to_seq: 0, epoch: 1 });
  foreign({ type: "read", user: "me", target: "1002-0", target_seq: 99 });
  for (const type of ["join", "leave", "typing", "left", "lagged"]) foreign({ type, user: "you", name: "The Bank" });
  for (const user of [undefined, { a: 1 }, "", "a b", "x".repeat(65)]) foreign({ type: "page", user });
  foreign({ type: "notice", room: "tea" });
  foreign({ type: "notice", text: { a: 1 } });
  assert.deepEqual([thread.items.length, told.pages, store.toasts, store.open], [length, [], [], "tea"]);
  assert.equal(store.conversations.get("tea").read < 99, true);
  assert.notEqual(store.nameOf("you"), "The Bank");

  foreign({ type: "notice", text: "mind the step", change: "deleted", user: "you", name: "The Bank" });
  assert.deepEqual([thread.items.at(-1).note.text, store.open], ["mind the step", "tea"]);
  assert.ok(store.conversations.has("tea"));
  // Where one is not, nothing is put; it is said over the page.
  foreign({ type: "notice", text: "elsewhere", room: "attic" });
  assert.deepEqual(store.toasts.map(({ text }) => text), ["elsewhere"]);
  foreign({ type: "page", user: "you", name: "The Bank" });
  assert.deepEqual(told.pages.map(({ user }) => user), ["you"]);
  assert.notEqual(store.nameOf("you"), "The Bank");

  // What the relay itself says holds.
  wire.say({ type: "notice", room: "tea", text: "The room was deleted.", change: "deleted" });
  assert.deepEqual([store.conversations.has("tea"), store.open], [false, null]);
});

test("who is announced anew has not come, and of a crowd nobody knows who is there", async () => {
  const { session, store, wire } = await signedIn({ people: true });
  await list(wire, line("tea"));
  wire.answer("join", joined("tea", []));
  await turn();
  wire.answer("who", { type: "who", room: "tea", users: [{ user: "me", name: "Me" }] });
  await turn();
  const come = () => wire.say({ type: "join", room: "tea", user: "you", name: "You", edge: "e" });
  const notes = () => store.thread("tea").items.flatMap(({ note }) => note?.events ?? []).map(({ type }) => type);
  come();
  assert.deepEqual(notes(), ["join"]);
  wire.say({ type: "rewound", room: "tea", from_seq: 0, to_seq: 0, epoch: 9 });
  come();
  assert.deepEqual(notes(), ["join"]);
  wire.say({ type: "leave", room: "tea", user: "you", name: "You", edge: "e" });
  come();
  assert.deepEqual(notes().filter((type) => type === "join").length, 2);
  assert.equal(session.isAround("you"), true);
  wire.say({ type: "join", room: "tea", count: 250, edge: "e" });
  assert.equal(session.isAround("you"), false);
});

test("after an interruption the conversation that is open is the first that is there again", async () => {
  const { session, wire } = await signedIn();
  session.open("open");
  await turn();
  wire.answer("join", joined("open", []));
  await list(wire, line("team"), line("tea"), line("open"));
  assert.deepEqual(joins(wire), ["open", "team", "tea"]);
  wire.close(1006);
  await wire.attempt(2);
  wire.welcome();
  assert.deepEqual(joins(wire), ["open", "tea", "team"]);
});
