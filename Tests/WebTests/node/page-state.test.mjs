// The page's state without a page: threads, conversations, texts, commands, the words for the connection.

import assert from "node:assert/strict";
import { test } from "node:test";

const client = new URL("../../../Sources/RelayWeb/Client/app/state/", import.meta.url);
const { Thread, addMessages, addNote, changeNote, removeMessages, setUnreadAfter } = await import(new URL("thread.js", client));
const { partsOf, isEmojiOnly, initials, userOf } = await import(new URL("text.js", client));
const conversations = await import(new URL("conversations.js", client));
const { completions, parseLine } = await import(new URL("commands.js", client));
const { describe } = await import(new URL("status.js", client));
const { createDrafts } = await import(new URL("drafts.js", client));

const noon = Date.UTC(2026, 10, 21, 12);
function message(seq, fields = {}) {
  const ts = noon + seq * 1000;
  return { id: `${ts}-0`, seq, ts, room: "r", type: "message", user: "bob", name: "Bob", text: `m${seq}`, ...fields };
}
const texts = (thread) => thread.items.filter((item) => item.message).map((item) => item.text);
const kinds = (thread) => thread.rows.map((row) => (row.kind === "message" ? row.item.text : row.kind)).join(" ");

test("messages stand in their order whatever the order in which they come, and once each", () => {
  const all = Array.from({ length: 60 }, (_, index) => message(index + 1));
  for (let seed = 1; seed <= 20; seed += 1) {
    const thread = new Thread("r", "me");
    const shuffled = all.map((one, index) => [(index * 7919 * seed) % 61, one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);
    for (let at = 0; at < shuffled.length; at += 5) {
      addMessages(thread, shuffled.slice(at, at + 5).sort((a, b) => a.seq - b.seq));
      addMessages(thread, shuffled.slice(at, at + 2).sort((a, b) => a.seq - b.seq));
    }
    assert.deepEqual(texts(thread), all.map(({ text }) => text), `seed ${seed}`);
    assert.equal(thread.lastSeq, 60);
  }
});

test("rows that are added one by one are the rows that are made anew", () => {
  const one = new Thread("r", "me");
  const other = new Thread("r", "me");
  const all = Array.from({ length: 40 }, (_, index) => message(index + 1, { user: index % 5 ? "bob" : "eve", ts: noon + index * 3_600_000, id: `${noon + index * 3_600_000}-0` }));
  for (const each of all) addMessages(one, [each]);
  addMessages(other, all.slice(20));
  addMessages(other, all.slice(0, 20));
  assert.deepEqual(one.rows.map(({ key, kind, isHead }) => [key, kind, isHead]), other.rows.map(({ key, kind, isHead }) => [key, kind, isHead]));
  assert.ok(one.rows.some(({ kind }) => kind === "day"));
});

test("the newest edit counts, in whatever order they come, and nothing brings back what was deleted", () => {
  const target = message(1).id;
  const edits = [message(2, { type: "edit", target, text: "second" }), message(3, { type: "edit", target, text: "third" })];
  for (const order of [[message(1), ...edits], [...edits, message(1)], [edits[1], edits[0], message(1)]]) {
    const thread = new Thread("r", "me");
    for (const each of order) addMessages(thread, [each]);
    assert.deepEqual(texts(thread), ["third"]);
    assert.equal(thread.items[0].edited, true);
    addMessages(thread, [message(4, { type: "delete", target })]);
    addMessages(thread, [message(5, { type: "edit", target, text: "back" })]);
    assert.deepEqual(texts(thread), [""]);
    assert.equal(thread.items[0].deleted, true);
  }
});

test("what was deleted stays so, whatever comes before it is loaded", () => {
  const target = message(1).id;
  const all = [message(2, { type: "edit", target, text: "a" }), message(3, { type: "delete", target }),
    message(4, { type: "edit", target, text: "back" })];
  for (const order of [[0, 1, 2], [1, 2, 0], [2, 1, 0], [1, 0, 2]]) {
    const thread = new Thread("r", "me");
    for (const index of order) addMessages(thread, [all[index]]);
    addMessages(thread, [message(1)]);
    assert.deepEqual([texts(thread), thread.items[0].deleted], [[""], true], order.join());
  }
});

test("a thread has a bound: edits, and the nonces of one's own, go with the oldest messages", () => {
  const thread = new Thread("r", "me");
  const own = (seq) => message(seq, { user: "me", nonce: `n${seq}` });
  const edit = (seq, target, text) => message(seq, { type: "edit", target: message(target).id, text });
  addMessages(thread, [own(1), own(2), own(3)]);
  for (let seq = 4; seq <= 42_000; seq += 1) addMessages(thread, [seq % 2 ? edit(seq, 3, `edit ${seq}`) : own(seq)]);
  assert.ok(thread.byId.size <= 21_001 && thread.byId.size >= 20_000, `${thread.byId.size} ids`);
  assert.ok(thread.items.length <= thread.byId.size && thread.nonces.size <= thread.items.length);
  assert.ok(thread.patches.size <= 1);
  assert.equal(thread.more, true);
  assert.ok(thread.nonces.has("n42000"));
  // What was dropped is read again as it is now, by whatever changed it.
  const { firstId } = thread;
  addMessages(thread, [own(1), own(2), own(3)]);
  assert.deepEqual(texts(thread).slice(0, 3), ["m1", "m2", "edit 41999"]);
  assert.equal(thread.items[3].key, firstId);
  addMessages(thread, [edit(5, 3, "edit 5"), edit(7, 2, "edit 7")]);
  assert.deepEqual(texts(thread).slice(0, 3), ["m1", "edit 7", "edit 41999"]);
});

test("the line of what is unread stands once, before the first message of somebody else", () => {
  const thread = new Thread("r", "bob");
  addMessages(thread, [message(1), message(2)]);
  setUnreadAfter(thread, 2);
  addMessages(thread, [message(3), message(4, { user: "eve" }), message(5, { user: "eve" })]);
  assert.equal(kinds(thread), "day m1 m2 m3 unread m4 m5");
  setUnreadAfter(thread, null);
  assert.equal(kinds(thread), "day m1 m2 m3 m4 m5");
});

test("who comes and goes shares a row; a gap stands where it is and is filled there", () => {
  const thread = new Thread("r", "me");
  addMessages(thread, [message(1)]);
  addNote(thread, { type: "join", user: "eve", ts: noon + 1500 });
  addNote(thread, { type: "leave", user: "eve", ts: noon + 1600 });
  addNote(thread, { type: "join", user: "ann", ts: noon + 1700 });
  assert.equal(kinds(thread), "day m1 note");
  assert.deepEqual(thread.items[1].note.events.map(({ type, user }) => `${user} ${type}`), ["eve leave", "ann join"]);
  const gap = addNote(thread, { type: "gap", from: 2, to: 3, count: 2, ts: noon + 1800 });
  addMessages(thread, [message(4)]);
  addMessages(thread, [message(2), message(3)]);
  assert.deepEqual(texts(thread), ["m1", "m2", "m3", "m4"]);
  changeNote(thread, gap.key, null);
  assert.equal(kinds(thread), "day m1 note m2 m3 m4");
  removeMessages(thread, [message(2).id]);
  assert.deepEqual(texts(thread), ["m1", "m3", "m4"]);
});

test("links are those of the web, without the sentence around them", () => {
  const links = (text) => partsOf(text).filter(({ kind }) => kind === "link").map(({ href }) => href);
  assert.deepEqual(links("see https://a.example/x."), ["https://a.example/x"]);
  assert.deepEqual(links("(https://a.example/x_(y)) http://b.example?q=1,"), ["https://a.example/x_(y)", "http://b.example/?q=1"]);
  for (const text of ["javascript:alert(1)", "xhttps://a.example", "https://", "https://u:p@a.example/", "data:text/html,x", "ftp://a.example"]) {
    assert.deepEqual(links(text), [], text);
  }
  for (const text of ["", "a https://b.example c", "https://b.example", "<b>https://b.example</b>", "https://a.example/".repeat(3)]) {
    assert.equal(partsOf(text).map((part) => part.text).join(""), text);
  }
  const began = process.cpuUsage();
  partsOf("https://" + "(".repeat(4000));
  partsOf("https://a.example/" + ")".repeat(4000));
  isEmojiOnly("\u{1F44D}".repeat(18) + "x");
  assert.ok(process.cpuUsage(began).user / 1000 < 2000, "no text takes long, whoever else uses the machine");
});

test("emoji alone are large, names have initials and make users", () => {
  for (const text of ["👍", "👍🏽 👍🏽", "❤️", "👨‍👩‍👧‍👦"]) assert.ok(isEmojiOnly(text), text);
  for (const text of ["a", "👍 ok", "12", "", " ", "👍👍👍👍"]) assert.ok(!isEmojiOnly(text), text);
  assert.deepEqual(["Alice Martin", "bob", "dr.lee", "", "محمد"].map(initials), ["AM", "B", "DL", "?", "م"]);
  assert.deepEqual(["Álice M", "x y", "...", "ß", "王"].map(userOf), ["alice.m", "x.y", null, "ss", null]);
});

test("unread is the counter less the marker, and neither goes back", () => {
  let list = conversations.merge(new Map(), [{ room: "r", name: "R", seq: 5, unread: 2, last: message(5), created_at: 1 }], "me");
  assert.equal(conversations.unreadTotal(list), 2);
  list = conversations.messageArrived(list, message(6), "me");
  assert.equal(conversations.unreadOf(list.get("r")), 3);
  list = conversations.marked(list, "r", 6, "me");
  list = conversations.marked(list, "r", 4, "me");
  list = conversations.merge(list, [{ room: "r", name: "R", seq: 5, unread: 2, last: message(5) }], "me");
  assert.equal(conversations.unreadTotal(list), 0);
  assert.equal(list.get("r").last.text, "m6");
  list = conversations.messageArrived(list, message(7, { user: "me" }), "me");
  assert.equal(conversations.unreadTotal(list), 0, "one's own are read");
  assert.equal(conversations.messageArrived(list, message(7), "me"), list, "nothing twice");
  list = conversations.messageArrived(list, message(8, { type: "delete", target: message(7).id }), "me");
  assert.equal(conversations.lastLineOf(list.get("r"), "me"), "Message deleted");
});

test("a direct conversation is named by the other one", () => {
  assert.equal(conversations.otherOf("dm:alice+bob", "bob"), "alice");
  assert.equal(conversations.otherOf("dm:alice+bob", "eve"), null);
  assert.equal(conversations.directRoom("bob", "alice"), "dm:alice+bob");
});

test("lines are sent, or are commands, and complete themselves", () => {
  assert.deepEqual(parseLine("hi"), { kind: "send", type: "message", text: "hi" });
  assert.deepEqual(parseLine("//hi"), { kind: "send", type: "message", text: "/hi" });
  assert.deepEqual(parseLine("/me waves"), { kind: "send", type: "action", text: "waves" });
  assert.deepEqual(parseLine("/JOIN tea "), { kind: "join", room: "tea" });
  assert.deepEqual(parseLine("/who"), { kind: "command", text: "/who" });
  assert.deepEqual(parseLine("/me"), { kind: "command", text: "/me" });
  const known = { users: [{ user: "bob", name: "Bob" }, { user: "eve", name: "Bea" }], rooms: ["tea"] };
  assert.deepEqual(completions("/m", known).map(({ insert }) => insert), ["/me ", "/msg "]);
  assert.deepEqual(completions("/page b", known).map(({ insert }) => insert), ["/page bob ", "/page eve "]);
  assert.deepEqual(completions("/join ", known).map(({ insert }) => insert), ["/join tea "]);
  assert.deepEqual(completions("/msg bob hi", known), []);
  assert.deepEqual(completions("m", known), []);
});

test("the connection is told as it is", () => {
  assert.equal(describe({ state: "connected" }, 0).text, "Connected");
  assert.equal(describe({ state: "reconnecting", retryAt: 4200 }, 1000).text, "Reconnecting in 4 s");
  assert.equal(describe({ state: "reconnecting", retryAt: 900 }, 1000).text, "Reconnecting…");
  assert.match(describe({ state: "signed-out", code: 4503 }, 0).text, /removed by an operator/u);
});

test("drafts survive, a room each, and a broken storage costs nothing but them", () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const drafts = createDrafts(storage, "me");
  drafts.set("a", "one");
  drafts.set("b", "two");
  drafts.set("a", "");
  const again = createDrafts(storage, "me");
  assert.equal(again.get("a"), "");
  assert.equal(again.get("b"), "two");
  assert.equal(createDrafts(storage, "other").get("b"), "");
  const broken = createDrafts({ getItem: () => "{", setItem: () => { throw new Error("full"); } }, "me");
  broken.set("a", "x");
  assert.equal(broken.get("a"), "x");
  const early = createDrafts(null, "");
  early.set("a", "before anybody is known");
  assert.deepEqual(early.entries(), [["a", "before anybody is known"]]);
});
