// Types of make-use-chat.js and use-chat.js.

import type {
  Gap, MartletClient, MartletError, Message, OutboxEntry, Person, ShownMessage, Status,
} from "./martlet-client.js";

/** A room as a component shows it. What has not changed between two renderings is the same object. */
export interface Chat {
  room: string;
  status: Status;
  /** Whether we are in the room just now. */
  joined: boolean;
  /** Why the relay has put us out, in words, where it has; null otherwise. */
  left: string | null;
  /** Ascending; edits and deletions applied. */
  messages: ShownMessage[];
  /** What is not stored yet, to be shown after the messages: see {@link OutboxEntry}. */
  outbox: Pick<OutboxEntry, "nonce" | "text" | "type" | "at" | "state" | "error" | "retry" | "discard">[];
  people: Person[];
  here: number;
  typing: Person[];
  /** Whether {@link Chat.loadOlder} would bring anything. */
  more: boolean;
  unread: number | null;
  gaps: Gap[];
  /** The last twenty: sends that failed, a room that does not let us in, … */
  errors: MartletError[];

  sendMessage(text: string, options?: { type?: "message" | "action"; replyTo?: string }): OutboxEntry;
  /** What a person typed: a command of the relay, or a message. */
  command(line: string): Promise<Message | { type: string; lines?: string[] }>;
  edit(target: string, text: string): Promise<{ id: string }>;
  remove(target: string): Promise<{ id: string }>;
  /** Marks everything as read, or up to `id`. */
  markRead(id?: string): Promise<{ id: string; seq: number }>;
  notifyTyping(): void;
  /** Resolves with how many there were; an error is in `errors`. */
  loadOlder(limit?: number): Promise<number>;
  clearErrors(): void;
}

/** The room as long as the component is there: joined with the first one that shows it, left with the last. The client
 * is yours: create it once, outside of the component, and call `connect`. */
export type UseChat = (room: string, options: { client: MartletClient; history?: number }) => Chat;

/** Makes the hook of a React, 18 or newer: `makeUseChat(React)`. Call it once, not in a component. */
export function makeUseChat(React: {
  useMemo<T>(make: () => T, deps: unknown[]): T;
  useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, snapshot: () => T, server?: () => T): T;
}): UseChat;
