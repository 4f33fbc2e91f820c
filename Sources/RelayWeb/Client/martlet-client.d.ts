// Types of martlet-client.js, and what each part promises.

/** A message as the relay keeps it: the same bytes live, in history and in the archive. */
export interface Message {
  /** `MILLISECONDS-SEQUENCE`, ordered within its room: see {@link compareIds}. */
  id: string;
  /** Its number in the room: 1, 2, 3, … without a hole. */
  seq: number;
  /** When it was stored, in ms since 1970. */
  ts: number;
  room: string;
  /** `edit` and `delete` are about the message `target`, `topic` has the room's new topic as its text. */
  type: "message" | "action" | "direct" | "edit" | "delete" | "topic";
  user: string;
  name: string;
  text: string;
  nonce?: string;
  /** Of a direct message: to whom. */
  to?: string;
  target?: string;
  reply_to?: string;
  /** In what is read again: it was deleted, and its text is empty. */
  deleted?: boolean;
}

/** What is told to those who are there and kept nowhere; its other fields are those of the protocol. */
export interface RelayEvent {
  /** `left`: the relay has taken us out of the room, and the client no longer has it. */
  type: "join" | "leave" | "typing" | "read" | "page" | "notice" | "lagged" | "rewound" | "left";
  /** Absent in a notice to everybody. */
  room?: string;
  user?: string;
  name?: string;
  text?: string;
  reason?: string;
  /** Published by hand, not by the relay. */
  foreign?: boolean;
  /** Of a `join`: the user was here already, and is only announced anew. */
  again?: boolean;
  [field: string]: unknown;
}

/** Messages that will not come. */
export interface Gap {
  room: string;
  /** The id of the last message that was given before the gap; null where there was none. */
  after: string | null;
  /**
   * `trimmed`: older than what the relay still has. `lagged`: gone while we were slow. `rewound`: the relay lost
   * writes; what it got back comes again by itself. `unexplained`: a number is missing, and nobody said why.
   */
  reason: "trimmed" | "lagged" | "rewound" | "unexplained";
  /** The first and the last number that is missing, and how many they are; absent where nobody can tell. */
  from?: number;
  to?: number;
  count?: number;
}

/** Whether there is a connection. True at every moment. */
export interface Status {
  /**
   * - `closed`: `connect` was not called, or `disconnect` was.
   * - `connecting`: the first attempt. `connected`: the relay has said welcome.
   * - `reconnecting`: the connection broke, or the first attempt failed; the next attempt is at `retryAt`, or, where
   *   that is absent, under way.
   * - `offline`: the same, and the browser says that there is no network.
   * - `signed-out`: the relay does not want us back as we are (close codes 4500 to 4999, but for a 4501 that says only
   *   that nobody had said hello in time). `connect` tries all the same.
   */
  state: "closed" | "connecting" | "connected" | "reconnecting" | "offline" | "signed-out";
  /** When the next attempt is, in ms since 1970. */
  retryAt?: number;
  /** How many attempts have failed since the last connection that lasted. */
  attempt?: number;
  /** Why the last connection ended: the close code, where there was one, and words. */
  code?: number;
  reason?: string;
}

/** What the relay said at the beginning of the connection. */
export interface Welcome {
  user: string;
  name: string;
  edge: string;
  session: string;
  ping_interval: number;
  limits: Limits;
}
export interface Limits {
  max_text: number;
  max_frame: number;
  rate: number;
  burst: number;
  max_rooms: number;
  slow_budget: number;
}

/** Somebody in a room. `since` in ms since 1970, `idle` in ms; absent for who came after we asked. */
export interface Person { user: string; name: string; since?: number; sessions?: number; idle?: number }

/** One line of the conversation list. */
export interface Conversation {
  room: string;
  name: string;
  topic: string;
  private: boolean;
  created_by?: string;
  created_at: number;
  seq: number;
  last: Message | null;
  here?: number;
  unread: number;
  /** Up to which id this user has read. */
  read: string;
}

export interface HistoryPage { messages: Message[]; more: boolean; source: "stream" | "archive" | "both" }

/** A room that is joined. The client changes it and says so by the event `room`; arrays that change are new ones,
 * except `messages`, which grows in place. */
export interface Room {
  readonly id: string;
  /** Ascending, at most 20 000: what `history` brought, then everything since. Edits and deletions stand in it as
   * messages of their own; {@link applyEdits} applies them. */
  readonly messages: Message[];
  /** Whether there are older messages than the first one here: see {@link MartletClient.loadOlder}. */
  readonly more: boolean;
  /** Who is here, by user id. Not kept up in rooms with more than 200 people, nor with `people: false`. */
  readonly people: Person[];
  /** How many are here. */
  readonly here: number;
  /** Who is typing just now, without us. */
  readonly typing: Person[];
  /** How many messages are unread, and the id up to which all is read: known once {@link MartletClient.rooms} or
   * {@link MartletClient.markRead} was called, null before. */
  readonly unread: number | null;
  readonly readId: string | null;
  /** False while the connection is gone; the room is joined again by itself. */
  readonly joined: boolean;
  /** True while missed messages still come. */
  readonly catchingUp: boolean;
  /** What is missing between the messages, the last hundred gaps. */
  readonly gaps: Gap[];
  /** Why the room is no longer joined, where it was left or the relay does not let us in. */
  readonly error: MartletError | undefined;
  readonly epoch: number | undefined;
  /** The id and the number of the newest message that is known here. */
  readonly last: string | null;
  readonly seq: number | null;
}

/** Something on its way to the relay. */
export interface OutboxEntry {
  readonly nonce: string;
  /** Where to; of a direct message undefined until the relay has said who we are. */
  readonly room: string | undefined;
  readonly to?: string;
  readonly text: string;
  readonly type: "message" | "action" | "direct";
  readonly replyTo?: string;
  /** When it was written, in ms since 1970. */
  readonly at: number;
  /**
   * - `sending`: waits, or is under way; tried again by itself, as one message. `error` says why the last try came to
   *   nothing.
   * - `sent`: stored. Stays in `client.outbox` until the message itself has come to the joined room, so that a list of
   *   messages followed by the outbox is never without it.
   * - `failed`: the relay does not want it, `error` says why. It was not stored. With the code `other_user`: the
   *   token is somebody else's now; it is out of this outbox, and waits in the storage for the user who sent it.
   * - `expired`: it waited for more than nine minutes. The relay knows a nonce for ten, so that a further try could
   *   become a second message: somebody has to decide, by `retry` or `discard`. The words of `error` say whether it
   *   was ever on its way.
   * - `discarded`: given up.
   */
  readonly state: "sending" | "sent" | "failed" | "expired" | "discarded";
  readonly error: MartletError | undefined;
  /** The envelope, once it is stored. */
  readonly message: Message | undefined;
  /** Of a direct message, once it is stored: whether the other one is connected. */
  readonly online: boolean | undefined;
  /** Resolves with the envelope once it is stored, rejects with a MartletError where it failed, expired or was
   * discarded. Anew after a `retry`. A rejection that nobody waits for does no harm. */
  readonly done: Promise<Message>;
  /** Tries what failed or expired once more, as a new message; returns the new `done`. */
  retry(): Promise<Message>;
  /** Takes it out of the outbox. What is under way already may be stored all the same. */
  discard(): void;
}

/** What went wrong. */
export class MartletError extends Error {
  constructor(code: string, message: string, more?: { retryAfter?: number; closeCode?: number });
  /** The relay's own code (`forbidden`, `no_such_room`, `rate_limited`, …) or one of the client's: `disconnected`
   * (nobody knows whether it was done), `timeout`, `closed`, `expired`, `discarded`, `outbox_full`, `other_user`,
   * `storage`, `overflow`. */
  readonly code: string;
  /** ms after which to come back. */
  readonly retryAfter?: number;
  /** Of a connection that the relay ended. */
  readonly closeCode?: number;
}

export interface ClientOptions {
  /** `ws://host`, `wss://host/v1/ws`, `http://host`, …; where it is left out, the relay that served the page. */
  url?: string;
  /** Who we are, where the relay asks for no token. */
  user?: string;
  name?: string;
  /** A token, or what gets one: it is asked anew at every connection, and once more when a token has run out. */
  token?: string | (() => string | Promise<string>);
  /** Where the outbox is kept, by url and user: localStorage where there is one, else nowhere but in memory. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;
  /** Where there is no global one (Node before 22): that of the package ws. */
  webSocket?: unknown;
  /** Whether rooms keep up `people`; one more request a join. Default true. */
  people?: boolean;
  /** Spans, for tests. */
  timing?: Record<string, number>;
}

export interface ClientEvents {
  status: Status;
  welcome: Welcome;
  /** Every message, live and recovered, in the order of its room, once. Not the history that a first join brings: that
   * stands in `room.messages`. Direct messages come also where their room is not joined; those of the time without a
   * connection then only in the last fifty conversations that were heard of; {@link MartletClient.rooms} has all. */
  message: Message;
  /** What is told and not kept; `page` and notices to everybody too. */
  event: RelayEvent;
  /** An entry changed, or has left `client.outbox`. */
  outbox: OutboxEntry;
  /** Something of a room changed, its messages included. */
  room: Room;
  gap: Gap;
  /** What nobody waits for: a room that is not ours any more after a reconnection, a storage that is full, … */
  error: MartletError;
}

export class MartletClient {
  constructor(options?: ClientOptions);
  readonly url: string;
  readonly status: Status;
  /** Known once the relay has said welcome. */
  readonly user: string | undefined;
  readonly name: string | undefined;
  readonly limits: Limits | undefined;
  readonly edge: string | undefined;
  readonly session: string | undefined;

  /** Connects, and stays connected until `disconnect`. Resolves with the first welcome, however many attempts that
   * takes; rejects only where coming back is useless. */
  connect(): Promise<Welcome>;
  /** Hangs up. Rooms and outbox stay as they are, for a further `connect`. */
  disconnect(): void;
  /** Ends the wait for the next attempt. */
  reconnectNow(): void;

  /** Joins, and joins again after every reconnection. `history`: how many messages to begin with, at most 500. Waits
   * for a connection; rejects where the relay does not let us in. One that is joined already is returned as it is. */
  joinRoom(room: string, options?: { history?: number }): Promise<Room>;
  leaveRoom(room: string): Promise<void>;
  /** A room that is joined, or on its way. */
  room(id: string): Room | undefined;
  readonly joinedRooms: Room[];

  /** Sends `text` as it is, also where it begins with a slash; for what a person typed there is {@link command}.
   * Returns at once, whatever the connection: see {@link OutboxEntry}. Messages to one room keep their order. */
  sendMessage(room: string, text: string, options?: { type?: "message" | "action"; replyTo?: string }): OutboxEntry;
  /** The same, to one user alone. */
  direct(user: string, text: string): OutboxEntry;
  /** Everything that is not stored yet, the oldest first. */
  readonly outbox: OutboxEntry[];
  /** What a person typed in a room: a command of the relay, or, where it does not begin with a slash or begins with
   * two, a message. Resolves with the relay's answer (`output` with `lines`, `ack`, `paged`), or with the envelope.
   * `/quit` and `/join ROOM` are {@link leaveRoom} and {@link joinRoom}. */
  command(room: string, line: string): Promise<Message | { type: string; lines?: string[]; [field: string]: unknown }>;

  history(room: string, page?: { before?: string; after?: string; limit?: number }): Promise<HistoryPage>;
  /** Puts older messages before those of a joined room; resolves with how many there were. */
  loadOlder(room: string, limit?: number): Promise<number>;
  who(room: string): Promise<Person[]>;
  /** The conversation list, the newest first. Brings `unread` of joined rooms up to date. */
  rooms(): Promise<Conversation[]>;
  createRoom(room: { room: string; name?: string; private?: boolean; members?: string[]; topic?: string }): Promise<
    { room: string; name: string; topic: string; private: boolean; members?: string[] }>;
  edit(room: string, target: string, text: string): Promise<{ id: string; seq: number; ts: number }>;
  delete(room: string, target: string): Promise<{ id: string; seq: number; ts: number }>;
  markRead(room: string, id: string): Promise<{ room: string; id: string; seq: number }>;
  /** Rings at somebody who is connected. */
  page(room: string, user: string): Promise<void>;
  /** Says that we are typing, at most once in two seconds; call it at every key. */
  typing(room: string): void;

  /** Calls `handler` at each such event; the returned function ends that. */
  on<Name extends keyof ClientEvents>(event: Name, handler: (value: ClientEvents[Name]) => void): () => void;
  /** The messages of a room from now on, which is joined where it is not. Ends with `leaveRoom` and `disconnect`;
   * throws where the relay puts us out, and where 10 000 messages wait unread. */
  messages(room: string): AsyncIterableIterator<Message>;
}

/** A Storage for where there is none. */
export class MemoryStorage implements Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length"> {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A message as it is to be shown. */
export interface ShownMessage extends Message {
  /** Its text is that of the newest edit. */
  edited?: boolean;
}

/** What to show of a room's messages: edits and deletions applied, and not shown themselves. What was deleted stays,
 * with `deleted` and an empty text. */
export function applyEdits(messages: Message[]): ShownMessage[];
/** Compares two message ids: below, at or above zero. */
export function compareIds(a: string, b: string): number;
/** The room of two people's direct conversation. */
export function directRoom(one: string, other: string): string;
/** A room's id as the relay has it: the users of a direct conversation are folded to lower case. */
export function foldedRoom(id: string): string;
