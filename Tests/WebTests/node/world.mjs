// What the tests stand on: a redis-server and edges of their own on free ports, that can be killed and stopped, and
// clients that end with the test.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MartletClient } from "../../../Sources/RelayWeb/Client/martlet-client.js";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
export const sources = join(root, "Sources/RelayWeb/Client");

// Debian's packages of modules, for a node that is not Debian's too.
process.env.NODE_PATH = [process.env.NODE_PATH, "/usr/share/nodejs"].filter(Boolean).join(":");
Module._initPaths();
export const WebSocketOfNode = createRequire(import.meta.url)("ws");

/** How many times as long as a quiet machine needs tests wait. It costs time only where a test fails. */
export const patience = Math.max(1, Number.parseInt(process.env.MARTLET_TEST_PATIENCE ?? "", 10) || 3);
const DEADLINE = 60_000; // for whatever waits: machines that test are busy

/** Waits until `look` gives something true, and returns it; `what` is said where that takes too long. */
export async function eventually(what, look, { within = DEADLINE } = {}) {
  const end = Date.now() + within * patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`This did not come about: ${what}`);
    await pause(10);
  }
}

/** One look later; never the way to wait for something. */
export function pause(span) { return new Promise((resolve) => { setTimeout(resolve, span); }); }

/**
 * A port that nobody has just now, below those that a system gives to connections: whoever tries again and again to
 * reach a port of these ends by having it, connected to itself.
 */
export function freePort() {
  return new Promise((resolve) => {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    server.on("error", () => resolve(freePort()));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(port)));
  });
}

/** A program that ends with this process, however this one ends. */
class Program {
  constructor(folder, name, command) {
    this.log = join(folder, `${name}.log`);
    const output = openSync(this.log, "a");
    this.child = spawn("setpriv", ["--pdeathsig", "KILL", ...command], { stdio: ["ignore", output, output] });
    this.ended = new Promise((resolve) => { this.child.on("exit", resolve); this.child.on("error", resolve); });
  }
  get isOver() { return this.child.exitCode !== null || this.child.signalCode !== null; }
  said() { return readFileSync(this.log, "utf8"); }
  signal(name) { this.child.kill(name); }
  async kill(name = "SIGKILL") {
    this.child.kill(name);
    await this.ended;
  }
}

export class World {
  #clients = []; #programs = []; #redisOptions = [];

  static async start(options) {
    const world = new World();
    try { await world.#start(options); } catch (error) { await world.stop(); throw error; }
    return world;
  }

  async #start({ edges = 1, appendOnly = true } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), "martlet-web-"));
    this.redisPort = await freePort();
    this.#redisOptions = appendOnly ? ["--appendonly", "yes", "--appendfsync", "always"] : [];
    await this.startRedis();
    this.edges = [];
    for (let index = 0; index < edges; index += 1) this.edges.push(await this.startEdge());
  }

  async startRedis() {
    this.redis = this.#launch("redis", ["redis-server", "--port", `${this.redisPort}`, "--bind", "127.0.0.1",
      "--save", "", "--dir", this.folder, ...this.#redisOptions]);
    await this.#up("redis-server", this.redis, async () => (await this.order("PING")) === "+PONG");
  }

  /** An edge that is ready, on the given port or a free one. */
  async startEdge({ port, flags = [] } = {}) {
    const edge = { port: port ?? await freePort(), flags };
    edge.url = `ws://127.0.0.1:${edge.port}/v1/ws`;
    const binary = process.env.MARTLET_EDGE ?? join(root, ".build/debug/martlet-edge");
    if (!existsSync(binary)) throw new Error(`There is no ${binary}: swift build`);
    edge.program = this.#launch("edge", [binary, "--listen", `127.0.0.1:${edge.port}`,
      "--redis-url", `redis://127.0.0.1:${this.redisPort}`, "--leave-grace", "1s", "--drain", "1s", ...flags]);
    await this.#up("edge", edge.program, async () => {
      try { return (await fetch(`http://127.0.0.1:${edge.port}/health/ready`)).ok; } catch { return false; }
    });
    return edge;
  }

  /** The same edge once more, on its port. */
  async restart(edge) {
    Object.assign(edge, await this.startEdge(edge));
  }

  #launch(name, command) {
    const program = new Program(this.folder, `${name}-${this.#programs.length}`, command);
    this.#programs.push(program);
    return program;
  }

  async #up(what, program, isUp) {
    await eventually(`${what} is up`, async () => {
      if (program.isOver) throw new Error(`${what} has ended: ${program.said()}`);
      return isUp();
    });
  }

  /** One command for Redis, answered as the first line that it says. */
  order(...words) {
    return new Promise((resolve) => {
      const socket = createConnection(this.redisPort, "127.0.0.1");
      socket.on("error", () => resolve(undefined));
      socket.on("data", (data) => { resolve(data.toString().split("\r\n")[0]); socket.end(); });
      const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      socket.write(`*${words.length}\r\n${parts.join("")}`);
    });
  }

  /** A client that hurries, and everything that it was told, in `client.told`. */
  client(user, { edge = this.edges[0], timing = {}, ...options } = {}) {
    const client = new MartletClient({
      url: edge.url, ...(options.token === undefined ? { user } : {}), webSocket: WebSocketOfNode,
      timing: { backoffMin: 50, backoffMax: 400, offlineProbe: 100, ...timing }, ...options,
    });
    client.told = { status: [], message: [], event: [], outbox: [], gap: [], error: [] };
    for (const [event, list] of Object.entries(client.told)) client.on(event, (value) => list.push(value));
    this.#clients.push(client);
    return client;
  }

  /** A client that is connected. */
  async connected(user, options) {
    const client = this.client(user, options);
    await client.connect();
    return client;
  }

  /** Posts as somebody else, past every client. */
  async post(room, text, { user = "poster", edge = this.edges[0], key = crypto.randomUUID() } = {}) {
    const answer = await fetch(`http://127.0.0.1:${edge.port}/v1/rooms/${room}/messages?user=${user}`, {
      method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify({ text }),
    });
    // Too fast, or a machine that stands still for so long that Redis does not answer in time.
    if (answer.status === 429 || answer.status === 503) {
      await pause(1000 * Number(answer.headers.get("Retry-After") ?? 1));
      return this.post(room, text, { user, edge, key });
    }
    if (!answer.ok) throw new Error(`The post was answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** Posts many at once, as somebody else, each until it is stored; the edge has to allow that (`generous`). */
  async flood(room, said, edge) {
    const socket = new WebSocketOfNode(`${edge.url}?user=poster`);
    const send = (ref) => socket.send(JSON.stringify({ op: "send", room, text: said[ref], ref, nonce: `flood-${ref}` }));
    await new Promise((resolve, reject) => {
      let left = said.length;
      socket.onerror = ({ error }) => reject(error);
      socket.onmessage = ({ data }) => {
        const { type, code, ref, message } = JSON.parse(data);
        // On a machine that is busy Redis may be late.
        if (type === "error" && code === "unavailable") pause(100).then(() => send(ref));
        else if (type === "error") reject(new Error(message));
        if (type === "ack" && (left -= 1) === 0) resolve();
      };
      socket.onopen = () => said.forEach((_, ref) => send(ref));
    });
    socket.terminate();
  }

  /** Every client goes. */
  hangUp() { for (const client of this.#clients.splice(0)) client.disconnect(); }

  async stop() {
    this.hangUp();
    await Promise.all(this.#programs.map((program) => program.kill()));
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** An edge with these lets one session say a lot. */
export const generous = ["--rate", "5000", "--burst", "5000"];

/** The texts of messages. */
export function texts(messages) { return messages.map((message) => message.text); }

/** Numbers from `first` to `last`. */
export function range(first, last) { return Array.from({ length: last - first + 1 }, (_, index) => first + index); }
