// martlet-client.js: a client of a Martlet relay, for browsers and Node 18 or newer. One file, no dependencies, no
// build step. Its types, with a word on each, are in martlet-client.d.ts.
//
// What it promises: a message that was sent is stored once, however often the connection breaks and the page is loaded
// again meanwhile; the messages of a joined room come once each and in order; what cannot be had is said; and `status`
// is true at every moment.

/** Every span and bound, in ms and numbers; the option `timing` changes them, which is for tests. */
const TIMING = {
  backoffMin: 500, backoffMax: 30_000, // the n-th wait is random up to min * 2^(n-1), at most max
  stableAfter: 10_000, // a connection that lasted so long makes the next wait a first one again
  drainJitter: 500, // after close code 4000: come back within this
  openWithin: 15_000, // from the attempt to the welcome
  helloWithin: 9_000, // the relay waits ten seconds for hello: a 4501 after so long may be about that alone
  pingAfter: 20_000, pongWithin: 10_000, // silence before a ping of our own, and after it
  offlineProbe: 15_000, // how often to try although the browser says that there is no network
  requestWithin: 30_000, // for a request, the wait for a connection included
  sendWithin: 15_000, // for an ack; then the same send goes out again, with its nonce
  outboxAge: 9 * 60_000, // the relay knows a nonce for ten minutes; older entries ask
  typingEvery: 2_000, typingLasts: 6_000,
};
const OUTBOX_MAX = 1_000; // a further entry fails at once
const KEPT_MAX = 20_000; // messages a room keeps; the oldest go first, and `more` says so
const HELD_MAX = 10_000; // direct messages that wait for older ones, and messages unread by an async iteration
const DIRECTS_MAX = 50; // conversations without a join that are read on after a reconnection, the latest ones
const PEOPLE_MAX = 200; // from here on the relay tells of people in numbers only
const PAGE_MAX = 500; // of messages in one answer
const EVENTS = ["status", "welcome", "message", "event", "outbox", "room", "gap", "error"];
const TRANSIENT = new Set(["unavailable", "rate_limited", "draining"]);

/** What went wrong, with the relay's own `code`, or one of ours: disconnected, timeout, closed, expired, discarded … */
export class MartletError extends Error {
  constructor(code, message, { retryAfter, closeCode } = {}) {
    super(message);
    this.name = "MartletError";
    this.code = code;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
    if (closeCode !== undefined) this.closeCode = closeCode;
  }
}

/** Compares two message ids, `MILLISECONDS-SEQUENCE`: below, at or above zero. */
export function compareIds(a, b) {
  const [aTime, aNumber = "0"] = a.split("-");
  const [bTime, bNumber = "0"] = b.split("-");
  return Number(aTime) - Number(bTime) || Number(aNumber) - Number(bNumber);
}

/** The room of two people's direct conversation. */
export function directRoom(one, other) {
  return `dm:${[one.toLowerCase(), other.toLowerCase()].sort().join("+")}`;
}

/** A room's id as the relay has it: the users of a direct conversation are folded to lower case. */
export function foldedRoom(id) { return id.startsWith("dm:") ? id.toLowerCase() : id; }

/** What to show of a room's messages: edits and deletions applied, and not shown themselves. */
export function applyEdits(messages) {
  const changes = new Map();
  for (const message of messages) {
    if (message.type !== "edit" && message.type !== "delete") continue;
    const isGone = message.type === "delete" || message.deleted || changes.get(message.target)?.deleted;
    changes.set(message.target, isGone ? { text: "", deleted: true } : { text: message.text, edited: true });
  }
  return messages.filter(({ type }) => type !== "edit" && type !== "delete")
    .map((message) => (changes.has(message.id) ? { ...message, ...changes.get(message.id) } : message));
}

/** 21 random characters. Not `randomUUID`, which pages without TLS do not have. */
function makeNonce() {
  const bytes = new Uint8Array(18);
  if (globalThis.crypto?.getRandomValues) globalThis.crypto.getRandomValues(bytes);
  else for (let index = 0; index < bytes.length; index += 1) bytes[index] = Math.random() * 256;
  return `js-${Array.from(bytes, (byte) => (byte % 36).toString(36)).join("")}`;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // whoever does not wait for it has other ways to learn of an error
  return made;
}

/** What may go out: a little less than the relay allows, so that it has nothing to refuse. */
class TokenBucket {
  #rate; #burst; #held; #at = Date.now();
  constructor({ rate = 20, burst = 40 } = {}) {
    this.#rate = (rate * 0.95) / 1000;
    this.#held = this.#burst = Math.max(1, burst - 2);
  }
  /** 0 where `cost` was taken, else the ms to wait for it. */
  take(cost) {
    const now = Date.now();
    this.#held = Math.min(this.#burst, this.#held + Math.max(0, now - this.#at) * this.#rate);
    this.#at = now;
    const wanted = Math.min(cost, this.#burst);
    if (this.#held >= wanted) this.#held -= wanted;
    else return Math.ceil((wanted - this.#held) / this.#rate);
    return 0;
  }
  /** Something cost less than was taken for it. */
  giveBack(cost) { this.#held = Math.min(this.#burst, this.#held + cost); }
}

/** How far one room has come here: what was given on, and so what is still to come. */
class Progress {
  lastId = null; lastSeq = null; epoch = undefined;
  #start = "0-0"; // nothing up to here is ever news, not even after the relay lost writes
  #given = new Set(); // ids after #start that were given on; the oldest go first, and #start with them

  begin(id, seq, epoch) {
    Object.assign(this, { lastId: id, lastSeq: seq, epoch });
    this.#start = id;
  }
  isNews(message) {
    return !this.#given.has(message.id) && (this.lastId === null || compareIds(message.id, this.lastId) > 0);
  }
  /** Counts a message as given, and returns how many seem to be missing before it, or null. */
  give(message) {
    const missing = this.lastSeq !== null && message.seq > this.lastSeq + 1
      ? { from: this.lastSeq + 1, to: message.seq - 1, count: message.seq - this.lastSeq - 1 } : null;
    this.lastId = message.id;
    this.lastSeq = message.seq;
    this.#given.add(message.id);
    if (this.#given.size > KEPT_MAX) {
      const [oldest] = this.#given;
      this.#given.delete(oldest);
      if (compareIds(oldest, this.#start) > 0) this.#start = oldest;
    }
    return missing;
  }
  /** Moves on over a message that was given before, as they come after the relay lost writes. */
  pass({ id, seq }) {
    if (this.lastId !== null && compareIds(id, this.lastId) > 0) Object.assign(this, { lastId: id, lastSeq: seq });
  }
  /** The relay lost writes: the order of ids no longer tells what is new, only what was given does. */
  rewind(epoch) {
    Object.assign(this, { lastId: this.#start, lastSeq: null, epoch });
  }
}

/** A room that is joined; see the .d.ts for what each field says. Only the client changes it. */
export class Room {
  messages = []; people = []; here = 0; more = false; unread = null; readId = null; typing = [];
  joined = false; catchingUp = false; gaps = []; error = undefined;
  constructor(id, history) {
    this.id = id;
    Object.defineProperty(this, "own", { value: { // the client's own bookkeeping
      history, progress: new Progress(), held: [], target: "0-0", quietUntil: null, readSeq: null, waiting: deferred(),
      typists: new Map(), knowsPeople: false, serial: 0,
    } });
  }
  get epoch() { return this.own.progress.epoch; }
  /** The id and the number of the newest message that is known here. */
  get last() { return this.own.progress.lastId; }
  get seq() { return this.own.progress.lastSeq; }
}

/** Something that is on its way to the relay. */
export class OutboxEntry {
  state = "sending"; error = undefined; message = undefined; online = undefined;
  #hooks; #done = deferred();
  constructor(fields, hooks) {
    Object.assign(this, fields);
    this.#hooks = hooks;
    Object.defineProperty(this, "own", { value: { flying: false, notBefore: 0, tries: 0, wasSent: false } });
    this.retry = () => this.#hooks.retry(this);
    this.discard = () => this.#hooks.discard(this);
  }
  /** Resolves with the envelope once the relay has stored it; rejects with a MartletError. */
  get done() { return this.#done.promise; }
  settle(message) { this.state = "sent"; this.error = undefined; this.message = message; this.#done.resolve(message); }
  fail(state, error) { this.state = state; this.error = error; this.#done.reject(error); }
  again(nonce, at) {
    Object.assign(this, { nonce, at, state: "sending", error: undefined });
    Object.assign(this.own, { flying: false, notBefore: 0, tries: 0, wasSent: false });
    this.#done = deferred();
  }
}

/** Where the outbox stays between two loads of a page: a key an entry, so that no page overwrites what is another's. */
class OutboxStore {
  #storage; #prefix; #failed;
  constructor(storage, url, user, failed) {
    this.#storage = storage;
    this.#prefix = `martlet:outbox:${url}:${user}:`;
    this.#failed = failed;
  }
  read() {
    const found = [];
    this.#attempt(() => {
      for (let index = 0; index < this.#storage.length; index += 1) {
        const key = this.#storage.key(index);
        if (key?.startsWith(this.#prefix)) this.#attempt(() => {
          const kept = JSON.parse(this.#storage.getItem(key));
          if (typeof kept?.text !== "string") throw new TypeError(`${key} is none of an outbox.`);
          found.push({ ...kept, nonce: key.slice(this.#prefix.length) });
        });
      }
    });
    return found.sort((a, b) => a.at - b.at || a.order - b.order);
  }
  write({ nonce, ...kept }) { this.#attempt(() => this.#storage.setItem(this.#prefix + nonce, JSON.stringify(kept))); }
  /** Whether any page has sent it; true also where that is not known, as when its own page has removed it. */
  wasSent(nonce) {
    let found = true;
    this.#attempt(() => {
      const kept = this.#storage.getItem(this.#prefix + nonce);
      found = kept === null || JSON.parse(kept).wasSent !== false;
    });
    return found;
  }
  remove(nonce) { this.#attempt(() => this.#storage.removeItem(this.#prefix + nonce)); }
  #attempt(work) { try { work(); } catch (error) { this.#failed(error); } }
}

/** A Storage for where there is none: it lives as long as whoever holds it. */
export class MemoryStorage {
  #map = new Map();
  get length() { return this.#map.size; }
  key(index) { return [...this.#map.keys()][index] ?? null; }
  getItem(key) { return this.#map.get(key) ?? null; }
  setItem(key, value) { this.#map.set(key, String(value)); }
  removeItem(key) { this.#map.delete(key); }
}

function storageOfPage() {
  try {
    // Node has one too, which warns and keeps nothing unless it is told where.
    if (globalThis.window && globalThis.localStorage) return globalThis.localStorage;
  } catch { /* a page may be forbidden to store anything */ }
  return new MemoryStorage();
}

function completeURL(url) {
  const page = globalThis.location;
  if (!url && !page?.host) throw new MartletError("bad_request", "Outside a page the option url is needed.");
  const whole = new URL(url ?? "/v1/ws", page?.href);
  whole.protocol = whole.protocol === "https:" || whole.protocol === "wss:" ? "wss:" : "ws:";
  if (whole.pathname === "/") whole.pathname = "/v1/ws";
  return whole.href;
}

export class MartletClient {
  // What the outside reads; nobody else writes it.
  status = { state: "closed" };
  user; name; limits; edge; session;

  #url; #token; #claim; #WebSocket; #storage; #store; #timing; #wantsPeople;
  #handlers = new Map(EVENTS.map((event) => [event, new Set()]));
  // The connection. Whatever belongs to an older turn than #turn is over.
  #turn = 0; #socket; #begunAt = 0; #welcome; #welcomedAt = 0; #attempt = 0; #opening; #heardAt = 0; #isFirst = true;
  #timers = new Map();
  // What was asked: waiting for its turn, and by ref what has gone out.
  #queue = []; #flying = new Map(); #ref = 0; #bucket = new TokenBucket(); #isSendsTurn = false;
  #outbox = new Map(); #order = 0;
  #rooms = new Map(); #directs = new Map(); #typed = new Map(); #listing;
  #networkChanged = () => this.#networkIs(globalThis.navigator.onLine !== false);
  #pageShown = () => this.#pageIs(globalThis.document.visibilityState);

  constructor({ url, user, name, token, storage, webSocket, people = true, timing } = {}) {
    this.#url = completeURL(url);
    this.#claim = { user: user?.toLowerCase(), name };
    this.#token = token;
    this.#WebSocket = webSocket ?? globalThis.WebSocket;
    if (!this.#WebSocket) {
      throw new MartletError("bad_request", "There is no WebSocket here: give one, such as that of the package ws.");
    }
    this.#storage = storage ?? storageOfPage();
    this.#timing = { ...TIMING, ...timing };
    this.#wantsPeople = people;
    // With a token only the relay can say who this is, and so which outbox is theirs.
    if (token === undefined && user) this.#openStore(this.#claim.user);
  }

  get url() { return this.#url; }

  // MARK: Events

  on(event, handler) {
    const handlers = this.#handlers.get(event);
    if (!handlers) throw new TypeError(`There is no event ${event}, only ${EVENTS.join(", ")}.`);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  #emit(event, value) {
    for (const handler of [...this.#handlers.get(event)]) {
      try { handler(value); } catch (error) {
        // One handler's error is its own: neither the client nor other handlers suffer, and it is not hidden.
        if (globalThis.reportError) globalThis.reportError(error);
        else queueMicrotask(() => { throw error; });
      }
    }
  }

  #setStatus(status) {
    const isSame = JSON.stringify(status) === JSON.stringify(this.status);
    this.status = status;
    if (!isSame) this.#emit("status", status);
  }

  #after(name, span, work) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(work, span));
  }
  #stop(name) { clearTimeout(this.#timers.get(name)); this.#timers.delete(name); }

  // MARK: The connection

  connect() {
    if (this.#welcome) return Promise.resolve(this.#welcome);
    this.#opening ??= deferred();
    const { promise } = this.#opening;
    if (this.status.state === "closed" || this.status.state === "signed-out") {
      this.#attempt = 0;
      this.#isFirst = true;
      globalThis.addEventListener?.("online", this.#networkChanged);
      globalThis.addEventListener?.("offline", this.#networkChanged);
      globalThis.document?.addEventListener?.("visibilitychange", this.#pageShown);
      this.#open();
    }
    return promise;
  }

  disconnect() {
    if (this.status.state === "closed") return;
    this.#end({ state: "closed" }, new MartletError("closed", "disconnect was called."));
  }

  async #open() {
    this.#stop("open");
    const turn = (this.#turn += 1);
    const state = this.#isFirst ? "connecting" : globalThis.navigator?.onLine === false ? "offline" : "reconnecting";
    this.#after("opened", this.#timing.openWithin, () => this.#lost({ reason: "The relay does not answer." }));
    this.#setStatus({ state, ...(this.#isFirst ? {} : { attempt: this.#attempt }) });
    const hello = { op: "hello", ...this.#claim };
    try {
      if (typeof this.#token === "function") hello.token = await this.#token();
      else if (this.#token !== undefined) hello.token = this.#token;
      if (turn !== this.#turn) return;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#emit("error", new MartletError("unauthorized", `There is no token: ${error?.message ?? error}`));
      this.#lost({ reason: "There is no token." });
      return;
    }
    let socket;
    try { socket = new this.#WebSocket(this.#url); } catch (error) {
      this.#end({ state: "signed-out", reason: error.message }, new MartletError("bad_request", error.message));
      return;
    }
    this.#socket = socket;
    this.#begunAt = Date.now();
    socket.onopen = () => {
      if (turn !== this.#turn) return;
      this.#transmit(hello, {
        answered: (welcome) => this.#welcomed(welcome), failed: (error) => this.#notWelcomed(error),
      });
    };
    socket.onmessage = ({ data }) => { if (turn === this.#turn) this.#heard(data); };
    socket.onclose = ({ code, reason }) => { if (turn === this.#turn) this.#lost({ code, reason }); };
    socket.onerror = () => {}; // a close follows
  }

  #welcomed(welcome) {
    this.#stop("opened");
    Object.assign(this, { user: welcome.user, name: welcome.name, limits: welcome.limits });
    Object.assign(this, { edge: welcome.edge, session: welcome.session });
    this.#welcome = welcome;
    this.#welcomedAt = Date.now();
    this.#isFirst = false;
    this.#bucket = new TokenBucket(welcome.limits);
    this.#bucket.take(1);
    this.#openStore(welcome.user);
    for (const entry of this.#outbox.values()) if (entry.to) entry.room = directRoom(this.user, entry.to);
    this.#listen();
    this.#setStatus({ state: "connected" });
    if (this.#welcome !== welcome) return; // whoever was told has hung up
    // The room that was used last comes first: its reader is waiting.
    for (const room of [...this.#rooms.values()].reverse()) this.#attach(room);
    for (const [id, direct] of this.#directs) if (!this.#rooms.has(id)) this.#catchUp(id, direct);
    this.#emit("welcome", welcome);
    this.#opening?.resolve(welcome);
    this.#opening = undefined;
    this.#pump();
  }

  #notWelcomed(error) {
    if (error.code === "disconnected") return;
    if (TRANSIENT.has(error.code)) this.#lost({ reason: error.message, wait: error.retryAfter });
    else this.#lost({ code: 4501, reason: error.message });
  }

  /** The connection is gone, or is given up. `wait`: how long the relay wants us to stay away. */
  #lost({ code, reason, wait }) {
    const wasWelcome = this.#welcome !== undefined;
    if (wasWelcome && Date.now() - this.#welcomedAt >= this.#timing.stableAfter) this.#attempt = 0;
    this.#hangUp(code === undefined);
    if (this.status.state === "closed") return; // whoever was told has hung up
    const why = { ...(code === undefined ? {} : { code }), ...(reason ? { reason } : {}) };
    // A token that has run out is no reason to stay away for whoever can ask for a new one.
    const canRenew = code === 4502 && wasWelcome && typeof this.#token === "function";
    // Nor is a hello that came too late, on a network that stood still.
    const isLate = code === 4501 && !wasWelcome && Date.now() - this.#begunAt >= this.#timing.helloWithin;
    if (code >= 4500 && code <= 4999 && !canRenew && !isLate) {
      this.#end({ state: "signed-out", ...why }, signedOut(code, reason));
      return;
    }
    this.#attempt += 1;
    const ceiling = Math.min(this.#timing.backoffMax, this.#timing.backoffMin * 2 ** (this.#attempt - 1));
    let span = wait ?? Math.random() * (code === 4000 && wasWelcome ? this.#timing.drainJitter : ceiling);
    let state = "reconnecting";
    if (globalThis.navigator?.onLine === false) {
      state = "offline";
      span = this.#timing.offlineProbe;
    }
    this.#isFirst = false;
    this.#after("open", span, () => this.#open());
    this.#setStatus({ state, attempt: this.#attempt, retryAt: Date.now() + span, ...why });
  }

  #end(status, error) {
    this.#hangUp(false);
    globalThis.removeEventListener?.("online", this.#networkChanged);
    globalThis.removeEventListener?.("offline", this.#networkChanged);
    globalThis.document?.removeEventListener?.("visibilitychange", this.#pageShown);
    for (const name of [...this.#timers.keys()]) this.#stop(name);
    for (const job of this.#queue.splice(0)) this.#settle(job, () => job.failed(error));
    for (const room of this.#rooms.values()) {
      room.own.waiting.reject(error);
      room.own.waiting = deferred();
    }
    this.#setStatus(status);
    this.#opening?.reject(error);
    this.#opening = undefined;
  }

  /** Takes leave of the socket: nothing that it may still say counts. A dead one is not waited for. */
  #hangUp(isDead) {
    this.#turn += 1;
    for (const name of ["opened", "ping", "pong", "pump", "open"]) this.#stop(name);
    const socket = this.#socket;
    this.#socket = this.#welcome = undefined;
    if (socket) {
      socket.onmessage = socket.onclose = socket.onopen = null;
      try { if (isDead && socket.terminate) socket.terminate(); else socket.close(1000); } catch { /* it is closed */ }
    }
    for (const room of this.#rooms.values()) {
      if (!room.joined) continue;
      for (const user of [...room.own.typists.keys()]) this.#typistGone(room, user);
      Object.assign(room, { joined: false, catchingUp: false });
      room.own.knowsPeople = false;
      this.#emit("room", room);
    }
    const asked = [...this.#flying.values()];
    this.#flying.clear();
    for (const job of asked.reverse()) {
      // What may be asked twice is asked again; of the rest nobody knows whether it was done.
      if (job.isRepeatable) this.#queue.unshift(job);
      else {
        const error = new MartletError("disconnected", "The connection broke before the answer.");
        this.#settle(job, () => job.failed(error));
      }
    }
    this.#queue = this.#queue.filter((job) => !job.isBound);
  }

  #networkIs(isThere) {
    if (this.status.state === "closed" || this.status.state === "signed-out") return;
    if (!isThere) this.#lost({ reason: "There is no network." });
    else if (!this.#welcome && !this.#socket) this.#tryNow();
    else if (this.#welcome) this.#ping();
  }

  #pageIs(visibility) {
    if (visibility !== "visible") return;
    // Timers of a hidden page are late, and a machine that slept has no connections.
    if (this.#welcome) this.#ping();
    else if (this.status.retryAt !== undefined) this.#tryNow();
  }

  /** Ends the wait for the next attempt. */
  #tryNow() { this.#attempt = 0; this.#open(); }
  reconnectNow() { if (this.status.retryAt !== undefined) this.#tryNow(); }

  /** Pings where the relay has been silent: browsers do not show the relay's own pings to pages. */
  #listen() {
    this.#after("ping", this.#timing.pingAfter, () => {
      const silence = Date.now() - this.#heardAt;
      if (silence + 50 >= this.#timing.pingAfter) this.#ping();
      this.#listen();
    });
  }

  #ping() {
    if (this.#timers.has("pong")) return;
    this.#after("pong", this.#timing.pongWithin, () => this.#lost({ reason: "The relay has gone silent." }));
    this.#bucket.take(1);
    this.#transmit({ op: "ping" }, { answered() {}, failed() {} });
  }

  // MARK: Requests

  /** Sends at once; `job` is told of the answer within the turn in which it comes, before anything that follows. */
  #transmit(frame, job) {
    this.#ref += 1;
    const text = JSON.stringify({ ...frame, ref: this.#ref }, wellFormed);
    if (text.length * 3 > (this.limits?.max_frame ?? 65_536) && byteLength(text) > (this.limits?.max_frame ?? 65_536)) {
      // The relay would close the connection.
      this.#settle(job, () => job.failed(new MartletError("too_large", "This is longer than a frame may be.")));
      return;
    }
    this.#flying.set(this.#ref, job);
    this.#socket.send(text);
  }

  #settle(job, tell) {
    clearTimeout(job.timer);
    if (job.isSettled) return;
    job.isSettled = true;
    tell();
  }

  /** Nobody waits for the answer any more. */
  #giveUp(job) { for (const [ref, other] of this.#flying) if (other === job) this.#flying.delete(ref); }

  #enqueue(job) {
    this.#queue.push(job);
    this.#pump();
  }

  /** Asks, with a promise. Waits for a connection; `isRepeatable`: may be asked again on the next one. */
  #ask(frame, { cost = 1, isRepeatable = true, serial, type } = {}) {
    if (this.status.state === "closed" || this.status.state === "signed-out") {
      return Promise.reject(new MartletError("closed", "There is no connection: call connect."));
    }
    return new Promise((resolve, reject) => {
      const job = { frame, cost, isRepeatable, serial, notBefore: 0, tries: 0, failed: reject };
      job.answered = (answer) => {
        if (!type || answer.type === type) resolve(answer);
        else reject(new MartletError("bad_answer", `The relay answered ${answer.type} to ${frame.op}.`));
      };
      job.again = (error) => error.code === "rate_limited" || error.code === "draining";
      job.timer = setTimeout(() => {
        this.#queue = this.#queue.filter((other) => other !== job);
        this.#giveUp(job);
        this.#settle(job, () => reject(new MartletError("timeout", "The relay has not answered in time.")));
      }, this.#timing.requestWithin);
      this.#enqueue(job);
    });
  }

  /** Sends what has its turn, as fast as the relay allows: requests and the outbox by turns. */
  #pump() {
    if (!this.#welcome) return;
    this.#stop("pump");
    this.#expireOutbox();
    let now = Date.now();
    while (this.#welcome) {
      now = Date.now();
      const busy = new Set();
      for (const job of this.#flying.values()) if (job.serial) busy.add(job.serial);
      const request = this.#queue.find((job) => {
        const isReady = job.notBefore <= now && !(job.serial && busy.has(job.serial));
        if (job.serial) busy.add(job.serial);
        return isReady;
      });
      const entry = this.#nextEntry(now);
      if (!request && !entry) break;
      const isSend = entry && (!request || this.#isSendsTurn);
      const wait = this.#bucket.take(isSend ? 1 : request.cost);
      if (wait > 0) {
        this.#after("pump", wait, () => this.#pump());
        return;
      }
      this.#isSendsTurn = !isSend;
      if (isSend) this.#sendEntry(entry);
      else {
        this.#queue.splice(this.#queue.indexOf(request), 1);
        this.#transmit(request.frame, request);
      }
    }
    // By the moment at which it was too early for them: what comes due meanwhile has to be waited for too.
    const times = [...this.#queue, ...[...this.#outbox.values()].filter((entry) => entry.state === "sending")
      .map((entry) => entry.own)].map((one) => one.notBefore).filter((time) => time > now);
    if (times.length > 0) this.#after("pump", Math.min(...times) - Date.now() + 1, () => this.#pump());
  }

  // MARK: What the relay says

  #heard(data) {
    this.#heardAt = Date.now();
    this.#stop("pong");
    let frame;
    try { frame = JSON.parse(data); } catch { return; }
    if (typeof frame?.type !== "string") return; // nothing that this version understands
    if (frame.ref !== undefined) this.#answerCame(frame);
    else if (frame.id !== undefined && frame.seq !== undefined) this.#messageCame(frame);
    else if (frame.type === "error") this.#emit("error", errorOf(frame));
    else this.#eventCame(frame);
  }

  #answerCame(frame) {
    const job = this.#flying.get(frame.ref);
    this.#flying.delete(frame.ref);
    if (!job) {
      // To a try that was given up: the message is stored all the same.
      if (frame.type === "ack") this.#acknowledged(frame);
    } else if (frame.type !== "error") {
      this.#settle(job, () => job.answered(frame));
    } else {
      const error = errorOf(frame);
      if (job.again?.(error)) {
        job.tries += 1;
        job.notBefore = Date.now() + (error.retryAfter ?? this.#pause(job.tries));
        this.#queue.unshift(job);
      } else this.#settle(job, () => job.failed(error));
    }
    this.#pump();
  }

  /** How long to wait before the n-th further try on a connection that stands. */
  #pause(tries) { return Math.min(5_000, 250 * 2 ** Math.min(tries, 5)) * (0.5 + Math.random() / 2); }

  #messageCame(message) {
    const room = this.#rooms.get(message.room);
    if (room?.joined) this.#give(room, message);
    // A copy of a direct message overtakes the answer to a join: it waits for what is older.
    else if (room) hold(room.own.held, message);
    else if (message.room.startsWith("dm:")) this.#directCame(message);
  }

  #eventCame(event) {
    const room = this.#rooms.get(event.room);
    if (room) this.#applyEvent(room, event);
    this.#emit("event", event);
    if (room && event.type !== "page") this.#emit("room", room);
  }

  #applyEvent(room, event) {
    const { own } = room;
    // Anybody with Redis may publish an event; only the relay says how a room stands.
    if (event.foreign) return;
    switch (event.type) {
      case "join": case "leave": this.#personCame(room, event); break;
      case "typing": this.#typingCame(room, event); break;
      case "read": if (event.user === this.user) this.#marked(room, event.target, event.target_seq); break;
      case "lagged":
        own.progress.lastSeq = event.to_seq;
        this.#gap(room, { reason: "lagged", from: event.from_seq, to: event.to_seq, count: event.count });
        break;
      case "rewound":
        if (event.moved) {
          const old = new Set(event.moved.map((move) => move.id));
          room.messages = room.messages.filter((message) => !old.has(message.id));
        } else own.progress.rewind(event.epoch);
        break;
      case "left": // the relay does not have us there any more
        this.#forget(room, new MartletError("forbidden", event.reason || "You were put out."));
        break;
    }
  }

  #personCame(room, event) {
    const { type, user, name, count } = event;
    if (user === undefined) { // too many to be told of one by one
      Object.assign(room, { here: count ?? room.here });
      room.own.knowsPeople = false;
      return;
    }
    const others = room.people.filter((person) => person.user !== user);
    // After Redis has lost who is where, everybody is announced anew.
    if (type === "join" && room.own.knowsPeople && others.length < room.people.length) event.again = true;
    if (type === "join") room.people = [...others, { user, name }].sort((a, b) => (a.user < b.user ? -1 : 1));
    else room.people = others;
    if (room.own.knowsPeople) room.here = room.people.length;
    else room.here = Math.max(room.people.length, room.here + (type === "join" ? 1 : -1));
    if (type === "leave") this.#typistGone(room, user);
  }

  #typingCame(room, { user, name }) {
    if (user === this.user) return;
    this.#typistGone(room, user);
    room.own.typists.set(user, setTimeout(() => { this.#typistGone(room, user); this.#emit("room", room); },
      this.#timing.typingLasts));
    room.typing = [...room.typing, { user, name }];
  }

  #typistGone(room, user) {
    clearTimeout(room.own.typists.get(user));
    if (room.own.typists.delete(user)) room.typing = room.typing.filter((one) => one.user !== user);
  }

  #gap(room, gap) {
    const told = { room: room.id, after: room.own.progress.lastId, ...gap };
    room.gaps = [...room.gaps.slice(-99), told];
    this.#emit("gap", told);
  }

  // MARK: Rooms

  get joinedRooms() { return [...this.#rooms.values()]; }
  room(id) { return typeof id === "string" ? this.#rooms.get(foldedRoom(id)) : undefined; }

  joinRoom(given, { history = 50 } = {}) {
    const id = foldedRoom(given);
    let room = this.#rooms.get(id);
    if (room) this.#touch(room);
    if (room?.joined) return Promise.resolve(room);
    if (!room) {
      room = new Room(id, history);
      this.#rooms.set(id, room);
      const heard = this.#directs.get(id);
      if (heard) this.#directs.delete(id);
      if (this.#welcome) this.#attach(room);
    }
    return room.own.waiting.promise;
  }

  async leaveRoom(given) {
    const id = foldedRoom(given);
    const room = this.#rooms.get(id);
    if (!room) return;
    const wasJoined = room.joined;
    this.#forget(room, new MartletError("not_joined", `${id} was left.`));
    if (!this.#welcome) return;
    const isAsked = wasJoined || [...this.#flying.values()].some((job) => job.serial === `room ${id}`);
    this.#queue = this.#queue.filter((job) => !(job.isBound && job.serial === `room ${id}`));
    if (!isAsked) return;
    try { await this.#ask({ op: "leave", room: id }, { isRepeatable: false, serial: `room ${id}` }); } catch (error) {
      // Whoever is not connected, or was put out, is not there either.
      if (!["not_joined", "disconnected", "closed", "no_such_room"].includes(error.code)) throw error;
    }
  }

  #forget(room, error) {
    if (this.#rooms.get(room.id) === room) this.#rooms.delete(room.id);
    for (const timer of room.own.typists.values()) clearTimeout(timer);
    Object.assign(room, { joined: false, typing: [], error });
    room.own.serial += 1;
    room.own.waiting.reject(error);
    this.#typed.delete(room.id);
    this.#tidyOutbox(room.id, null);
    this.#emit("room", room);
  }

  #touch(room) {
    this.#rooms.delete(room.id);
    this.#rooms.set(room.id, room);
  }

  #attach(room) {
    const { own } = room;
    const { lastId, epoch } = own.progress;
    const from = lastId === null ? { history: own.history } : { since: lastId, epoch };
    const { serial } = own;
    this.#enqueue({
      frame: { op: "join", room: room.id, ...from }, isBound: true, notBefore: 0, tries: 0,
      serial: `room ${room.id}`,
      cost: 1 + Math.floor((lastId === null ? own.history : PAGE_MAX) / 50),
      again: (error) => own.serial === serial && TRANSIENT.has(error.code),
      answered: (answer) => {
        // Taken for a whole page; the relay takes no more than has come either.
        if (lastId !== null && !answer.more) this.#bucket.giveBack(Math.floor((PAGE_MAX - answer.messages.length) / 50));
        if (own.serial === serial) this.#joined(room, answer);
      },
      failed: (error) => {
        if (own.serial !== serial || error.code === "disconnected" || this.status.state === "closed") return;
        const isRejoin = lastId !== null;
        this.#forget(room, error);
        if (isRejoin) {
          this.#emit("event", { type: "left", room: room.id, reason: error.message });
          this.#emit("error", error);
        }
      },
    });
  }

  #joined(room, answer) {
    const { own } = room;
    const { progress } = own;
    const [first] = answer.messages;
    const newest = answer.messages.at(-1);
    Object.assign(room, { joined: true, here: answer.here, error: undefined });
    own.target = answer.last ?? "0-0";
    if (progress.lastId === null) {
      room.messages = answer.messages.slice();
      room.more = (first?.seq ?? answer.seq + 1) > 1;
      // Where more of it follows, it follows as plain envelopes.
      const end = answer.more ? newest ?? { id: "0-0", seq: null } : { id: own.target, seq: newest?.seq ?? answer.seq };
      progress.begin(end.id, end.seq, answer.epoch);
      for (const message of room.messages) this.#settleByMessage(message);
      own.quietUntil = own.target;
    } else {
      if (answer.reason === "rewound") {
        this.#gap(room, { reason: "rewound" });
        progress.rewind(answer.epoch);
      } else if (!answer.recovered) {
        const next = first?.seq ?? answer.seq + 1;
        const from = progress.lastSeq === null ? undefined : progress.lastSeq + 1;
        if (from === undefined) this.#gap(room, { reason: answer.reason });
        else if (next > from) this.#gap(room, { reason: answer.reason, from, to: next - 1, count: next - from });
        progress.lastSeq = null;
      }
      progress.epoch = answer.epoch;
      for (const message of answer.messages) this.#take(room, message);
    }
    room.catchingUp = answer.more === true && compareIds(progress.lastId, own.target) < 0;
    this.#releaseHeld(room);
    this.#tidyOutbox(room.id, progress.lastId);
    if (this.#wantsPeople && answer.here <= PEOPLE_MAX) this.#refreshPeople(room);
    this.#emit("room", room);
    own.waiting.resolve(room);
  }

  #refreshPeople(room) {
    const { serial } = room.own;
    this.#enqueue({
      frame: { op: "who", room: room.id }, cost: 1, isBound: true, notBefore: 0, tries: 0, failed() {},
      again: (error) => room.own.serial === serial && room.joined && TRANSIENT.has(error.code),
      answered: ({ users }) => {
        if (room.own.serial !== serial) return;
        Object.assign(room, { people: users, here: users.length });
        room.own.knowsPeople = true;
        this.#emit("room", room);
      },
    });
  }

  /** A message of a joined room came by itself. */
  #give(room, message) {
    const { held } = room.own;
    while (held.length > 0 && compareIds(held[0].id, message.id) < 0) this.#take(room, held.shift());
    this.#take(room, message);
    if (room.catchingUp) room.catchingUp = compareIds(room.own.progress.lastId, room.own.target) < 0;
    this.#releaseHeld(room);
    this.#typistGone(room, message.user);
    this.#emit("room", room);
  }

  /** What was kept for later, as far as nothing is missing before it. */
  #releaseHeld(room) {
    const { held, progress } = room.own;
    while (held.length > 0 && (!room.catchingUp || held[0].seq <= (progress.lastSeq ?? 0) + 1)) {
      this.#take(room, held.shift());
    }
  }

  #take(room, message) {
    const { own } = room;
    if (!own.progress.isNews(message)) { own.progress.pass(message); return; }
    const after = own.progress.lastId;
    const missing = own.progress.give(message);
    if (missing) this.#gap(room, { after, reason: "unexplained", ...missing });
    place(room, message);
    if (own.readSeq !== null) {
      if (message.user === this.user) own.readSeq = Math.max(own.readSeq, message.seq);
      room.unread = Math.max(0, message.seq - own.readSeq);
    }
    this.#settleByMessage(message);
    this.#tidyOutbox(room.id, message.id);
    const isHistory = own.quietUntil !== null && compareIds(message.id, own.quietUntil) <= 0;
    if (!isHistory) this.#emit("message", message);
  }

  #marked(room, id, seq) {
    const { own } = room;
    if (seq === undefined || seq < (own.readSeq ?? 0)) return;
    own.readSeq = seq;
    room.readId = id;
    room.unread = Math.max(0, (own.progress.lastSeq ?? seq) - seq);
  }

  // MARK: Direct messages of conversations that are not joined

  #directCame(message) {
    let direct = this.#directs.get(message.room);
    direct ??= { progress: new Progress(), held: [], isBehind: false };
    this.#directs.delete(message.room);
    this.#directs.set(message.room, direct);
    if (this.#directs.size > DIRECTS_MAX) this.#directs.delete(this.#directs.keys().next().value);
    if (direct.isBehind) hold(direct.held, message);
    else this.#giveDirect(direct, message);
  }

  #giveDirect({ progress }, message) {
    if (!progress.isNews(message)) return;
    if (progress.lastId === null) progress.begin(message.id, message.seq);
    progress.give(message);
    this.#settleByMessage(message);
    this.#emit("message", message);
  }

  /** Reads on where the last connection ended; what comes meanwhile waits. */
  #catchUp(id, direct) {
    direct.isBehind = true;
    const finish = () => {
      direct.isBehind = false;
      for (const message of direct.held.splice(0)) this.#giveDirect(direct, message);
    };
    this.#enqueue({
      frame: { op: "history", room: id, after: direct.progress.lastId, limit: 49 }, cost: 1, isBound: true,
      notBefore: 0, tries: 0,
      again: (error) => TRANSIENT.has(error.code),
      answered: ({ messages, more }) => {
        for (const message of messages) this.#giveDirect(direct, message);
        if (more && messages.length > 0 && this.#directs.get(id) === direct) this.#catchUp(id, direct);
        else finish();
      },
      failed: (error) => { if (error.code !== "disconnected") finish(); },
    });
  }

  // MARK: The outbox

  get outbox() { return [...this.#outbox.values()]; }

  sendMessage(roomId, text, { type = "message", replyTo } = {}) {
    return this.#post({ room: foldedRoom(roomId), text, type, ...(replyTo ? { replyTo } : {}) });
  }

  direct(user, text) {
    const me = this.user ?? (this.#token === undefined ? this.#claim.user : undefined);
    return this.#post({ room: me && directRoom(me, user), to: user.toLowerCase(), text, type: "direct" });
  }

  #post(fields) {
    const entry = this.#makeEntry({ nonce: makeNonce(), at: Date.now(), order: (this.#order += 1), ...fields });
    const bytes = byteLength(fields.text);
    const bound = this.limits?.max_text;
    if (bytes === 0) {
      entry.fail("failed", new MartletError("bad_request", "There is no text."));
    } else if (bound && bytes > bound) {
      entry.fail("failed", new MartletError("too_large", `A text has at most ${bound} bytes, this one ${bytes}.`));
    } else if (this.#outbox.size >= OUTBOX_MAX) {
      entry.fail("failed", new MartletError("outbox_full", `${OUTBOX_MAX} messages are waiting already.`));
    }
    if (bytes > 0 && this.#outbox.size < OUTBOX_MAX) this.#keep(entry);
    this.#emit("outbox", entry);
    this.#pump();
    return entry;
  }

  #makeEntry(fields) {
    return new OutboxEntry(fields, { retry: (entry) => this.#retry(entry), discard: (entry) => this.#discard(entry) });
  }

  #keep(entry) {
    this.#outbox.set(entry.nonce, entry);
    const { nonce, at, order, room, to, text, type, replyTo, state } = entry;
    const error = entry.error && { code: entry.error.code, message: entry.error.message };
    const { wasSent } = entry.own;
    this.#store?.write({ nonce, at, order, room, to, text, type, replyTo, state, error, wasSent });
    if (!this.#timers.has("age")) this.#watchAge(Infinity);
  }

  #openStore(user) {
    if (this.#store?.user === user) return;
    const failed = ({ message }) => {
      this.#emit("error", new MartletError("storage", `The outbox cannot be kept: ${message}`));
    };
    // What was said before anybody was known is this user's; what somebody else said stays theirs, in their store.
    const others = this.#store ? [...this.#outbox.values()] : [];
    const fresh = this.#store ? [] : [...this.#outbox.values()];
    const owner = this.#store?.user;
    this.#store = Object.assign(new OutboxStore(this.#storage, this.#url, user, failed), { user });
    this.#outbox.clear();
    for (const { state, error, wasSent, ...kept } of this.#store.read().slice(0, OUTBOX_MAX)) {
      const entry = this.#makeEntry(kept);
      entry.own.wasSent = wasSent !== false;
      this.#order = Math.max(this.#order, kept.order ?? 0);
      if (state === "failed") {
        entry.fail("failed", new MartletError(error?.code ?? "failed", error?.message ?? "It failed."));
      }
      this.#outbox.set(entry.nonce, entry);
    }
    for (const entry of fresh) this.#keep(entry);
    this.#expireOutbox();
    for (const entry of this.#outbox.values()) if (!fresh.includes(entry)) this.#emit("outbox", entry);
    for (const entry of others.filter(({ state }) => state !== "sent")) {
      entry.own.isOthers = true;
      entry.fail("failed", new MartletError("other_user", `This is ${owner}'s, and waits until ${owner} is back.`));
      this.#emit("outbox", entry);
    }
  }

  /** The oldest of each room that may go now: one at a time, so that none overtakes another. */
  #nextEntry(now) {
    const lanes = new Set();
    for (const entry of this.#outbox.values()) {
      const lane = entry.room ?? `to ${entry.to}`;
      if (entry.state !== "sending" || lanes.has(lane)) continue;
      if (!entry.own.flying && entry.own.notBefore <= now) return entry;
      lanes.add(lane);
    }
    return undefined;
  }

  #sendEntry(entry) {
    const { nonce, room, to, type, replyTo } = entry;
    // What begins with a slash would be a command; `command` is there for these.
    const text = type === "message" && entry.text.startsWith("/") ? `/${entry.text}` : entry.text;
    const frame = type === "direct" ? { op: "direct", to, text, nonce }
      : { op: "send", room, text, nonce, type, reply_to: replyTo };
    if (!entry.own.wasSent) {
      entry.own.wasSent = true;
      this.#keep(entry);
    }
    entry.own.flying = true;
    const isCurrent = () => entry.nonce === nonce && entry.state === "sending";
    const landed = (wait) => {
      if (!isCurrent()) return;
      Object.assign(entry.own, { flying: false, notBefore: Date.now() + wait, tries: entry.own.tries + 1 });
      this.#pump();
    };
    const job = {
      answered: (answer) => (answer.type === "ack" ? this.#acknowledged(answer) : landed(this.#pause(3))),
      failed: (error) => {
        if (error.code === "disconnected") landed(0);
        else if (TRANSIENT.has(error.code)) {
          if (isCurrent()) {
            entry.error = error;
            this.#emit("outbox", entry);
          }
          landed(error.retryAfter ?? this.#pause(entry.own.tries));
        }
        else if (isCurrent()) {
          entry.own.flying = false;
          entry.fail("failed", error);
          this.#keep(entry);
          this.#emit("outbox", entry);
        }
      },
    };
    job.timer = setTimeout(() => {
      this.#giveUp(job); // an ack that comes all the same is believed, an error is not
      landed(0);
    }, this.#timing.sendWithin);
    this.#transmit(frame, job);
  }

  #acknowledged({ nonce, room, id, seq, ts, online }) {
    const entry = this.#outbox.get(nonce);
    if (!entry || entry.state === "sent") return;
    const { text, replyTo } = entry;
    if (online !== undefined) entry.online = online;
    // In a direct conversation whatever is said is said to the other one.
    const to = room.startsWith("dm:") ? room.slice(3).split("+").find((user) => user !== this.user) : undefined;
    const type = to && entry.type === "message" ? "direct" : entry.type;
    this.#sent(entry, { id, seq, ts, room, type, user: this.user, name: this.name, text, nonce,
      ...(to ? { to } : {}), ...(replyTo ? { reply_to: replyTo } : {}) });
  }

  /** A message of one's own came before its ack, or without: it is stored. Who is there for it only the ack says. */
  #settleByMessage(message) {
    const entry = message.user === this.user && this.#outbox.get(message.nonce);
    const isAckNeeded = entry?.type === "direct" && entry.own.flying;
    if (entry && entry.state !== "sent" && !isAckNeeded) this.#sent(entry, message);
  }

  #sent(entry, message) {
    entry.room = message.room;
    entry.own.flying = false;
    entry.settle(message);
    this.#store?.remove(entry.nonce);
    const room = this.#rooms.get(message.room);
    // Shown until the message itself has come, so that it is never nowhere.
    const isComing = room && compareIds(message.id, room.own.progress.lastId ?? "0-0") > 0;
    if (!isComing) this.#outbox.delete(entry.nonce);
    this.#emit("outbox", entry);
  }

  #tidyOutbox(roomId, lastId) {
    for (const entry of this.#outbox.values()) {
      if (entry.state !== "sent" || entry.room !== roomId) continue;
      if (lastId !== null && compareIds(entry.message.id, lastId) > 0) continue;
      this.#outbox.delete(entry.nonce);
      this.#emit("outbox", entry);
    }
  }

  #expireOutbox() {
    const now = Date.now();
    let oldest = Infinity;
    for (const entry of this.#outbox.values()) {
      if (entry.state !== "sending") continue;
      // A clock that was set back tells nothing of the age. What is under way is waited for.
      const age = now - entry.at;
      if (entry.own.flying || (age <= this.#timing.outboxAge && age > -60_000)) {
        oldest = Math.min(oldest, entry.at);
        continue;
      }
      const wasSent = entry.own.wasSent || this.#store?.wasSent(entry.nonce);
      entry.fail("expired", new MartletError("expired", wasSent
        ? "Nobody knows whether this was sent: it is too old to be sent again by itself."
        : "This was not sent: it has waited too long to be sent by itself."));
      this.#emit("outbox", entry);
    }
    this.#watchAge(oldest);
  }

  /** Looks again when the oldest entry may be too old. */
  #watchAge(oldest) {
    const [first] = this.#outbox.values();
    if (!first) { this.#stop("age"); return; }
    const begin = Number.isFinite(oldest) ? oldest : first.at;
    this.#after("age", Math.max(1_000, begin + this.#timing.outboxAge - Date.now() + 1), () => this.#expireOutbox());
    this.#timers.get("age").unref?.();
  }

  #retry(entry) {
    if (entry.own.isOthers || (entry.state !== "failed" && entry.state !== "expired")) return entry.done;
    this.#outbox.delete(entry.nonce);
    this.#store?.remove(entry.nonce);
    entry.order = this.#order += 1;
    entry.again(makeNonce(), Date.now());
    this.#keep(entry);
    this.#emit("outbox", entry);
    this.#pump();
    return entry.done;
  }

  #discard(entry) {
    if (this.#outbox.get(entry.nonce) !== entry) return;
    this.#outbox.delete(entry.nonce);
    this.#store?.remove(entry.nonce);
    if (entry.state !== "sent") entry.fail("discarded", new MartletError("discarded", "It was given up."));
    this.#emit("outbox", entry);
    this.#pump();
  }

  // MARK: What else can be asked

  async history(room, { before, after, limit = 50 } = {}) {
    const { messages, more, source } = await this.#ask({ op: "history", room, before, after, limit },
      { cost: 1 + Math.floor(limit / 50), type: "history" });
    return { messages, more, source };
  }

  /** Puts older messages before those that a joined room shows; says how many. */
  async loadOlder(roomId, limit = 50) {
    const room = this.room(roomId);
    if (!room) throw new MartletError("not_joined", `${roomId} is not joined.`);
    this.#touch(room);
    const page = await this.history(roomId, { before: room.messages[0]?.id, limit });
    const oldest = room.messages[0]?.id;
    for (const message of page.messages) this.#settleByMessage(message);
    const older = page.messages.filter((message) => oldest === undefined || compareIds(message.id, oldest) < 0);
    room.messages = [...older, ...room.messages];
    room.more = page.more;
    this.#emit("room", room);
    return older.length;
  }

  async who(room) {
    const found = [];
    for (let after; ;) {
      const answer = await this.#ask({ op: "who", room, after }, { type: "who" });
      found.push(...answer.users);
      if (!answer.more || found.length >= 10_000) return found;
      after = answer.next;
    }
  }

  rooms() {
    // A second list at the same time would cost much and say the same.
    this.#listing ??= this.#listRooms().finally(() => { this.#listing = undefined; });
    return this.#listing;
  }

  async #listRooms() {
    const found = [];
    for (let after; ;) {
      const answer = await this.#ask({ op: "rooms", after }, { cost: 11, type: "rooms" });
      found.push(...answer.rooms);
      for (const { room: id, read, seq, unread } of answer.rooms) {
        const room = this.#rooms.get(id);
        if (!room) continue;
        this.#marked(room, read, seq - unread);
        this.#emit("room", room);
      }
      if (!answer.more || found.length >= 5_000) return found;
      after = answer.next;
    }
  }

  async page(room, to) { await this.#ask({ op: "page", room, to }, { isRepeatable: false }); }

  createRoom({ room, name, private: isPrivate, members, topic }) {
    return this.#ask({ op: "create", room, name, private: isPrivate, members, topic },
      { isRepeatable: false, type: "created" });
  }

  edit(room, target, text) {
    return this.#ask({ op: "edit", room, target, text, nonce: makeNonce() }, { type: "ack" });
  }

  delete(room, target) {
    return this.#ask({ op: "delete", room, target, nonce: makeNonce() }, { type: "ack" });
  }

  async markRead(roomId, id) {
    const answer = await this.#ask({ op: "read", room: roomId, id }, { type: "marked" });
    const room = this.room(roomId);
    if (room) {
      this.#marked(room, answer.id, answer.seq);
      this.#emit("room", room);
    }
    return { room: answer.room, id: answer.id, seq: answer.seq };
  }

  typing(roomId) {
    const now = Date.now();
    if (!this.room(roomId)?.joined || now - (this.#typed.get(roomId) ?? 0) < this.#timing.typingEvery) return;
    if (this.#bucket.take(1) > 0) return;
    this.#typed.set(roomId, now);
    // It has no answer, and of its errors none matters: nobody waits for ref 0.
    this.#socket.send(JSON.stringify({ op: "typing", room: roomId, ref: 0 }));
  }

  /** What a person typed: a command, `//` for a text that begins with one slash, or a text. */
  async command(room, line) {
    if (!line.startsWith("/")) return this.sendMessage(room, line).done;
    if (line.startsWith("//")) return this.sendMessage(room, line.slice(1)).done;
    const action = /^\/me\s+(.+)$/is.exec(line);
    if (action) return this.sendMessage(room, action[1], { type: "action" }).done;
    // What changes which rooms we are in goes the way of all joins, or we would not know of it.
    const [word, argument] = line.trim().split(/\s+/, 2);
    if (word.toLowerCase() === "/quit" && this.room(room)) {
      await this.leaveRoom(room);
      return { type: "output", command: "quit", lines: [`You have left ${room}.`] };
    }
    if (word.toLowerCase() === "/join" && argument) {
      const { id, here } = await this.joinRoom(argument);
      return { type: "joined", room: id, here };
    }
    const command = { op: "send", room, text: line, nonce: makeNonce() };
    const { ref, ...answer } = await this.#ask(command, { isRepeatable: false });
    return answer;
  }

  /** The messages of a room from now on; joins it where it is not joined. */
  messages(given) {
    const roomId = foldedRoom(given);
    const unread = [];
    const readers = []; // calls of next that wait
    let ended = null; // { error } or {}
    const end = (how) => {
      if (ended) return;
      ended = how;
      for (const off of offs) off();
      while (readers.length > 0) readers.shift()();
    };
    const offs = [
      this.on("message", (message) => {
        if (message.room !== roomId) return;
        if (unread.length >= HELD_MAX) end({ error: new MartletError("overflow", "Messages were not read in time.") });
        else unread.push(message);
        readers.shift()?.();
      }),
      this.on("room", (room) => { if (room.id === roomId && room.error) end({ error: room.error }); }),
      this.on("status", ({ state, reason, code }) => {
        if (state === "closed") end({});
        if (state === "signed-out") end({ error: signedOut(code, reason) });
      }),
    ];
    this.joinRoom(roomId, { history: 0 }).catch((error) => end({ error }));
    return {
      [Symbol.asyncIterator]() { return this; },
      async next() {
        while (unread.length === 0 && !ended) await new Promise((resolve) => { readers.push(resolve); });
        if (unread.length > 0) return { done: false, value: unread.shift() };
        const { error } = ended;
        ended = {};
        if (error && error.code !== "not_joined" && error.code !== "closed") throw error;
        return { done: true, value: undefined };
      },
      async return() {
        end({});
        unread.length = 0;
        return { done: true, value: undefined };
      },
    };
  }
}

function signedOut(code, reason) {
  return new MartletError("unauthorized", reason || `The relay closed with ${code}.`, { closeCode: code });
}

function byteLength(text) { return new TextEncoder().encode(text).length; }

/** Half of a surrogate pair, as a text has that was cut within an emoji, is no Unicode: the relay would refuse it. */
function wellFormed(_, value) { return typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value; }
function errorOf({ code, message, retry_after: retryAfter }) { return new MartletError(code, message, { retryAfter }); }

function hold(held, message) {
  if (held.length >= HELD_MAX) return;
  held.push(message);
  held.sort((a, b) => compareIds(a.id, b.id));
}

/** Puts a message where it belongs by its id, which nearly always is the end. */
function place(room, message) {
  const { messages } = room;
  let at = messages.length;
  while (at > 0 && compareIds(messages[at - 1].id, message.id) > 0) at -= 1;
  if (at === messages.length) messages.push(message);
  else messages.splice(at, 0, message);
  if (messages.length > KEPT_MAX + PAGE_MAX) {
    messages.splice(0, messages.length - KEPT_MAX);
    room.more = true;
  }
}
