// What a signed-in user does: the library on one side, the state of the page on the other.

import { MartletClient, foldedRoom } from "../martlet-client.js";
import * as conversations from "./state/conversations.js";
import { listen } from "./incoming.js";
import { addMessages, setUnreadAfter } from "./state/thread.js";
import { isolated } from "./state/text.js";

/** How many rooms of the list are heard as they happen; the others are asked about. */
const listenedMax = 24;
/** Of the rooms that a session may have these stay free, for what somebody opens. */
const sparePlaces = 2;
/** How often the list is asked for, while somebody sees the page and while nobody does. */
const refreshSpan = 15_000;
const hiddenTurns = 4;
const pageLength = 50;
/** Of older messages more at once: who scrolls through them is fast. */
const olderLength = 249;

export class Session {
  /**
   * @param {import("./store.js").Store} store
   * @param {{user?: string, name?: string, token?: string | (() => Promise<string>)}} identity
   * @param {{onPage: (event: any) => void, onMessage: (envelope: any) => void}} told
   */
  constructor(store, identity, told) {
    this.store = store;
    this.told = told;
    this.identity = identity;
    this.client = new MartletClient(identity);
    this.isReading = () => false;
    /** The rooms that this user has left on this device; null before it is known who that is. */
    this.left = null;
    this.stopListening = listen(this);
    this.turns = 0;
    this.timer = setInterval(() => this.#refreshInTurn(), refreshSpan);
  }

  /** Connects; what comes of it is the store's status. */
  start() {
    this.client.connect().catch(() => {});
  }

  end() {
    clearInterval(this.timer);
    clearTimeout(this.markTimer);
    this.client.disconnect();
    this.stopListening();
  }

  get me() {
    return this.store.me?.user ?? this.client.user ?? "";
  }

  /**
   * Whether somebody is here, in whichever of the rooms that are heard: of two alone the other may not have looked yet.
   * In a crowd nobody is told who leaves.
   */
  isAround(user) {
    return this.client.joinedRooms.some(({ here, people }) =>
      here === people.length && people.some((person) => person.user === user));
  }

  /** A page that nobody sees asks less often. */
  #refreshInTurn() {
    this.turns += 1;
    if (document.visibilityState === "visible" || this.turns % hiddenTurns === 0) this.refreshList();
  }

  /** Asks for the conversation list, and listens to its newest rooms. */
  async refreshList() {
    const { store, client } = this;
    if (store.status.state !== "connected") return;
    try {
      const rooms = await client.rooms();
      store.conversations = conversations.merge(store.conversations, rooms, this.me);
      for (const { last } of rooms) if (last) store.sawName(last.user, last.name);
      store.isListed = true;
      this.markReadSoon();
      store.touch();
      const wanted = rooms.filter((one) => !this.left?.has(one.room)).slice(0, this.#listenedMax);
      for (const { room } of wanted) {
        if (client.room(room) || client.joinedRooms.length >= this.#listenedMax) continue;
        client.joinRoom(room, { history: pageLength - 1 }).then((joined) => this.joined(joined), () => {});
      }
      // The one that was asked for last is the first that is there again after an interruption.
      if (store.open && client.room(store.open)) client.joinRoom(store.open).catch(() => {});
    } catch {
      // The next turn, or the next connection, asks again.
    }
  }

  get #listenedMax() {
    return Math.min(listenedMax, Math.max(1, this.#placesMax - sparePlaces));
  }

  get #placesMax() {
    return this.client.limits?.max_rooms ?? listenedMax + sparePlaces;
  }

  /** Where a session has as many rooms as it may, the one that was silent for longest is asked about from now on. */
  async #makePlace() {
    const { store, client } = this;
    if (client.joinedRooms.length < this.#placesMax) return;
    const silent = conversations.sorted(store.conversations).reverse()
      .find(({ id }) => id !== store.open && client.room(id));
    if (!silent) return;
    await client.leaveRoom(silent.id);
    if (store.open === silent.id) return;
    store.forget(silent.id);
    this.changeConversation(silent.id, { isJoined: false });
  }

  /** A room was joined: what it brought. */
  joined(room) {
    const thread = this.store.thread(room.id);
    addMessages(thread, room.messages);
    if (!thread.isPrimed) Object.assign(thread, { isPrimed: true, more: room.more });
    for (const { user, name } of room.messages) this.store.sawName(user, name);
    const seq = Math.max(room.seq ?? 0, thread.lastSeq);
    const known = this.store.conversations.get(room.id);
    const last = thread.last?.message ?? known?.last ?? null;
    this.changeConversation(room.id, {
      isJoined: true, here: room.here, seq: Math.max(known?.seq ?? 0, seq), last,
      lastTs: Math.max(known?.lastTs ?? 0, last?.ts ?? 0), ...(known ? {} : { lastTs: last?.ts ?? Date.now() }),
    });
    this.store.touch();
  }

  changeConversation(id, change) {
    this.store.conversations = conversations.change(this.store.conversations, id, this.me, change);
  }

  dropRoom(room) {
    this.store.conversations = conversations.removed(this.store.conversations, room);
    this.store.forget(room);
    this.store.touch();
  }

  // What is asked for

  /** Shows a room, and joins it where that was not done. */
  async open(given) {
    const id = foldedRoom(given);
    const { store, client } = this;
    if (store.open && store.open !== id) setUnreadAfter(store.thread(store.open), null);
    Object.assign(store, { open: id, openError: null, isOpening: true, draftTarget: null });
    store.thread(id).olderError = null;
    this.left?.delete(id);
    this.#drawUnreadLine(id);
    store.touch();
    try {
      if (!client.room(id)) await this.#makePlace();
      const room = await client.joinRoom(id, { history: pageLength });
      // Where reading ended stands in the list.
      if (!store.conversations.has(id)) await this.refreshList();
      if (store.thread(id).unreadAfter === null) this.#drawUnreadLine(id);
      this.joined(room);
      this.markReadSoon();
    } catch (error) {
      if (store.open === id) store.openError = error.message;
    } finally {
      if (store.open === id) store.isOpening = false;
      store.touch();
    }
  }

  /** Where what is unread begins; nowhere in a room that one never read, where all is new. */
  #drawUnreadLine(id) {
    const known = this.store.conversations.get(id);
    if (this.store.open === id && known && known.read > 0 && conversations.unreadOf(known) > 0) {
      setUnreadAfter(this.store.thread(id), known.read);
    }
  }

  close() {
    if (this.store.open) setUnreadAfter(this.store.thread(this.store.open), null);
    Object.assign(this.store, { open: null, openError: null, isOpening: false, draftTarget: null });
    this.store.touch();
  }

  /**
   * Puts older messages above those that are there. What fails is not tried again by itself: only when somebody asks,
   * or opens the conversation again, or on a new connection.
   */
  async loadOlder() {
    const { store, client } = this;
    const room = store.open;
    const thread = room && store.thread(room);
    if (!thread?.more || store.isLoadingOlder || store.isOpening) return;
    store.isLoadingOlder = true;
    thread.olderError = null;
    store.touch();
    try {
      const before = thread.firstId ?? undefined;
      const page = await client.history(room, { before, limit: olderLength });
      addMessages(thread, page.messages);
      thread.more = page.more && page.messages.length > 0;
    } catch (error) {
      thread.olderError = error.message;
    } finally {
      store.isLoadingOlder = false;
      store.touch();
    }
  }

  async leave(room) {
    this.left?.add(room);
    try {
      await this.client.leaveRoom(room);
    } catch (error) {
      this.left?.delete(room);
      this.store.toast({ tone: "error", text: error.message });
      return;
    }
    // Opened again meanwhile: then it is not left.
    if (this.left && !this.left.has(room)) return;
    if (this.store.open === room) this.close();
    // What is said until one comes back is not here: it is read anew.
    this.store.forget(room);
    this.changeConversation(room, { isJoined: false });
    this.store.touch();
  }

  async page(room, user) {
    try {
      await this.client.page(room, user);
      this.store.toast({ tone: "info", text: `Paged ${isolated(this.store.nameOf(user))}` });
    } catch (error) {
      this.store.toast({ tone: "error", text: error.message });
    }
  }

  direct(user) {
    return this.open(conversations.directRoom(this.me, user.toLowerCase()));
  }

  /** @throws what the relay answers */
  async create(fields) {
    await this.client.createRoom(fields);
    await this.open(fields.room);
    this.refreshList();
  }

  /** Changes a message, or deletes it where `text` is null. Answers whether that was done; if not, it was said. */
  async change(room, item, text) {
    try {
      if (text === null) await this.client.delete(room, item.key);
      else await this.client.edit(room, item.key, text);
      return true;
    } catch (error) {
      this.store.toast({ tone: "error", text: error.message });
      return false;
    }
  }

  /** What is not stored yet of a room, and not among its messages. */
  pending(room) {
    const { nonces } = this.store.thread(room);
    return this.client.outbox.filter((entry) => entry.room === room && !nonces.has(entry.nonce));
  }

  /** Tells the relay how far the open room is read, once somebody looks at its end. */
  markReadSoon() {
    if (this.markTimer) return;
    this.markTimer = setTimeout(() => {
      this.markTimer = null;
      this.#markRead();
    }, 250);
  }

  #markRead() {
    const { store } = this;
    const known = store.open && store.conversations.get(store.open);
    if (!known || !this.isReading() || store.status.state !== "connected") return;
    const room = this.client.room(known.id);
    // Of what the list counts some may still be on its way: nobody has read it.
    const seq = room?.seq ?? (room?.catchingUp ? 0 : known.seq);
    if (!room?.last || seq <= known.read || store.thread(known.id).byId.size === 0) return;
    store.conversations = conversations.marked(store.conversations, known.id, seq, this.me);
    this.client.markRead(known.id, room.last).catch(() => this.#markFailed(known, seq));
    store.touch();
  }

  /** Nobody knows that it was read: it counts as unread until it is told, with the next list at the latest. */
  #markFailed({ id, read }, seq) {
    if (this.store.conversations.get(id)?.read !== seq) return;
    this.changeConversation(id, { read });
    this.store.touch();
  }
}
