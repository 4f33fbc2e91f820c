// Moments in words, in the reader's language and zone. Pure but for the zone.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

const dayLength = 86_400_000;

/** Whole days between two moments' days, by the reader's midnight. */
function daysBetween(ts, now) {
  const from = new Date(ts).setHours(0, 0, 0, 0);
  const to = new Date(now).setHours(0, 0, 0, 0);
  return Math.round((to - from) / dayLength);
}

/** 14:05 */
export const timeOf = (ts) => clock.format(ts);

/** The whole of it, for who wants to know. */
export const fullOf = (ts) => full.format(ts);

/** Today, Yesterday, Monday, 3 March 2026 */
export function dayName(ts, now) {
  const days = daysBetween(ts, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return days > 1 && days < 7 ? weekday.format(ts) : date.format(ts);
}

/** What fits beside a conversation: 14:05, Mon, 3 Mar */
export function shortOf(ts, now) {
  const days = daysBetween(ts, now);
  if (days === 0) return clock.format(ts);
  if (days === 1) return "Yesterday";
  return shortDate.format(ts);
}

/** for 5 minutes, for 2 hours */
export function spanOf(milliseconds) {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

const dayFormat = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });
let dayCache = { from: 1, to: 0, day: "" };

/** The reader's own day of a moment. */
export function dayOf(ts) {
  if (ts < dayCache.from || ts >= dayCache.to) {
    const start = new Date(ts);
    start.setHours(0, 0, 0, 0);
    const end = new Date(start);
    end.setDate(end.getDate() + 1);
    dayCache = { from: start.getTime(), to: end.getTime(), day: dayFormat.format(start) };
  }
  return dayCache.day;
}
