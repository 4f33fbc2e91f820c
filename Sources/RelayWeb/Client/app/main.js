// The page: who is signed in, and what is shown of them.

import { showInAddress } from "./address.js";
import { Title, readySound } from "./attention.js";
import { Host, keepIdentity, keepToken, readIdentity, storageOrNull, takeToken } from "./host.js";
import { Page } from "./page.js";
import { Store } from "./store.js";

const settings = await readSettings();
const store = new Store();
const title = new Title();
const page = new Page(store, {
  title, onSignOut: () => signOut(), onAgain: () => signInAgain(), onName: signInByName,
});
const host = new Host(settings.origins, {
  onToken: (token, isAnswer) => signInByToken(token, isAnswer),
  onName: (user, name) => settings.auth === "none" && signInByName(user, name),
  onSignOut: () => signOut(),
  onOpen: (room) => page.open(room),
});

/** The token that is known; null without one. */
let token = takeToken();
let isTokenUsed = false;

readySound();
page.showTheme(storageOrNull()?.getItem("martlet.theme") ?? "system");
page.onUnread = (count) => host.tell({ type: "martlet.unread", count });
window.addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("token")) signInByToken(takeToken(), false);
});
begin();
host.tell({ type: "martlet.ready" });

/** Signs in whoever is known here, or asks. */
function begin() {
  if (settings.auth === "jwt") {
    if (token) page.signIn({ token: currentToken });
    else beginByCookie();
    return;
  }
  const identity = readIdentity();
  if (identity) page.signIn(identity);
  else page.showSignIn({ kind: "name" });
}

/** What the relay did not take it would not take again: then somebody is asked. */
function signInAgain() {
  const { code } = store.status;
  const isRefused = code === 4501 || (settings.auth === "jwt" && code === 4502);
  if (!isRefused || (settings.auth === "jwt" && host.isEmbedded)) begin();
  else if (settings.auth === "none") signOut();
  else {
    keepToken(null);
    token = null;
    page.end();
    begin();
  }
}

/** A page cannot see a cookie that is kept from scripts: whether there is one that counts, the relay knows. */
async function beginByCookie() {
  const status = await fetch("/v1/rooms?limit=1").then(({ status }) => status, () => 0);
  if (token || (page.session && store.status.state !== "signed-out")) return;
  // Whatever else is wrong, the cookie may count all the same: the session says what it is, and tries again.
  if (status !== 401) return page.signIn({});
  if (page.session) page.end();
  page.showSignIn({ kind: "token" });
}

/** A token is asked for at every connection: the first time the one that is known does, then a newer one is better. */
async function currentToken() {
  if (isTokenUsed) token = await host.renew(token);
  isTokenUsed = true;
  return token;
}

function signInByToken(given, isAnswer) {
  token = given;
  if (settings.auth !== "jwt") return;
  // The connection under way asked for it, and goes on with it; one that was given up meanwhile does not.
  if (isAnswer && store.status.state !== "signed-out") return;
  isTokenUsed = false;
  page.signIn({ token: currentToken });
}

function signInByName(user, name) {
  keepIdentity({ user, name });
  page.signIn({ user, name });
}

function signOut() {
  const identity = readIdentity();
  keepIdentity(null);
  keepToken(null);
  token = null;
  page.end();
  // Whoever signs in next is somebody else: a conversation of two is none of theirs.
  showInAddress(null);
  page.showSignIn({ kind: settings.auth === "jwt" ? "token" : "name", name: identity?.name });
}

/** What this page has to know of its edge. Without an answer: what is true of most. */
async function readSettings() {
  try {
    const answer = await fetch("/settings.json", { cache: "no-cache" });
    const { auth, origins } = await answer.json();
    return { auth: auth === "jwt" ? "jwt" : "none", origins: Array.isArray(origins) ? origins : [] };
  } catch {
    return { auth: "none", origins: [] };
  }
}
