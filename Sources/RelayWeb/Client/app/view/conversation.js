// The open conversation: its head, its messages, and where one writes.

import { el, icon, iconButton, replaceChildren, setText } from "../dom.js";
import { titleOf } from "../state/conversations.js";
import { isolated } from "../state/text.js";
import { Composer } from "./composer.js";
import { ThreadView } from "./thread-view.js";

export class Conversation {
  /** @param {HTMLElement} root @param {any} told what is asked for, and what the composer and the rows need to know */
  constructor(root, told) {
    this.root = root;
    this.told = told;
    this.title = el("h2", { class: "room-title", dir: "auto" });
    this.topic = el("p", { class: "topic", dir: "auto" });
    this.count = el("span");
    this.countButton = iconButton(
        "people", "People", told.onPeople,
        { class: "icon-button count-button", "aria-expanded": "false", "aria-controls": "people" });
    this.countButton.append(this.count);
    this.pageButton = iconButton("bell", "Page", told.onPage);
    this.thread = new ThreadView({ onOlder: told.onOlder, onScrolled: told.onScrolled, context: told.context });
    this.composer = new Composer(told.composer);
    const head = el(
      "header", { class: "thread-head" },
      iconButton("back", "Back to the conversations", told.onBack, { class: "icon-button back" }),
      el("div", { class: "about" }, this.title, this.topic), this.pageButton, this.countButton);
    this.body = el(
      "section", { class: "conversation-view", "aria-label": "Conversation" },
      head, this.thread.element, this.composer.element);
    this.shown = null;
  }

  /** @param {import("../store.js").Store} store */
  render(store, room, pending, isPeopleShown) {
    if (!store.open) return this.#showEmpty(store);
    if (store.openError) return this.#showError(store);
    const conversation = store.conversations.get(store.open);
    const title = conversation ? titleOf(conversation, store.names) : this.told.titleOf(store.open);
    replaceChildren(this.root, [this.body]);
    setText(this.title, title);
    this.#renderHead(conversation, room, isPeopleShown);
    const thread = store.thread(store.open);
    // One that was left and opened again has another thread.
    if (this.shown !== store.open || this.thread.thread !== thread) {
      this.shown = store.open;
      this.thread.show(thread);
      this.composer.show(this.told.draftOf(store.open));
      this.thread.scroller.setAttribute("aria-label", `Messages of ${title}`);
    }
    this.composer.field.placeholder = `Message ${isolated(title)}`;
    this.composer.textMax = store.limits.max_text ?? 4096;
    this.composer.showTyping(typingLine(room?.typing ?? [], store));
    const isReady = thread.isPrimed || !store.isOpening;
    this.thread.update({
      pending,
      top: topLine(store, thread, isReady),
      problem: thread.olderError === null ? "" : `Older messages cannot be read: ${thread.olderError}`,
      canLoad: isReady && thread.more && !store.isLoadingOlder && thread.olderError === null,
    });
    return undefined;
  }

  #renderHead(conversation, room, isPeopleShown) {
    const isDirect = conversation?.kind === "direct";
    const isHere = isDirect && this.told.isAround(conversation.other);
    const where = isHere ? "Here now" : "Not here; will find your messages later";
    const topic = isDirect ? where : conversation?.topic ?? "";
    setText(this.topic, topic);
    this.topic.hidden = !topic;
    this.pageButton.hidden = !isDirect;
    const here = Math.max(room?.here ?? 0, room?.people?.length ?? 0);
    setText(this.count, String(here));
    this.countButton.setAttribute("aria-label", `People: ${here} here`);
    this.countButton.setAttribute("aria-expanded", String(isPeopleShown));
  }

  #showEmpty(store) {
    const shown = `empty ${store.me?.name ?? ""}`;
    if (this.shown === shown) return;
    this.shown = shown;
    const begin = el(
      "button", { type: "button", class: "button primary", on: { click: this.told.onNew } },
      icon("plus"), "New conversation");
    replaceChildren(this.root, [el(
      "div", { class: "empty whole" }, el("img", { src: "/icon.svg", alt: "" }),
      el("h2", {}, "Hello", store.me && ", ", store.me && el("bdi", {}, store.me.name)),
      el("p", {}, "Choose a conversation, or begin a new one."), el("div", { class: "actions" }, begin))]);
  }

  #showError(store) {
    const shown = `error ${store.open} ${store.openError}`;
    if (this.shown === shown) return;
    this.shown = shown;
    const { onBack, onRetryOpen } = this.told;
    replaceChildren(this.root, [el(
      "div", { class: "empty whole", role: "alert" }, el("h2", {}, el("bdi", {}, store.open)),
      el("p", {}, store.openError),
      el("div", { class: "actions" },
        el("button", { type: "button", class: "button", on: { click: onBack } }, "Back"),
        el("button", { type: "button", class: "button primary", on: { click: onRetryOpen } }, "Try again")))]);
  }
}

function topLine(store, thread, isReady) {
  if (!isReady) return "Opening…";
  if (store.isLoadingOlder) return "Reading older messages…";
  if (thread.more) return "";
  return thread.items.some((item) => item.message) ? "This is where it began." : "Nothing has been said here yet.";
}

function typingLine(typing, store) {
  const names = typing.map(({ user }) => isolated(store.nameOf(user)));
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is typing…`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing…`;
  return `${names.length} people are typing…`;
}
