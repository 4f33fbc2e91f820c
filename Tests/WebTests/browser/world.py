"""A relay of one's own: real processes on free ports, under a folder that goes away."""

import http.client
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import json
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = pathlib.Path(os.environ.get("MARTLET_PROGRAMS", ROOT / ".build" / "debug"))


def factor_of(environment, name, otherwise):
    """A factor that the environment may give, at least 1."""
    try:
        return max(1, int(environment.get(name, "")))
    except ValueError:
        return otherwise


# How many times as long as a quiet machine needs tests wait. It costs time only where a test fails.
PATIENCE = factor_of(os.environ, "MARTLET_TEST_PATIENCE", 3)
# How many times slower than this machine the pages are, to find what a test takes for done too early.
SLOWNESS = factor_of(os.environ, "MARTLET_TEST_SLOWNESS", 1)


def free_port():
    """A port that nobody has just now, below those that a system gives to connections: nobody else comes upon it."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def eventually(what, condition, seconds=60.0):
    """Waits until `condition` answers with something, and answers with it; so many seconds, times the patience."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(0.02)


class Relay:
    """A redis-server, an edge that can be killed and started again at its port, and an archiver where one is wanted."""

    def __init__(self, *flags, archives=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-web-"))
        self.archive = self.folder / "archive"
        archive = ["--archive", "on", "--archive-dir", str(self.archive)] if archives else ["--archive", "off"]
        self.flags = [*archive, *flags]
        self.archiver = None
        self.redis_port = free_port()
        self.port = free_port()
        self.edge = None
        self.redis = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(self.redis_port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                str(self.folder),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if archives:
                self._start_archiver()
            self.start_edge()
        except BaseException:
            self.close()
            raise

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _start(self, program, *flags):
        """A program of ours with this Redis; what it logs is kept."""
        with open(self.folder / f"{program}.log", "ab") as log:
            return subprocess.Popen(
                [PROGRAMS / program, "--redis-url", f"redis://127.0.0.1:{self.redis_port}", *flags],
                stdout=log, stderr=log)

    def _start_archiver(self):
        eventually("redis answers", lambda: self.answers())
        self.archive.mkdir()
        flags = ("--dir", str(self.archive), "--keep", "10", "--interval", "50ms")
        self.archiver = self._start("martlet-archiver", *flags)

    def answers(self):
        words = ["redis-cli", "-p", str(self.redis_port), "PING"]
        return subprocess.run(words, capture_output=True, text=True).stdout.strip() == "PONG"

    def start_edge(self):
        self.edge = self._start(
            "martlet-edge", "--listen", f"127.0.0.1:{self.port}", "--edge-id", "web", "--drain", "0s",
            "--leave-grace", "1s", "--rate", "500", "--burst", "2000", *self.flags)
        eventually("the edge is ready", self.is_ready)

    def is_ready(self):
        if self.edge.poll() is not None:
            log = (self.folder / "martlet-edge.log").read_text(errors="replace")
            raise AssertionError(f"the edge has ended with {self.edge.returncode}: {log[-2000:]}")
        try:
            return self.ask("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def kill_edge(self):
        """As a crash: nobody is told anything."""
        self.edge.send_signal(signal.SIGKILL)
        self.edge.wait()

    def ask(self, method, path, body=None, headers=None):
        """A request; answers with status, headers and bytes."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers or {})
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60 * PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as problem:
            return problem.code, problem.headers, problem.read()

    def say(self, room, user, text, name=None):
        """Says something from a script; answers with the envelope."""
        query = f"?user={user}" + (f"&name={urllib.request.quote(name)}" if name else "")
        path = f"/v1/rooms/{urllib.request.quote(room)}/messages{query}"
        return self.insist(lambda key: self.ask("POST", path, {"text": text}, {"Idempotency-Key": key})[::2])

    @staticmethod
    def insist(post):
        """Posts under one key until it is stored: a machine that stands still makes Redis unavailable for a moment."""
        key = uuid.uuid4().hex

        def answer():
            status, body = post(key)
            assert status in (200, 201, 503), body
            return status != 503 and json.loads(body)

        return eventually("it is stored", answer)

    def make(self, user, fields):
        """Makes a room."""
        status, _, answer = self.ask("POST", f"/v1/rooms?user={user}", fields)
        assert status == 201, answer

    def say_many(self, room, user, texts):
        """Says one after the other, over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        for text in texts:

            def post(key, text=text):
                headers = {"Content-Type": "application/json", "Idempotency-Key": key}
                path = f"/v1/rooms/{room}/messages?user={user}"
                connection.request("POST", path, json.dumps({"text": text}), headers)
                answer = connection.getresponse()
                return answer.status, answer.read()

            self.insist(post)
        connection.close()

    def hold_redis(self):
        """It answers nobody until it is released."""
        self.redis.send_signal(signal.SIGSTOP)

    def release_redis(self):
        self.redis.send_signal(signal.SIGCONT)

    @staticmethod
    def now():
        """The moment, in ms."""
        return int(time.time() * 1000)

    def cli(self, *words):
        return subprocess.run(
            ["redis-cli", "-p", str(self.redis_port), *words], check=True, capture_output=True, text=True
        ).stdout

    def fill(self, room, count):
        """Puts a long past into a room, by its own stream and counter, as the edges keep them."""
        self.say(room, "alice", "the first")
        begin = (int(time.time()) - 3 * 86_400) * 1000
        self.cli("DEL", f"chat:{{{room}}}:stream")
        script = """
            for i = 1, tonumber(ARGV[1]) do
              local user = i % 7 < 4 and 'alice' or 'bob'
              redis.call('XADD', KEYS[1], string.format('%.0f-0', ARGV[2] + i * 20000),
                'seq', i, 'type', 'message', 'user', user,
                'name', user, 'text', 'message ' .. i .. string.rep(' and so on', i % 23))
            end
            redis.call('HSET', KEYS[2], 'seq', ARGV[1])"""
        # What the edge knew of the room is no longer so.
        self.kill_edge()
        self.cli("EVAL", script, "2", f"chat:{{{room}}}:stream", f"chat:{{{room}}}:meta", str(count), str(begin))
        self.start_edge()

    def recall(self, room, said):
        """Puts messages of other days into a room: for each the moment in ms, the user, the name and the text."""
        self.say(room, said[0][1], "the first")
        self.kill_edge()
        self.cli("DEL", f"chat:{{{room}}}:stream")
        for seq, (moment, user, name, text) in enumerate(said, start=1):
            fields = ("seq", str(seq), "type", "message", "user", user, "name", name, "text", text)
            self.cli("XADD", f"chat:{{{room}}}:stream", f"{moment:.0f}-{seq}", *fields)
        self.cli("HSET", f"chat:{{{room}}}:meta", "seq", str(len(said)))
        self.start_edge()

    def trim(self, room, count):
        """Leaves the newest messages of a room alone, as it is where nobody archives; the edge has forgotten all."""
        self.kill_edge()
        self.cli("XTRIM", f"chat:{{{room}}}:stream", "MAXLEN", str(count))
        self.start_edge()

    def close(self):
        for process in (self.edge, self.archiver, self.redis):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
