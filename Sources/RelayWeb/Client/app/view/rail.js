// The list of conversations.

import { el, icon, iconButton, replaceChildren } from "../dom.js";
import * as conversations from "../state/conversations.js";
import { shortOf } from "../state/times.js";
import { makeAvatar } from "./rows.js";

export class Rail {
  /**
   * @param {HTMLElement} root
   * @param {{onOpen: (room: string) => void, onNew: () => void, onSignOut: () => void}} told
   */
  constructor(root, told) {
    this.told = told;
    /** @type {Map<string, {node: HTMLElement, version: string}>} */
    this.nodes = new Map();
    this.list = el("ul", { class: "rail-list", on: { keydown: (event) => this.#key(event) } });
    this.me = el("div", { class: "rail-foot" });
    root.append(
        el("div", { class: "rail-head" }, el("h2", {}, "Conversations"),
           iconButton("plus", "New conversation", told.onNew, { "aria-haspopup": "dialog" })),
        this.list, this.me);
  }

  /** @param {import("../store.js").Store} store @param {(room: string) => any} roomOf the library's room */
  render(store, roomOf) {
    const shown = conversations.sorted(store.conversations);
    const wanted = shown.map((conversation) => this.#item(conversation, store, roomOf(conversation.id)));
    const kept = new Set(shown.map(({ id }) => id));
    for (const id of this.nodes.keys()) if (!kept.has(id)) this.nodes.delete(id);
    replaceChildren(this.list, wanted.length > 0 ? wanted : [this.#empty(store)]);
    this.#renderMe(store);
  }

  #empty(store) {
    if (this.emptyNode && this.emptyIsListed === store.isListed) return this.emptyNode;
    this.emptyIsListed = store.isListed;
    const words = store.isListed ? "No conversations yet. Join a room, or write to somebody." : "One moment…";
    this.emptyNode = el(
      "li", { class: "empty" }, el("p", {}, words),
      store.isListed
        && el("button", { type: "button", class: "button", on: { click: this.told.onNew } }, "New conversation"));
    return this.emptyNode;
  }

  #item(conversation, store, room) {
    const unread = conversations.unreadOf(conversation);
    const title = conversations.titleOf(conversation, store.names);
    const typing = room?.typing?.[0];
    const parts = typing
      ? [store.nameOf(typing.user), " is typing…", ""]
      : conversations.lastPartsOf(conversation, store.me?.user, store.names);
    const line = parts.join("");
    const isHere = conversation.other ? (room?.people ?? []).some(({ user }) => user === conversation.other) : false;
    const time = conversation.last ? shortOf(conversation.last.ts, Date.now()) : "";
    const isOpen = store.open === conversation.id;
    const { isPrivate } = conversation;
    const version = JSON.stringify([unread, title, line, Boolean(typing), isHere, time, isOpen, isPrivate]);
    const known = this.nodes.get(conversation.id);
    if (known?.version === version) return known.node;
    const hadFocus = known?.node.contains(document.activeElement);
    const spoken = [title, unread > 0 ? `${unread} unread` : "", isHere ? "here now" : "", line];
    const button = el(
      "button", {
        type: "button",
        class: unread > 0 ? "conversation is-unread" : "conversation",
        "aria-label": spoken.filter(Boolean).join(", "),
        "aria-current": isOpen ? "true" : null,
        data: { room: conversation.id },
        on: { click: () => this.told.onOpen(conversation.id) },
      },
      this.#picture(conversation, title, isHere),
      el("span", { class: "title" }, el("bdi", {}, title), isPrivate && !conversation.other && icon("lock")),
      el("span", { class: "time" }, time),
      el("span", { class: typing ? "line typing" : "line" }, ...lineNodes(parts)),
      unread > 0 && el("span", { class: "badge" }, unread > 999 ? "999+" : String(unread)));
    const node = el("li", {}, button);
    this.nodes.set(conversation.id, { node, version });
    if (hadFocus) queueMicrotask(() => button.focus());
    return node;
  }

  #picture(conversation, title, isHere) {
    if (conversation.kind === "room") return el("span", { class: "avatar room", "aria-hidden": "true" }, "#");
    const avatar = makeAvatar(conversation.other, title);
    avatar.append(el("span", { class: isHere ? "presence here" : "presence" }));
    return avatar;
  }

  #renderMe(store) {
    const version = JSON.stringify(store.me);
    if (this.meVersion === version) return;
    this.meVersion = version;
    const { user = "", name = "" } = store.me ?? {};
    replaceChildren(this.me, store.me ? [
      makeAvatar(user, name, "small"),
      el("div", { class: "who" }, el("bdi", { class: "name" }, name), el("span", { class: "id" }, `@${user}`)),
      iconButton("leave", "Sign out", this.told.onSignOut),
    ] : []);
  }

  /** Up and down go through the list. */
  #key(event) {
    const direction = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!direction) return;
    const buttons = [...this.list.querySelectorAll("button")];
    const next = buttons[buttons.findIndex((button) => button === document.activeElement) + direction];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

/**
 * Who and their words are apart from what stands between them, whatever direction each has.
 *
 * @param {string[]} parts
 */
function lineNodes([who, between, words]) {
  return [
    who && el("bdi", { class: "by" }, who), el("span", { class: "between" }, between),
    words && el("span", { class: "words", dir: "auto" }, words),
  ];
}
