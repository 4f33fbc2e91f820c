// The address of the page, `?room=general`, and what is asked over HTTP.

import { foldedRoom } from "../martlet-client.js";

/** The room that the address names; null without one. */
export function openRoomOfAddress() {
  // In a query a plus means a space, and no room has one in its id: whoever writes `dm:alice+bob` means the plus.
  const room = new URLSearchParams(location.search).get("room")?.replaceAll(" ", "+");
  return room ? foldedRoom(room) : null;
}

/** Makes the address name the open room, so that a reload, a bookmark and the back button do what one expects. */
export function showInAddress(room) {
  if (openRoomOfAddress() === room) return;
  const query = new URLSearchParams(location.search);
  if (room) query.set("room", room);
  else query.delete("room");
  // Colons may stand in a query, and make it legible.
  const text = query.toString().replaceAll("%3A", ":");
  const address = location.pathname + (text ? `?${text}` : "");
  history.pushState(null, "", address);
}

/** The rooms that everybody may enter. */
export async function listRooms({ client, identity }) {
  const token = typeof identity.token === "function" ? await identity.token() : identity.token;
  // By a token or a cookie the relay knows who asks.
  const asker = identity.user ? { user: client.user ?? identity.user } : {};
  const query = new URLSearchParams({ scope: "public", limit: "50", ...asker });
  const answer = await fetch(`/v1/rooms?${query}`, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (!answer.ok) return [];
  return (await answer.json()).rooms ?? [];
}
