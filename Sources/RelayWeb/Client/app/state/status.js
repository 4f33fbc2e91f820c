// What the state of the connection is in words. Pure.

const reasons = {
  4501: "Your sign-in is no longer valid.",
  4502: "Your session has ended.",
  4503: "You were removed by an operator.",
  4504: "Too much was sent too fast.",
};

/**
 * @param {{state: string, retryAt?: number, code?: number, reason?: string}} status the library's
 * @param {number} now
 * @returns {{tone: "good" | "busy" | "bad" | "idle", text: string, spoken: string, canRetry: boolean}} `spoken` is for
 *   those who hear it: without the seconds, which would be read out one by one.
 */
export function describe(status, now) {
  switch (status.state) {
    case "connected":
      return { tone: "good", text: "Connected", spoken: "Connected", canRetry: false };
    case "connecting":
      return { tone: "busy", text: "Connecting…", spoken: "Connecting", canRetry: false };
    case "reconnecting": {
      const seconds = status.retryAt ? Math.max(0, Math.ceil((status.retryAt - now) / 1000)) : 0;
      const text = seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting…";
      return { tone: "busy", text, spoken: "Connection lost. Reconnecting", canRetry: seconds > 1 };
    }
    case "offline":
      return { tone: "idle", text: "Offline", spoken: "Offline: this device has no network", canRetry: false };
    case "signed-out": {
      const reason = reasonOf(status);
      const text = reason ? `Signed out: ${reason}` : "Signed out";
      return { tone: "bad", text, spoken: `Signed out. ${reason}`, canRetry: false };
    }
    default:
      return { tone: "idle", text: "Signed out", spoken: "Signed out", canRetry: false };
  }
}

/**
 * What an operator said stands behind `kicked: `.
 *
 * @param {{code?: number, reason?: string}} status
 */
function reasonOf({ code = 0, reason = "" }) {
  const why = code === 4503 && reason.startsWith("kicked: ") ? ` They said: ${reason.slice("kicked: ".length)}` : "";
  return code in reasons ? reasons[code] + why : reason;
}
