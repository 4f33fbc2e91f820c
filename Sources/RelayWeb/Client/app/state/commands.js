// The commands that can be typed, and what completes them. Pure.

/** @typedef {{name: string, usage: string, does: string, takes?: "user" | "room"}} Command */

/** @type {Command[]} */
export const commands = [
  { name: "help", usage: "/help", does: "What there is to type" },
  { name: "who", usage: "/who", does: "Who is here" },
  { name: "me", usage: "/me ACTION", does: "Say what you do" },
  { name: "msg", usage: "/msg USER TEXT", does: "Write to somebody alone", takes: "user" },
  { name: "r", usage: "/r TEXT", does: "Answer who last wrote to you alone" },
  { name: "page", usage: "/page USER", does: "Ring at somebody", takes: "user" },
  { name: "join", usage: "/join ROOM", does: "Go to a room", takes: "room" },
  { name: "rooms", usage: "/rooms", does: "The rooms you may enter" },
  { name: "topic", usage: "/topic [TEXT]", does: "Show or set what the room is about" },
  { name: "replay", usage: "/replay [N]", does: "The last messages once more" },
  { name: "quit", usage: "/quit", does: "Leave this room" },
];

/** @typedef {{label: string, detail: string, insert: string}} Completion */

/**
 * What could stand where the cursor is.
 *
 * @param {string} text up to the cursor
 * @param {{users: {user: string, name: string}[], rooms: string[]}} known
 * @returns {Completion[]} at most eight
 */
export function completions(text, known) {
  const start = /^\/([A-Za-z]*)$/u.exec(text);
  if (start) {
    const begun = start[1].toLowerCase();
    return commands
      .filter((command) => command.name.startsWith(begun))
      .map(({ name, usage, does }) => ({ label: usage, detail: does, insert: `/${name} ` }));
  }
  const argument = /^\/([A-Za-z]+) +(\S*)$/u.exec(text);
  const command = argument && commands.find(({ name }) => name === argument[1].toLowerCase());
  if (!command?.takes) return [];
  const begun = argument[2].toLowerCase();
  const found =
    command.takes === "user"
      ? known.users.map(({ user, name }) => ({ label: user, detail: name === user ? "" : name }))
      : known.rooms.map((room) => ({ label: room, detail: "" }));
  return found
    .filter(({ label, detail }) => label.toLowerCase().startsWith(begun) || detail.toLowerCase().startsWith(begun))
    .filter(({ label }) => label !== argument[2])
    .slice(0, 8)
    .map((option) => ({ ...option, insert: `/${command.name} ${option.label} ` }));
}

/** @typedef {{kind: "send", type: "message" | "action", text: string}
 *   | {kind: "join", room: string} | {kind: "quit"} | {kind: "command", text: string}} Line */

/**
 * What a typed line asks for. `//` stands for one slash.
 *
 * @param {string} text
 * @returns {Line}
 */
export function parseLine(text) {
  if (!text.startsWith("/")) return { kind: "send", type: "message", text };
  if (text.startsWith("//")) return { kind: "send", type: "message", text: text.slice(1) };
  const [, name, rest] = /^\/(\S*)\s*([\s\S]*)$/u.exec(text) ?? [];
  switch (name?.toLowerCase()) {
    case "me":
      return rest ? { kind: "send", type: "action", text: rest } : { kind: "command", text };
    case "join":
      return rest ? { kind: "join", room: rest.trim() } : { kind: "command", text };
    case "quit":
      return { kind: "quit" };
    default:
      return { kind: "command", text };
  }
}
