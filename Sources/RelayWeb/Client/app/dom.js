// Making elements. Text only ever becomes text nodes: there is no way from here to markup.

/**
 * Makes an element.
 *
 * @param {string} tag
 * @param {Record<string, any>} [properties] attributes; `class`; `data` (an object); `on` (listeners by event). An
 *   attribute that is null, undefined or false is left out, true is an empty one.
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) setProperty(element, name, value);
  for (const child of children) if (child || child === 0) element.append(asNode(child));
  return element;
}

/** @param {Element} element @param {string} name @param {any} value */
function setProperty(element, name, value) {
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  } else if (name === "data") {
    for (const [key, text] of Object.entries(value)) /** @type {HTMLElement} */ (element).dataset[key] = text;
  } else if (name.startsWith("on")) {
    throw new TypeError(`${name} is not an attribute; listeners go into "on"`);
  } else if (value === true) {
    element.setAttribute(name, "");
  } else if (value !== null && value !== undefined && value !== false) {
    element.setAttribute(name, value);
  }
}

/** @param {Node | string | number} child */
function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/**
 * Makes `parent` hold exactly these children, and touches none that is in its place already: focus, selection and
 * scrolling of those stay.
 *
 * @param {Element} parent
 * @param {Node[]} children
 */
export function replaceChildren(parent, children) {
  // What goes goes first: then all that follow it are in their place already.
  const kept = new Set(children);
  for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
  let place = parent.firstChild;
  for (const child of children) {
    if (child === place) place = place.nextSibling;
    else parent.insertBefore(child, place);
  }
}

/** Sets text only where it differs: an unchanged live region says nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** Outlines in a square of 24, drawn with the colour of the text around them. */
const outlines = {
  back: "M15 5l-7 7 7 7",
  bell: "M6 16v-5a6 6 0 0112 0v5l1.5 2h-15zM10 20.5a2.2 2.2 0 004 0",
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  lock: "M7 11V8a5 5 0 0110 0v3M5.5 11h13v9h-13z",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20a6.5 6.5 0 0113 0"
    + "M16 4.5a3.5 3.5 0 010 6.5M18 14a6.5 6.5 0 013.5 6",
  plus: "M12 5v14M5 12h14",
  reply: "M9 6L4 11l5 5M4 11h9a7 7 0 017 7v1",
  send: "M4 12l16-8-5 17-4-7zM11 14l9-10",
  smile: "M12 21a9 9 0 100-18 9 9 0 000 18zM8.5 14a4 4 0 007 0M9 9.5v.5M15 9.5v.5",
  theme: "M12 3a9 9 0 100 18zM12 3a9 9 0 010 18",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

/** @param {keyof typeof outlines} name */
export function icon(name) {
  const svg = document.createElementNS(svgNamespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svgNamespace, "path");
  path.setAttribute("d", outlines[name]);
  svg.append(path);
  return svg;
}

/**
 * A button with a picture and words for those who do not see it.
 *
 * @param {keyof typeof outlines} name
 * @param {string} label
 * @param {() => void} onClick
 * @param {Record<string, any>} [properties]
 */
export function iconButton(name, label, onClick, properties = {}) {
  const always = { type: "button", class: "icon-button", title: label, "aria-label": label, on: { click: onClick } };
  return /** @type {HTMLButtonElement} */ (el("button", { ...always, ...properties }, icon(name)));
}
