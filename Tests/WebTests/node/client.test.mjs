// The client and a relay that works: everything that can be asked, and what is told.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
  MartletClient, MartletError, applyEdits, directRoom,
} from "../../../Sources/RelayWeb/Client/martlet-client.js";
import { World, WebSocketOfNode, eventually, pause, range, texts } from "./world.mjs";

let world;
before(async () => { world = await World.start({ edges: 2 }); });
afterEach(() => world.hangUp());
after(() => world.stop());

const pair = () => Promise.all([world.connected("alice"), world.connected("bob", { edge: world.edges[1] })]);

test("two people on two edges talk, in one order", async () => {
  const [alice, bob] = await pair();
  const [hers, his] = [await alice.joinRoom("talk"), await bob.joinRoom("talk")];
  const sent = [];
  for (const number of range(1, 10)) {
    sent.push(alice.sendMessage("talk", `a${number}`), bob.sendMessage("talk", `b${number}`));
  }
  assert.ok(sent.every((entry) => entry.state === "sending" && entry.message === undefined));
  const stored = await Promise.all(sent.map((entry) => entry.done));
  await eventually("both have all of it", () => hers.messages.length === 20 && his.messages.length === 20);

  assert.deepEqual(hers.messages, his.messages);
  assert.deepEqual(hers.messages.map((message) => message.seq), range(1, 20));
  assert.deepEqual(texts(hers.messages).filter((text) => text[0] === "a"), range(1, 10).map((number) => `a${number}`));
  assert.deepEqual(alice.told.message, hers.messages);
  // What a send resolves with is the envelope, with its keys in their order.
  for (const envelope of stored) {
    const live = hers.messages.find((message) => message.id === envelope.id);
    assert.equal(JSON.stringify(envelope), JSON.stringify(live));
  }
  assert.deepEqual([alice.outbox, bob.outbox], [[], []]);
  assert.deepEqual(alice.told.error.concat(bob.told.error), []);
});

test("a welcome says who one is and what the limits are", async () => {
  const client = world.client("Alice", { name: "Alice A." });
  assert.equal(client.status.state, "closed");
  const welcome = await client.connect();
  assert.equal(welcome.type, "welcome");
  assert.deepEqual([client.user, client.name, client.status], ["alice", "Alice A.", { state: "connected" }]);
  assert.equal(client.limits.max_text, 4096);
  assert.equal(client.edge, welcome.edge);
  assert.equal(await client.connect(), welcome);
  assert.deepEqual(client.told.status.map((status) => status.state), ["connecting", "connected"]);
  client.disconnect();
  assert.equal(client.status.state, "closed");
});

test("a room begins with its history, and goes back further when asked", async () => {
  for (const number of range(1, 30)) await world.post("past", `p${number}`);
  const client = await world.connected("reader");
  const room = await client.joinRoom("past", { history: 10 });
  assert.deepEqual(texts(room.messages), range(21, 30).map((number) => `p${number}`));
  assert.equal(room.more, true);
  assert.equal(room.seq, 30);
  assert.equal(await client.loadOlder("past", 15), 15);
  assert.equal(room.more, true);
  assert.equal(await client.loadOlder("past", 15), 5);
  assert.equal(room.more, false);
  assert.deepEqual(room.messages.map((message) => message.seq), range(1, 30));
  assert.deepEqual(client.told.message, [], "history is no news");

  const page = await client.history("past", { after: room.messages[3].id, limit: 2 });
  assert.deepEqual([texts(page.messages), page.more, page.source], [["p5", "p6"], true, "stream"]);
  const before = await client.history("past", { before: room.messages[3].id });
  assert.deepEqual([texts(before.messages), before.more], [["p1", "p2", "p3"], false]);
});

test("who is here is known, and kept up", async () => {
  const [alice, bob] = await pair();
  const room = await alice.joinRoom("people");
  await bob.joinRoom("people");
  await eventually("bob is there", () => room.people.map((person) => person.user).join() === "alice,bob");
  assert.equal(room.here, 2);
  assert.deepEqual((await alice.who("people")).map((person) => person.user), ["alice", "bob"]);
  await bob.leaveRoom("people");
  await eventually("bob has gone", () => room.people.map((person) => person.user).join() === "alice");
  assert.equal(room.here, 1);
  assert.equal(bob.room("people"), undefined);
  await bob.joinRoom("people");
  await eventually("bob is back", () => room.here === 2);
});

test("typing is told once in two seconds, and ends by itself or with the message", async () => {
  const [alice, bob] = [world.client("alice"), world.client("bob", { timing: { typingLasts: 300 } })];
  await Promise.all([alice.connect(), bob.connect()]);
  await alice.joinRoom("typing");
  const room = await bob.joinRoom("typing");
  for (const _ of range(1, 20)) alice.typing("typing");
  await eventually("bob sees it", () => room.typing.length === 1);
  assert.deepEqual(room.typing, [{ user: "alice", name: "alice" }]);
  await eventually("it ends by itself", () => room.typing.length === 0);
  assert.equal(bob.told.event.filter((event) => event.type === "typing").length, 1);
  alice.typing("elsewhere"); // not joined: nothing is sent, and nothing goes wrong
  await eventually("she may say it again", () => { alice.typing("typing"); return room.typing.length === 1; });
  await alice.sendMessage("typing", "done").done;
  await eventually("the message ends it", () => room.messages.length === 1 && room.typing.length === 0);
  assert.deepEqual(alice.told.error, []);
});

test("a direct message comes without a join, to all sessions of both", async () => {
  const [alice, bob] = await pair();
  const phone = await world.connected("bob");
  const entry = alice.direct("Bob", "psst");
  assert.equal(entry.room, directRoom("alice", "bob"));
  const envelope = await entry.done;
  assert.deepEqual([envelope.type, envelope.to, envelope.room], ["direct", "bob", "dm:alice+bob"]);
  assert.equal(entry.online, true);
  for (const client of [alice, bob, phone]) {
    await eventually("it is there", () => client.told.message.length === 1);
    assert.deepEqual(client.told.message[0], envelope);
  }
  // What is said in the room of the conversation is the same, and known to be so before it has come.
  const room = await bob.joinRoom("dm:alice+bob");
  const reply = await bob.sendMessage("dm:alice+bob", "what?", { replyTo: envelope.id }).done;
  const nod = await bob.sendMessage("dm:alice+bob", "nods", { type: "action" }).done;
  await eventually("both came", () => room.messages.length === 3);
  assert.equal(JSON.stringify(room.messages), JSON.stringify([envelope, reply, nod]));

  const absent = alice.direct("nobody", "later");
  await absent.done;
  assert.equal(absent.online, false);
});

test("the conversation list, what is unread, and the marker on other sessions", async () => {
  const [alice, bob] = await pair();
  const second = await world.connected("bob");
  const room = await bob.joinRoom("unread");
  const other = await second.joinRoom("unread");
  for (const number of range(1, 3)) await alice.sendMessage("unread", `u${number}`).done;
  await eventually("bob has them", () => room.messages.length === 3 && other.messages.length === 3);
  assert.equal(room.unread, null);
  const listed = (await bob.rooms()).find((conversation) => conversation.room === "unread");
  assert.deepEqual([listed.unread, listed.last.text], [3, "u3"]);
  assert.equal(room.unread, 3);
  await second.rooms();
  const marked = await bob.markRead("unread", room.messages[1].id);
  assert.deepEqual([marked.seq, room.unread, room.readId], [2, 1, room.messages[1].id]);
  await eventually("the other session knows", () => other.unread === 1);
  await alice.sendMessage("unread", "u4").done;
  await eventually("one more", () => room.unread === 2 && other.unread === 2);
  await bob.sendMessage("unread", "mine").done;
  await eventually("what one says oneself is read", () => room.unread === 0 && other.unread === 0);
});

test("rooms are made, messages edited and deleted", async () => {
  const [alice, bob] = await pair();
  const made = await alice.createRoom({ room: "made", name: "Made", private: true, members: ["bob"], topic: "tea" });
  assert.deepEqual([made.name, made.topic, made.members], ["Made", "tea", ["alice", "bob"]]);
  await assert.rejects(alice.createRoom({ room: "made" }), { name: "MartletError", code: "exists" });
  const carol = await world.connected("carol");
  await assert.rejects(carol.joinRoom("made"), { code: "no_such_room" });
  assert.equal(carol.room("made"), undefined);

  const room = await bob.joinRoom("made");
  const first = await alice.sendMessage("made", "frist").done;
  const second = await alice.sendMessage("made", "oops").done;
  await alice.edit("made", first.id, "first");
  await alice.delete("made", second.id);
  await assert.rejects(bob.edit("made", first.id, "mine"), { code: "forbidden" });
  await eventually("all of it came", () => room.messages.length === 4);
  assert.deepEqual(room.messages.map((message) => message.type), ["message", "message", "edit", "delete"]);
  const shown = applyEdits(room.messages);
  assert.deepEqual(shown.map(({ text, edited, deleted }) => [text, edited, deleted]),
    [["first", true, undefined], ["", undefined, true]]);
});

test("commands answer, two slashes are one, and a text is a text", async () => {
  const [alice, bob] = await pair();
  const room = await bob.joinRoom("commands");
  await alice.joinRoom("commands");
  const lines = await alice.command("commands", "/who");
  assert.deepEqual([lines.type, lines.lines], ["output", ["*** 2 here: alice, bob"]]);
  await alice.command("commands", "/me waves");
  await alice.command("commands", "//shrug");
  await alice.command("commands", "hello");
  await alice.sendMessage("commands", "/etc/passwd").done;
  await eventually("all came", () => room.messages.length === 4);
  assert.deepEqual(room.messages.map(({ type, text }) => [type, text]),
    [["action", "waves"], ["message", "/shrug"], ["message", "hello"], ["message", "/etc/passwd"]]);
  await assert.rejects(alice.command("commands", "/nope"), { code: "bad_request", message: /Unknown command: \/nope/ });
});

test("commands that change which rooms one is in are known to the client", async () => {
  const [alice, bob] = await pair();
  const room = await alice.joinRoom("quitting");
  const said = await alice.command("quitting", "/quit");
  assert.deepEqual([said.type, said.lines], ["output", ["You have left quitting."]]);
  assert.deepEqual([room.joined, alice.room("quitting")], [false, undefined]);
  const entered = await alice.command("quitting", "/join quitting");
  assert.deepEqual([entered.type, entered.room], ["joined", "quitting"]);
  await bob.sendMessage("quitting", "welcome back").done;
  await eventually("it comes", () => alice.room("quitting").messages.some(({ text }) => text === "welcome back"));
});

test("a direct conversation is one room, however its people are written", async () => {
  const [alice, bob] = await pair();
  const written = `dm:${[alice.user, bob.user].sort().join("+")}`.toUpperCase().replace("DM:", "dm:");
  const room = await alice.joinRoom(written);
  assert.equal(room.id, written.toLowerCase());
  assert.equal(alice.room(written), room);
  assert.equal(await alice.joinRoom(room.id), room);
  await alice.sendMessage(written, "one").done;
  await bob.direct(alice.user, "two").done;
  await eventually("both are in it", () => room.messages.map(({ text }) => text).slice(-2).join() === "one,two");
  assert.equal(await alice.loadOlder(written), 0);
  await alice.leaveRoom(written);
  assert.equal(alice.room(room.id), undefined);
});

test("a page rings, and says so where nobody is there", async () => {
  const [alice, bob] = await pair();
  await alice.joinRoom("ring");
  await alice.page("ring", "bob");
  const page = await eventually("it rings", () => bob.told.event.find((event) => event.type === "page"));
  assert.deepEqual([page.user, page.room], ["alice", "ring"]);
  await assert.rejects(alice.page("ring", "zoe"), { code: "no_such_user" });
});

test("errors of sends are errors", async () => {
  const alice = await world.connected("alice");
  const long = alice.sendMessage("errors", "x".repeat(5000));
  await assert.rejects(long.done, (error) => error instanceof MartletError && error.code === "too_large");
  assert.equal(long.state, "failed");
  await assert.rejects(alice.sendMessage("errors", "").done, { code: "bad_request" });
  const bad = alice.sendMessage("no such room!", "x");
  await assert.rejects(bad.done, { code: "bad_room" });
  assert.deepEqual(alice.outbox, [long, bad]);
  await assert.rejects(bad.retry(), { code: "bad_room" });
  // What failed holds up nothing.
  await alice.sendMessage("errors", "after").done;
  long.discard();
  bad.discard();
  await eventually("nothing is left", () => alice.outbox.length === 0);
  assert.equal(bad.state, "discarded");
});

test("as fast as it is told to: forty sends and fifteen joins, and the relay never refuses one", async () => {
  const [alice, bob] = await pair();
  const room = await bob.joinRoom("fast");
  const began = Date.now();
  const sent = range(1, 40).map((number) => alice.sendMessage("fast", `${number}`));
  const joined = range(1, 15).map((number) => alice.joinRoom(`many-${number}`));
  await Promise.all([...sent.map((entry) => entry.done), ...joined]);
  await eventually("bob has all", () => room.messages.length === 40);
  assert.deepEqual(texts(room.messages), range(1, 40).map(String));
  // With its history a join counts twice, and asks who is there: 85 ops, of which 40 are had at once.
  assert.ok(Date.now() - began > 1000);
  assert.deepEqual(alice.told.status.map((status) => status.state), ["connecting", "connected"]);
  assert.deepEqual(alice.told.error, []);
});

test("messages are iterated, until the room is left", async () => {
  const [alice, bob] = await pair();
  const seen = [];
  const reading = (async () => { for await (const message of bob.messages("loop")) seen.push(message.text); })();
  await eventually("bob is in the room", () => bob.room("loop")?.joined);
  for (const number of range(1, 5)) await alice.sendMessage("loop", `l${number}`).done;
  await eventually("he reads", () => seen.length === 5);
  await bob.leaveRoom("loop");
  await reading;
  assert.deepEqual(seen, ["l1", "l2", "l3", "l4", "l5"]);

  const some = [];
  const loop = (async () => {
    for await (const message of bob.messages("loop")) {
      some.push(message.text);
      if (some.length === 2) break;
    }
  })();
  await eventually("bob is back", () => bob.room("loop")?.joined);
  for (const number of range(6, 9)) await alice.sendMessage("loop", `l${number}`).done;
  await loop;
  assert.deepEqual(some, ["l6", "l7"]);
  await eventually("the rest came too", () => bob.room("loop").seq === 9);

  const two = bob.messages("loop");
  const both = Promise.all([two.next(), two.next()]);
  for (const number of range(10, 11)) await alice.sendMessage("loop", `l${number}`).done;
  assert.deepEqual((await both).map(({ value }) => value.text), ["l10", "l11"]);
  const last = two.next();
  bob.disconnect();
  assert.deepEqual(await last, { done: true, value: undefined });
});

test("what cannot work is said at once", async () => {
  assert.throws(() => new MartletClient({ user: "x", webSocket: WebSocketOfNode }), { code: "bad_request" });
  if (globalThis.WebSocket === undefined) {
    assert.throws(() => new MartletClient({ url: "ws://127.0.0.1", user: "x" }), { code: "bad_request" });
  }
  const client = world.client("x");
  assert.throws(() => client.on("massage", () => {}), TypeError);
  await assert.rejects(client.who("general"), { code: "closed" });
  assert.equal(new MartletClient({ url: "https://h", user: "x", webSocket: WebSocketOfNode }).url, "wss://h/v1/ws");
});

test("a handler that throws hurts nobody else", async () => {
  const thrown = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error.message));
  try {
    const client = world.client("thrower");
    client.on("status", () => { throw new Error("of the handler"); });
    const seen = [];
    const off = client.on("status", (status) => seen.push(status.state));
    await client.connect();
    assert.deepEqual(seen, ["connecting", "connected"]);
    off();
    client.disconnect();
    await pause(1);
    assert.deepEqual(seen, ["connecting", "connected"]);
    assert.ok(thrown.length >= 2 && thrown.every((message) => message === "of the handler"));
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});
