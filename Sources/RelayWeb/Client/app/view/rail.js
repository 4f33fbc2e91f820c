// The list of conversations.

import { el, iconButton, replaceChildren } from "../dom.js";
import * as conversations from "../state/conversations.js";
import { shortOf } from "../state/times.js";
import { RailRow } from "./rail-row.js";
import { makeAvatar } from "./rows.js";

export class Rail {
  /**
   * @param {HTMLElement} root
   * @param {{onOpen: (room: string) => void, onNew: () => void, onSignOut: () => void,
   *   isAround: (user: string) => boolean}} told
   */
  constructor(root, told) {
    this.told = told;
    /** @type {Map<string, RailRow>} */
    this.rows = new Map();
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
    for (const id of this.rows.keys()) if (!kept.has(id)) this.rows.delete(id);
    const focused = document.activeElement;
    replaceChildren(this.list, wanted.length > 0 ? wanted : [this.#empty(store)]);
    // A row that has moved has lost it.
    if (focused instanceof HTMLElement && this.list.contains(focused)) focused.focus({ preventScroll: true });
    this.#renderMe(store);
    // Before the others are listed it does not stand where it will.
    if (store.isListed) this.#reveal(store.open);
  }

  /** The one that is opened is in sight, also where it is new or far down; where it moves to later is left alone. */
  #reveal(open) {
    if (this.revealed === open) return;
    const row = this.rows.get(open);
    if (open && !row) return;
    this.revealed = open;
    row?.node.scrollIntoView({ block: "nearest" });
  }

  #empty(store) {
    // What is about to be opened will be listed: nothing is offered for that moment.
    const isKnown = store.isListed && !store.isOpening;
    if (this.emptyNode && this.emptyIsKnown === isKnown) return this.emptyNode;
    this.emptyIsKnown = isKnown;
    const words = isKnown ? "No conversations yet. Join a room, or write to somebody." : "One moment…";
    this.emptyNode = el(
      "li", { class: "empty" }, el("p", {}, words),
      isKnown
        && el("button", { type: "button", class: "button", on: { click: this.told.onNew } }, "New conversation"));
    return this.emptyNode;
  }

  #item(conversation, store, room) {
    const typing = room?.typing?.[0];
    const row = this.rows.get(conversation.id) ?? new RailRow(conversation, this.told.onOpen);
    this.rows.set(conversation.id, row);
    row.render(conversation, {
      title: conversations.titleOf(conversation, store.names),
      parts: typing
        ? [store.nameOf(typing.user), " is typing…", ""]
        : conversations.lastPartsOf(conversation, store.me?.user, store.names),
      time: conversation.last ? shortOf(conversation.last.ts, Date.now()) : "",
      unread: conversations.unreadOf(conversation),
      isTyping: Boolean(typing),
      isHere: conversation.other ? this.told.isAround(conversation.other) : false,
      isOpen: store.open === conversation.id,
    });
    return row.node;
  }

  #renderMe(store) {
    const version = JSON.stringify(store.me);
    if (this.meVersion === version) return;
    this.meVersion = version;
    const { user = "", name = "" } = store.me ?? {};
    replaceChildren(this.me, store.me ? [
      makeAvatar(user, name, "small"),
      el("div", { class: "who" }, el("span", { class: "name" }, el("bdi", {}, name)),
        el("span", { class: "id" }, `@${user}`)),
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
