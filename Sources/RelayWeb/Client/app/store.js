// The state of the page, and who wants to know when it changes: once a frame, however much changed.

import { Thread } from "./state/thread.js";

/**
 * @typedef {{key: number, tone: "info" | "error" | "page", text: string,
 *   action?: {label: string, run: () => void}}} Toast
 */

const toastsMax = 4;
const namesMax = 2000;

export class Store {
  /** Who reads; null before anybody has signed in. @type {{user: string, name: string} | null} */
  me = null;
  /** The library's. */
  status = { state: "closed" };
  limits = { max_text: 4096 };
  /** @type {import("./state/conversations.js").Conversations} */
  conversations = new Map();
  /** Whether the list has been heard once. */
  isListed = false;
  /** The room that is shown. @type {string | null} */
  open = null;
  /** Why it cannot be shown. @type {string | null} */
  openError = null;
  isOpening = false;
  isLoadingOlder = false;
  /** What is going to be answered, or changed. @type {{kind: "reply" | "edit", item: any} | null} */
  draftTarget = null;
  /** @type {Toast[]} */
  toasts = [];
  /** Names by user, as they were last seen. @type {Map<string, string>} */
  names = new Map();

  #threads = new Map();
  #listeners = new Set();
  #isScheduled = false;
  #toastCount = 0;

  /** @param {(store: Store) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** Something changed. */
  touch() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    let frame = 0;
    let timer = 0;
    const run = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      this.#isScheduled = false;
      for (const listener of this.#listeners) listener(this);
    };
    frame = requestAnimationFrame(run);
    // A page that nobody sees gets no frames, but its title counts on.
    timer = setTimeout(run, 200);
  }

  /** @returns {Thread} */
  thread(room) {
    let thread = this.#threads.get(room);
    if (!thread) {
      thread = new Thread(room, this.me?.user ?? "");
      this.#threads.set(room, thread);
    }
    // A room that the address names is shown before it is known who reads it.
    thread.me ||= this.me?.user ?? "";
    return thread;
  }

  forget(room) {
    this.#threads.delete(room);
    if (this.open === room) this.open = null;
  }

  /** Forgets whoever was signed in. */
  clear() {
    this.#threads.clear();
    this.conversations = new Map();
    this.names.clear();
    Object.assign(this, {
      me: null, open: null, openError: null, isOpening: false, isListed: false, draftTarget: null, toasts: [],
    });
    this.touch();
  }

  sawName(user, name) {
    if (!user || !name || this.names.get(user) === name) return;
    this.names.delete(user);
    this.names.set(user, name);
    if (this.names.size > namesMax) this.names.delete(this.names.keys().next().value);
  }

  nameOf(user) {
    return this.names.get(user) ?? user;
  }

  /** Shows a line over the page. What is said twice is shown once. */
  toast(toast) {
    this.#toastCount += 1;
    const others = this.toasts.filter((other) => other.text !== toast.text);
    this.toasts = [...others, { key: this.#toastCount, ...toast }].slice(-toastsMax);
    const { key } = this.toasts[this.toasts.length - 1];
    if (toast.tone !== "page") setTimeout(() => this.dismiss(key), 8000);
    this.touch();
    return key;
  }

  dismiss(key) {
    const left = this.toasts.filter((toast) => toast.key !== key);
    if (left.length === this.toasts.length) return;
    this.toasts = left;
    this.touch();
  }
}
