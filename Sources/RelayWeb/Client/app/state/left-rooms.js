// Rooms that were left: the relay keeps them in the list, and nobody but their reader takes them up again.

const leftMax = 500;

/** @param {Storage | null} storage @param {string} user */
export function createLeftRooms(storage, user) {
  const key = `martlet.left.${user}`;
  /** @type {Set<string>} */
  const left = new Set(read(storage, key));
  /** Changes what is known here, and what is kept, where other pages have written meanwhile. */
  const change = (work) => {
    const kept = new Set(read(storage, key));
    for (const rooms of [left, kept]) {
      work(rooms);
      // Of too many the oldest are listened to again.
      while (rooms.size > leftMax) rooms.delete(rooms.values().next().value);
    }
    try {
      storage?.setItem(key, JSON.stringify([...kept]));
    } catch {
      // A full or forbidden storage: it holds until the page is loaded again.
    }
  };
  return {
    /** @param {string} room */
    has: (room) => left.has(room),
    /** @param {string} room */
    add: (room) => change((rooms) => rooms.add(room)),
    /** Somebody opened it, or wrote there. @param {string} room */
    delete(room) {
      if (left.has(room)) change((rooms) => rooms.delete(room));
    },
  };
}

function read(storage, key) {
  try {
    return JSON.parse(storage?.getItem(key) ?? "[]").filter((room) => typeof room === "string");
  } catch {
    return [];
  }
}
