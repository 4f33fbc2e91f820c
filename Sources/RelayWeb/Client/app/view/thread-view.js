// The messages of a conversation. Of ten thousand rows only some two hundred are in the page: a window that moves with
// the reader, and never moves what they look at.

import { el, icon, replaceChildren, setText } from "../dom.js";
import { makeRow, makePending } from "./rows.js";

/** How many rows are in the page, and by how many the window moves. */
const rowsMax = 200;
const step = 60;
/** How near its edge, in pixels, the window moves. */
const reach = 900;
/** How far from the beginning, in pixels, older messages are asked for. */
const olderReach = 3000;
/** How near the end, in pixels, counts as being there. */
const nearEnd = 48;

export class ThreadView {
  /** @param {{onOlder: () => void, onScrolled: () => void, context: any}} options `context` is for the rows' makers */
  constructor({ onOlder, onScrolled, context }) {
    this.onOlder = onOlder;
    this.onScrolled = onScrolled;
    this.context = context;
    this.thread = null;
    this.start = 0;
    this.end = 0;
    this.isPinned = true;
    /** @type {Map<string, {node: HTMLElement, version: string}>} */
    this.nodes = new Map();
    /** The rows that are in the page, in order. @type {string[]} */
    this.shownKeys = [];
    this.top = el("div", { class: "thread-top" });
    this.filler = el("div", { class: "filler" });
    this.list = el("div", { class: "thread-list" }, this.filler, this.top);
    this.scroller = el(
        "div",
        {
          class: "scroller",
          tabindex: "0",
          role: "log",
          "aria-live": "off",
          "aria-label": "Messages",
          on: { keydown: (event) => this.#key(event) }
        },
        this.list,
    );
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.jumpText = el("span");
    this.jump =
        el("button", { type: "button", class: "jump", hidden: true, on: { click: () => this.toEnd() } },
           icon("down"), this.jumpText);
    this.element = el("div", { class: "thread-body" }, this.scroller, this.jump);
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
  }

  /** Shows another thread, at its end or where what is unread begins. */
  show(thread) {
    this.thread = thread;
    this.generation = -1;
    this.nodes.clear();
    this.shownKeys = [];
    this.isPinned = true;
    this.active = null;
    this.newsFrom = 0;
    this.shownSeq = 0;
    this.lastTop = 0;
    this.end = thread?.rows.length ?? 0;
    this.start = Math.max(0, this.end - rowsMax);
    // Only who opens a conversation is taken to where unread begins; later that would be a jump.
    this.isOpening = true;
  }

  /** Brings the page up to date with the thread. */
  update({ pending, top, canLoad }) {
    if (!this.thread) return;
    this.#noticeReader();
    this.canLoad = canLoad;
    this.pending = pending;
    const anchor = this.isPinned ? null : this.#anchor();
    const { rows } = this.thread;
    if (this.generation !== this.thread.generation) {
      if (this.generation !== -1 && !this.isPinned) this.#findWindow(anchor);
      else this.#windowAtEnd();
      this.generation = this.thread.generation;
    } else if (this.isPinned) {
      this.#windowAtEnd();
    }
    this.end = Math.min(this.end, rows.length);
    setText(this.top, top);
    this.#render();
    if (this.isOpening && this.nodes.has("unread")) this.#showUnread();
    else if (anchor) this.#restore(anchor);
    else if (this.isPinned) this.#stick();
    if (this.thread.isPrimed) this.isOpening = false;
    this.shownSeq = this.thread.lastSeq;
    this.#tellJump();
    if (canLoad && this.start === 0 && this.list.scrollHeight <= this.scroller.clientHeight + 200) this.onOlder();
  }

  /** Goes to the newest message. */
  toEnd() {
    this.isPinned = true;
    this.#windowAtEnd();
    this.#render();
    this.#stick();
    this.#tellJump();
    this.onScrolled();
  }

  /** Shows a message that is quoted; says whether it is there. */
  reveal(key) {
    const index = this.thread.rows.findIndex((row) => row.key === key);
    if (index < 0) return false;
    if (!this.nodes.has(key)) {
      this.start = Math.max(0, index - rowsMax / 2);
      this.end = Math.min(this.thread.rows.length, this.start + rowsMax);
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

  // The window

  #windowAtEnd() {
    const { rows } = this.thread;
    const isNear = this.end >= rows.length - rowsMax && rows.length - this.start <= rowsMax + step;
    this.end = rows.length;
    if (!isNear || this.start > this.end) this.start = Math.max(0, this.end - rowsMax);
  }

  /** After rows came or went anywhere: the window is where the row is that the reader looks at. */
  #findWindow(anchor) {
    const { rows } = this.thread;
    const index = anchor ? rows.findIndex((row) => row.key === anchor.key) : -1;
    if (index < 0) return this.#windowAtEnd();
    const before = Math.max(step, anchor.position);
    this.start = Math.max(0, index - before);
    this.end = Math.min(rows.length, this.start + Math.max(rowsMax, this.end - this.start));
    return undefined;
  }

  #render() {
    const { rows } = this.thread;
    const isAtEnd = this.end === rows.length;
    const wanted =
        rows.slice(this.start, this.end)
            .map((row) => this.#node(row.key, versionOf(row), () => makeRow(row, this.thread, this.context)));
    if (isAtEnd) {
      for (const entry of this.pending) {
        const version = `${entry.state} ${entry.error?.message ?? ""}`;
        wanted.push(this.#node(`pending-${entry.nonce}`, version, () => makePending(entry, this.context)));
      }
    }
    this.shownKeys = rows.slice(this.start, this.end).map(({ key }) => key);
    const kept = new Set(wanted);
    for (const [key, { node }] of this.nodes) if (!kept.has(node)) this.nodes.delete(key);
    this.top.hidden = this.start > 0 || !this.top.textContent;
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

  /** The first message in sight, how far it is from the top, and how many rows of the window are above it. */
  #anchor() {
    const top = this.scroller.getBoundingClientRect().top;
    // As the page shows them: the thread may have others by now.
    for (const [position, key] of this.shownKeys.entries()) {
      const node = this.nodes.get(key)?.node;
      if (!node?.dataset.id) continue;
      const box = node.getBoundingClientRect();
      if (box.bottom > top) return { key, offset: box.top - top, position };
    }
    return null;
  }

  #restore(anchor) {
    const node = this.nodes.get(anchor.key)?.node;
    if (!node) return;
    const moved = node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top - anchor.offset;
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

  /** Stays at the end. */
  #stick() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.lastTop = this.scroller.scrollTop;
  }

  #scrolled() {
    if (!this.thread) return;
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const { rows } = this.thread;
    const below = scrollHeight - scrollTop - clientHeight;
    const wasPinned = this.isPinned;
    const isAtEnd = below <= nearEnd && (wasPinned || this.end === rows.length);
    // What comes in between the scrolling and its event makes the end lower; only who scrolls up leaves it.
    this.isPinned = isAtEnd || (wasPinned && scrollTop >= this.lastTop);
    this.lastTop = scrollTop;
    if (scrollTop < reach && this.start > 0) this.#moveWindow(Math.max(0, this.start - step), null);
    else if (!this.isPinned && below < reach && this.end < rows.length)
      this.#moveWindow(null, Math.min(rows.length, this.end + step));
    if (scrollTop < olderReach && this.start === 0 && this.canLoad) this.onOlder();
    if (wasPinned && !this.isPinned) this.newsFrom = this.shownSeq;
    this.#tellJump();
    this.onScrolled();
  }

  #moveWindow(start, end) {
    const anchor = this.#anchor();
    if (start !== null) {
      this.start = start;
      this.end = Math.min(this.end, start + rowsMax + step);
    } else {
      this.end = end;
      this.start = Math.max(this.start, end - rowsMax - step);
    }
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

  // Keys

  #key(event) {
    const { rows } = this.thread ?? { rows: [] };
    if (event.key === "End" && event.target === this.scroller) {
      event.preventDefault();
      this.toEnd();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const isMessage = (row) => row.kind === "message";
      const at = rows.findIndex((row) => row.key === this.active);
      const candidates =
          event.key === "ArrowUp" ? rows.slice(0, at < 0 ? rows.length : at).reverse() : rows.slice(at + 1);
      const next = at < 0 && event.key === "ArrowDown" ? null : candidates.find(isMessage);
      if (!next) return;
      event.preventDefault();
      if (!this.nodes.has(next.key)) this.reveal(next.key);
      this.activate(next.key)?.focus();
    } else if (event.key === "Escape" && this.active) {
      this.activate(null);
      this.scroller.focus();
    } else if (this.active && event.target.matches?.(".message")) {
      const item = rows.find((row) => row.key === this.active)?.item;
      if (item) this.context.onKey(event, item);
    }
  }
}

function versionOf(row) {
  return `${row.item?.version ?? 0} ${row.isHead ? 1 : 0}`;
}
