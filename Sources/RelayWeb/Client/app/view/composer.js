// Where one writes: a field that grows, commands that complete themselves, emoji, an answer or a change on top.

import { el, iconButton, replaceChildren, setText } from "../dom.js";
import { completions } from "../state/commands.js";
import { bytesOf } from "../state/text.js";

const emoji = [..."😀😄😂🙂😉😍😘😎🤔😴😢😭😡🙄😅🤗👍👎👏🙏💪👋🤝✌️❤️💛💚💙💔🎉🎂🎁🔥⭐✅❌❗❓☕🍕🍰🍀🌞🌧️🏠🚗✈️📅📞💡"].join("");

export class Composer {
  /**
   * @param {{onSend: (text: string) => void, onTyping: () => void, onCancelTarget: () => void, onEditLast: () => void,
   *   onDraft: (text: string) => void, known: () => {users: any[], rooms: string[]}}} told
   */
  constructor(told) {
    this.told = told;
    this.textMax = 4096;
    this.choices = [];
    this.chosen = 0;
    this.field = /** @type {HTMLTextAreaElement} */ (el("textarea", {
      id: "composer",
      rows: "1",
      dir: "auto",
      "aria-label": "Message",
      "aria-autocomplete": "list",
      "aria-controls": "choices",
      "aria-haspopup": "listbox",
      autocapitalize: "sentences",
      enterkeyhint: "send",
      on: {
        input: () => this.#changed(true),
        keydown: (event) => this.#key(event),
        click: () => this.#complete(),
        blur: () => this.#showChoices([]),
      },
    }));
    this.send = iconButton("send", "Send", () => this.#submit(), { class: "icon-button send" });
    const pops = { "aria-expanded": "false", "aria-haspopup": "true" };
    this.smile = iconButton("smile", "Emoji", () => this.#toggleBoard(), pops);
    this.target = el("div", { class: "target", hidden: true });
    this.left = el("div", { class: "room-left", hidden: true, role: "status" });
    const choices = { id: "choices", class: "choices", role: "listbox", "aria-label": "Completions", hidden: true };
    this.list = el("div", choices);
    this.board = this.#makeBoard();
    this.typing = el("div", { class: "typing-line", role: "status" });
    const line = el("div", { class: "line" }, this.smile, this.field, this.send);
    this.element = el(
      "div", { class: "foot" }, this.typing, this.list, this.board,
      el("div", { class: "composer" }, this.target, line, this.left));
  }

  /** Shows a room's draft. */
  show(text) {
    this.field.value = text;
    this.#closeBoard();
    this.#changed(false);
  }

  get text() {
    return this.field.value;
  }

  focus() {
    this.field.focus();
  }

  /** What is answered or changed stands on top. */
  showTarget(label, words) {
    this.target.hidden = !label;
    if (!label) return;
    replaceChildren(this.target, [
      el("span", { class: "what" }, el("b", {}, label), " ", el("bdi", {}, words.replace(/\s+/gu, " ").slice(0, 200))),
      iconButton("close", "Cancel", () => this.told.onCancelTarget()),
    ]);
  }

  showTyping(text) {
    setText(this.typing, text);
  }

  // Typing

  #changed(isTyped) {
    const { field, element } = this;
    // While the field is measured the whole keeps its height: the messages above would move into the room and stay.
    element.style.height = `${element.offsetHeight}px`;
    field.style.height = "auto";
    if (field.value) field.style.height = `${field.scrollHeight}px`;
    element.style.height = "";
    const bytes = field.value.length * 3 > this.textMax * 0.8 ? bytesOf(field.value) : 0;
    const left = this.textMax - bytes;
    const isOver = left < 0;
    this.left.hidden = left > this.textMax * 0.2 || bytes === 0;
    this.left.classList.toggle("is-over", isOver);
    if (!this.left.hidden) setText(this.left, isOver ? `${-left} bytes too long` : `${left} bytes left`);
    this.send.disabled = isOver || !field.value.trim();
    if (!isTyped) return;
    this.told.onDraft(field.value);
    if (field.value.trim() && !field.value.startsWith("/")) this.told.onTyping();
    this.#complete();
  }

  #submit() {
    const text = this.field.value;
    if (this.send.disabled) return;
    this.field.value = "";
    this.#showChoices([]);
    this.#closeBoard();
    this.#changed(false);
    this.told.onDraft("");
    this.told.onSend(text);
    this.field.focus();
  }

  #key(event) {
    if (event.isComposing) return;
    if (this.choices.length > 0 && this.#keyOfChoices(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") {
      if (!this.board.hidden) this.#toggleBoard();
      else this.told.onCancelTarget();
    } else if (event.key === "ArrowUp" && !this.field.value) {
      event.preventDefault();
      this.told.onEditLast();
    }
  }

  // Completion

  #complete() {
    const { field } = this;
    const isAtEnd = field.selectionStart === field.value.length && field.selectionEnd === field.value.length;
    this.#showChoices(isAtEnd && field.value.startsWith("/") ? completions(field.value, this.told.known()) : []);
  }

  #showChoices(choices) {
    this.choices = choices;
    this.chosen = 0;
    this.list.hidden = choices.length === 0;
    replaceChildren(this.list, choices.map((choice, index) => el(
      "div", {
        id: `choice-${index}`, class: "choice", role: "option", "aria-selected": "false",
        // Before the field loses the focus, which closes the list.
        on: { mousedown: (event) => { event.preventDefault(); this.#accept(index); } },
      },
      el("span", { class: "label" }, choice.label), el("span", { class: "detail" }, choice.detail))));
    this.#choose(0);
  }

  #choose(index) {
    this.chosen = index;
    [...this.list.children].forEach((node, at) => node.setAttribute("aria-selected", String(at === index)));
    if (this.choices.length > 0) {
      this.field.setAttribute("aria-activedescendant", `choice-${index}`);
      this.list.children[index].scrollIntoView({ block: "nearest" });
    } else {
      this.field.removeAttribute("aria-activedescendant");
    }
  }

  #accept(index) {
    this.field.value = this.choices[index].insert;
    this.#changed(true);
  }

  #keyOfChoices(event) {
    const { length } = this.choices;
    if (event.key === "ArrowDown") this.#choose((this.chosen + 1) % length);
    else if (event.key === "ArrowUp") this.#choose((this.chosen + length - 1) % length);
    else if (event.key === "Escape") this.#showChoices([]);
    else if (event.key === "Tab" && !event.shiftKey) this.#accept(this.chosen);
    // A command that stands there whole is sent, not completed once more.
    else if (event.key === "Enter" && this.choices[this.chosen].insert.trim() !== this.field.value.trim())
      this.#accept(this.chosen);
    else return false;
    event.preventDefault();
    return true;
  }

  // Emoji

  #makeBoard() {
    const board = el("div", { class: "choices emoji-board", role: "group", "aria-label": "Emoji", hidden: true });
    for (const { segment } of new Intl.Segmenter().segment(emoji)) {
      board.append(el("button", { type: "button", on: { click: () => this.#insert(segment) } }, segment));
    }
    board.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#toggleBoard();
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (target instanceof Node && !board.contains(target) && !this.smile.contains(target)) this.#closeBoard();
    });
    return board;
  }

  /** Whatever else is done, the choice is not what one is at any more. */
  #closeBoard() {
    this.board.hidden = true;
    this.smile.setAttribute("aria-expanded", "false");
  }

  #toggleBoard() {
    this.board.hidden = !this.board.hidden;
    this.smile.setAttribute("aria-expanded", String(!this.board.hidden));
    if (this.board.hidden) this.field.focus();
    else this.board.querySelector("button").focus();
  }

  #insert(text) {
    const { field } = this;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    this.#toggleBoard();
    this.#changed(true);
  }
}
