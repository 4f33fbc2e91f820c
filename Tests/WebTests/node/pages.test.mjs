// What the README shows and the pages that are there to be copied: all of it runs, in Node, in a page, in a bundler.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { makeProject, openDocument, runModules, runReact } from "./project.mjs";
import { World, eventually, root, sources, texts } from "./world.mjs";

const readme = readFileSync(join(root, "README.md"), "utf8");
const section = /^## From JavaScript\n(.*?)^## /ms.exec(readme)[1];
const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));

if (vm.SourceTextModule) runTests();
else {
  // Modules of a page can be loaded only where node is told so, which a test runner does not tell its children.
  test("in a node that loads modules of pages", () => {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath,
      ["--experimental-vm-modules", "--no-warnings", fileURLToPath(import.meta.url)], { env, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /pass 7/);
  });
}

function runTests() {
  let world;
  let project;
  const pages = [];
  before(async () => { world = await World.start(); project = makeProject(); });
  afterEach(() => {
    for (const page of pages.splice(0)) page.window.close();
    world.hangUp();
  });
  after(async () => { await world.stop(); project.remove(); });

  const open = (name, user) => {
    const html = readFileSync(join(sources, "examples", name), "utf8");
    const page = openDocument(html, { port: world.edges[0].port, path: `/examples/${name}`, user });
    pages.push(page);
    return page;
  };
  const lines = (page) => [...page.window.document.querySelectorAll("li")].map((item) => item.textContent);
  const status = (page) => page.window.document.querySelector("[role=status]")?.textContent;
  const type = (page, text) => {
    const form = page.window.document.querySelector("form");
    form.elements.text.value = text;
    form.dispatchEvent(new page.window.Event("submit", { bubbles: true, cancelable: true }));
  };
  /** Two people, each in a page, and an edge that is killed between them. */
  async function converse(alice, bob, word) {
    const areBoth = (state) => () => [alice, bob].every((page) => status(page)?.startsWith(state));
    await eventually("both are there", areBoth("connected"));
    type(alice, `hello <b>${word}</b>`);
    const has = (page, line) => () => lines(page).includes(line);
    await eventually("bob has it", has(bob, `alice: hello <b>${word}</b>`));
    await world.edges[0].program.kill();
    await eventually("both know", areBoth("reconnecting"));
    type(bob, `are you ${word}?`);
    await eventually("it waits", has(bob, `are you ${word}? (sending)`));
    await world.restart(world.edges[0]);
    await eventually("alice has it", has(alice, `bob: are you ${word}?`));
    const count = () => lines(bob).filter((line) => line.includes(`are you ${word}`)).length;
    await eventually("bob sees it once", () => count() === 1);
    assert.deepEqual(alice.errors.concat(bob.errors), []);
  }

  test("the README shows the pages as they are", () => {
    const shown = blocks.map((block) => block.text);
    for (const name of ["chat.html", "chat.js", "react.js"]) {
      assert.ok(shown.includes(readFileSync(join(sources, "examples", name), "utf8")), name);
    }
    assert.equal(blocks.length, 5, "each is run by a test here");
  });

  test("the robot answers", async () => {
    const file = join(project.folder, "robot.mjs");
    writeFileSync(file, blocks[0].text.replace("ws://127.0.0.1:8080", `ws://127.0.0.1:${world.edges[0].port}`));
    const robot = spawn(process.execPath, [file], { stdio: ["ignore", "inherit", "inherit"] });
    try {
      const client = await world.connected("alice", { name: "Alice" });
      const room = await client.joinRoom("general");
      await eventually("the robot is there", () => room.people.some((person) => person.user === "robot"));
      await client.sendMessage("general", "ping").done;
      await eventually("it answers", () => texts(room.messages).includes("pong, Alice"));
    } finally {
      robot.kill();
    }
  });

  test("the page works, without anything but what the relay and a browser have", async () => {
    const [alice, bob] = [open("chat.html", "alice"), open("chat.html", "bob")];
    for (const page of [alice, bob]) await runModules(page, sources);
    await converse(alice, bob, "there");
    // The sender may hear of its own message after the others.
    const kept = () => alice.window.localStorage.length + bob.window.localStorage.length;
    await eventually("nothing is kept for later", () => kept() === 0);
  });

  test("the React page works with an import map", async () => {
    const [alice, bob] = [open("react.html", "alice"), open("react.html", "bob")];
    for (const page of [alice, bob]) {
      const { React, ReactDOM } = runReact(page);
      await runModules(page, sources, { "/react.js": React, "/react-dom-client.js": ReactDOM });
    }
    await converse(alice, bob, "mapped");
    await eventually("it says who is there", () => status(alice).includes("alice and bob"));
  });

  test("the React page works out of a bundler", async () => {
    const source = join(project.folder, "app.js");
    writeFileSync(source, readFileSync(join(sources, "examples/react.js"), "utf8")
      .replace("../martlet-client.js", "martlet-client").replace("../use-chat.js", "martlet-client/use-chat"));
    const bundle = execFileSync("esbuild",
      [source, "--bundle", "--log-level=error", "--define:process.env.NODE_ENV=\"test\""],
      { encoding: "utf8", maxBuffer: 1 << 26 });
    const [alice, bob] = [open("react.html", "alice"), open("react.html", "bob")];
    for (const page of [alice, bob]) page.window.eval(bundle);
    await converse(alice, bob, "bundled");
  });

  test("the hook can be imported in Node, where a server renders", () => {
    const file = join(project.folder, "server.mjs");
    writeFileSync(file, `
      import { createElement as h } from "react";
      import { renderToString } from "react-dom/server";
      import { MartletClient, MemoryStorage } from "martlet-client";
      import useChat, { makeUseChat } from "martlet-client/use-chat";
      import { makeUseChat as same } from "martlet-client/make-use-chat";
      const client = new MartletClient({ url: "ws://127.0.0.1:1", user: "x", webSocket: class {} });
      const Chat = () => h("p", null, useChat("general", { client }).status.state);
      console.log(renderToString(h(Chat)), makeUseChat === same, new MemoryStorage().length);
    `);
    const env = { ...process.env };
    assert.equal(execFileSync(process.execPath, [file], { encoding: "utf8", env }), "<p>closed</p> true 0\n");
  });

  test("what becomes of a send can be waited for and asked about", async () => {
    const client = world.client("carol", { timing: { outboxAge: 30 } });
    const said = [];
    const asked = [];
    const run = new Function("client", "console", "confirm", blocks[4].text);
    run(client, { log: (...words) => said.push(words) }, (question) => { asked.push(question); return true; });
    await eventually("it has waited too long", () => asked.length === 1);
    assert.deepEqual(asked, ["Send again? Tea is ready."]);
    assert.deepEqual(said[0]?.slice(0, 2), ["not stored:", "expired"]);
    await client.connect();
    await eventually("it is stored", async () => (await client.history("general")).messages.some(
      (message) => message.user === "carol" && message.text === "Tea is ready."));
  });
}
