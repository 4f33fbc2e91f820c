// What was typed: a message, or a command and what the relay answers to it.

import * as conversations from "./state/conversations.js";
import { parseLine } from "./state/commands.js";
import { isolated } from "./state/text.js";
import { addNote, setUnreadAfter } from "./state/thread.js";

/**
 * Does what a line says.
 *
 * @param {import("./session.js").Session} session
 * @param {string} room
 * @param {string} text
 * @param {string} [replyTo] the id of the message that it answers
 */
export async function sayTyped(session, room, text, replyTo) {
  const { client, store } = session;
  const line = parseLine(text);
  setUnreadAfter(store.thread(room), null);
  switch (line.kind) {
    case "send":
      client.sendMessage(room, line.text, { type: line.type, ...(replyTo ? { replyTo } : {}) }).done.catch(() => {});
      break;
    case "join":
      await session.open(line.room);
      break;
    case "quit":
      await session.leave(room);
      break;
    case "command":
      await run(session, room, line.text);
      break;
  }
  store.touch();
}

async function run(session, room, text) {
  const { client, store } = session;
  const output = { type: "output", ts: Date.now(), command: text };
  try {
    const answer = /** @type {any} */ (await client.command(room, text));
    // A topic that is set stands among the messages, for all.
    if (answer.command === "topic" && /^\/topic\s+\S/iu.test(text)) return;
    if (answer.type === "ack") session.left?.delete(answer.room);
    const other = answer.room === room ? undefined : answer.room;
    addNote(store.thread(room), { ...output, lines: answer.lines ?? [said(session, answer, text)], room: other });
  } catch (error) {
    addNote(store.thread(room), { ...output, lines: [error.message], isError: true });
  }
  store.touch();
}

function said({ me, store }, answer, text) {
  if (answer.type === "paged") return `Paged ${isolated(store.nameOf(answer.to))}`;
  const other = answer.room && conversations.otherOf(answer.room, me);
  if (answer.type === "ack" && other) return `You wrote to ${isolated(store.nameOf(other))} alone.`;
  return `${text} is done.`;
}
