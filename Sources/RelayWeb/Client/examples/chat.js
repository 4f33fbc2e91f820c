import { MartletClient, applyEdits } from "../martlet-client.js";

const room = "general";
const client = new MartletClient({ user: new URLSearchParams(location.search).get("user") ?? "guest" });
const [status, list, form] = ["p", "ol", "form"].map((tag) => document.querySelector(tag));

client.on("status", ({ state, reason }) => { status.textContent = reason ? `${state}: ${reason}` : state; });
client.on("room", show);
client.on("outbox", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  client.sendMessage(room, form.elements.text.value);
  form.reset();
});
client.connect();
client.joinRoom(room, { history: 20 });

function show() {
  const said = applyEdits(client.room(room)?.messages ?? []);
  const lines = said.map(({ name, text, deleted }) => (deleted ? `${name} took it back` : `${name}: ${text}`));
  const waiting = client.outbox.filter((entry) => entry.room === room).map(({ text, state }) => `${text} (${state})`);
  list.replaceChildren(...[...lines, ...waiting].map((line) => {
    return Object.assign(document.createElement("li"), { textContent: line });
  }));
}
