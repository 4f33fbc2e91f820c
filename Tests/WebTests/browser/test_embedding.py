"""The web client in a frame of somebody else's page, which says who its user is."""

import re

from other_site import Site
from scene import Scene
from tokens import secret_file, token
from world import ROOT, eventually

DOCUMENTATION = ROOT / "Sources" / "RelayWeb" / "RelayWeb.docc" / "WebClient.md"
HEARD = """<script>
  window.heard = [];
  addEventListener("message", ({ data }) => window.heard.push(data));
</script>"""


def documented(relay):
    """The page that the documentation shows, with this relay in it."""
    found = re.search(r"```html\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL).group(1)
    return "<!doctype html><style>iframe { width: 900px; height: 600px }</style>" + HEARD + found.replace(
        "https://chat.example", relay.url
    )


class Embedded(Scene):
    """A site at `localhost` is another origin, and another site, than the relay at 127.0.0.1."""

    def setUp(self):
        self.site, self.other = Site("localhost"), Site("127.0.0.1")
        for site in (self.site, self.other):
            self.addCleanup(site.close)
        self.flags = (
            *("--auth", "jwt", "--jwt-secret-file", str(secret_file(self))),
            *("--allow-origin", self.site.url),
        )
        super().setUp()
        self.seconds, self.asked = 600, 0
        for site in (self.site, self.other):
            site.pages["/"] = documented(self.relay)
            site.pages["/my-token-for-the-chat"] = self.my_token

    def my_token(self):
        self.asked += 1
        return token("alice", self.seconds)

    def guest(self, site):
        """Somebody who opens the site's page; and what of it is the web client."""
        visitor = self.visitor(path="/", at=site)
        return visitor, visitor.page.frame_locator("#chat")

    def heard(self, visitor, kind):
        return [data for data in visitor.page.evaluate("window.heard") if data.get("type") == kind]

    def post(self, visitor, message):
        visitor.page.evaluate(
            "([message, origin]) => document.getElementById('chat').contentWindow.postMessage(message, origin)",
            [message, self.relay.url],
        )

    def is_connected(self, frame):
        frame.locator("#status[data-state=connected]").wait_for()

    def test_its_user_is_signed_in_and_told_of(self):
        visitor, frame = self.guest(self.site)
        self.is_connected(frame)
        frame.locator(".rail-foot .name", has_text="Alice").wait_for()
        frame.locator("#composer").fill("from the frame")
        frame.locator("#composer").press("Enter")
        frame.locator(".message[data-id]", has_text="from the frame").wait_for()
        self.assertEqual(1, len(self.heard(visitor, "martlet.ready")))
        self.say_as_bob("appointment:43", "look here")
        self.post(visitor, {"type": "martlet.open", "room": "appointment:43"})
        frame.locator(".message", has_text="look here").wait_for()
        self.post(visitor, {"type": "martlet.open", "room": "appointment:42"})
        frame.locator(".message[data-id]", has_text="from the frame").wait_for()
        self.say_as_bob("appointment:43", "and here")
        eventually(
            "the site hears how much is unread",
            lambda: any(data["count"] == 1 for data in self.heard(visitor, "martlet.unread")),
        )
        self.post(visitor, {"type": "martlet.sign-out"})
        frame.get_by_text("Please open it from there").wait_for()

    def say_as_bob(self, room, text):
        bearer = {"Authorization": f"Bearer {token('bob')}"}
        status, _, answer = self.relay.ask("POST", f"/v1/rooms/{room}/messages", {"text": text}, bearer)
        self.assertEqual(201, status, answer)

    def test_a_token_that_ends_is_replaced_without_a_word_to_its_user(self):
        # Long enough for a slow machine to open the page.
        self.seconds = 30
        visitor, frame = self.guest(self.site)
        self.is_connected(frame)
        asked = self.asked
        visitor.page.frames[1].evaluate("""() => {
          window.ends = 0;
          new MutationObserver(() => { window.ends += document.querySelectorAll('.sign-in').length })
            .observe(document.body, {childList: true, subtree: true});
        }""")
        eventually("a newer one is asked for", lambda: self.heard(visitor, "martlet.token-needed"))
        self.seconds = 600
        eventually("once more", lambda: self.asked > asked)
        self.is_connected(frame)
        frame.locator("#composer").fill("still here")
        frame.locator("#composer").press("Enter")
        frame.locator(".message[data-id]", has_text="still here").wait_for()
        self.assertEqual(0, visitor.page.frames[1].evaluate("window.ends"), "nobody was signed out")

    def test_a_site_that_is_not_allowed_gets_no_frame(self):
        visitor, _ = self.guest(self.other)
        visitor.violations = None
        eventually("the frame is refused", lambda: visitor.page.frames[1].url.startswith("chrome-error:"))
        self.assertEqual([], self.heard(visitor, "martlet.ready"))
        self.assertEqual(0, self.asked)

    def test_only_the_page_around_it_is_heard(self):
        orders = """<script>
          const orders = [{type: "martlet.sign-in", token: "%s"}, {type: "martlet.open", room: "trap"},
            {type: "martlet.sign-out"}];
          const target = () => window.opened ?? parent.frames[0];
          setInterval(() => { for (const order of orders) target().postMessage(order, "*"); window.told = true }, 50);
        </script>""" % token("mallory")
        self.other.pages["/evil"] = orders
        self.site.pages["/"] += f'<iframe id="evil" src="{self.other.url}/evil"></iframe>'
        visitor, frame = self.guest(self.site)
        self.is_connected(frame)
        evil = next(each for each in visitor.page.frames if each.url.endswith("/evil"))
        eventually("it has tried", lambda: evil.evaluate("window.told === true"))
        # What is said after it has been heard by then.
        self.post(visitor, {"type": "martlet.open", "room": "last"})
        frame.locator(".room-title", has_text="last").wait_for()
        self.assertEqual("Alice", frame.locator(".rail-foot .name").inner_text())
        self.assertEqual(0, frame.locator(".conversation[data-room=trap]").count())

        # Whoever opened a window of it is no page around it.
        self.other.pages["/opens"] = f"<script>window.opened = open('{self.relay.url}/')</script>" + orders
        opener = self.visitor(path="/opens", at=self.other)
        eventually("a window is open", lambda: len(opener.context.pages) == 2)
        window = opener.context.pages[1]
        window.get_by_text("Please open it from there").wait_for()
        eventually("it has tried", lambda: opener.page.evaluate("window.told === true"))
        window.evaluate("() => new Promise((done) => { onmessage = done })")
        self.assertEqual(1, window.locator(".sign-in").count())
        self.assertEqual(0, window.locator(".rail-foot .name").count())
