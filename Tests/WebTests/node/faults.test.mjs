// The client where things break: edges are killed, Redis is stopped, connections go dead, operators send people away.

import assert from "node:assert/strict";
import { createConnection, createServer } from "node:net";
import { after, afterEach, before, test } from "node:test";
import { WebSocketOfNode, World, eventually, freePort, generous, patience, pause, range, texts } from "./world.mjs";

let world;
before(async () => { world = await World.start(); });
afterEach(() => world.hangUp());
after(() => world.stop());

/** Looks at the status all the time, and says what it was whenever `isAway()` held. */
function watch(client, isAway) {
  const lies = [];
  const timer = setInterval(() => { if (isAway() && client.status.state === "connected") lies.push(Date.now()); }, 2);
  return () => { clearInterval(timer); return lies; };
}

test("an edge is killed while people talk, twice: nothing is lost or doubled, the status is true", async () => {
  const edge = await world.startEdge();
  const [alice, bob] = [await world.connected("alice", { edge }), await world.connected("bob", { edge })];
  const room = await bob.joinRoom("killed");
  await alice.joinRoom("killed");
  const bobSaw = [];
  bob.on("message", (message) => bobSaw.push(message));
  let isDown = false;
  const stopWatching = watch(alice, () => isDown);
  const sent = [];
  const talk = async (first, last) => {
    for (const number of range(first, last)) { sent.push(alice.sendMessage("killed", `k${number}`)); await pause(5); }
  };

  for (const [first, last] of [[1, 40], [41, 80]]) {
    const talking = talk(first, last);
    await eventually("some of it is stored", () => sent.filter((entry) => entry.state === "sent").length > first + 5);
    await edge.program.kill();
    await eventually("she knows", () => alice.status.state === "reconnecting");
    isDown = true;
    // Somebody else talks meanwhile, on another edge.
    await world.post("killed", `meanwhile ${last}`);
    await talking;
    const { retryAt, attempt } = await eventually("she waits", () => alice.status.retryAt && alice.status);
    assert.ok(attempt >= 1 && retryAt <= Date.now() + 400, "the wait is bounded");
    isDown = false;
    await world.restart(edge);
    await Promise.all(sent.map((entry) => entry.done));
  }

  await eventually("bob has all of it", () => room.messages.length === 82 && bob.status.state === "connected");
  assert.deepEqual(texts(room.messages).filter((text) => text[0] === "k"), range(1, 80).map((number) => `k${number}`));
  assert.deepEqual(room.messages.map((message) => message.seq), range(1, 82));
  assert.deepEqual(bobSaw, room.messages, "each was told once, in order");
  assert.deepEqual(stopWatching(), [], "connected was never said of an edge that was dead");
  assert.deepEqual(alice.told.gap.concat(bob.told.gap), []);
  // An entry stays until its message has come to its sender too, which may be after bob has it.
  await eventually("nothing is on its way any more", () => alice.outbox.length === 0);
  const states = alice.told.status.map((status) => status.state);
  assert.equal(states.filter((state) => state === "connected").length, 3);
  assert.ok(!states.includes("closed") && !states.includes("signed-out"));
});

test("Redis is stopped and goes on: sends wait and are made once", async () => {
  const client = await world.connected("waiter");
  const room = await client.joinRoom("stopped");
  await client.sendMessage("stopped", "before").done;
  world.redis.signal("SIGSTOP");
  let sent;
  try {
    sent = range(1, 5).map((number) => client.sendMessage("stopped", `s${number}`));
    await eventually("it was refused at least once", () => sent[0].own.tries > 0);
    assert.ok(sent.every((entry) => entry.state === "sending"));
    assert.equal(client.status.state, "connected");
    await assert.rejects(client.history("stopped"), { code: "unavailable" });
  } finally {
    world.redis.signal("SIGCONT");
  }
  await Promise.all(sent.map((entry) => entry.done));
  await eventually("all of it came", () => room.messages.length >= 6);
  const { messages } = await eventually("it can be read", () => client.history("stopped").catch(() => undefined));
  assert.deepEqual(texts(messages), ["before", "s1", "s2", "s3", "s4", "s5"]);
  assert.deepEqual(room.messages, messages);
});

test("Redis is killed and started again with what it had", async () => {
  const [alice, bob] = [await world.connected("alice"), await world.connected("bob")];
  const room = await bob.joinRoom("restarted");
  await alice.sendMessage("restarted", "before").done;
  await world.redis.kill();
  const sent = range(1, 5).map((number) => alice.sendMessage("restarted", `r${number}`));
  await eventually("it was refused at least once", () => sent[0].own.tries > 0);
  await world.startRedis();
  await Promise.all(sent.map((entry) => entry.done));
  await eventually("bob has it", () => room.messages.length === 6);
  assert.deepEqual(texts(bob.told.message), ["before", "r1", "r2", "r3", "r4", "r5"]);
  assert.deepEqual(bob.told.gap, []);
});

test("Redis loses everything and gets it back from the edge: nothing comes twice, and it is told", async () => {
  const lossy = await World.start({ appendOnly: false });
  try {
    const [alice, bob] = [await lossy.connected("alice"), await lossy.connected("bob")];
    const room = await bob.joinRoom("lost");
    for (const number of range(1, 5)) await alice.sendMessage("lost", `l${number}`).done;
    await eventually("bob has them", () => room.messages.length === 5);
    const before = [...room.messages];
    const { epoch } = room;
    await lossy.redis.kill();
    await lossy.startRedis();
    await alice.sendMessage("lost", "after").done;
    await eventually("it came", () => room.messages.at(-1).text === "after");
    await eventually("bob knows the new epoch", () => room.epoch !== epoch);
    assert.ok(bob.told.event.some((event) => event.type === "rewound"));
    assert.deepEqual(room.messages.slice(0, 5), before);
    bob.disconnect();
    await alice.sendMessage("lost", "later").done;
    await bob.connect();
    await eventually("that too", () => room.messages.at(-1).text === "later");
    assert.deepEqual(texts(bob.told.message), ["l1", "l2", "l3", "l4", "l5", "after", "later"]);
    assert.deepEqual(bob.told.message, room.messages);
  } finally {
    await lossy.stop();
  }
});

test("two thousand messages were missed: all come, in order, before what is new", async () => {
  const edge = await world.startEdge({ flags: generous });
  const client = await world.connected("away", { edge });
  const room = await client.joinRoom("missed");
  await world.post("missed", "first", { edge });
  await eventually("it is there", () => room.messages.length === 1);
  client.disconnect();
  await world.flood("missed", range(1, 2000).map((number) => `m${number}`), edge);
  let wasCatchingUp = false; // looked at as it changes: between two looks at a clock all of it may come
  client.on("room", () => { wasCatchingUp ||= room.catchingUp; });
  await client.connect();
  await eventually("it is joined", () => room.joined);
  await world.post("missed", "last", { edge });
  await eventually("all came", () => room.messages.length === 2002);
  assert.deepEqual([wasCatchingUp, room.catchingUp], [true, false]);
  assert.deepEqual(room.messages.map((message) => message.seq), range(1, 2002));
  assert.equal(room.messages.at(-1).text, "last");
  assert.deepEqual(client.told.message, room.messages);
  assert.deepEqual(client.told.gap, []);
});

test("what was trimmed meanwhile is said, with its number", async () => {
  const client = await world.connected("late");
  const room = await client.joinRoom("trimmed");
  for (const number of range(1, 3)) await client.sendMessage("trimmed", `t${number}`).done;
  await eventually("they came", () => room.messages.length === 3);
  client.disconnect();
  // Another edge, which did not see what is gone, and so has to say that nobody can tell.
  for (const number of range(4, 12)) await world.post("trimmed", `t${number}`);
  await world.order("XTRIM", "chat:{trimmed}:stream", "MAXLEN", "=", "4");
  const other = await world.startEdge();
  const next = world.client("late", { edge: other });
  await next.connect();
  const gaps = next.told.gap;
  const again = await next.joinRoom("trimmed", { history: 50 });
  assert.deepEqual(texts(again.messages), ["t9", "t10", "t11", "t12"]);
  assert.deepEqual(gaps, [], "who never saw the room misses nothing");

  const moved = world.client("late", { url: other.url });
  await moved.connect();
  moved.disconnect();
  // The first client goes on where it was, on that edge.
  await world.edges[0].program.kill();
  const proxy = await forward(world.edges[0].port, other.port);
  try {
    await client.connect();
    await eventually("it came", () => room.messages.length === 7);
    assert.deepEqual(client.told.gap, [
      { room: "trimmed", after: room.messages[2].id, reason: "trimmed", from: 4, to: 8, count: 5 },
    ]);
    assert.deepEqual(texts(room.messages), ["t1", "t2", "t3", "t9", "t10", "t11", "t12"]);
    assert.deepEqual(room.gaps, client.told.gap);
  } finally {
    client.disconnect();
    await proxy.close();
    await world.restart(world.edges[0]);
  }
});

test("direct messages that were missed come after a reconnection, without a join", async () => {
  const edge = await world.startEdge();
  const [alice, bob] = [await world.connected("dana"), await world.connected("erik", { edge })];
  await alice.direct("erik", "d1").done;
  await eventually("it came", () => bob.told.message.length === 1);
  await edge.program.kill();
  await eventually("he is away", () => bob.status.state === "reconnecting");
  for (const number of range(2, 60)) await alice.direct("erik", `d${number}`).done;
  await world.restart(edge);
  await eventually("he is back", () => bob.status.state === "connected");
  await alice.direct("erik", "d61").done;
  await eventually("all came", () => bob.told.message.length === 61);
  assert.deepEqual(texts(bob.told.message), range(1, 61).map((number) => `d${number}`));
});

test("a relay that goes silent is noticed, though the connection stands", async () => {
  const port = await freePort();
  const proxy = await forward(port, world.edges[0].port);
  let pongs = 0;
  class Counting extends WebSocketOfNode {
    constructor(...given) {
      super(...given);
      this.on("message", (data) => { if (JSON.parse(data).type === "pong") pongs += 1; });
    }
  }
  const span = 2_000 * patience; // a machine that is busy is not a relay that is silent
  const client = world.client("silent", {
    url: `ws://127.0.0.1:${port}`, webSocket: Counting,
    timing: { pingAfter: 50, pongWithin: span, openWithin: span },
  });
  try {
    await client.connect();
    const room = await client.joinRoom("silent");
    await eventually("several pings are answered", () => pongs >= 3);
    assert.deepEqual(client.told.status.map((status) => status.state), ["connecting", "connected"]);
    proxy.hold();
    await world.post("silent", "unheard");
    await eventually("it is noticed", () => client.status.state === "reconnecting");
    assert.match(client.told.status.at(-1).reason ?? client.told.status.at(-2).reason, /silent|answer/);
    proxy.release();
    await eventually("it is back, and has what it missed", () => room.messages.length === 1 && room.joined);
    assert.equal(client.status.state, "connected");
  } finally {
    client.disconnect();
    await proxy.close();
  }
});

test("whoever is kicked stays away, and is told why", async () => {
  const client = await world.connected("mallory");
  const room = await client.joinRoom("kicked");
  const reading = assert.rejects(async () => { for await (const _ of client.messages("kicked")); },
    { code: "unauthorized", closeCode: 4503 });
  await world.order("PUBLISH", "chat:control", JSON.stringify({ op: "kick", user: "mallory", reason: "enough" }));
  await eventually("it is signed out", () => client.status.state === "signed-out");
  assert.deepEqual([client.status.code, client.status.reason], [4503, "kicked: enough"]);
  await reading;
  await pause(600); // longer than any wait of this client
  assert.equal(client.status.state, "signed-out");
  assert.equal(room.joined, false);
  await assert.rejects(client.who("kicked"), { code: "closed" });
  // A person may decide otherwise.
  await client.connect();
  await eventually("the room is joined again", () => room.joined);
});

test("whoever is put out of a room is told so, and of nothing that is said there", async () => {
  const client = await world.connected("loud");
  const room = await client.joinRoom("library");
  await world.order("PUBLISH", "chat:control",
    JSON.stringify({ op: "kick", user: "loud", room: "library", reason: "hush", seconds: 60 }));
  const left = await eventually("it is told", () => client.told.event.find((event) => event.type === "left"));
  assert.deepEqual([left.room, left.reason], ["library", "kicked: hush"]);
  assert.deepEqual([room.joined, room.error.message, client.room("library")], [false, "kicked: hush", undefined]);
  await assert.rejects(client.joinRoom("library"), { code: "forbidden" });
  await assert.rejects(client.sendMessage("library", "HEY").done, (error) => error.retryAfter > 0);
  assert.equal(client.status.state, "connected");
});

test("a drain sends the client to come back, and it does", async () => {
  const edge = await world.startEdge();
  const client = await world.connected("drained", { edge, timing: { drainJitter: 100 } });
  await client.joinRoom("drained");
  const waits = [];
  client.on("status", ({ code, retryAt }) => { if (code === 4000) waits.push(retryAt - Date.now()); });
  edge.program.signal("SIGTERM");
  await eventually("it is told", () => waits.length > 0);
  assert.ok(waits[0] <= 100, "at once, within the jitter");
  await edge.program.ended;
  await world.restart(edge);
  await eventually("it is back", () => client.status.state === "connected" && client.room("drained").joined);
});

test("a first connection waits for a relay that is not there yet", async () => {
  const edge = { port: await freePort() };
  edge.url = `ws://127.0.0.1:${edge.port}`;
  const client = world.client("early", { edge });
  const connecting = client.connect();
  const joining = client.joinRoom("early");
  const entry = client.sendMessage("early", "at last");
  await eventually("it has tried", () => client.status.attempt >= 2);
  assert.ok(["reconnecting"].includes(client.status.state));
  await world.startEdge(edge);
  assert.equal((await connecting).user, "early");
  const room = await joining;
  await entry.done;
  await eventually("it came", () => room.messages.length === 1);

  const never = world.client("never", { url: `ws://127.0.0.1:${await freePort()}` });
  const waiting = never.connect();
  never.disconnect();
  await assert.rejects(waiting, { code: "closed" });
  assert.equal(never.status.state, "closed");
});

/** Passes bytes on between two ports, until it is told to hold everything back. */
async function forward(from, to) {
  const sockets = new Set();
  let isHeld = false;
  const server = createServer((near) => {
    const far = createConnection(to, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on("data", (data) => { if (!isHeld) other.write(data); });
      one.on("close", () => { sockets.delete(one); other.destroy(); });
      one.on("error", () => other.destroy());
    }
  });
  await new Promise((resolve) => { server.listen(from, "127.0.0.1", resolve); });
  return {
    hold() { isHeld = true; },
    release() { isHeld = false; },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => { server.close(resolve); });
    },
  };
}
