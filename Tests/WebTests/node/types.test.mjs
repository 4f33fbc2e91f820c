// The types say what there is: no more, no less.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as client from "../../../Sources/RelayWeb/Client/martlet-client.js";
import * as hook from "../../../Sources/RelayWeb/Client/make-use-chat.js";
import { sources } from "./world.mjs";
import { Wire } from "./wire.mjs";

const declared = (name) => readFileSync(join(sources, name), "utf8").replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, "");

/** The names of what a declaration has, by its braces. */
function members(types, declaration) {
  const begin = types.indexOf("{", types.indexOf(declaration));
  let depth = 0;
  let text = "";
  for (const character of types.slice(begin)) {
    if ("{(".includes(character)) depth += 1;
    if (depth === 1) text += character;
    if ("})".includes(character)) depth -= 1;
    if (depth === 0) break;
  }
  return new Set([...text.matchAll(/(?:^|[{;])\s*(?:readonly\s+)?(\w+)\??\s*[(:<]/gms)].map(([, name]) => name));
}

const own = (value) => [...Object.getOwnPropertyNames(value), ...Object.getOwnPropertyNames(Object.getPrototypeOf(value))]
  .filter((name) => name !== "constructor" && name !== "own");

test("what the modules export is what their types declare", () => {
  for (const [module, name] of [[client, "martlet-client.d.ts"], [hook, "make-use-chat.d.ts"]]) {
    const names = [...declared(name).matchAll(/^export (?:class|function) (\w+)/gm)].map(([, found]) => found);
    const bookkeeping = ["Room", "OutboxEntry"]; // interfaces to the outside: only a client makes them
    assert.deepEqual(names.sort(), Object.keys(module).filter((found) => !bookkeeping.includes(found)).sort());
  }
});

test("client, room, entry and error have what their types declare", async () => {
  const types = declared("martlet-client.d.ts");
  const wire = await Wire.connected();
  try {
    const has = (value, declaration, inner = []) => {
      const names = members(types, declaration);
      names.delete("constructor");
      const found = own(value).filter((name) => !inner.includes(name));
      assert.deepEqual([...names].sort(), [...new Set([...found, ...[...names].filter((name) => name in value)])].sort(),
        declaration);
    };
    has(wire.client, "export class MartletClient");
    has(await wire.joined("room"), "export interface Room ");
    const entry = wire.client.sendMessage("room", "x", { replyTo: "1-0" });
    has(Object.assign(entry, { to: "you" }), "export interface OutboxEntry", ["settle", "fail", "again", "order"]);
    const events = [...members(types, "export interface ClientEvents")];
    for (const event of events) wire.client.on(event, () => {})();
    assert.equal(events.length, 8);
    const error = new client.MartletError("code", "message", { retryAfter: 1, closeCode: 2 });
    assert.deepEqual([error.code, error.retryAfter, error.closeCode, error.name], ["code", 1, 2, "MartletError"]);
  } finally {
    wire.client.disconnect();
  }
});
