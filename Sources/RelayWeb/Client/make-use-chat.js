// make-use-chat.js: makes the hook useChat out of a React that is handed in, so that it works in any page and any
// bundler. Where `import … from "react"` means something, use-chat.js is less to write.

import { applyEdits, foldedRoom } from "./martlet-client.js";

const ERRORS_MAX = 20; // the oldest go first
const STORES_MAX = 100; // rooms of a client; over it the oldest that nobody shows go
const stores = new WeakMap(); // by client, then by room: components that show the same room share what they see

/** What there is to see of one room, as a value that changes as a whole: what React wants to subscribe to. */
class RoomStore {
  #client; #id; #history; #listeners = new Set(); #offs = []; #snapshot; #errors = []; #isStale = false; #left = null;
  #joinedHere = false; #shown = { key: undefined, messages: [] };

  constructor(client, id, history) {
    this.#client = client;
    this.#id = id;
    this.#history = history;
    const act = {
      sendMessage: (text, options) => client.sendMessage(id, text, options),
      command: (line) => client.command(id, line),
      edit: (target, text) => client.edit(id, target, text),
      remove: (target) => client.delete(id, target),
      markRead: (target) => client.markRead(id, target ?? client.room(id)?.last ?? "0-0"),
      notifyTyping: () => client.typing(id),
      loadOlder: (limit) => client.loadOlder(id, limit).catch((error) => { this.#failed(error); return 0; }),
      clearErrors: () => { this.#errors = []; this.#changed(); },
    };
    this.actions = act;
    this.#look();
  }

  subscribe = (listener) => {
    this.#listeners.add(listener);
    if (this.#offs.length === 0) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      // In strict mode, and where a component moves, the next one subscribes within the same turn.
      queueMicrotask(() => { if (this.#listeners.size === 0) this.#end(); });
    };
  };

  snapshot = () => this.#snapshot;

  get isShown() { return this.#listeners.size > 0; }

  #begin() {
    const client = this.#client;
    // React may show again what it hid, and whoever shows the room then shares it.
    const rooms = stores.get(client);
    if (!rooms.has(this.#id)) rooms.set(this.#id, this);
    const isOurs = (room) => room === this.#id;
    this.#offs = [
      client.on("status", () => this.#changed()),
      client.on("room", (room) => { if (isOurs(room.id)) this.#changed(); }),
      client.on("outbox", (entry) => { if (isOurs(entry.room)) { this.#entryChanged(entry); this.#changed(); } }),
      client.on("error", (error) => this.#failed(error)),
      client.on("event", (event) => {
        if (event.type !== "left" || event.foreign || !isOurs(event.room)) return;
        this.#left = event.reason || "You were put out.";
        this.#changed();
      }),
    ];
    this.#joinedHere = client.room(this.#id) === undefined;
    client.joinRoom(this.#id, { history: this.#history }).then(() => this.#changed(), (error) => {
      if (error.code !== "not_joined" && error.code !== "closed") this.#failed(error);
    });
    this.#changed();
  }

  #end() {
    for (const off of this.#offs.splice(0)) off();
    // Its messages go with it.
    const rooms = stores.get(this.#client);
    if (rooms?.get(this.#id) === this) rooms.delete(this.#id);
    // What somebody else joined stays joined.
    if (this.#joinedHere) this.#client.leaveRoom(this.#id).catch(() => {});
  }

  #entryChanged(entry) { if (entry.state === "failed") this.#failed(entry.error); }

  #failed(error) {
    if (!this.#errors.includes(error)) this.#errors = [...this.#errors, error].slice(-ERRORS_MAX);
    this.#changed();
  }

  /** Many changes of one turn are one rendering. */
  #changed() {
    if (this.#isStale) return;
    this.#isStale = true;
    queueMicrotask(() => {
      this.#isStale = false;
      this.#look();
      for (const listener of [...this.#listeners]) listener();
    });
  }

  #look() {
    const client = this.#client;
    const room = client.room(this.#id);
    if (room?.joined) this.#left = null;
    const newest = new Set(room?.messages.slice(-100).map((message) => message.nonce));
    const isMissing = (entry) => entry.room === this.#id && !newest.has(entry.nonce);
    const outbox = client.outbox.filter(isMissing)
      .map(({ nonce, text, type, at, state, error, retry, discard }) => (
        { nonce, text, type, at, state, error, retry, discard }));
    this.#snapshot = {
      room: this.#id, status: client.status, joined: room?.joined ?? false, left: this.#left,
      messages: this.#messages(room),
      people: room?.people ?? [], here: room?.here ?? 0, typing: room?.typing ?? [], more: room?.more ?? false,
      unread: room?.unread ?? null, gaps: room?.gaps ?? [], outbox, errors: this.#errors, ...this.actions,
    };
  }

  /** Edits and deletions applied; the same array as long as nothing was said. */
  #messages(room) {
    if (!room) return this.#shown.messages;
    const { messages } = room;
    const key = [messages.length, messages[0]?.id, messages.at(-1)?.id].join();
    if (this.#shown.source !== messages || this.#shown.key !== key) {
      this.#shown = { source: messages, key, messages: applyEdits(messages) };
    }
    return this.#shown.messages;
  }
}

function storeOf(client, room, history) {
  if (!stores.has(client)) stores.set(client, new Map());
  const rooms = stores.get(client);
  if (!rooms.has(room)) rooms.set(room, new RoomStore(client, room, history));
  // What was rendered and never came to be shown, as on a server, is not told that it is over.
  for (const [id, { isShown }] of rooms) {
    if (rooms.size <= STORES_MAX) break;
    if (!isShown && id !== room) rooms.delete(id);
  }
  return rooms.get(room);
}

/** The hook of the given React, 18 or newer. */
export function makeUseChat(React) {
  return function useChat(room, { client, history = 50 } = {}) {
    if (!client) throw new TypeError("useChat(room, { client }): there is no client.");
    const store = React.useMemo(() => storeOf(client, foldedRoom(room), history), [client, room, history]);
    return React.useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  };
}
