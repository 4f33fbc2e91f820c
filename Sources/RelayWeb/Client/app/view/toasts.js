// Short notices over the page.

import { el, icon, iconButton, replaceChildren } from "../dom.js";

export class Toasts {
  constructor(root, onDismiss) {
    this.root = root;
    this.onDismiss = onDismiss;
    this.nodes = new Map();
  }

  render(toasts) {
    const keys = new Set(toasts.map(({ key }) => key));
    for (const key of this.nodes.keys()) if (!keys.has(key)) this.nodes.delete(key);
    replaceChildren(this.root, toasts.map((toast) => {
      if (!this.nodes.has(toast.key)) this.nodes.set(toast.key, this.#make(toast));
      return this.nodes.get(toast.key);
    }));
  }

  #make({ key, tone, text, action }) {
    const act = () => {
      this.onDismiss(key);
      action.run();
    };
    return el(
      "div", { class: "toast", role: tone === "info" ? "status" : "alert", data: { tone } },
      tone === "page" && icon("bell"), el("span", { class: "words" }, text),
      action && el("button", { type: "button", class: "button primary", on: { click: act } }, action.label),
      iconButton("close", "Dismiss", () => this.onDismiss(key)));
  }
}
