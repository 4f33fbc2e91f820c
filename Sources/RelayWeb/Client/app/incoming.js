// What the relay says, put into the state of the page.

import { gapCame } from "./gaps.js";
import { storageOrNull } from "./host.js";
import * as conversations from "./state/conversations.js";
import { createLeftRooms } from "./state/left-rooms.js";
import { addMessages, addNote, removeMessages, setUnreadAfter } from "./state/thread.js";

/**
 * Listens to a session's client.
 *
 * @param {import("./session.js").Session} session
 * @returns {() => void} stops
 */
export function listen(session) {
  const { client, store } = session;
  const offs = [
    client.on("status", (status) => {
      store.status = status;
      store.touch();
    }),
    client.on("welcome", () => welcomed(session)),
    client.on("message", (envelope) => messageCame(session, envelope)),
    client.on("event", (event) => eventCame(session, event)),
    client.on("gap", (gap) => gapCame(session, gap)),
    client.on("room", (room) => roomChanged(session, room)),
    client.on("outbox", () => store.touch()),
    client.on("error", (error) => store.toast({ tone: "error", text: error.message })),
  ];
  return () => offs.forEach((off) => off());
}

function welcomed(session) {
  const { client, store } = session;
  store.me = { user: client.user, name: client.name };
  store.limits = client.limits ?? store.limits;
  store.sawName(client.user, client.name);
  session.left = createLeftRooms(storageOrNull(), client.user);
  if (store.open) {
    session.left.delete(store.open);
    store.thread(store.open).olderError = null;
  }
  session.refreshList();
  if (store.open && !client.room(store.open)) session.open(store.open);
  store.touch();
}

function messageCame(session, envelope) {
  const { store } = session;
  const thread = store.thread(envelope.room);
  const isOpen = store.open === envelope.room;
  store.sawName(envelope.user, envelope.name);
  if (isOpen && !session.isReading() && thread.unreadAfter === null && envelope.user !== session.me) {
    setUnreadAfter(thread, thread.lastSeq);
  }
  addMessages(thread, [envelope]);
  store.conversations = conversations.messageArrived(store.conversations, envelope, session.me);
  session.told.onMessage(envelope);
  if (isOpen) session.markReadSoon();
  store.touch();
}

/** Anybody with Redis may publish events: of theirs words and calls count, only the relay says how a room stands. */
function foreignCame(session, { type, room, user, text }) {
  if (type === "page" && typeof user === "string" && /^[a-z0-9][a-z0-9._@-]{0,63}$/iu.test(user)) {
    session.told.onPage({ room, user });
  } else if (type === "notice" && text && typeof text === "string") {
    noticeCame(session, { type, text }, session.client.room(room) ? session.store.thread(room) : null);
    session.store.touch();
  }
}

function eventCame(session, event) {
  if (event.foreign) {
    foreignCame(session, event);
    return;
  }
  const { store } = session;
  const thread = event.room ? store.thread(event.room) : null;
  store.sawName(event.user, event.name);
  switch (event.type) {
    case "join":
    case "leave":
      if (event.user !== session.me && !event.again) addNote(thread, { ...event, ts: Date.now() });
      break;
    case "notice":
      noticeCame(session, event, thread);
      break;
    case "page":
      session.told.onPage(event);
      break;
    case "read":
      if (event.user === session.me) {
        store.conversations = conversations.marked(store.conversations, event.room, event.target_seq ?? 0, session.me);
      }
      break;
    case "rewound":
      if (event.moved) removeMessages(thread, event.moved.map(({ id }) => id));
      else store.conversations = conversations.rewound(store.conversations, event.room, event.to_seq ?? 0, session.me);
      addNote(thread, { type: "rewound", ts: Date.now() });
      break;
    case "left":
      // Of one that was deleted that has been said, and by whom.
      if (event.reason || store.conversations.has(event.room)) store.toast({ tone: "error", text: goneText(event) });
      session.dropRoom(event.room);
      break;
  }
  store.touch();
}

function goneText({ room, reason }) {
  if (reason?.startsWith("kicked")) return `You were removed from ${room}${reason.slice("kicked".length) || "."}`;
  return reason ? `You are no longer in ${room}: ${reason}` : `You are no longer in ${room}.`;
}

function noticeCame(session, event, thread) {
  if (event.change === "deleted") {
    session.store.toast({ tone: "error", text: `${event.room}: ${event.text}` });
    session.dropRoom(event.room);
    return;
  }
  if (thread) addNote(thread, { ...event, ts: Date.now() });
  else session.store.toast({ tone: "info", text: event.text });
  if (event.change) session.refreshList();
}

function roomChanged(session, room) {
  const { store } = session;
  for (const { user, name } of room.people) store.sawName(user, name);
  const thread = store.thread(room.id);
  const newest = room.messages[room.messages.length - 1];
  // The rest of a long answer comes as messages of their own, of which the library tells by the room alone.
  if (thread.isPrimed && newest && !thread.byId.has(newest.id)) {
    addMessages(thread, room.messages.slice(-500));
    if (store.open === room.id) session.markReadSoon();
  }
  if (store.conversations.has(room.id)) session.changeConversation(room.id, { here: room.here, isJoined: room.joined });
  store.touch();
}
