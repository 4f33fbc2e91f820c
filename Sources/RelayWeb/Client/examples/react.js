import { createElement as h } from "react";
import { createRoot } from "react-dom/client";
import { MartletClient } from "../martlet-client.js";
import useChat from "../use-chat.js";

const client = new MartletClient({ user: new URLSearchParams(location.search).get("user") ?? "guest" });
client.connect();

function Chat({ room }) {
  const { status, people, messages, outbox, sendMessage } = useChat(room, { client });
  const send = (event) => {
    event.preventDefault();
    sendMessage(event.target.elements.text.value);
    event.target.reset();
  };
  return h("main", null,
    h("p", { role: "status" }, `${status.state}, ${people.map((person) => person.name).join(" and ")}`),
    h("ol", null,
      messages.map(({ id, name, text }) => h("li", { key: id }, `${name}: ${text}`)),
      outbox.map(({ nonce, text, state }) => h("li", { key: nonce }, `${text} (${state})`))),
    h("form", { onSubmit: send }, h("input", { name: "text", "aria-label": "Message", required: true })));
}

createRoot(document.getElementById("chat")).render(h(Chat, { room: "general" }));
