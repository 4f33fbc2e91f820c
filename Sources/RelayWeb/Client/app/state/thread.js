// One conversation as it is read: messages with their edits and deletions applied, what happened between them, and the
// rows that show it. No DOM, no clock. A thread belongs to the store; only these functions change it.

import { dayOf } from "./times.js";

/**
 * @typedef {{id: string, seq: number, ts: number, room: string, type: string, user: string, name: string, text: string,
 *   nonce?: string, to?: string, target?: string, reply_to?: string, deleted?: boolean}} Envelope
 * @typedef {{key: string, kind: "message" | "note", ts: number, version: number, message?: Envelope, text: string,
 *   edited?: boolean, deleted?: boolean, note?: any}} Item
 * @typedef {{key: string, kind: "day" | "unread" | "message" | "note", ts: number, item?: Item, isHead?: boolean}} Row
 */

/** Messages of one author that are closer than this are one group. */
const groupSpan = 5 * 60_000;
/** How many lines of comings and goings are kept: of what nobody keeps, the newest will do. */
const notesMax = 400;
/** How many messages of a room are kept, edits and deletions among them; the oldest go first. */
const itemsMax = 20_000;

export class Thread {
  /** @type {Item[]} */
  items = [];
  /** @type {Row[]} */
  rows = [];
  /** Counts what changed other than by appending rows. */
  generation = 0;
  /** What is here of the messages; null for edits and deletions. @type {Map<string, Item | null>} */
  byId = new Map();
  /** Edits and deletions of messages that are not here yet. @type {Map<string, Envelope>} */
  patches = new Map();
  /** Whether there is more above. */
  more = true;
  /** Why what is above could not be read; null: nothing is known against it. @type {string | null} */
  olderError = null;
  /** Whether the room has been joined once: what it brought is here. */
  isPrimed = false;
  /** The line of what is unread stands behind this seq; null: there is none. @type {number | null} */
  unreadAfter = null;
  lastSeq = 0;
  noteCount = 0;
  hasUnreadLine = false;
  /** The newest day that has a line. */
  lastDay = "";
  /** Nonces of one's own messages that are here: their entries of the outbox are shown no more. @type {Set<string>} */
  nonces = new Set();

  /** @param {string} room @param {string} me the user who reads */
  constructor(room, me) {
    this.room = room;
    this.me = me;
  }

  /** The id of the oldest message, which is where reading on upwards begins. */
  get firstId() {
    return this.items.find((item) => item.message)?.message?.id ?? null;
  }

  /** The newest message. */
  get last() {
    for (let index = this.items.length - 1; index >= 0; index -= 1) {
      const item = this.items[index];
      if (item.message) return item;
    }
    return null;
  }
}

/** The moment of an id. */
export function momentOf(id) {
  return Number(id.split("-")[0]);
}

/** Orders ids, `MILLISECONDS-SEQUENCE`. */
export function compareIds(left, right) {
  const [a, b] = [left.split("-"), right.split("-")];
  return Number(a[0]) - Number(b[0]) || Number(a[1] ?? 0) - Number(b[1] ?? 0);
}

/**
 * Takes in messages, whether they are newer, older or known already.
 *
 * @param {Thread} thread
 * @param {Envelope[]} envelopes ascending
 */
export function addMessages(thread, envelopes) {
  const fresh = envelopes.filter((envelope) => isFresh(thread, envelope));
  const shown = fresh.filter((envelope) => !isPatch(envelope));
  const last = thread.last?.message;
  const isAppended = shown.length === 0 || !last || compareIds(shown[0].id, last.id) > 0;
  const items = shown.map((envelope) => itemOf(thread, envelope));
  if (isAppended) {
    for (const item of items) {
      thread.items.push(item);
      extendRows(thread, item);
    }
  } else {
    mergeItems(thread, items);
    touchAnswers(thread, new Set(items.map(({ key }) => key)));
    rebuildRows(thread);
  }
  for (const envelope of fresh) if (isPatch(envelope)) applyPatch(thread, envelope);
  if (isAppended && thread.byId.size > itemsMax + 1000) dropOldest(thread);
}

/** Edits and deletions change others and are no rows of their own. */
function isPatch(envelope) {
  return envelope.type === "edit" || envelope.type === "delete";
}

function isFresh(thread, envelope) {
  if (thread.byId.has(envelope.id)) return false;
  if (isPatch(envelope)) thread.byId.set(envelope.id, null);
  thread.lastSeq = Math.max(thread.lastSeq, envelope.seq);
  return true;
}

function itemOf(thread, envelope) {
  /** @type {Item} */
  const item = {
    key: envelope.id, kind: "message", ts: envelope.ts, version: 0, message: envelope, text: envelope.text,
    deleted: envelope.deleted === true,
  };
  if (envelope.nonce && envelope.user === thread.me) thread.nonces.add(envelope.nonce);
  thread.byId.set(envelope.id, item);
  const patch = thread.patches.get(envelope.id);
  if (patch) {
    thread.patches.delete(envelope.id);
    patchItem(item, patch);
  }
  return item;
}

function applyPatch(thread, envelope) {
  const item = thread.byId.get(envelope.target);
  if (item) {
    patchItem(item, envelope);
    touchAnswers(thread, new Set([item.key]));
  } else {
    const known = thread.patches.get(envelope.target);
    const isNewer = !known || (known.type !== "delete" && compareIds(known.id, envelope.id) < 0);
    if (isNewer || envelope.type === "delete") thread.patches.set(envelope.target, envelope);
  }
}

/** Answers quote what they answer: they are shown anew where that has changed, or has come only now. */
function touchAnswers(thread, keys) {
  for (const item of thread.items) if (keys.has(item.message?.reply_to)) item.version += 1;
}

/** The newest edit counts, in whatever order they come; nothing brings back what was deleted. */
function patchItem(item, patch) {
  const isOlder = item.patchedBy && compareIds(item.patchedBy, patch.id) >= 0;
  if (isOlder && (item.deleted || patch.type !== "delete")) return;
  item.patchedBy = patch.id;
  item.version += 1;
  if (patch.type === "delete" || patch.deleted) {
    item.deleted = item.deleted || patch.type === "delete";
    if (item.deleted) item.text = "";
  } else if (!item.deleted) {
    item.text = patch.text;
    item.edited = true;
  }
}

/** Puts items among those that are there, by their ids; notes stay behind the message that they followed. */
function mergeItems(thread, items) {
  const merged = [];
  let index = 0;
  for (const item of thread.items) {
    while (index < items.length && item.message && compareIds(items[index].key, item.key) < 0) {
      merged.push(items[index]);
      index += 1;
    }
    merged.push(item);
  }
  thread.items = merged.concat(items.slice(index));
}

/**
 * Adds what is no message: who came and went, a notice, what a command answered, what was missed. What follows another
 * of its kind joins its row.
 *
 * @param {Thread} thread
 * @param {{type: string, ts: number, [key: string]: any}} note
 */
export function addNote(thread, note) {
  const last = thread.items[thread.items.length - 1];
  const isPresence = note.type === "join" || note.type === "leave";
  if (isPresence && last?.kind === "note" && last.note.type === "presence") {
    last.note = { ...last.note, events: combined(last.note.events, note) };
    last.version += 1;
    return last;
  }
  thread.noteCount += 1;
  /** @type {Item} */
  const item = {
    key: `note-${thread.noteCount}`, kind: "note", ts: note.ts, version: 0, text: "",
    note: isPresence ? { type: "presence", events: [note] } : note,
  };
  thread.items.push(item);
  extendRows(thread, item);
  if (thread.noteCount > notesMax && thread.noteCount % 100 === 0) dropOldNotes(thread);
  return item;
}

/** Takes a note away, or changes it. */
export function changeNote(thread, key, change) {
  const index = thread.items.findIndex((item) => item.key === key);
  if (index < 0) return;
  if (change) {
    thread.items[index].note = { ...thread.items[index].note, ...change };
    thread.items[index].version += 1;
  } else {
    thread.items.splice(index, 1);
    rebuildRows(thread);
  }
}

/** Of one person only the last of coming and going counts, and the row names at most eight. */
function combined(events, note) {
  return [...events.filter((event) => event.user !== note.user || note.user === undefined), note].slice(-8);
}

/** Old messages can be read again: there is more above. */
function dropOldest(thread) {
  const changes = [...thread.byId].filter(([, item]) => item === null).map(([id]) => id).sort(compareIds);
  let [count, changeCount] = [0, 0];
  while (thread.byId.size > itemsMax) {
    const item = thread.items[count];
    const change = changes[changeCount];
    const isItem = item && (!item.message || change === undefined || compareIds(item.key, change) < 0);
    thread.byId.delete(isItem ? item.key : change);
    if (isItem) count += 1;
    else changeCount += 1;
  }
  for (const item of thread.items.splice(0, count)) forget(thread, item);
  // Whoever reads on upwards reads these once more.
  for (const [target, { id }] of thread.patches) if (!thread.byId.has(id)) thread.patches.delete(target);
  thread.more = true;
  rebuildRows(thread);
}

/** A message that is dropped; what changed it may be newer, and does not come a second time. */
function forget(thread, { key, message, patchedBy, deleted, text }) {
  if (message?.user === thread.me) thread.nonces.delete(message.nonce);
  if (patchedBy) thread.patches.set(key, { ...message, id: patchedBy, type: deleted ? "delete" : "edit", text });
}

function dropOldNotes(thread) {
  let excess = thread.items.filter((item) => item.kind === "note").length - notesMax;
  if (excess <= 0) return;
  thread.items = thread.items.filter((item) => item.kind !== "note" || excess-- <= 0);
  rebuildRows(thread);
}

/** Takes messages away that have another place now. */
export function removeMessages(thread, ids) {
  const gone = new Set(ids);
  for (const id of ids) thread.byId.delete(id);
  thread.items = thread.items.filter((item) => !gone.has(item.key));
  touchAnswers(thread, gone);
  rebuildRows(thread);
}

/** Where the line of what is unread stands from now on; null takes it away. */
export function setUnreadAfter(thread, seq) {
  if (thread.unreadAfter === seq) return;
  thread.unreadAfter = seq;
  rebuildRows(thread);
}

function rebuildRows(thread) {
  thread.rows = [];
  Object.assign(thread, { hasUnreadLine: false, lastDay: "" });
  thread.generation += 1;
  for (const item of thread.items) extendRows(thread, item);
}

function extendRows(thread, item) {
  const { rows } = thread;
  const day = dayOf(item.ts);
  // Days only go on: what a clock that is wrong puts before midnight does not begin yesterday once more.
  if (day > thread.lastDay) {
    rows.push({ key: `day-${day}`, kind: "day", ts: item.ts });
    thread.lastDay = day;
  }
  if (isFirstUnread(thread, item)) {
    rows.push({ key: "unread", kind: "unread", ts: item.ts });
    thread.hasUnreadLine = true;
  }
  rows.push({ key: item.key, kind: item.kind, ts: item.ts, item, isHead: isHead(rows[rows.length - 1], item) });
}

function isFirstUnread(thread, item) {
  if (thread.unreadAfter === null || !item.message || item.message.user === thread.me) return false;
  return !thread.hasUnreadLine && item.message.seq > thread.unreadAfter;
}

/** Whether a message is the first of a group: it says who speaks. */
function isHead(previous, item) {
  if (!item.message) return false;
  const before = previous?.item?.message;
  if (!before || previous.kind !== "message" || before.user !== item.message.user) return true;
  if (isStandalone(before) || isStandalone(item.message)) return true;
  return before.name !== item.message.name || item.ts - before.ts > groupSpan;
}

function isStandalone(message) {
  return message.type === "action" || message.type === "topic";
}
