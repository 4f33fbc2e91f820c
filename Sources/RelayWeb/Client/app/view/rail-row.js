// One conversation in the list.

import { el, icon, replaceChildren, setText } from "../dom.js";
import { makeAvatar } from "./rows.js";

/**
 * @typedef {object} Shown what a row says
 * @property {string} title
 * @property {string[]} parts of its line: who, what stands between, what they said
 * @property {string} time
 * @property {number} unread
 * @property {boolean} isTyping whether the line says that somebody writes
 * @property {boolean} isHere whether the other one of two is here
 * @property {boolean} isOpen
 */

/**
 * Its elements stay for as long as it is listed, and only what differs is touched: whoever presses the button of a
 * mouse on it while something is said there, and lets go after that, has clicked on it all the same.
 */
export class RailRow {
  /** @param {any} conversation @param {(room: string) => void} onOpen */
  constructor({ id, kind, other }, onOpen) {
    this.version = "";
    this.picture = kind === "room"
      ? el("span", { class: "avatar room", "aria-hidden": "true" }, "#")
      : el("span", { class: "picture" });
    this.other = other;
    this.title = el("bdi");
    this.lock = icon("lock");
    this.titleLine = el("span", { class: "title" }, this.title);
    this.time = el("span", { class: "time" });
    this.line = el("span", { class: "line" });
    this.badge = el("span", { class: "badge" });
    this.button = el("button", {
      type: "button", class: "conversation", data: { room: id }, on: { click: () => onOpen(id) },
    });
    this.node = el("li", {}, this.button);
  }

  /** @param {any} conversation @param {Shown} shown */
  render(conversation, shown) {
    const isLocked = conversation.isPrivate && !conversation.other;
    const version = JSON.stringify([shown, isLocked]);
    if (this.version === version) return;
    this.version = version;
    const { title, parts, time, unread, isTyping, isHere, isOpen } = shown;
    const spoken = [title, unread > 0 ? `${unread} unread` : "", isHere ? "here now" : "", parts.join("")];
    this.button.setAttribute("aria-label", spoken.filter(Boolean).join(", "));
    this.button.classList.toggle("is-unread", unread > 0);
    if (isOpen) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
    this.#renderPicture(title, isHere);
    setText(this.title, title);
    replaceChildren(this.titleLine, isLocked ? [this.title, this.lock] : [this.title]);
    setText(this.time, time);
    this.line.classList.toggle("typing", isTyping);
    replaceChildren(this.line, lineNodes(parts));
    setText(this.badge, unread > 999 ? "999+" : String(unread));
    const always = [this.picture, this.titleLine, this.time, this.line];
    replaceChildren(this.button, unread > 0 ? [...always, this.badge] : always);
  }

  /** Of one of two: who it is, and whether they are here. */
  #renderPicture(title, isHere) {
    if (!this.other) return;
    const avatar = makeAvatar(this.other, title);
    avatar.append(el("span", { class: isHere ? "presence here" : "presence" }));
    replaceChildren(this.picture, [avatar]);
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
  ].filter(Boolean);
}
