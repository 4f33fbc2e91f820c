// What a room lost while nobody listened: told where it is missing, and read where somebody has it.

import { addMessages, addNote, changeNote, momentOf } from "./state/thread.js";

const pageLength = 500;
/** As much as a conversation holds. */
const pagesMax = 40;

/** Puts a line where messages are missing. @param {import("./session.js").Session} session */
export function gapCame({ store }, gap) {
  // As old as what stands before it: what is read later may be of the same day.
  const ts = gap.after ? momentOf(gap.after) : Date.now();
  const isLost = gap.reason === "rewound";
  addNote(store.thread(gap.room), isLost ? { type: "rewound", ts } : { ...gap, type: "gap", ts, state: "offered" });
  store.touch();
}

/** Reads what was missed; of what nobody has the line says how much that is. */
export async function readGap({ store, client }, room, key, gap) {
  const thread = store.thread(room);
  changeNote(thread, key, { state: "reading" });
  store.touch();
  try {
    const { found, isWhole, after } = await readBetween(client, thread, gap);
    const left = gap.count === undefined ? undefined : gap.count - found;
    if (left === undefined ? found > 0 && isWhole : left <= 0) changeNote(thread, key, null);
    else changeNote(thread, key, { state: isWhole ? "gone" : "offered", count: left, after });
  } catch (error) {
    changeNote(thread, key, { state: "offered" });
    store.toast({ tone: "error", text: error.message });
  }
  store.touch();
}

/** Reads on from where the gap begins; `isWhole`: as far as it goes. */
async function readBetween(client, thread, { after, to = Infinity }) {
  const read = { found: 0, isWhole: false, after };
  for (let turn = 0; turn < pagesMax && !read.isWhole; turn += 1) {
    const page = await client.history(thread.room, { after: read.after ?? "0-0", limit: pageLength });
    const missed = page.messages.filter(({ seq }) => seq <= to);
    read.found += missed.filter(({ id }) => !thread.byId.has(id)).length;
    addMessages(thread, missed);
    read.isWhole = missed.length < page.messages.length || !page.more || missed.length === 0;
    if (missed.length > 0) read.after = missed[missed.length - 1].id;
  }
  return read;
}
