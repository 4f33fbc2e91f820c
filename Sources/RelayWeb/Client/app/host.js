// Who is signed in comes from the page around this one, from the address, from this device, or from a form.

const tokenKey = "martlet.token";
const identityKey = "martlet.me";
const answerWithin = 10_000;

/**
 * Takes the token out of `#token=…`. The address is cleaned at once: it is seen, shared and kept.
 *
 * @returns {string | null}
 */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token === null) return read(sessionStorageOrNull(), tokenKey);
  fragment.delete("token");
  const rest = fragment.toString();
  history.replaceState(history.state, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
  keepToken(token);
  return token;
}

/** Keeps a token for as long as the tab lives, so that a reload does not sign out. */
export function keepToken(token) {
  write(sessionStorageOrNull(), tokenKey, token);
}

/** @returns {{user: string, name: string} | null} who signed in by name on this device */
export function readIdentity() {
  try {
    const found = JSON.parse(read(storageOrNull(), identityKey) ?? "null");
    return typeof found?.user === "string" && typeof found.name === "string" ? found : null;
  } catch {
    return null;
  }
}

export function keepIdentity(identity) {
  write(storageOrNull(), identityKey, identity && JSON.stringify(identity));
}

/** The page's storage; null where a browser forbids it. */
export function storageOrNull() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function sessionStorageOrNull() {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function read(storage, key) {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    if (value === null || value === undefined) storage?.removeItem(key);
    else storage?.setItem(key, value);
  } catch {
    // What cannot be kept is asked again after a reload.
  }
}

/**
 * The page around this one: it may sign in and out and open a room, by `postMessage` from an origin that the edge
 * allows, or where it is the same origin by `window.martlet`.
 */
export class Host {
  /**
   * @param {string[]} origins those that the edge allows; `*` for any
   * @param {{onToken: (token: string, isAnswer: boolean) => void, onName: (user: string, name: string) => void,
   *   onSignOut: () => void, onOpen: (room: string) => void}} told
   */
  constructor(origins, told) {
    this.isEmbedded = window.parent !== window;
    this.origins = new Set([location.origin, ...origins]);
    this.told = told;
    this.waiting = [];
    window.addEventListener("message", (event) => this.#heard(event));
    const martlet = Object.freeze({
      signIn: ({ token, user, name }) => (token ? this.#tokenCame(token) : told.onName(user, name ?? user)),
      signOut: () => told.onSignOut(),
      open: (room) => told.onOpen(String(room)),
    });
    Object.assign(window, { martlet });
  }

  /** Tells the page around this one; only pages of allowed origins hear it. */
  tell(message) {
    if (!this.isEmbedded) return;
    for (const origin of this.origins) window.parent.postMessage(message, origin);
  }

  /** A new token of the page around this one; the one that is known where it does not answer. */
  renew(known) {
    if (!this.isEmbedded) return Promise.resolve(known);
    return new Promise((resolve) => {
      const answered = (token) => {
        clearTimeout(timer);
        resolve(token);
      };
      // A token that comes after that is no answer any more: it signs in.
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== answered);
        resolve(known);
      }, answerWithin);
      this.waiting.push(answered);
      this.tell({ type: "martlet.token-needed" });
    });
  }

  #heard({ origin, source, data }) {
    const isAllowed = this.origins.has("*") || this.origins.has(origin);
    if (!isAllowed || source !== window.parent || source === window || typeof data !== "object" || data === null)
      return;
    if (data.type === "martlet.sign-in" && typeof data.token === "string") this.#tokenCame(data.token);
    else if (data.type === "martlet.sign-in" && typeof data.user === "string")
      this.told.onName(data.user, String(data.name ?? data.user));
    else if (data.type === "martlet.sign-out") this.told.onSignOut();
    else if (data.type === "martlet.open" && typeof data.room === "string") this.told.onOpen(data.room);
  }

  #tokenCame(token) {
    keepToken(token);
    const waiting = this.waiting.splice(0);
    for (const resolve of waiting) resolve(token);
    this.told.onToken(token, waiting.length > 0);
  }
}
