// The messages of a conversation. Of ten thousand rows only some two hundred are in the page: a window that moves with
// the reader, and never moves what they look at.

import { el, icon, replaceChildren, setText } from "../dom.js";
import { RowWindow, rowsMax } from "../state/window.js";
import { makePending, makeRow } from "./rows.js";
import { keyInThread } from "./thread-keys.js";

/** How near its edge, in pixels, the window moves. */
const reach = 900;
/** How far from the beginning, in pixels, older messages are asked for. */
const olderReach = 3000;
/** How near the end, in pixels, counts as being there. */
const nearEnd = 48;

export class ThreadView {
  /** The thread that is shown. @type {import("../state/thread.js").Thread | null} */
  thread = null;
  window = new RowWindow();
  /** The elements of the rows that are in the page. @type {Map<string, {node: HTMLElement, version: string}>} */
  nodes = new Map();
  /** The keys of these rows, in order. @type {string[]} */
  shownKeys = [];
  /** Whether the reader is at the end, and stays there. */
  isPinned = true;
  /** The message that keys and tools are about. @type {string | null} */
  active = null;
  /** How far down, in pixels, the scroller could go when the reader was last taken to the end. */
  end = -1;

  /** @param {{onOlder: () => void, onScrolled: () => void, context: any}} options `context` is for the rows' makers */
  constructor({ onOlder, onScrolled, context }) {
    this.onOlder = onOlder;
    this.onScrolled = onScrolled;
    this.context = context;
    this.topText = el("span");
    this.problem = el("span", { role: "status" });
    const on = { click: () => this.onOlder() };
    this.again = el("button", { type: "button", class: "link-button", on }, "Try again");
    this.top = el("div", { class: "thread-top" }, this.topText, this.problem, this.again);
    this.filler = el("div", { class: "filler" });
    this.list = el("div", { class: "thread-list" }, this.filler, this.top);
    const keydown = (event) => keyInThread(event, this);
    this.scroller = el(
      "div",
      { class: "scroller", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Messages", on: { keydown } },
      this.list);
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.jumpText = el("span");
    this.jump = el(
      "button", { type: "button", class: "jump", hidden: true, on: { click: () => this.toEnd() } },
      icon("down"), this.jumpText);
    this.element = el("div", { class: "thread-body" }, this.scroller, this.jump);
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
  }

  /** Shows another thread, at its end or where what is unread begins. */
  show(thread) {
    this.thread = thread;
    this.end = -1;
    this.generation = -1;
    this.nodes.clear();
    this.shownKeys = [];
    this.isPinned = true;
    this.active = null;
    this.newsFrom = 0;
    this.shownSeq = 0;
    this.lastTop = 0;
    this.window.reset(thread?.rows.length ?? 0);
    // Only who opens a conversation is taken to where unread begins; later that would be a jump.
    this.isOpening = true;
  }

  /** Brings the page up to date with the thread. */
  update({ pending, top, problem, canLoad }) {
    if (!this.thread) return;
    this.#noticeReader();
    this.canLoad = canLoad;
    this.pending = pending;
    const anchor = this.isPinned ? null : this.#anchor();
    const { rows } = this.thread;
    if (this.generation !== this.thread.generation) {
      if (this.generation !== -1 && !this.isPinned) this.#findWindow(anchor);
      else this.window.toEnd(rows.length);
      this.generation = this.thread.generation;
    } else if (this.isPinned) {
      this.window.toEnd(rows.length);
    }
    this.window.clamp(rows.length);
    this.#renderTop(top, problem);
    this.#render();
    if (this.isOpening && this.nodes.has("unread")) this.#showUnread();
    else if (anchor) this.#restore(anchor);
    else if (this.isPinned) this.#stick();
    if (this.thread.isPrimed) this.isOpening = false;
    this.shownSeq = this.thread.lastSeq;
    this.#tellJump();
    if (canLoad && this.window.start === 0 && this.scroller.scrollTop < olderReach) this.onOlder();
  }

  /** Goes to the newest message. */
  toEnd() {
    this.isPinned = true;
    this.end = -1;
    this.window.toEnd(this.thread.rows.length);
    this.#render();
    this.#stick();
    this.#tellJump();
    this.onScrolled();
  }

  /** Shows a message that is quoted; says whether it is there. */
  reveal(key) {
    const { rows } = this.thread;
    const index = rows.findIndex((row) => row.key === key);
    if (index < 0) return false;
    if (!this.nodes.has(key)) {
      this.window.around(index, rowsMax / 2, rows.length);
      this.#render();
    }
    const { node } = this.nodes.get(key);
    this.isPinned = false;
    node.scrollIntoView({ block: "center" });
    node.classList.remove("is-found");
    requestAnimationFrame(() => node.classList.add("is-found"));
    this.activate(key);
    return true;
  }

  /** Makes one message the one that keys and tools are about. */
  activate(key) {
    if (this.active) this.nodes.get(this.active)?.node.classList.remove("is-active");
    this.active = key;
    const node = key && this.nodes.get(key)?.node;
    if (node) node.classList.add("is-active");
    return node ?? null;
  }

  /** What stands above the first message; the button goes with the problem. */
  #renderTop(text, problem) {
    setText(this.topText, problem ? "" : text);
    setText(this.problem, problem);
    // The keyboard is not left nowhere. Not at once: what hears of the focus may render again.
    const isLeft = !problem && document.activeElement === this.again;
    if (isLeft) queueMicrotask(() => this.scroller.focus({ preventScroll: true }));
    this.again.hidden = !problem;
  }

  // The rows in the page

  /** After rows came or went anywhere: the window is where the row is that the reader looks at. */
  #findWindow(anchor) {
    const { rows } = this.thread;
    const index = anchor ? rows.findIndex((row) => row.key === anchor.key) : -1;
    if (index < 0) this.window.toEnd(rows.length);
    else this.window.around(index, anchor.position, rows.length);
  }

  #render() {
    const { thread, context, window: { start, end } } = this;
    const shown = thread.rows.slice(start, end);
    const wanted = shown.map((row) => this.#node(row.key, versionOf(row), () => makeRow(row, thread, context)));
    if (end === thread.rows.length) {
      for (const entry of this.pending) {
        const version = `${entry.state} ${entry.error?.message ?? ""}`;
        wanted.push(this.#node(`pending-${entry.nonce}`, version, () => makePending(entry, context)));
      }
    }
    this.shownKeys = shown.map(({ key }) => key);
    const kept = new Set(wanted);
    for (const [key, { node }] of this.nodes) if (!kept.has(node)) this.nodes.delete(key);
    this.top.hidden = start > 0 || !(this.topText.textContent || this.problem.textContent);
    replaceChildren(this.list, [this.filler, this.top, ...wanted]);
  }

  #node(key, version, make) {
    const known = this.nodes.get(key);
    if (known?.version === version) return known.node;
    const node = make();
    if (known && known.node.contains(document.activeElement)) queueMicrotask(() => node.focus({ preventScroll: true }));
    if (key === this.active) node.classList.add("is-active");
    this.nodes.set(key, { node, version });
    return node;
  }

  // Where the reader looks

  /**
   * The message that stays where it is whatever comes and goes, how far its end is from the top (above its words the
   * name of who says them may come or go), and how many rows of the window are above it: the first in sight, or the
   * first below the line of what is new, which may go further up.
   */
  #anchor() {
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const line = this.nodes.get("unread")?.node.getBoundingClientRect();
    const isLineSeen = line && line.bottom > top && line.top < bottom;
    return (isLineSeen && this.#firstMessage(line.bottom, top)) || this.#firstMessage(top, top);
  }

  #firstMessage(from, top) {
    // As the page shows them: the thread may have others by now.
    for (const [position, key] of this.shownKeys.entries()) {
      const node = this.nodes.get(key)?.node;
      if (!node?.dataset.id) continue;
      const box = node.getBoundingClientRect();
      if (box.bottom > from) return { key, offset: box.bottom - top, position };
    }
    return null;
  }

  #restore(anchor) {
    const node = this.nodes.get(anchor.key)?.node;
    if (!node) return;
    const moved = node.getBoundingClientRect().bottom - this.scroller.getBoundingClientRect().top - anchor.offset;
    if (Math.abs(moved) >= 0.5) this.scroller.scrollTop += moved;
  }

  #showUnread() {
    this.isOpening = false;
    const line = this.nodes.get("unread").node;
    if (this.isPinned && line.offsetTop < this.list.scrollHeight - this.scroller.clientHeight) {
      this.isPinned = false;
      this.newsFrom = this.thread.lastSeq;
      this.scroller.scrollTop = line.offsetTop - 60;
    } else if (this.isPinned) {
      this.#stick();
    }
  }

  /** Goes along with the end where it has moved; where it has not, who went up a little is left there. */
  #stick() {
    const end = this.scroller.scrollHeight - this.scroller.clientHeight;
    if (end === this.end) return;
    this.end = end;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.lastTop = this.scroller.scrollTop;
  }

  #scrolled() {
    if (!this.thread) return;
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const { rows } = this.thread;
    const below = scrollHeight - scrollTop - clientHeight;
    const wasPinned = this.isPinned;
    const isAtEnd = below <= nearEnd && (wasPinned || this.window.end === rows.length);
    // What comes in between the scrolling and its event makes the end lower; only who scrolls up leaves it.
    this.isPinned = isAtEnd || (wasPinned && scrollTop >= this.lastTop);
    this.lastTop = scrollTop;
    if (scrollTop < reach && this.window.start > 0) this.#moveWindow(() => this.window.earlier());
    else if (!this.isPinned && below < reach && this.window.end < rows.length)
      this.#moveWindow(() => this.window.later(rows.length));
    if (scrollTop < olderReach && this.window.start === 0 && this.canLoad) this.onOlder();
    if (wasPinned && !this.isPinned) this.newsFrom = this.shownSeq;
    this.#tellJump();
    this.onScrolled();
  }

  #moveWindow(move) {
    const anchor = this.#anchor();
    move();
    this.#render();
    if (anchor) this.#restore(anchor);
  }

  /** Who has scrolled up is not at the end, even if the event that says so is still to come. */
  #noticeReader() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    if (!this.isPinned || scrollTop >= this.lastTop - 1 || scrollHeight - scrollTop - clientHeight <= nearEnd) return;
    this.isPinned = false;
    this.newsFrom = this.shownSeq;
  }

  #resized() {
    if (this.thread) this.#noticeReader();
    if (this.isPinned) this.#stick();
  }

  #tellJump() {
    this.jump.hidden = this.isPinned;
    if (this.isPinned) return;
    const news = Math.max(0, this.thread.lastSeq - (this.newsFrom || this.thread.lastSeq));
    setText(this.jumpText, news > 0 ? `${news} new ${news === 1 ? "message" : "messages"}` : "Newest messages");
    this.jump.classList.toggle("has-news", news > 0);
  }
}

function versionOf(row) {
  return `${row.item?.version ?? 0} ${row.isHead ? 1 : 0}`;
}
