// What reaches somebody who looks elsewhere: the tab's title, a sound, words for a screen reader.

/** A sound that comes later than this would only startle. */
const ringWithin = 5_000;

/** @type {AudioContext | null} */
let audio = null;

/** Browsers let a page sound only after it was touched. */
export function readySound() {
  for (const event of ["pointerdown", "keydown"]) {
    window.addEventListener(event, () => {
      audio ??= globalThis.AudioContext ? new AudioContext() : null;
      if (audio?.state === "suspended") audio.resume().catch(() => {});
    }, { passive: true });
  }
}

/** Two soft tones, twice; where the device is still starting, once it has, unless that takes long. */
export function ring() {
  if (!audio) return;
  const asked = Date.now();
  if (audio.state === "running") sound();
  else audio.resume().then(() => { if (Date.now() - asked < ringWithin) sound(); }, () => {});
}

function sound() {
  [0, 0.16, 0.5, 0.66].forEach((delay, index) => tone(audio.currentTime + delay, index % 2 ? 660 : 880));
}

function tone(at, frequency) {
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  oscillator.type = "sine";
  oscillator.frequency.value = frequency;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.16, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.3);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.32);
}

/** The tab's title: what is unread, where one is, and by turns who rings. */
export class Title {
  #ringing = null;
  #plain = "Martlet";
  #isRung = false;

  constructor() {
    const quiet = () => this.stop();
    window.addEventListener("focus", quiet);
    window.addEventListener("pointerdown", quiet, { passive: true });
    window.addEventListener("keydown", quiet, { passive: true });
  }

  show(unread, place) {
    const where = place ? `${place} · Martlet` : "Martlet";
    this.#plain = unread > 0 ? `(${unread > 999 ? "999+" : unread}) ${where}` : where;
    this.#write();
  }

  /** Rings until somebody is back, at most a minute. */
  ring(text) {
    this.stop();
    let turns = 0;
    this.#ringing = { text, timer: setInterval(() => {
      turns += 1;
      this.#isRung = !this.#isRung;
      if (turns > 60) this.stop();
      this.#write();
    }, 1000) };
    this.#isRung = true;
    this.#write();
  }

  stop() {
    if (!this.#ringing) return;
    clearInterval(this.#ringing.timer);
    this.#ringing = null;
    this.#write();
  }

  #write() {
    const title = this.#ringing && this.#isRung ? `🔔 ${this.#ringing.text}` : this.#plain;
    if (document.title !== title) document.title = title;
  }
}

const spokenMax = 6;

/** Says a new message to a screen reader. */
export function speak(text) {
  const region = document.getElementById("spoken");
  const line = document.createElement("p");
  line.textContent = text.slice(0, 400);
  region.append(line);
  while (region.childElementCount > spokenMax) region.firstElementChild.remove();
}
