// What is not stored yet: over a reload, past the time for which the relay knows a nonce, and with tokens.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { MemoryStorage } from "../../../Sources/RelayWeb/Client/martlet-client.js";
import { World, eventually, range, texts } from "./world.mjs";

let world;
before(async () => { world = await World.start(); });
afterEach(() => world.hangUp());
after(() => world.stop());

const minute = 60_000;

/** A client that never connects, on a storage that a later one takes over: a page that is loaded again. */
function leftBehind(user, storage) { return world.client(user, { storage }); }

test("what was not sent before a reload is sent after it, once and in order", async () => {
  const storage = new MemoryStorage();
  const first = leftBehind("ann", storage);
  for (const number of range(1, 5)) first.sendMessage("reload", `r${number}`);
  first.direct("ben", "to ben");
  first.sendMessage("reload", "waves", { type: "action" });
  assert.equal(storage.length, 7);

  const second = world.client("Ann", { storage });
  assert.deepEqual(texts(second.outbox), ["r1", "r2", "r3", "r4", "r5", "to ben", "waves"]);
  await second.connect();
  const room = await second.joinRoom("reload");
  await eventually("all is sent and shown", () => second.outbox.length === 0 && room.messages.length === 6);
  assert.deepEqual(texts(room.messages), ["r1", "r2", "r3", "r4", "r5", "waves"]);
  assert.equal(room.messages.at(-1).type, "action");
  assert.equal(storage.length, 0);
  const conversation = await second.history("dm:ann+ben");
  assert.deepEqual(texts(conversation.messages), ["to ben"]);
  // Nothing is left for a third.
  assert.deepEqual(world.client("ann", { storage }).outbox, []);
});

test("what the relay stored although the page never heard so is not stored again", async () => {
  const storage = new MemoryStorage();
  const first = leftBehind("cleo", storage);
  const entry = first.sendMessage("unheard", "once");
  const answer = await fetch(`http://127.0.0.1:${world.edges[0].port}/v1/rooms/unheard/messages?user=cleo`, {
    method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": entry.nonce },
    body: JSON.stringify({ text: "once" }),
  });
  assert.equal(answer.status, 201);
  const second = await world.connected("cleo", { storage });
  await eventually("it is settled", () => second.outbox.length === 0);
  assert.equal((await second.history("unheard")).messages.length, 1);
});

test("two pages with one storage: each message is one message", async () => {
  const storage = new MemoryStorage();
  leftBehind("dee", storage).sendMessage("shared", "s1");
  const pages = await Promise.all([world.connected("dee", { storage }), world.connected("dee", { storage })]);
  const entries = pages.map((page, index) => page.sendMessage("shared", `p${index}`));
  await Promise.all(entries.map((entry) => entry.done));
  await eventually("nothing is left", () => storage.length === 0 && pages.every((page) => page.outbox.length === 0));
  assert.deepEqual(texts((await pages[0].history("shared")).messages).sort(), ["p0", "p1", "s1"]);
});

test("what is older than nine minutes asks, and is never sent by itself", async () => {
  const storage = new MemoryStorage();
  leftBehind("eve", storage).sendMessage("old", "too old");
  leftBehind("eve", storage).sendMessage("old", "given up");
  for (const key of range(0, storage.length - 1).map((index) => storage.key(index))) {
    storage.setItem(key, JSON.stringify({ ...JSON.parse(storage.getItem(key)), at: Date.now() - 9 * minute - 1 }));
  }
  const client = world.client("eve", { storage });
  assert.deepEqual(client.outbox.map((entry) => entry.state), ["expired", "expired"]);
  await client.connect();
  await client.sendMessage("old", "new").done; // and they hold up nothing
  const [old, other] = client.outbox;
  assert.deepEqual(client.outbox.map((entry) => entry.state), ["expired", "expired"]);
  await assert.rejects(old.done, { code: "expired" });
  assert.deepEqual(texts((await client.history("old")).messages), ["new"]);
  assert.equal(storage.length, 2);

  const nonce = old.nonce;
  const again = old.retry();
  assert.equal(old.state, "sending");
  assert.notEqual(old.nonce, nonce);
  assert.equal((await again).text, "too old");
  other.discard();
  assert.deepEqual([client.outbox, storage.length], [[], 0]);
  assert.deepEqual(texts((await client.history("old")).messages), ["new", "too old"]);
});

test("eight minutes are not too old, and a clock that was set back asks", async () => {
  const storage = new MemoryStorage();
  const left = leftBehind("fay", storage);
  left.sendMessage("young", "from before");
  left.sendMessage("young", "from the future");
  const keys = range(0, 1).map((index) => storage.key(index));
  for (const [index, at] of [Date.now() - 8 * minute, Date.now() + 5 * minute].entries()) {
    storage.setItem(keys[index], JSON.stringify({ ...JSON.parse(storage.getItem(keys[index])), at }));
  }
  const client = await world.connected("fay", { storage });
  await eventually("one is sent", () => client.outbox.length === 1);
  assert.deepEqual(client.outbox.map(({ text, state }) => [text, state]), [["from the future", "expired"]]);
});

test("an entry grows old while the page waits for a connection", async () => {
  const client = world.client("gus", { timing: { outboxAge: 50 } });
  const entry = client.sendMessage("waiting", "too late");
  await eventually("it asks", () => entry.state === "expired");
  assert.deepEqual(client.told.outbox.map((told) => told.state).length, 2);
  await client.connect();
  assert.equal((await client.rooms()).find((room) => room.room === "waiting"), undefined);
});

test("what has expired and turns out to be stored is settled", async () => {
  const storage = new MemoryStorage();
  const entry = leftBehind("hal", storage).sendMessage("found", "was stored");
  await fetch(`http://127.0.0.1:${world.edges[0].port}/v1/rooms/found/messages?user=hal`, {
    method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": entry.nonce },
    body: JSON.stringify({ text: "was stored" }),
  });
  const key = storage.key(0);
  storage.setItem(key, JSON.stringify({ ...JSON.parse(storage.getItem(key)), at: Date.now() - 20 * minute }));
  const client = await world.connected("hal", { storage });
  assert.equal(client.outbox[0].state, "expired");
  const room = await client.joinRoom("found");
  assert.deepEqual([client.outbox, storage.length, room.messages.length], [[], 0, 1]);
});

test("what failed is still there after a reload, with its error", async () => {
  const storage = new MemoryStorage();
  const first = await world.connected("ida", { storage });
  await assert.rejects(first.sendMessage("not a room", "lost?").done, { code: "bad_room" });
  const second = world.client("ida", { storage });
  assert.deepEqual(second.outbox.map(({ text, state, error }) => [text, state, error.code]),
    [["lost?", "failed", "bad_room"]]);
  second.outbox[0].discard();
  assert.equal(storage.length, 0);
});

test("a storage with other things in it, and with broken ones, hurts nobody", async () => {
  const storage = new MemoryStorage();
  storage.setItem("theirs", "x");
  leftBehind("jon", storage).sendMessage("broken", "fine");
  const key = range(0, 1).map((index) => storage.key(index)).find((name) => name !== "theirs");
  for (const [nonce, value] of [["a", "{}"], ["b", "not JSON"], ["c", "null"]]) {
    storage.setItem(key.replace(/[^:]*$/, nonce), value);
  }
  const client = await world.connected("jon", { storage });
  await eventually("what is whole is sent", () => client.outbox.length === 0);
  assert.equal(storage.getItem("theirs"), "x");
});

test("tokens: a good one opens the outbox of whom it names, a bad one ends it with 4501", async () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const file = join(world.folder, "secret");
  writeFileSync(file, secret);
  const edge = await world.startEdge({ flags: ["--auth", "jwt", "--jwt-secret-file", file] });
  const token = (claims, key = secret) => {
    const head = [{ alg: "HS256", typ: "JWT" }, { exp: Math.floor(Date.now() / 1000) + 600, ...claims }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${head}.${createHmac("sha256", key).update(head).digest("base64url")}`;
  };
  const storage = new MemoryStorage();
  const first = world.client(undefined, { edge, storage, token: token({ sub: "kim", name: "Kim" }) });
  const direct = first.direct("lea", "before anybody knows who I am");
  assert.equal(direct.room, undefined);
  await first.connect();
  assert.deepEqual([first.user, first.name, direct.room], ["kim", "Kim", "dm:kim+lea"]);
  await direct.done;
  first.disconnect();
  first.sendMessage("tokens", "later");
  assert.equal(storage.length, 1);
  const other = world.client(undefined, { edge, storage, token: async () => token({ sub: "lea" }) });
  await other.connect();
  assert.deepEqual(other.outbox, [], "one's outbox is not another's");
  const second = world.client(undefined, { edge, storage, token: async () => token({ sub: "kim" }) });
  await second.connect();
  await eventually("it is sent", () => storage.length === 0);

  for (const bad of [token({ sub: "kim" }, "another secret that is long enough"), "x.y.z"]) {
    const client = world.client(undefined, { edge, token: bad });
    await assert.rejects(client.connect(), { code: "unauthorized", closeCode: 4501 });
    assert.deepEqual([client.status.state, client.status.code], ["signed-out", 4501]);
  }
  await assert.rejects(world.client("nobody", { edge }).connect(), { code: "unauthorized" });
  const late = world.client(undefined, { edge, token: token({ sub: "kim", exp: Math.floor(Date.now() / 1000) - 5 }) });
  await assert.rejects(late.connect(), { closeCode: 4502 });

  // A token ends while the session lasts: with another one the session goes on.
  // A machine that is slow needs longer to connect than a short one lives, and gets a longer one then.
  const connectedFor = async (seconds) => {
    let count = 0;
    const renewing = world.client(undefined, { edge, token: () => {
      count += 1;
      return token({ sub: "kim", exp: Math.floor(Date.now() / 1000) + (count > 1 ? 600 : seconds) });
    } });
    try { await renewing.connect(); } catch (error) {
      if (error.closeCode !== 4502 || seconds > 60) throw error;
      return connectedFor(seconds * 3);
    }
    return { renewing, given: () => count };
  };
  const { renewing, given } = await connectedFor(2);
  await eventually("it has a new one", () => given() >= 2 && renewing.status.state === "connected");
  assert.ok(renewing.told.status.some((status) => status.code === 4502 && status.state === "reconnecting"));
});
