// The page around this one: it gives tokens, at its own speed.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

const parent = { told: [], postMessage(message) { this.told.push(message.type); } };
let hear;
globalThis.window = {
  parent, sessionStorage: null, localStorage: null,
  addEventListener(name, listener) { if (name === "message") hear = listener; },
};
globalThis.location = new URL("http://relay.test/");
const { Host } = await import("../../../Sources/RelayWeb/Client/app/host.js");

const answer = (token) => hear({ origin: "http://host.test", source: parent, data: { type: "martlet.sign-in", token } });

test("a token that was asked for is an answer; one that comes too late signs in", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const tokens = [];
    const told = { onToken: (...given) => tokens.push(given), onName() {}, onSignOut() {}, onOpen() {} };
    const host = new Host(["http://host.test"], told);
    const renewing = [host.renew("old"), host.renew("old")];
    assert.deepEqual(parent.told.length > 0 && new Set(parent.told), new Set(["martlet.token-needed"]));
    answer("new");
    assert.deepEqual([await Promise.all(renewing), tokens], [["new", "new"], [["new", true]]]);

    const late = host.renew("new");
    mock.timers.tick(10_000);
    assert.equal(await late, "new", "the one that is known, where nobody answers");
    answer("newer");
    answer("another");
    assert.deepEqual(tokens.slice(1), [["newer", false], ["another", false]]);
  } finally {
    mock.timers.reset();
  }
});
