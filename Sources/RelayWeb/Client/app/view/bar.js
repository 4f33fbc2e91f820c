// The bar above everything: what this is, and how the connection stands.

import { el, iconButton, setText } from "../dom.js";
import { describe } from "../state/status.js";

const themes = ["system", "light", "dark"];

export class Bar {
  /** @param {HTMLElement} root @param {{onRetry: () => void, onTheme: (theme: string) => void}} told */
  constructor(root, told) {
    this.words = el("span", { class: "words" });
    const on = { click: told.onRetry };
    this.retry = el("button", { type: "button", class: "link-button", hidden: true, on }, "Try now");
    const dot = el("span", { class: "dot", "aria-hidden": "true" });
    this.status = el("div", { class: "status", id: "status" }, dot, this.words, this.retry);
    const next = () => themes[(themes.indexOf(this.chosen) + 1) % themes.length];
    this.theme = iconButton("theme", "Theme", () => told.onTheme(next()));
    const picture = el("img", { src: "/icon.svg", alt: "", width: "26", height: "26" });
    root.append(
      el("div", { class: "brand" }, picture, el("h1", {}, "Martlet")), el("span", { class: "space" }),
      this.status, this.theme);
    this.spoken = document.getElementById("spoken-status");
  }

  showTheme(theme) {
    this.chosen = theme;
    const label = { system: "Theme: as the device", light: "Theme: light", dark: "Theme: dark" }[theme];
    this.theme.title = label;
    this.theme.setAttribute("aria-label", label);
  }

  /** Says how the connection stands at `now`; to be called at every change, and every second while one waits. */
  render(status, now) {
    const { tone, text, spoken, canRetry } = describe(status, now);
    this.status.dataset.tone = tone;
    this.status.dataset.state = status.state;
    setText(this.words, text);
    this.retry.hidden = !canRetry;
    setText(this.spoken, spoken);
  }
}
