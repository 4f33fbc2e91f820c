// TypeScript reads the types: what a program of somebody else may do with them, and what the web client does.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { sources } from "./world.mjs";

const options = {
  allowJs: true, checkJs: true, noEmit: true, target: "es2022", lib: ["es2022", "dom", "dom.iterable"],
  module: "es2022", moduleResolution: "node", types: [],
};

/** What Debian's compiler says of files; nothing where it is content. */
async function compile(files, { strict }) {
  const folder = mkdtempSync(join(tmpdir(), "martlet-types-"));
  try {
    const project = join(folder, "tsconfig.json");
    writeFileSync(project, JSON.stringify({ compilerOptions: { ...options, strict }, files }));
    await promisify(execFile)("tsc", ["-p", project]);
    return "";
  } catch (error) {
    return error.stdout || String(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program in TypeScript, in a folder of its own. */
async function compileProgram(text) {
  const folder = mkdtempSync(join(tmpdir(), "martlet-program-"));
  try {
    const file = join(folder, "program.ts");
    writeFileSync(file, text.replaceAll("FOLDER", sources));
    return await compile([file], { strict: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const program = `
import { MartletClient, MartletError, applyEdits, directRoom, type Message, type Room } from "FOLDER/martlet-client.js";

const client = new MartletClient({ url: "wss://chat.example/v1/ws", token: async () => "t" });
async function run(): Promise<number> {
  const welcome = await client.connect();
  const user: string = welcome.user;
  const room: Room = await client.joinRoom("general", { history: 20 });
  const shown: Message[] = applyEdits(room.messages);
  const entry = client.sendMessage(room.id, "hi", { type: "action", replyTo: shown[0].id });
  const state: "sending" | "sent" | "failed" | "expired" | "discarded" = entry.state;
  const sent: Message = await entry.done;
  const page = await client.history(room.id, { before: sent.id, limit: 10 });
  const off: () => void = client.on("message", (message) => { const seq: number = message.seq; return seq; });
  client.on("gap", ({ count, reason }) => { const n: number | undefined = count; return [n, reason]; });
  client.on("status", ({ state, retryAt }) => { if (state === "reconnecting") return retryAt; return 0; });
  for await (const message of client.messages("general")) if (message.type === "topic") break;
  off();
  try { await client.page(room.id, "bob"); } catch (error) {
    if (error instanceof MartletError) return error.retryAfter ?? 0;
  }
  await client.markRead(directRoom(user, "bob"), sent.id);
  client.disconnect();
  return page.messages.length + state.length;
}
run();
`;

test("a strict program compiles against the types", async () => {
  assert.equal(await compileProgram(program), "");
});

test("what the library does not have, the types refuse", async () => {
  const wrong = [
    "client.joinRoom(5);", "client.on(\"nothing\", () => {});", "client.user = \"eve\";", "client.sendMessage(\"r\");",
    "client.sendMessage(\"r\", \"x\", { type: \"topic\" });", "export const n: string = client.status.retryAt!;",
    "new MartletClient({ tokens: \"x\" });", "client.status.state === \"away\";",
  ];
  const said = await compileProgram([program, ...wrong].join("\n"));
  const first = program.split("\n").length + 1;
  const refused = new Set([...said.matchAll(/program\.ts\((\d+),/gu)].map(([, line]) => Number(line)));
  assert.deepEqual(wrong.filter((_, index) => !refused.has(first + index)), [], said);
});

test("the web client uses the library, and itself, as their types say", async () => {
  assert.equal(await compile([join(sources, "app/main.js")], { strict: false }), "");
});
