// A relay that says only what a test lets it say, in place of a WebSocket: for what a real one does once in a year.

import { MartletClient } from "../../../Sources/RelayWeb/Client/martlet-client.js";

/** Lets what was started by promises come about. */
export function turn() { return new Promise((resolve) => { setImmediate(resolve); }); }

export class Wire {
  sockets = [];
  /** `make` makes the client, or what has one. */
  constructor(options = {}, make = (given) => new MartletClient(given)) {
    const wire = this;
    this.client = make({
      url: "ws://wire.test", user: "me", people: false, timing: { backoffMin: 1, backoffMax: 2, drainJitter: 1 },
      webSocket: class {
        sent = []; isClosed = false;
        constructor() { wire.sockets.push(this); }
        send(text) { this.sent.push(JSON.parse(text)); }
        close() { this.isClosed = true; }
      },
      ...options,
    });
    this.told = { status: [], message: [], event: [], outbox: [], gap: [], error: [], room: [] };
    for (const [event, list] of Object.entries(this.told)) this.client.on(event, (value) => list.push(value));
  }

  get socket() { return this.sockets.at(-1); }
  get sent() { return this.socket.sent; }
  /** The newest op of that name that was sent. */
  last(op) { return this.sent.filter((frame) => frame.op === op).at(-1); }

  say(frame) { this.socket.onmessage?.({ data: JSON.stringify(frame) }); }
  answer(op, frame) { this.say({ ref: this.last(op).ref, ...frame }); }
  close(code, reason = "") { this.socket.onclose?.({ code, reason }); }

  open() { this.socket.onopen(); }
  welcome(limits = {}, user = "me") {
    this.open();
    this.answer("hello", {
      type: "welcome", user, name: user === "me" ? "Me" : user, edge: "e", session: "s", ping_interval: 25_000,
      limits: { max_text: 4096, max_frame: 65_536, rate: 1000, burst: 1000, max_rooms: 128, ...limits },
    });
  }

  /** Waits for the next attempt to connect, which is the `count`th. */
  async attempt(count) {
    while (this.sockets.length < count) await new Promise((resolve) => { setTimeout(resolve, 1); });
  }

  static async connected(options, limits) {
    const wire = new Wire(options);
    const connecting = wire.client.connect();
    await turn();
    wire.welcome(limits);
    await connecting;
    return wire;
  }

  /** Joins with what the room has. */
  async joined(room, messages = [], more = {}) {
    const joining = this.client.joinRoom(room);
    this.answer("join", joined(room, messages, more));
    return joining;
  }
}

/** A message of a room, the `seq`th. */
export function message(room, seq, more = {}) {
  return { id: `${1000 + seq}-0`, seq, ts: 1000 + seq, room, type: "message", user: "you", name: "You", text: `${seq}`,
    ...more };
}

/** The answer to a join. */
export function joined(room, messages, more = {}) {
  return { type: "joined", room, epoch: 7, last: messages.at(-1)?.id ?? null, seq: messages.at(-1)?.seq ?? 0, here: 1,
    recovered: true, messages, ...more };
}
