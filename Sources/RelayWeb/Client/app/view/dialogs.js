// Dialogs: a new conversation, and being asked before something is taken away.

import { el, iconButton, replaceChildren, setText } from "../dom.js";
import { userOf } from "../state/text.js";

const roomPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/u;
/** The relay's bound. */
const nameBytesMax = 64;
const userPattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/u;

/** A dialog over the page, closed by Escape, its cross, or a press beside it. */
function openDialog(title, body) {
  const head = el("div", { class: "dialog-head" }, el("h2", { id: "dialog-title" }, title));
  const dialog = /** @type {HTMLDialogElement} */ (el(
    "dialog", { "aria-labelledby": "dialog-title" }, head, el("div", { class: "dialog-body" }, ...body)));
  head.append(iconButton("close", "Close", () => dialog.close()));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks before something is taken away. */
export function confirmDialog(title, words, label, onConfirm) {
  const confirm = () => {
    dialog.close();
    onConfirm();
  };
  const dialog = openDialog(title, [
    el("p", { class: "asked", dir: "auto" }, words),
    el("div", { class: "dialog-actions" },
      el("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Cancel"),
      el("button", { type: "button", class: "button danger", on: { click: confirm } }, label)),
  ]);
}

function field(label, hint, properties) {
  const input = /** @type {HTMLInputElement} */ (
    el("input", { autocomplete: "off", spellcheck: "false", ...properties }));
  const words = hint && el("span", { class: "hint" }, hint);
  return { input, element: el("label", { class: "field" }, el("span", {}, label), input, words) };
}

/** A form whose errors stand in it. `submit` answers with nothing, or throws what is wrong. */
function form(children, label, submit) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const button = /** @type {HTMLButtonElement} */ (
    el("button", { type: "submit", class: "button primary" }, label));
  return el(
    "form", {
      novalidate: true,
      on: {
        submit: async (event) => {
          event.preventDefault();
          button.disabled = true;
          problem.hidden = true;
          try {
            await submit();
          } catch (error) {
            setText(problem, error.message);
            problem.hidden = false;
          } finally {
            button.disabled = false;
          }
        },
      },
    }, ...children, problem, el("div", { class: "dialog-actions" }, button));
}

/**
 * The dialog for a new conversation.
 *
 * @param {{me: string, listRooms: () => Promise<any[]>, onJoin: (room: string) => void,
 *   onCreate: (fields: any) => Promise<void>, onDirect: (user: string) => void}} told
 */
export function newConversationDialog(told) {
  const panels = {
    join: { label: "Join", make: () => joinPanel(told, close) },
    create: { label: "Create", make: () => createPanel(told, close) },
    direct: { label: "Write to", make: () => directPanel(told, close) },
  };
  const panel = el("div", { role: "tabpanel", id: "new-panel" });
  const tabs = Object.entries(panels).map(([tab, { label }]) => {
    const on = { click: () => choose(tab) };
    return el("button", { type: "button", role: "tab", "aria-controls": "new-panel", data: { tab }, on }, label);
  });
  const dialog = openDialog("New conversation", [
    el("div", { class: "tabs", role: "tablist", "aria-label": "Kind", on: { keydown: turn } }, ...tabs), panel]);
  function close() {
    dialog.close();
  }
  function choose(name) {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
      tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
    }
    replaceChildren(panel, [panels[name].make()]);
  }
  function turn(event) {
    const direction = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!direction) return;
    const next = tabs[(tabs.findIndex((tab) => tab === document.activeElement) + direction + tabs.length) % tabs.length];
    choose(next.dataset.tab);
    next.focus();
  }
  choose("join");
  panel.querySelector("input").focus();
}

function joinPanel({ listRooms, onJoin }, close) {
  const room = field(
      "Room", "Letters, digits and . _ : - such as general or appointment:42", { name: "room", maxlength: "64" });
  const list = el("div", { class: "room-list", role: "group", "aria-label": "Public rooms" });
  const join = (id) => {
    close();
    onJoin(id);
  };
  const item = ({ room: id, topic, here }) => el(
    "button", { type: "button", on: { click: () => join(id) } },
    el("bdi", { class: "title" }, id), el("bdi", { class: "topic" }, topic ?? ""),
    el("span", { class: "here" }, here ? `${here} here` : ""));
  let known = [];
  const show = () => {
    const words = room.input.value.trim().toLowerCase();
    const fits = ({ room: id, name, topic }) => `${id} ${name ?? ""} ${topic ?? ""}`.toLowerCase().includes(words);
    replaceChildren(list, known.filter(fits).slice(0, 50).map(item));
  };
  room.input.addEventListener("input", show);
  listRooms().then((rooms) => {
    known = rooms;
    show();
  }, () => {});
  return form([room.element, list], "Join", () => {
    const id = room.input.value.trim();
    if (!roomPattern.test(id)) throw new Error("A room's name has 1 to 64 letters, digits and . _ : -");
    join(id);
  });
}

function createPanel({ onCreate }, close) {
  const room = field("Room", "Letters, digits and . _ : -; this is its address", { name: "room", maxlength: "64" });
  const shown = { placeholder: "What people see", spellcheck: "true" };
  const name = field("Name", null, { name: "name", maxlength: "64", dir: "auto", ...shown });
  const topic = field(
    "Topic", null, { name: "topic", dir: "auto", placeholder: "What it is about", spellcheck: "true" });
  const members = field("Members", "Users who may enter, with spaces between", { name: "members" });
  const showMembers = () => {
    members.element.hidden = !isPrivate.checked;
  };
  const isPrivate = /** @type {HTMLInputElement} */ (
    el("input", { type: "checkbox", name: "private", on: { change: showMembers } }));
  showMembers();
  const create = async () => {
    const id = room.input.value.trim();
    if (!roomPattern.test(id)) throw new Error("A room's name has 1 to 64 letters, digits and . _ : -");
    const users = members.input.value.split(/[\s,;]+/u).filter(Boolean);
    const wrong = users.find((user) => !userPattern.test(user));
    if (isPrivate.checked && wrong) throw new Error(`${wrong} is no user`);
    await onCreate({
      room: id,
      ...(name.input.value.trim() ? { name: name.input.value.trim() } : {}),
      ...(topic.input.value.trim() ? { topic: topic.input.value.trim() } : {}),
      ...(isPrivate.checked ? { private: true, members: users } : {}),
    });
    close();
  };
  const check = el("label", { class: "check" }, isPrivate, "Private: only members can find and enter it");
  return form([room.element, name.element, topic.element, check, members.element], "Create", create);
}

function directPanel({ me, onDirect }, close) {
  const user = field("User", "Their user id, as it stands behind the @", { name: "user", maxlength: "64" });
  return form([user.element], "Write", () => {
    const id = user.input.value.trim().replace(/^@/u, "");
    if (!userPattern.test(id)) throw new Error("A user has 1 to 64 letters, digits and . _ @ -");
    if (id.toLowerCase() === me) throw new Error("That is you.");
    close();
    onDirect(id);
  });
}

/**
 * What stands in place of everything before anybody has signed in.
 *
 * @param {{kind: "name" | "token" | "ended", name?: string, reason?: string,
 *   onName: (user: string, name: string) => void, onAgain: () => void}} options
 */
export function signInCard({ kind, name, reason, onName, onAgain }) {
  if (kind === "token") {
    const words = "The site that you are signed in to opens this page, and says who you are.";
    return makeCard({}, el("h2", {}, "Sign in"), el("p", {}, `${words} Please open it from there.`));
  }
  if (kind === "ended") {
    const again = el("button", { type: "button", class: "button primary", on: { click: onAgain } }, "Sign in again");
    return makeCard({ role: "alert" }, el("h2", {}, "Signed out"), el("p", {}, reason), again);
  }
  return makeCard(
    {}, el("h2", {}, "Welcome"), el("p", {}, "How shall others see you?"), nameForm(name ?? "", onName));
}

function makeCard(properties, ...children) {
  const picture = el("img", { src: "/icon.svg", alt: "" });
  return el("div", { class: "sign-in" }, el("div", { class: "card", ...properties }, picture, ...children));
}

function nameForm(value, onName) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const hint = el("span", { class: "hint" });
  const tell = () => {
    const user = userOf(input.value);
    setText(hint, user ? `Others reach you as @${user}` : "Any name will do");
  };
  const input = /** @type {HTMLInputElement} */ (el(
    "input", { name: "name", maxlength: "64", autocomplete: "nickname", dir: "auto", value, on: { input: tell } }));
  tell();
  const submit = (event) => {
    event.preventDefault();
    // What is pasted may have a tab in it; no name has.
    const shown = input.value.replace(/\p{Cc}+/gu, " ").trim();
    if (new TextEncoder().encode(shown).length > nameBytesMax) {
      problem.hidden = false;
      setText(problem, "That is too long: 64 Latin letters fit, about 32 of most others, 21 Chinese ones.");
      return;
    }
    const user = userOf(shown) ?? (shown ? `guest-${Math.random().toString(36).slice(2, 8)}` : null);
    problem.hidden = Boolean(user);
    if (user) onName(user, shown);
    else setText(problem, "Please give a name.");
  };
  return el(
    "form", { novalidate: true, on: { submit } },
    el("label", { class: "field" }, el("span", {}, "Your name"), input, hint), problem,
    el("button", { type: "submit", class: "button primary" }, "Go on"));
}
