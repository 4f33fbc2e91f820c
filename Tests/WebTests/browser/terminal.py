"""`martlet chat` at a terminal of its own: what somebody types, what the screen shows, and a picture of it."""

import fcntl
import html
import os
import pty
import struct
import subprocess
import termios
import threading

import pyte

from world import PROGRAMS, eventually

GROUND, TEXT = "#14161b", "#e8eaf0"
# The sixteen colours that a terminal names, as ours shows them.
NAMED = {
    "black": "#59606e", "red": "#ff8f8f", "green": "#7fd394", "brown": "#e3b65b", "blue": "#a7b2ff",
    "magenta": "#f19acb", "cyan": "#62cfe2", "white": "#e8eaf0",
}
PAGE = """<!doctype html><meta charset="utf-8"><title>martlet chat</title><style>
  body { margin: 0; padding: 24px; width: max-content; background: light-dark(#eceef4, #0b0d11); }
  figure { margin: 0; border-radius: 12px; overflow: hidden; background: %s; box-shadow: 0 8px 30px rgb(0 0 0 / 35%%); }
  figcaption { padding: 9px 0; text-align: center; font: 600 13px Inter, sans-serif; color: #a2aab8;
    background: #20242c; }
  pre { margin: 0; padding: 12px 16px 14px; color: %s;
    font: 14px/1.4 "DejaVu Sans Mono", "Noto Color Emoji", monospace; }
  .bold { font-weight: 700; } .italics { font-style: italic; } .underscore { text-decoration: underline; }
</style><figure><figcaption>%s</figcaption><pre>%s</pre></figure>"""


class Terminal:
    """A person at `martlet chat`."""

    def __init__(self, relay, user, name, *rooms, columns=92, lines=26):
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()
        self._command = ["martlet", "chat", *rooms, "--user", user, "--name", name]
        self._end, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            [PROGRAMS / "martlet", *self._command[1:], "--url", relay.url.replace("http", "ws")],
            stdin=far, stdout=far, stderr=far, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
        )
        os.close(far)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                piece = os.read(self._end, 65_536)
            except OSError:
                return
            if not piece:
                return
            with self._lock:
                self._stream.feed(piece)

    @property
    def text(self):
        with self._lock:
            return "\n".join(line.rstrip() for line in self.screen.display)

    def sees(self, words):
        eventually(lambda: f"{words!r} on the screen:\n{self.text}", lambda: words in self.text)

    def keys(self, text):
        os.write(self._end, text.encode())

    def type(self, line):
        self.keys(line + "\r")

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._end)

    def page(self):
        """The screen as a page, with its colours and its cursor."""
        with self._lock:
            rows = [self._row(number) for number in range(self.screen.lines)]
        return PAGE % (GROUND, TEXT, html.escape(" ".join(self._command)), "\n".join(rows))

    def _row(self, number):
        line, cursor, pieces = self.screen.buffer[number], self.screen.cursor, []
        for column in range(self.screen.columns):
            character = line[column]
            is_cursor = (number, column) == (cursor.y, cursor.x) and not cursor.hidden
            pieces.append(drawn(character, is_cursor))
        return "".join(pieces).rstrip()


def drawn(character, is_cursor):
    """One place of the screen; the second half of a wide character is empty."""
    front = colour(character.fg, TEXT)
    back = colour(character.bg, GROUND)
    if character.reverse != is_cursor:
        front, back = back, front
    looks = [name for name in ("bold", "italics", "underscore") if getattr(character, name)]
    text = html.escape(character.data)
    if front == TEXT and back == GROUND and not looks:
        return text
    return f'<span class="{" ".join(looks)}" style="color:{front};background:{back}">{text}</span>'


def colour(name, default):
    if name == "default":
        return default
    return NAMED.get(name.removeprefix("bright"), f"#{name}" if len(name) == 6 else default)
