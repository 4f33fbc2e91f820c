// One row of a conversation as elements. Whatever people wrote goes through `el`, which makes text nodes of it.

import { el, iconButton } from "../dom.js";
import { hueOf, initials, isEmojiOnly, partsOf } from "../state/text.js";
import { dayName, fullOf, timeOf } from "../state/times.js";

/**
 * @typedef {{me: () => string, nameOf: (user: string) => string, onReply: (item: any) => void,
 *   onEdit: (item: any) => void, onDelete: (item: any) => void, onKey: (event: KeyboardEvent, item: any) => void,
 *   onReveal: (key: string) => void, onGap: (item: any) => void, onOpen: (room: string) => void,
 *   onDirect: (user: string) => void, find: (key: string) => any}} RowContext
 */

/** @param {import("../state/thread.js").Row} row @param {RowContext} context */
export function makeRow(row, thread, context) {
  switch (row.kind) {
    case "day":
      return el("div", { class: "row-day", role: "separator" }, el("span", {}, dayName(row.ts, Date.now())));
    case "unread":
      return el("div", { class: "row-unread", role: "separator" }, el("span", {}, "New messages"));
    case "note":
      return makeNote(row.item, context);
    default:
      return makeMessage(row, context);
  }
}

export function makeAvatar(user, name, classes = "") {
  return el("span", { class: `avatar hue-${hueOf(user)} ${classes}`, "aria-hidden": "true" }, initials(name));
}

/** @param {import("../state/thread.js").Row} row @param {RowContext} context */
function makeMessage({ item, isHead }, context) {
  const { message } = item;
  if (message.type === "topic") return makeTopic(item);
  const isOwn = message.user === context.me();
  const isAction = message.type === "action" && !item.deleted;
  const name = message.name || message.user;
  const classes = ["message"];
  if (isHead) classes.push("is-head");
  if (isOwn) classes.push("is-own");
  if (item.deleted) classes.push("is-deleted");
  if (isAction) classes.push("is-action");
  const moment = { class: "time", datetime: new Date(item.ts).toISOString(), title: fullOf(item.ts) };
  const head = isHead && el(
    "div", { class: "head" },
    !isOwn && !isAction && makeAuthor(message, name, context), el("time", moment, timeOf(item.ts)));
  const label = `${isOwn ? "You" : name}, ${timeOf(item.ts)}${item.edited ? ", edited" : ""}`;
  const title = isHead ? null : timeOf(item.ts);
  return el(
    "article",
    { class: classes.join(" "), tabindex: "-1", "aria-label": label, data: { id: item.key }, title },
    isHead && !isOwn && makeAvatar(message.user, name, "small"), head,
    el("div", { class: "bubble" }, makeQuote(message, context), makeText(item, isAction, name),
      !item.deleted && makeTools(item, isOwn, context)));
}

/** Who says it; a way to write to them alone, but where one does so already. */
function makeAuthor({ room, user }, name, context) {
  const words = el("bdi", {}, name);
  const classes = `author name-${hueOf(user)}`;
  if (room.startsWith("dm:")) return el("span", { class: classes, title: `@${user}` }, words);
  const on = { click: () => context.onDirect(user) };
  const label = `${name}: write to them alone`;
  const title = `Write to @${user} alone`;
  return el("button", { type: "button", class: classes, tabindex: "-1", title, "aria-label": label, on }, words);
}

function makeText(item, isAction, name) {
  if (item.deleted) return el("p", { class: "text" }, "Message deleted");
  const isLarge = !isAction && isEmojiOnly(item.text);
  const parts = partsOf(item.text).map((part) => part.kind === "link"
    ? el("a", { href: part.href, target: "_blank", rel: "noopener noreferrer nofollow" }, part.text) : part.text);
  return el(
    "p", { class: isLarge ? "text is-large" : "text", dir: "auto" },
    isAction && el("b", {}, el("bdi", {}, name), " "), ...parts,
    item.edited && el("span", { class: "edited" }, " edited"));
}

function makeQuote(message, context) {
  if (!message.reply_to) return null;
  const quoted = context.find(message.reply_to);
  const words = quoted ? (quoted.deleted ? "Message deleted" : quoted.text.slice(0, 160)) : "An earlier message";
  const author = quoted?.message ? context.nameOf(quoted.message.user) : null;
  return el(
    "button", {
      type: "button",
      class: "quote",
      tabindex: "-1",
      "aria-label": `Answer to ${author ?? "an earlier message"}: ${words}`,
      on: { click: () => context.onReveal(message.reply_to) },
    },
    author && el("b", {}, el("bdi", {}, author), ": "), el("bdi", {}, words.replace(/\s+/gu, " ")));
}

function makeTools(item, isOwn, context) {
  const quiet = { tabindex: "-1" };
  return el(
    "div", { class: "tools", role: "group", "aria-label": "Message" },
    iconButton("reply", "Reply", () => context.onReply(item), quiet),
    isOwn && iconButton("edit", "Edit", () => context.onEdit(item), quiet),
    isOwn && iconButton("trash", "Delete", () => context.onDelete(item), quiet));
}

function makeTopic(item) {
  const who = el("bdi", {}, item.message.name || item.message.user);
  return el(
    "div", { class: "row-note" }, who,
    item.text ? " set the topic: " : " took the topic away", item.text && el("bdi", {}, item.text));
}

function makeNote(item, context) {
  const { note } = item;
  switch (note.type) {
    case "presence":
      return el("div", { class: "row-note" }, ...presence(note.events, context));
    case "notice":
      return el("div", { class: "row-note is-notice" }, el("bdi", {}, note.text || "A notice without words"));
    case "rewound":
      return el("div", { class: "row-note is-gap" }, "Redis lost messages; the relay has put back what it had.");
    case "gap":
      return makeGap(item, context);
    default:
      return makeOutput(note, context);
  }
}

function presence(events, context) {
  const parts = [];
  for (const event of events) {
    if (parts.length > 0) parts.push(" · ");
    if (event.user === undefined) parts.push(`${event.count ?? "Many"} are here`);
    else parts.push(el("bdi", {}, context.nameOf(event.user)), event.type === "join" ? " has joined" : " has left");
  }
  return parts;
}

/** What is missing, and the button that reads it, or looks again for what nobody had. */
function makeGap(item, context) {
  const { count, state } = item.note;
  const what = count === undefined ? "messages" : `${count} ${count === 1 ? "message" : "messages"}`;
  const isGone = state === "gone";
  const gone = count === undefined ? "Some messages are gone" : `${what} ${count === 1 ? "is" : "are"} gone`;
  const on = { click: () => context.onGap(item) };
  return el(
    "div", { class: "row-note is-gap", tabindex: "-1" },
    el("span", { role: "status" }, isGone ? `${gone}: nobody has them any more.` : `Missed ${what}.`),
    state === "reading" ? " Reading…"
      : el("button", { type: "button", class: "link-button", on }, isGone ? "Look again" : "Read them"));
}

function makeOutput(note, context) {
  const on = { click: () => context.onOpen(note.room) };
  return el(
    "div",
    { class: note.isError ? "row-output is-error" : "row-output", role: note.isError ? "alert" : "status" },
    el("div", { class: "command" }, el("bdi", {}, note.command), el("span", {}, "only you see this")),
    el("pre", { dir: "auto" }, ...note.lines.map((line) => el("span", { class: "line" }, line))),
    note.room && el("button", { type: "button", class: "link-button", on }, "Open the conversation"));
}

const stateWords = {
  sending: "Sending…",
  sent: "Sent",
  failed: "Not sent",
  expired: "Up to you",
};

/** A message on its way. @param {any} entry the library's @param {RowContext} context */
export function makePending(entry, context) {
  const isStuck = entry.state === "failed" || entry.state === "expired";
  const reason = isStuck && entry.error ? `: ${entry.error.message}` : "";
  const isAction = entry.type === "action";
  const isHeldUp = entry.state === "sending" && entry.error?.code === "unavailable";
  const words = isHeldUp ? "Cannot be stored at the moment; it is tried again" : stateWords[entry.state];
  const button = (label, click) => isStuck
    && el("button", { type: "button", class: "link-button", on: { click } }, label);
  return el(
    "article", {
      class: `message is-own is-head is-${entry.state}${isAction ? " is-action" : ""}`,
      "aria-label": `You, ${words}`,
      tabindex: "-1",
      data: { nonce: entry.nonce },
    },
    el("div", { class: "bubble" }, makeText({ text: entry.text }, isAction, context.nameOf(context.me()))),
    el("div", { class: "state", role: isStuck ? "alert" : null },
      el("span", {}, words + reason),
      button("Try again", () => entry.retry().catch(() => {})), button("Discard", () => entry.discard())));
}
