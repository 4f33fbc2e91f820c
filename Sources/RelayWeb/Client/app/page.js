// The parts of the page tied together: views on one side, the session of who is signed in on the other.

import { ring, speak } from "./attention.js";
import { replaceChildren } from "./dom.js";
import { storageOrNull } from "./host.js";
import { Press } from "./press.js";
import { createDrafts } from "./state/drafts.js";
import { describe } from "./state/status.js";
import { isolated } from "./state/text.js";
import * as conversations from "./state/conversations.js";
import { requestsOf } from "./requests.js";
import { Session } from "./session.js";
import { Bar } from "./view/bar.js";
import { Conversation } from "./view/conversation.js";
import { newConversationDialog, signInCard } from "./view/dialogs.js";
import { People } from "./view/people.js";
import { Rail } from "./view/rail.js";
import { Toasts } from "./view/toasts.js";
import { listRooms, openRoomOfAddress, showInAddress } from "./address.js";

/** From this width on there is room for who is here beside the conversation. */
const wide = matchMedia("(min-width: 1024px)");

export class Page {
  /** Who is signed in. @type {Session | null} */
  session = null;
  /** What was typed and not sent; without a storage until it is known whose it is. */
  drafts = createDrafts(null, "");
  areDraftsRead = false;
  /** Told how many messages are unread. @type {((count: number) => void) | null} */
  onUnread = null;

  /**
   * @param {import("./store.js").Store} store
   * @param {{title: import("./attention.js").Title, onSignOut: () => void, onAgain: () => void,
   *   onName: (user: string, name: string) => void}} told
   */
  constructor(store, { title, onSignOut, onAgain, onName }) {
    this.store = store;
    this.title = title;
    this.onAgain = onAgain;
    this.onName = onName;
    this.app = document.getElementById("app");
    this.main = document.getElementById("main");
    this.peopleRoot = document.getElementById("people");
    this.isPeopleShown = wide.matches;
    this.bar = new Bar(document.getElementById("bar"), {
      onRetry: () => this.session?.client.reconnectNow(), onTheme: (theme) => this.showTheme(theme),
    });
    this.rail = new Rail(document.getElementById("rail"), {
      onOpen: (room) => this.open(room), onNew: () => this.newConversation(), onSignOut,
      isAround: (user) => Boolean(this.session?.isAround(user)),
    });
    this.people = new People(this.peopleRoot, {
      onClose: () => this.showPeople(false),
      onDirect: (user) => this.direct(user),
      onPage: (user) => this.session.page(this.store.open, user),
      onLeave: () => this.session.leave(this.store.open),
    });
    this.toasts = new Toasts(document.getElementById("toasts"), (key) => store.dismiss(key));
    this.conversation = new Conversation(this.main, requestsOf(this));
    this.press = new Press(() => this.render());
    store.subscribe(() => this.#changed());
    setInterval(() => this.#tick(), 500);
    // Beside the conversation there is room for it; over the conversation only who asks for it wants it.
    wide.addEventListener("change", () => {
      this.isPeopleShown = wide.matches;
      this.#changed();
    });
    window.addEventListener("focus", () => this.#isBack(), true);
    window.addEventListener("visibilitychange", () => this.#isShown(), true);
    window.addEventListener("popstate", () => this.session && this.#openOfAddress());
    window.addEventListener("keydown", (event) => this.#key(event));
  }

  // Signing in and out

  /** @param {{user?: string, name?: string, token?: any}} identity */
  signIn(identity) {
    this.end();
    this.session = new Session(this.store, identity, {
      onPage: (event) => this.#pageCame(event), onMessage: (envelope) => this.#messageCame(envelope),
    });
    this.session.isReading = () => this.isReading();
    // By a token somebody is known with the welcome; whoever comes by name is known now.
    const { user = "" } = identity;
    this.drafts = createDrafts(user ? storageOrNull() : null, user.toLowerCase());
    this.areDraftsRead = false;
    this.app.dataset.signed = "yes";
    replaceChildren(this.main, []);
    this.conversation.shown = null;
    this.session.start();
    this.#openOfAddress();
    this.render();
  }

  end() {
    this.session?.end();
    this.session = null;
    this.store.clear();
    this.store.status = { state: "closed" };
  }

  showSignIn(options) {
    this.app.dataset.signed = "no";
    this.conversation.shown = null;
    replaceChildren(this.main, [signInCard({ ...options, onName: this.onName, onAgain: this.onAgain })]);
    this.main.querySelector("input")?.focus();
    this.render();
  }

  // What is shown

  /** Shown at once; while something is pressed, when it is let go. */
  #changed() {
    if (!this.press.isHeld) this.render();
  }

  render() {
    const { store, session } = this;
    this.bar.render(store.status, Date.now());
    this.toasts.render(store.toasts);
    const opened = store.open ? store.conversations.get(store.open) : null;
    const unread = conversations.unreadTotal(store.conversations);
    const place = opened ? isolated(conversations.titleOf(opened, store.names)) : store.open ?? "";
    this.title.show(unread, place);
    if (this.toldUnread !== unread) this.onUnread?.((this.toldUnread = unread));
    if (!session) return;
    if (store.status.state === "signed-out") this.#showEnd();
    else if (this.app.dataset.signed === "yes") this.#renderSignedIn(opened);
  }

  #renderSignedIn(opened) {
    const { store, session } = this;
    const roomOf = (id) => session.client.room(id);
    if (!this.areDraftsRead && store.me) this.#readDrafts();
    this.app.dataset.connected = store.status.state === "connected" ? "yes" : "no";
    this.app.dataset.view = store.open ? "thread" : "list";
    this.rail.render(store, roomOf);
    const hasPeople = Boolean(store.open && !store.openError && this.isPeopleShown);
    this.peopleRoot.hidden = !hasPeople;
    if (hasPeople) this.people.render(store, opened, roomOf(store.open));
    const { open } = store;
    this.conversation.render(store, open && roomOf(open), open ? session.pending(open) : [], hasPeople);
    this.#renderTarget();
    showInAddress(store.open);
  }

  /** Known once it is known who reads; what they typed before that stays. */
  #readDrafts() {
    const { store, conversation } = this;
    const early = this.drafts.entries();
    this.drafts = createDrafts(storageOrNull(), store.me.user);
    this.areDraftsRead = true;
    for (const [room, text] of early) this.drafts.set(room, text);
    if (store.open === conversation.shown && !conversation.composer.text) {
      conversation.composer.show(this.drafts.get(store.open));
    }
  }

  #renderTarget() {
    const { draftTarget } = this.store;
    if (this.shownTarget === draftTarget) return;
    this.shownTarget = draftTarget;
    const { composer } = this.conversation;
    if (!draftTarget) composer.showTarget(null, "");
    else if (draftTarget.kind === "edit") composer.showTarget("Edit", draftTarget.item.text);
    else composer.showTarget(this.#replyTo(draftTarget.item.message), draftTarget.item.text);
  }

  #replyTo({ user }) {
    return `Reply to ${isolated(this.store.nameOf(user))}`;
  }

  #showEnd() {
    if (this.app.dataset.signed === "no") return;
    this.showSignIn({ kind: "ended", reason: describe(this.store.status, 0).text.replace("Signed out: ", "") });
  }

  #tick() {
    if (this.store.status.retryAt && !this.press.isHeld) this.bar.render(this.store.status, Date.now());
  }

  showTheme(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      storageOrNull()?.setItem("martlet.theme", theme);
    } catch {
      // It holds until the page is loaded again.
    }
    this.bar.showTheme(theme);
  }

  showPeople(isShown) {
    this.isPeopleShown = isShown;
    this.render();
    if (isShown && !wide.matches) this.peopleRoot.querySelector("button").focus();
    else if (!isShown) this.conversation.countButton.focus();
  }

  // What is asked for

  open(room) {
    if (!this.session) return undefined;
    if (!wide.matches) this.isPeopleShown = false;
    const opening = this.session.open(room);
    const focused = document.activeElement;
    const focus = () => {
      // Not away from where somebody has gone meanwhile; a dialog that closes gives it back to whoever had it before.
      const isWhereItWas = [focused, document.body].includes(document.activeElement);
      if (isWhereItWas || focused?.closest("dialog")) this.conversation.composer.focus();
    };
    if (matchMedia("(hover: hover)").matches) queueMicrotask(() => requestAnimationFrame(focus));
    return opening;
  }

  direct(user) {
    return this.open(conversations.directRoom(this.session.me, user.toLowerCase()));
  }

  #openOfAddress() {
    const room = openRoomOfAddress();
    if (room && room !== this.store.open) this.open(room);
    else if (!room && this.store.open) this.session.close();
  }

  newConversation() {
    newConversationDialog({
      me: this.session.me,
      listRooms: () => listRooms(this.session),
      onJoin: (room) => this.open(room),
      onCreate: (fields) => this.session.create(fields),
      onDirect: (user) => this.direct(user),
    });
  }

  /** Whether somebody looks at the end of the open conversation. */
  isReading() {
    const isLooking = document.visibilityState === "visible" && document.hasFocus();
    return Boolean(this.store.open) && isLooking && this.conversation.thread.isPinned;
  }

  #isShown() {
    this.#isBack();
    if (document.visibilityState === "visible") this.session?.refreshList();
  }

  #isBack() {
    if (!this.session || document.visibilityState !== "visible") return;
    this.session.markReadSoon();
    this.#changed();
  }

  #pageCame({ user, room }) {
    const name = isolated(this.store.nameOf(user));
    const isSeen = this.session.client.room(room) || this.store.conversations.has(room);
    const place = isSeen ? room : conversations.directRoom(this.session.me, user);
    ring();
    this.title.ring(`${name} is paging you`);
    this.store.toast({
      tone: "page",
      text: `${name} is paging you`,
      action: { label: "Go there", run: () => this.open(place) },
    });
  }

  #messageCame(envelope) {
    const { type, user, room, text } = envelope;
    if (user === this.store.me?.user || type === "edit" || type === "delete") return;
    const name = isolated(this.store.nameOf(user));
    if (room === this.store.open) speak(type === "action" ? `${name} ${text}` : `${name}: ${text}`);
    else if (conversations.otherOf(room, this.store.me?.user)) speak(`${name} wrote to you: ${text}`);
  }

  #key(event) {
    // Ctrl+K, as in many of its kind: go somewhere else.
    const isAsked = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    if (!isAsked || !this.session || document.querySelector("dialog")) return;
    event.preventDefault();
    this.newConversation();
  }
}
