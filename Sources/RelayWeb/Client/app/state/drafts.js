// What was typed and not sent, a room: it survives a change of room and a reload.

const draftsMax = 100;

/** @param {Storage | null} storage @param {string} user */
export function createDrafts(storage, user) {
  const key = `martlet.drafts.${user}`;
  /** @type {Map<string, string>} */
  const drafts = new Map(read(storage, key));
  return {
    /** @param {string} room */
    get: (room) => drafts.get(room) ?? "",
    entries: () => [...drafts],
    /** Keeps a draft; an empty one is none. Of a hundred the oldest goes. */
    set(room, text) {
      if ((drafts.get(room) ?? "") === text) return;
      drafts.delete(room);
      if (text) drafts.set(room, text);
      while (drafts.size > draftsMax) drafts.delete(drafts.keys().next().value);
      try {
        storage?.setItem(key, JSON.stringify([...drafts]));
      } catch {
        // A full or forbidden storage costs the draft at the next reload, not the conversation.
      }
    },
  };
}

function read(storage, key) {
  try {
    const entries = JSON.parse(storage?.getItem(key) ?? "[]");
    return entries.filter((entry) => Array.isArray(entry) && entry.every((part) => typeof part === "string"));
  } catch {
    return [];
  }
}
