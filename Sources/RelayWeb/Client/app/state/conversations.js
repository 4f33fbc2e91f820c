// The list of conversations: what each is called, its last line, what is unread. Pure: every function answers with a
// new list, or with the same one where nothing changed.

/**
 * @typedef {{id: string, kind: "room" | "direct", other: string | null, name: string | null, topic: string | null,
 *   isPrivate: boolean, createdBy: string | null, last: any, lastTs: number, seq: number, read: number, here: number,
 *   isJoined: boolean}} Conversation
 * @typedef {ReadonlyMap<string, Conversation>} Conversations
 */

/** The other one of a direct conversation; null where the room is none, or none of this user's. */
export function otherOf(room, me) {
  if (!room.startsWith("dm:")) return null;
  const [first, second] = room.slice(3).split("+");
  if (first === me) return second ?? null;
  return second === me ? first : null;
}

/** The room of two. */
export function directRoom(me, other) {
  return `dm:${[me, other].sort().join("+")}`;
}

/** @returns {Conversation} */
function blank(id, me) {
  const other = otherOf(id, me);
  return {
    id, kind: other ? "direct" : "room", other, name: null, topic: null, isPrivate: false, createdBy: null, last: null,
    lastTs: 0, seq: 0, read: 0, here: 0, isJoined: false,
  };
}

/** @param {Conversations} list @param {Partial<Conversation>} change @returns {Conversations} */
export function change(list, id, me, change) {
  const known = list.get(id) ?? blank(id, me);
  const next = { ...known, ...change };
  const isSame = list.has(id) && Object.keys(change).every((key) => known[key] === change[key]);
  return isSame ? list : new Map(list).set(id, next);
}

/** Takes over what the relay says of the user's rooms. Numbers never go back. */
export function merge(list, rooms, me) {
  let next = list;
  for (const room of rooms) {
    const known = next.get(room.room) ?? blank(room.room, me);
    const isNewer = room.seq >= known.seq;
    const last = isNewer && room.last ? room.last : known.last;
    next = change(next, room.room, me, {
      name: room.name ?? null, topic: room.topic || null, isPrivate: room.private === true,
      createdBy: room.created_by ?? null, last, lastTs: Math.max(last?.ts ?? 0, room.created_at ?? 0, known.lastTs),
      seq: Math.max(known.seq, room.seq ?? 0), read: Math.max(known.read, room.seq - room.unread || 0),
      here: typeof room.here === "number" ? room.here : known.here,
    });
  }
  return next;
}

/** A message came. One's own are read. */
export function messageArrived(list, envelope, me) {
  const known = list.get(envelope.room) ?? blank(envelope.room, me);
  if (envelope.seq <= known.seq && known.last) return list;
  const isOwn = envelope.user === me;
  const topic = envelope.type === "topic" ? envelope.text || null : known.topic;
  const isWords = envelope.type !== "edit" && envelope.type !== "delete";
  return change(list, envelope.room, me, {
    last: isWords ? envelope : patched(known.last, envelope), lastTs: Math.max(known.lastTs, envelope.ts),
    seq: Math.max(known.seq, envelope.seq), read: isOwn ? Math.max(known.read, envelope.seq) : known.read, topic,
  });
}

/** The last line after it was edited or deleted. */
function patched(last, envelope) {
  if (!last || last.id !== envelope.target) return last;
  return envelope.type === "delete" ? { ...last, text: "", deleted: true } : { ...last, text: envelope.text };
}

/** The marker stands at `seq`. */
export function marked(list, id, seq, me) {
  const known = list.get(id);
  return known && seq > known.read ? change(list, id, me, { read: seq }) : list;
}

/** Its counter is another one: Redis lost writes. */
export function rewound(list, id, seq, me) {
  return change(list, id, me, { seq, read: Math.min(list.get(id)?.read ?? 0, seq) });
}

export function removed(list, id) {
  if (!list.has(id)) return list;
  const next = new Map(list);
  next.delete(id);
  return next;
}

/** How many messages are unread. */
export function unreadOf(conversation) {
  return Math.max(0, conversation.seq - conversation.read);
}

export function unreadTotal(list) {
  let total = 0;
  for (const conversation of list.values()) total += unreadOf(conversation);
  return total;
}

/** The newest first; without a message by name. */
export function sorted(list) {
  return [...list.values()].sort((a, b) => b.lastTs - a.lastTs || a.id.localeCompare(b.id));
}

/** What a conversation is called. */
export function titleOf(conversation, people = new Map()) {
  if (conversation.kind === "direct") return people.get(conversation.other) ?? conversation.other ?? conversation.id;
  return conversation.name || conversation.id;
}

/** The last line, with who said it. */
export function lastLineOf(conversation, me, people = new Map()) {
  return lastPartsOf(conversation, me, people).join("");
}

/** The same in parts: who, what stands between, and their words. These have directions of their own. */
export function lastPartsOf({ kind, last }, me, people = new Map()) {
  if (!last) return ["", "Nothing said yet", ""];
  const name = last.name || people.get(last.user) || last.user;
  const who = last.user === me ? "You" : name;
  if (last.deleted || last.type === "delete") return ["", "Message deleted", ""];
  const text = last.text.replace(/\s+/gu, " ");
  if (last.type === "action") return [name, " ", text];
  if (last.type === "topic") return text ? [who, " set the topic: ", text] : [who, " took the topic away", ""];
  return kind === "direct" && last.user !== me ? ["", "", text] : [who, ": ", text];
}
