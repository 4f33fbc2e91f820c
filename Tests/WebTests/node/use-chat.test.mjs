// The hook with a real React, in a document of jsdom, against a real relay.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, afterEach, before, test } from "node:test";
import { makeUseChat } from "../../../Sources/RelayWeb/Client/make-use-chat.js";
import { World, eventually, generous, pause, range } from "./world.mjs";

const require = createRequire(import.meta.url);
const { JSDOM } = require("jsdom");
const dom = new JSDOM("<!doctype html><body></body>");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
globalThis.navigator ??= dom.window.navigator;
const React = require("react");
const { createRoot } = require("react-dom/client");
const { renderToString } = require("react-dom/server");
const h = React.createElement;
const useChat = makeUseChat(React);

let world;
const mounts = [];
before(async () => { world = await World.start(); });
afterEach(async () => {
  for (const root of mounts.splice(0)) root.unmount();
  world.hangUp();
});
after(async () => {
  await world.stop();
  dom.window.close();
});

/** Renders, and gives the element and a way to render something else. */
async function mount(element) {
  const container = document.createElement("div");
  const root = createRoot(container);
  mounts.push(root);
  root.render(element);
  await eventually("it is rendered", () => container.firstChild);
  return { container, render: (other) => root.render(other), unmount: async () => {
    mounts.splice(mounts.indexOf(root), 1);
    root.unmount();
  } };
}

/** React renders in its own time. */
const shown = eventually;

/** A thread as somebody would write it; `seen` has what the hook gave, newest last. */
function Thread({ client, room, seen = [], history }) {
  const chat = useChat(room, { client, history });
  seen.push(chat);
  return h("section", null,
    h("p", { className: "status" }, chat.status.state),
    h("ul", null, chat.messages.map(({ id, name, text, edited, deleted }) => (
      h("li", { key: id }, deleted ? "deleted" : `${name}: ${text}${edited ? " (edited)" : ""}`)))),
    h("ol", null, chat.outbox.map(({ nonce, text, state }) => h("li", { key: nonce }, `${text} (${state})`))),
    h("p", { className: "people" }, chat.people.map((person) => person.name).join()),
    h("p", { className: "typing" }, chat.typing.map((person) => person.name).join()),
    h("p", { className: "errors" }, chat.errors.map((error) => error.code).join()));
}
const lines = (container, tag) => [...container.querySelectorAll(`${tag} li`)].map((item) => item.textContent);
const word = (container, name) => container.querySelector(`.${name}`).textContent;

test("a component shows what is said, who is there and who types", async () => {
  const [alice, bob] = [world.client("alice", { name: "Alice" }), await world.connected("bob", { name: "Bob" })];
  await bob.joinRoom("tea");
  const first = await bob.sendMessage("tea", "hello").done;
  const seen = [];
  const { container } = await mount(h(Thread, { client: alice, room: "tea", seen }));
  assert.equal(word(container, "status"), "closed");
  await alice.connect();
  await shown("the history", () => lines(container, "ul").join() === "Bob: hello");
  assert.equal(word(container, "status"), "connected");
  await shown("both", () => word(container, "people") === "Alice,Bob");

  bob.typing("tea");
  await shown("bob types", () => word(container, "typing") === "Bob");
  await bob.sendMessage("tea", "one lump?").done;
  await shown("what he said", () => lines(container, "ul").join() === "Bob: hello,Bob: one lump?");
  assert.equal(word(container, "typing"), "");

  let entry;
  entry = seen.at(-1).sendMessage("two");
  assert.equal((await entry.done).text, "two");
  await shown("her own", () => lines(container, "ul").at(-1) === "Alice: two");
  assert.deepEqual(lines(container, "ol"), []);

  await bob.edit("tea", first.id, "hello!");
  await shown("edited", () => lines(container, "ul")[0] === "Bob: hello! (edited)");
  await bob.delete("tea", first.id);
  await shown("deleted", () => lines(container, "ul")[0] === "deleted");
  assert.equal(lines(container, "ul").length, 3);
});

test("a message is shown at once, never twice, and never not at all", async () => {
  const edge = await world.startEdge();
  const client = await world.connected("carl", { edge });
  const seen = [];
  const { container } = await mount(h(Thread, { client, room: "pending", seen }));
  await shown("joined", () => seen.at(-1).joined);
  await edge.program.kill();
  await shown("away", () => word(container, "status") === "reconnecting");
  for (const number of range(1, 3)) seen.at(-1).sendMessage(`p${number}`);
  await shown("on their way", () => lines(container, "ol").join() === "p1 (sending),p2 (sending),p3 (sending)");
  const began = seen.length;
  await world.restart(edge);
  await shown("all came", () => lines(container, "ul").join() === "carl: p1,carl: p2,carl: p3");
  await shown("nothing is left", () => lines(container, "ol").length === 0);
  for (const chat of seen.slice(began)) {
    const all = [...chat.messages, ...chat.outbox].map((one) => one.text).sort();
    assert.deepEqual(all, ["p1", "p2", "p3"]);
  }
  assert.equal(word(container, "status"), "connected");
});

test("errors are shown, can be tried again, and taken away", async () => {
  const client = await world.connected("dora");
  const seen = [];
  const { container } = await mount(h(Thread, { client, room: "not a room", seen }));
  await shown("the room does not let her in", () => word(container, "errors") === "bad_room");
  seen.at(-1).sendMessage("x");
  await shown("nor takes anything", () => lines(container, "ol").join() === "x (failed)");
  assert.equal(word(container, "errors"), "bad_room,bad_room");
  seen.at(-1).clearErrors();
  await shown("read", () => word(container, "errors") === "");
  seen.at(-1).outbox[0].retry().catch(() => {});
  await shown("again", () => word(container, "errors") === "bad_room");
  seen.at(-1).outbox[0].discard();
  await shown("given up", () => lines(container, "ol").length === 0);
});

test("a conversation of two is one, however its id is written", async () => {
  const [alice, bob] = [await world.connected("alice"), await world.connected("bob")];
  const seen = [];
  const { container } = await mount(h(Thread, { client: alice, room: "dm:Alice+Bob", seen }));
  await shown("joined", () => seen.at(-1).joined);
  await bob.direct("alice", "psst").done;
  await shown("what he said", () => lines(container, "ul").length === 1);
  await seen.at(-1).sendMessage("yes?").done;
  await shown("both", () => lines(container, "ul").length === 2);
});

test("whoever is put out is told why", async () => {
  const client = await world.connected("mallory");
  const seen = [];
  await mount(h(Thread, { client, room: "club", seen }));
  await shown("joined", () => seen.at(-1).joined);
  assert.equal(seen.at(-1).left, null);
  const kick = { op: "kick", user: "mallory", room: "club", reason: "enough" };
  await world.order("PUBLISH", "chat:control", JSON.stringify(kick));
  await shown("put out", () => !seen.at(-1).joined && seen.at(-1).left?.includes("enough"));
  await client.joinRoom("club");
  await shown("in it again", () => seen.at(-1).joined && seen.at(-1).left === null);
});

test("older messages are loaded when asked for", async () => {
  for (const number of range(1, 20)) await world.post("long", `m${number}`);
  const client = await world.connected("emil");
  const seen = [];
  const { container } = await mount(h(Thread, { client, room: "long", seen, history: 5 }));
  await shown("the newest", () => lines(container, "ul").length === 5);
  assert.equal(seen.at(-1).more, true);
  let count;
  count = await seen.at(-1).loadOlder(50);
  assert.equal(count, 15);
  await shown("all", () => lines(container, "ul").length === 20);
  assert.equal(seen.at(-1).more, false);
  assert.equal(lines(container, "ul")[0], "poster: m1");
});

test("rooms follow the components: changed, shared, left with the last one, in strict mode too", async () => {
  const client = await world.connected("flo");
  const joins = [];
  client.on("event", (event) => { if (event.user === "flo") joins.push(`${event.type} ${event.room}`); });
  const thread = (room) => h(React.StrictMode, null, h(Thread, { client, room }), h(Thread, { client, room }));
  const { container, render, unmount } = await mount(thread("one"));
  await shown("joined", () => client.room("one")?.joined);
  await client.sendMessage("one", "in one").done;
  await shown("both show it", () => lines(container, "ul").join() === "flo: in one,flo: in one");
  render(thread("two"));
  await shown("moved", () => client.room("two")?.joined && client.room("one") === undefined);
  await shown("empty", () => lines(container, "ul").length === 0);
  render(thread("one"));
  await shown("and back", () => lines(container, "ul").join() === "flo: in one,flo: in one");
  await unmount();
  await eventually("left", () => client.joinedRooms.length === 0);

  // What the program has joined itself is not the component's to leave.
  await client.joinRoom("mine");
  const other = await mount(h(Thread, { client, room: "mine" }));
  await shown("shown", () => word(other.container, "people") === "flo");
  await other.unmount();
  await pause(20);
  assert.deepEqual(client.joinedRooms.map((room) => room.id), ["mine"]);
});

/** A React that only renders: what the hook subscribes to, by which the rooms that it keeps are told apart. */
function makeRendering() {
  const subscribed = [];
  const use = makeUseChat({
    useMemo: (make) => make(), useSyncExternalStore: (subscribe) => { subscribed.push(subscribe); },
  });
  return (room, client) => { use(room, { client }); return subscribed.at(-1); };
}

test("a room that nobody shows any more is kept no longer, with all its messages", async () => {
  const client = await world.connected("ira");
  const render = makeRendering();
  const [one, two] = [render("shown", client), render("shown", client)];
  assert.equal(one, two, "two that show it share it");
  const offs = [one(() => {}), two(() => {})];
  await eventually("joined", () => client.room("shown")?.joined);
  offs[0]();
  await pause(1);
  assert.equal(render("shown", client), one);
  offs[1]();
  await eventually("it is left", () => client.joinedRooms.length === 0);
  // A component that React hid and shows again has the old one still, and shares it.
  const off = one(() => {});
  await eventually("joined again", () => client.room("shown")?.joined);
  assert.equal(render("shown", client), one);
  off();
  await eventually("left again", () => client.joinedRooms.length === 0);
  assert.notEqual(render("shown", client), one);
});

test("rooms that were rendered and never shown are few", () => {
  const client = world.client("kai");
  const render = makeRendering();
  const [first, shown] = [render("first", client), render("shown", client)];
  const off = shown(() => {});
  for (const number of range(0, 299)) render(`r${number}`, client);
  const last = render("last", client);
  assert.notEqual(render("first", client), first, "the oldest was let go of");
  assert.equal(render("last", client), last);
  assert.equal(render("shown", client), shown);
  off();
});

test("a thousand messages at once are few renderings, and the same array as long as nothing is said", async () => {
  const edge = await world.startEdge({ flags: generous });
  const client = await world.connected("gil", { edge });
  const seen = [];
  const { container } = await mount(h(Thread, { client, room: "flood", seen }));
  await shown("joined", () => seen.at(-1).joined);
  client.disconnect();
  await world.flood("flood", range(1, 1000).map((number) => `f${number}`), edge);
  const began = seen.length;
  await client.connect();
  await shown("all came", () => lines(container, "ul").length === 1000);
  assert.ok(seen.length - began < 500, `${seen.length - began} renderings`);
  const { messages } = seen.at(-1);
  client.disconnect();
  await shown("something else", () => word(container, "status") === "closed" && !seen.at(-1).joined);
  assert.equal(seen.at(-1).messages, messages);
});

test("a server renders it, and a hook without a client says so", async () => {
  const client = world.client("hugo");
  assert.match(renderToString(h(Thread, { client, room: "server" })), /<p class="status">closed<\/p>/);
  assert.equal(client.room("server"), undefined, "rendering joins nothing");
  assert.throws(() => renderToString(h(Thread, { room: "server" })), /there is no client/);
});
