"""Somebody at a browser: what they do and what they see."""

import collections
import json
import re

from world import PATIENCE, SLOWNESS, eventually

TWO_FRAMES = "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
GO = """(room) => {
  history.pushState(null, '', `/?room=${room}`);
  window.dispatchEvent(new PopStateEvent('popstate'));
}"""
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

# What a page sends over its WebSocket waits where it says certain words, but for the first so many.
HELD = """
const send = WebSocket.prototype.send, held = [];
let left = %d;
WebSocket.prototype.send = function (text) {
  const go = () => { if (this.readyState === 1) send.call(this, text); };
  text.includes(%s) && left-- <= 0 ? held.push(go) : go();
};
window.letGo = () => { left = Infinity; held.splice(0).forEach((go) => go()); };"""


class Visitor:
    """One browser of one person."""

    def __init__(self, browser, relay, user=None, name=None, size=DESKTOP, hears=False, **options):
        self.relay = relay
        self.context = browser.new_context(viewport=size, locale="en-GB", timezone_id="Europe/Berlin", **options)
        self.context.set_default_timeout(60_000 * PATIENCE)
        self.errors = []
        # What the policy stopped, and alerts; None where a test provokes them.
        self.violations = []
        if user:
            identity = json.dumps({"user": user, "name": name or user})
            self.context.add_init_script(
                f"if (!localStorage.getItem('martlet.me')) localStorage.setItem('martlet.me', {json.dumps(identity)})"
            )
        # Whatever a page may not do, and whatever of ours goes wrong, is a finding.
        self.context.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI))"
        )
        self.page = self.context.new_page()
        if SLOWNESS > 1:
            self._slow_down()
        self.page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        self.page.on("console", self._heard)
        self.page.on("dialog", self._asked)
        # The newest frames of the relay, and the page's own.
        self.frames, self.own_frames = collections.deque(maxlen=100), collections.deque(maxlen=100)
        if hears:
            self.page.on("websocket", self._connected)

    def _slow_down(self):
        """A slow machine behind a slow line: what a test took for done, because it mostly is, is not."""
        line = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
        tools = self.context.new_cdp_session(self.page)
        tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWNESS})
        tools.send("Network.enable")
        tools.send("Network.emulateNetworkConditions", line)

    def _connected(self, socket):
        socket.on("framereceived", lambda frame: self.frames.append(str(frame)))
        socket.on("framesent", lambda frame: self.own_frames.append(str(frame)))

    def _heard(self, message):
        if message.type != "error":
            return
        # Chromium writes a line for a connection that fails: that a server is killed is what a test does.
        # And for what is sent while one is being closed, or answered with 503 while Redis is away.
        of_the_network = ("WebSocket connection to", "net::ERR", "WebSocket is already in", "status of 503")
        if any(words in message.text for words in of_the_network):
            return
        # A page without a token asks whether there is a cookie that counts.
        asks_for_a_cookie = message.location.get("url", "").endswith("/v1/rooms?limit=1")
        if asks_for_a_cookie and "status of 401" in message.text:
            return
        if self.violations is not None:
            self.violations.append(message.text)

    def _asked(self, dialog):
        self.violations.append(f"alert: {dialog.message}")
        dialog.dismiss()

    def visit(self, path="/"):
        self.page.goto(self.relay.url + path)
        return self

    def go(self, room):
        """To a room, as by the address, and without loading anything."""
        self.page.evaluate(GO, room)

    def close(self):
        self.context.close()

    # What they see

    @property
    def status(self):
        return self.page.locator("#status").get_attribute("data-state")

    def joined(self, here=1):
        """Waits until the open conversation is joined, with so many people."""
        self.sees_status("connected")
        self.sees_words(f"{here} here", "#people")
        return self

    def sees_status(self, state):
        eventually(lambda: f"status {state}, and not {self.status}", lambda: self.status == state)

    def texts(self):
        """The messages of the open conversation that are in the page, stored or not, in order."""
        return self.page.eval_on_selector_all(
            ".message .text",
            """nodes => nodes.map((node) => [...node.childNodes].filter((child) => !child.classList?.contains('edited'))
                .map((child) => child.textContent).join(''))""",
        )

    def stored(self):
        """Those that have an id."""
        return self.page.eval_on_selector_all(".message[data-id] .text", "nodes => nodes.map((n) => n.textContent)")

    def sees(self, text, count=1):
        eventually(
            lambda: f"{count} of {text!r} among {self.texts()[-5:]}", lambda: self.texts().count(text) == count
        )

    def is_told(self, words):
        """Waits until the relay sent these words, and the page had the time to show them; of a scene that `hears`."""
        eventually(f"a frame with {words!r}", lambda: self.two_frames() or any(words in one for one in self.frames))
        self.two_frames()

    def two_frames(self):
        """Waits for two frames of the screen."""
        self.page.evaluate(TWO_FRAMES)

    def becomes(self, expression):
        """Waits until an expression of the page is true.

        The page's policy lets no text be evaluated in it, which is how Playwright's own waiting works.
        """
        eventually(expression, lambda: self.page.evaluate(expression))

    def sees_words(self, words, selector="body"):
        pattern = re.compile(re.escape(words))
        eventually(f"{words!r} in {selector}", lambda: pattern.search(self.words(selector)))

    def words(self, selector):
        """What can be read; what is hidden may be what was true before somebody signed out."""
        found = self.page.locator(selector).locator("visible=true")
        return " ".join(found.all_inner_texts())

    def conversation(self, room):
        return self.page.locator(f'.conversation[data-room="{room}"]')

    def unread(self, room):
        texts = self.conversation(room).locator(".badge").all_inner_texts()
        return int(texts[0]) if texts else 0

    # What they do

    def hold_back(self, words="", after=0):
        """A network that is slow: what says these words does not go out until `let_go`, but for the first so many.

        For pages that are visited from now on.
        """
        self.context.add_init_script(HELD % (after, json.dumps(words)))

    def let_go(self):
        """What was held back goes out, and nothing is held back any more."""
        self.page.evaluate("window.letGo()")

    @property
    def field(self):
        return self.page.locator("#composer")

    def say(self, text):
        self.field.fill(text)
        self.field.press("Enter")

    def type_line(self, text):
        """Key by key, and on in the next line."""
        self.field.click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Shift+Enter")

    def type(self, text):
        """Key by key, as commands are: what completes them is in the way or not."""
        self.field.click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def open(self, room):
        self.conversation(room).click()
        self.page.wait_for_selector("#composer")
        return self

    def screenshot(self, path):
        self.page.screenshot(path=str(path))
