// Keys in the messages: from one to the next, to the newest, and what is done with one of them.

/** @param {KeyboardEvent} event @param {import("./thread-view.js").ThreadView} view */
export function keyInThread(event, view) {
  const rows = view.thread?.rows ?? [];
  if (event.key === "End" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey) {
    // The browser's own end is that of the rows that are in the page. What had the focus may not be among the newest.
    event.preventDefault();
    view.activate(null);
    view.scroller.focus();
    view.toEnd();
  } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    const next = nextMessage(rows, view.active, event.key === "ArrowUp" ? -1 : 1);
    if (!next) return;
    event.preventDefault();
    if (!view.nodes.has(next.key)) view.reveal(next.key);
    view.activate(next.key)?.focus();
  } else if (event.key === "Escape" && view.active) {
    view.activate(null);
    view.scroller.focus();
  } else if (view.active && /** @type {Element} */ (event.target).matches?.(".message")) {
    const item = rows.find((row) => row.key === view.active)?.item;
    if (item) view.context.onKey(event, item);
  }
}

/** The message above or below the active one; the newest where none is, and there is none below. */
function nextMessage(rows, active, direction) {
  const at = active === null ? -1 : rows.findIndex((row) => row.key === active);
  if (at < 0 && direction > 0) return null;
  for (let index = at < 0 ? rows.length - 1 : at + direction; rows[index]; index += direction) {
    if (rows[index].kind === "message") return rows[index];
  }
  return null;
}
