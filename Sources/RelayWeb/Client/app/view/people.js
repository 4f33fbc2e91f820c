// Who is here.

import { el, iconButton, replaceChildren, setText } from "../dom.js";
import { spanOf } from "../state/times.js";
import { makeAvatar } from "./rows.js";

const shownMax = 200;

export class People {
  /**
   * @param {HTMLElement} root
   * @param {{onClose: () => void, onDirect: (user: string) => void, onPage: (user: string) => void,
   *   onLeave: () => void}} told
   */
  constructor(root, told) {
    this.root = root;
    this.told = told;
    /** @type {Map<string, {node: HTMLElement, version: string}>} by user */
    this.rows = new Map();
    this.title = el("h2", {});
    this.about = el("p", { class: "people-about", dir: "auto" });
    this.list = el("ul", { class: "people-list" });
    const on = { click: told.onLeave };
    const leave = el("button", { type: "button", class: "button", on }, "Leave this conversation");
    root.append(
      el("div", { class: "people-head" }, this.title, iconButton("close", "Close", told.onClose)), this.about,
      this.list, el("div", { class: "people-foot" }, leave));
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") told.onClose();
    });
  }

  render(store, conversation, room) {
    const people = room?.people ?? [];
    const here = Math.max(room?.here ?? 0, people.length);
    setText(this.title, here === 1 ? "1 here" : `${here} here`);
    const about = conversation?.topic ?? "";
    setText(this.about, about);
    this.about.hidden = !about;
    const shown = people.map(({ user, name, idle }) => [user, name, Math.floor((idle ?? 0) / 60_000)]);
    const version = JSON.stringify([shown, here, store.me?.user]);
    if (version === this.version) return;
    this.version = version;
    const rows = people.slice(0, shownMax).map((person) => this.#row(person, store));
    const kept = new Set(rows);
    for (const [user, { node }] of this.rows) if (!kept.has(node)) this.rows.delete(user);
    if (here > rows.length) rows.push(el("li", { class: "empty" }, `and ${here - rows.length} more`));
    replaceChildren(this.list, rows);
  }

  /** The same for as long as it says the same: others come and go while somebody points at it. */
  #row(person, store) {
    const { user, name, idle } = person;
    const version = JSON.stringify([name, Math.floor((idle ?? 0) / 60_000), user === store.me?.user]);
    const known = this.rows.get(user);
    if (known?.version === version) return known.node;
    const node = this.#person(person, store);
    this.rows.set(user, { node, version });
    return node;
  }

  #person({ user, name, idle }, store) {
    const isMe = user === store.me?.user;
    const shown = name || user;
    const avatar = makeAvatar(user, shown, "small");
    avatar.append(el("span", { class: "presence here" }));
    const detail = idle > 5 * 60_000 ? `@${user} · quiet for ${spanOf(idle)}` : `@${user}`;
    const tools = !isMe && el(
      "div", { class: "tools-of-person" },
      iconButton("reply", `Write to ${shown}`, () => this.told.onDirect(user)),
      iconButton("bell", `Page ${shown}`, () => this.told.onPage(user)));
    return el(
      "li", { class: "person", data: { user } }, avatar,
      el("div", { class: "who" }, el("span", { class: "name" }, el("bdi", {}, shown), isMe && " (you)"),
        el("span", { class: "id" }, detail)),
      tools);
  }
}
