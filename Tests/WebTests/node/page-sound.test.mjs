// The sound of a page, with a device that takes its time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { turn } from "./wire.mjs";

const listeners = {};
globalThis.window = { addEventListener(name, listener) { listeners[name] = listener; } };
let tones = 0;
const device = { state: "suspended", waiting: [] };
const node = {
  frequency: {}, gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} },
  connect: () => node, start() { tones += 1; }, stop() {},
};
globalThis.AudioContext = class {
  get state() { return device.state; }
  currentTime = 0;
  createOscillator() { return node; }
  createGain() { return node; }
  resume() { return new Promise((resolve) => { device.waiting.push(resolve); }); }
};
const start = async () => {
  device.state = "running";
  for (const resolve of device.waiting.splice(0)) resolve();
  await turn();
};
const { readySound, ring } = await import("../../../Sources/RelayWeb/Client/app/attention.js");

test("a page rings once its device has started, and not when nobody expects it any more", async () => {
  ring();
  assert.equal(tones, 0, "nobody has touched the page");
  readySound();
  listeners.pointerdown();
  ring();
  assert.equal(tones, 0, "the device is starting");
  await start();
  assert.equal(tones, 4);
  ring();
  assert.equal(tones, 8);
  device.state = "suspended";
  ring();
  const { now } = Date;
  Date.now = () => now() + 60_000;
  try { await start(); } finally { Date.now = now; }
  assert.equal(tones, 8);
});
