// What a text is made of: words and links. Pure.

/** @typedef {{kind: "text" | "link", text: string, href?: string}} Part */

const linkPattern = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f]+/giu;
const closers = { ")": "(", "]": "[", "}": "{" };

/**
 * Splits a text into words and links. Links are those of http and https that the browser's own parser takes, without
 * the punctuation that ends the sentence around them.
 *
 * @param {string} text
 * @returns {Part[]}
 */
export function partsOf(text) {
  /** @type {Part[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(linkPattern)) {
    const address = withoutTail(match[0]);
    const href = safeAddress(address);
    if (!href) continue;
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    parts.push({ kind: "link", text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

/** What stands behind an address belongs to the sentence; a bracket does where the address did not open it. */
function withoutTail(address) {
  let length = address.length;
  while (length > 0) {
    const last = address[length - 1];
    const opener = closers[last];
    const isOpenedInside = opener && count(address, opener, length) >= count(address, last, length);
    if (/[.,:;!?…*_~]/u.test(last) || (opener && !isOpenedInside)) length -= 1;
    else break;
  }
  return address.slice(0, length);
}

function count(text, character, end) {
  let found = 0;
  for (let index = 0; index < end; index += 1) if (text[index] === character) found += 1;
  return found;
}

/** The address as the browser understands it; null for what is no web address, or hides another host behind a user. */
export function safeAddress(address) {
  try {
    const url = new URL(address);
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    return isWeb && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

const pictographs =
  /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*|\p{RI}{2}|\s)+$/u;

/** Whether a text is up to three emoji and nothing else: these are shown large. */
export function isEmojiOnly(text) {
  if (text.length > 40 || !pictographs.test(text) || !text.trim()) return false;
  const segments = [...new Intl.Segmenter().segment(text.replace(/\s/gu, ""))];
  return segments.length <= 3;
}

/** The first letters of a name, for a round picture. */
export function initials(name) {
  const words = name.split(/[\s._@-]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  const first = letters.map((word) => [...word][0]).join("");
  return (first || "?").toUpperCase();
}

/** One of eight colours, always the same one for a user. */
export function hueOf(user) {
  let hash = 7;
  for (const character of user) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % 8;
}

/** The user id that a name makes: letters without their accents; null where nothing of it is left. */
export function userOf(name) {
  const plain = name.normalize("NFKD").replace(/\p{Mark}/gu, "").replace(/ß/gu, "ss").replace(/\s+/gu, ".");
  const id = plain.replace(/[^A-Za-z0-9._@-]/gu, "").replace(/^[._@-]+/u, "").slice(0, 64).toLowerCase();
  return id || null;
}

/** How many bytes a text has as UTF-8. */
export function bytesOf(text) {
  return new TextEncoder().encode(text).length;
}

const bidiControls = /[\u202a-\u202e\u2066-\u2069]/gu;
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name for where there are no elements to hold it apart: what stands around it keeps its own direction. */
export function isolated(name) {
  const plain = name.replace(bidiControls, "");
  return rightToLeft.test(plain) ? `\u2068${plain}\u2069` : plain;
}
