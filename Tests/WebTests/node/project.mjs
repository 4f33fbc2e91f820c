// A developer's project in a temporary folder, and a page in a document of jsdom that loads modules as a browser does.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import vm from "node:vm";
import { sources } from "./world.mjs";

const require = createRequire(import.meta.url);
const { JSDOM, VirtualConsole } = require("jsdom");
const debian = "/usr/share/nodejs";

/** A folder with `node_modules`: the client as it would be installed, and Debian's packages. */
export function makeProject() {
  const folder = mkdtempSync(join(tmpdir(), "martlet-project-"));
  mkdirSync(join(folder, "node_modules"));
  cpSync(sources, join(folder, "node_modules/martlet-client"), { recursive: true });
  for (const name of ["react", "react-dom", "ws"]) symlinkSync(join(debian, name), join(folder, "node_modules", name));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** An empty document that the relay at `port` has served. */
export function openDocument(html, { port, path, user }) {
  const errors = [];
  const console = new VirtualConsole();
  console.on("jsdomError", (error) => errors.push(error));
  console.on("error", (...words) => errors.push(words.join(" ")));
  const dom = new JSDOM(html, {
    url: `http://127.0.0.1:${port}${path}?user=${user}`, runScripts: "outside-only", virtualConsole: console,
  });
  dom.window.TextEncoder = TextEncoder; // every browser has it, this jsdom has not
  return { dom, window: dom.window, errors };
}

/** Runs what the page's `<script type="module">` name, with its import map. Wants `--experimental-vm-modules`. */
export async function runModules(page, folder, exportsOf) {
  const { document } = page.window;
  const map = JSON.parse(document.querySelector("script[type=importmap]")?.textContent ?? "{}").imports ?? {};
  const context = page.dom.getInternalVMContext();
  const modules = new Map();
  const load = (path) => {
    if (!modules.has(path)) {
      modules.set(path, exportsOf?.[path] ? made(exportsOf[path], context)
        : new vm.SourceTextModule(readFileSync(join(folder, path), "utf8"), { context, identifier: path }));
    }
    return modules.get(path);
  };
  const link = (specifier, from) => {
    if (!/^[./]/.test(specifier) && !(specifier in map)) throw new Error(`${specifier} is not in the import map`);
    const path = new URL(map[specifier] ?? specifier, `http://page${from.identifier}`).pathname;
    return load(path);
  };
  for (const { src } of document.querySelectorAll("script[type=module]")) {
    const module = load(new URL(src).pathname);
    await module.link(link);
    await module.evaluate();
  }
}

/** A module that exports what a script has left behind. */
function made(value, context) {
  const names = [...Object.keys(value), "default"];
  return new vm.SyntheticModule(names, function fill() {
    for (const name of names) this.setExport(name, name === "default" ? value : value[name]);
  }, { context });
}

/** Debian's React, as a script of the page. */
export function runReact(page) {
  for (const path of ["react/umd/react.development.js", "react-dom/umd/react-dom.development.js"]) {
    page.window.eval(readFileSync(join(debian, path), "utf8"));
  }
  return page.window;
}
