// What the open conversation asks of the page: to send, to answer, to change, to take away.

import { readGap } from "./gaps.js";
import * as conversations from "./state/conversations.js";
import { sayTyped } from "./typed.js";
import { confirmDialog } from "./view/dialogs.js";

/** What the conversation, its rows and the composer of a page may ask for and need to know. */
export function requestsOf(page) {
  const { store } = page;
  const context = {
    me: () => store.me?.user,
    nameOf: (user) => store.nameOf(user),
    find: (key) => store.open && store.thread(store.open).byId.get(key),
    onReply: (item) => aim(page, "reply", item),
    onEdit: (item) => aim(page, "edit", item),
    onDelete: (item) => remove(page, item),
    onReveal: (key) => reveal(page, key),
    onGap: (item) => readGap(page.session, store.open, item.key, item.note),
    onDirect: (user) => page.direct(user),
    onOpen: (room) => page.open(room),
    onKey: (event, item) => messageKey(page, event, item),
  };
  return {
    context,
    isAround: (user) => page.session.isAround(user),
    titleOf: (room) => conversations.otherOf(room, store.me?.user ?? "") ?? room,
    draftOf: (room) => page.drafts?.get(room) ?? "",
    onPeople: () => page.showPeople(!page.isPeopleShown),
    onPage: () => page.session.page(store.open, store.conversations.get(store.open).other),
    onBack: () => page.session.close(),
    onOlder: () => page.session.loadOlder(),
    onScrolled: () => page.session?.markReadSoon(),
    onNew: () => page.newConversation(),
    onRetryOpen: () => page.open(store.open),
    composer: {
      onSend: (text) => send(page, text),
      onTyping: () => page.session.client.typing(store.open),
      onCancelTarget: () => aim(page, null),
      onEditLast: () => editLast(page),
      // What stands there while a message is changed is no draft.
      onDraft: (text) => store.draftTarget?.kind !== "edit" && page.drafts?.set(store.open, text),
      known: () => ({
        users: (page.session.client.room(store.open)?.people ?? []).filter(({ user }) => user !== store.me?.user),
        rooms: [...store.conversations.keys()].filter((id) => !id.startsWith("dm:")),
      }),
    },
  };
}

function send(page, text) {
  const { store } = page;
  const target = store.draftTarget;
  store.draftTarget = null;
  page.conversation.thread.toEnd();
  if (target?.kind === "edit") {
    changeTo(page, target.item, text);
    page.conversation.composer.show(page.drafts?.get(store.open) ?? "");
  } else {
    sayTyped(page.session, store.open, text, target?.item.key);
  }
  store.touch();
}

/** What could not be changed stands there to be sent again, unless something else does by then. */
async function changeTo(page, item, text) {
  const { store, session } = page;
  const room = store.open;
  if (await session.change(room, item, text)) return;
  const { composer } = page.conversation;
  if (page.session !== session || store.open !== room || store.draftTarget || composer.text) return;
  aim(page, "edit", item);
  composer.show(text);
}

/** Takes a message to answer or to change it; without one what was typed before stands there again. */
function aim(page, kind, item) {
  const { store } = page;
  const { composer } = page.conversation;
  const wasEdit = store.draftTarget?.kind === "edit";
  store.draftTarget = kind ? { kind, item } : null;
  if (kind === "edit") composer.show(item.text);
  else if (wasEdit) composer.show(page.drafts?.get(store.open) ?? "");
  store.touch();
  composer.focus();
}

function editLast(page) {
  const { items } = page.store.thread(page.store.open);
  const isMine = ({ message, deleted }) =>
    message?.user === page.store.me?.user && message.type !== "topic" && !deleted;
  const last = items.findLast(isMine);
  if (last) aim(page, "edit", last);
}

function remove(page, item) {
  const room = page.store.open;
  confirmDialog("Delete this message?", item.text.slice(0, 300), "Delete", () => {
    // The button that was pressed goes with the message.
    if (page.store.open === room) page.conversation.thread.activate(item.key)?.focus();
    page.session.change(room, item, null);
  });
}

function reveal(page, key) {
  if (!page.conversation.thread.reveal(key)) page.store.toast({ tone: "info", text: "That message is further up." });
}

function messageKey(page, event, item) {
  const isOwn = item.message.user === page.store.me?.user;
  if (item.deleted || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "r" || event.key === "Enter") aim(page, "reply", item);
  else if (event.key === "e" && isOwn) aim(page, "edit", item);
  else if ((event.key === "Delete" || event.key === "Backspace") && isOwn) remove(page, item);
  else return;
  event.preventDefault();
}
