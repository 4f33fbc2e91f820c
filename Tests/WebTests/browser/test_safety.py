"""What others write stays text, and what the page says to a screen reader is right."""

import pathlib

import axe_playwright_python

from scene import Scene
from tokens import secret_file, token
from visitor import PHONE
from world import eventually

ATTACKS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '"><b>bold</b>',
    "'-alert(1)-'",
    "&lt;b&gt;&amp;",
    "<style>*{display:none}</style>",
    "\u202egnp.exe\u202c",
    "https://user:pass@evil.example/",
    "data:text/html,<script>alert(1)</script>",
    "<!--",
    "]]>",
    "\u2028\u2029x",
]


class Injection(Scene):
    def test_texts_names_and_topics_stay_text(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.sees_status("connected")
        for number, attack in enumerate(ATTACKS):
            name = attack.replace("\u2028\u2029", "").encode()[:60].decode(errors="ignore")
            self.relay.say("general", f"eve{number}", attack, name)
            alice.sees(attack)
            self.assertEqual(name, alice.page.locator(".message .author").last.text_content())
        self.assertEqual(0, alice.page.locator(".message .text :not(a, b, bdi, span)").count())
        links = alice.page.eval_on_selector_all(".message a", "nodes => nodes.map((n) => n.href)")
        self.assertEqual([], links)
        topic = "<img src=x onerror=alert(2)>"
        self.relay.make("eve", {"room": "trap", "name": topic, "topic": topic})
        alice.visit("/?room=trap")
        alice.sees_words(topic, ".room-title")
        alice.sees_words(topic, ".thread-head .topic")
        alice.visit("/?room=%3Cimg%20src=x%20onerror=alert(3)%3E")
        alice.page.wait_for_selector("#main [role=alert]")
        alice.visit("/#token=%3Cscript%3Ealert(4)%3C/script%3E")
        eventually("it leaves the address", lambda: "token" not in alice.page.evaluate("location.href"))

    def test_a_name_that_was_pasted_with_a_tab_is_taken_without_it(self):
        visitor = self.visitor()
        visitor.page.locator("input[name=name]").fill("Ann\tLee")
        visitor.page.get_by_role("button", name="Go on").click()
        visitor.sees_status("connected")
        self.assertEqual("Ann Lee", visitor.page.evaluate("JSON.parse(localStorage.getItem('martlet.me')).name"))

    def test_who_signs_out_of_a_talk_leaves_no_trace_of_it_to_the_next(self):
        alice = self.visitor("alice", "Alice", "/?room=dm:alice%2Bbob")
        alice.sees_status("connected")
        alice.page.get_by_role("button", name="Sign out").click()
        alice.page.wait_for_selector("input[name=name]")
        self.assertNotIn("bob", alice.page.evaluate("location.href"))

    def test_without_scripts_the_page_says_that_it_needs_them(self):
        visitor = self.visitor(size=PHONE, java_script_enabled=False)
        self.assertLess(visitor.page.locator(".notice").bounding_box()["y"], 200)

    def test_links_are_of_the_web_and_open_apart(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        self.relay.say(
            "general",
            "bob",
            "see (https://example.org/a_(b)), http://example.org/?q=1&r=2. And ftp://x, HTTPS://EXAMPLE.org!",
        )
        eventually("three links", lambda: alice.page.locator(".message a").count() == 3)
        found = alice.page.eval_on_selector_all(
            ".message a", "nodes => nodes.map((n) => [n.href, n.rel, n.target, n.textContent])"
        )
        self.assertEqual(
            ["https://example.org/a_(b)", "http://example.org/?q=1&r=2", "https://example.org/"],
            [link[0] for link in found],
        )
        for _, rel, target, _ in found:
            self.assertIn("noopener", rel)
            self.assertEqual("_blank", target)

    def test_the_policy_stops_what_would_get_in_all_the_same(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.sees_status("connected")
        alice.violations = None
        alice.page.evaluate("""() => {
          const image = document.createElement('img');
          try { image.setAttribute('onerror', 'window.ran = 1'); } catch {}
          image.src = 'data:,x';
          document.body.append(image);
          const script = document.createElement('script');
          try { script.textContent = 'window.ran = 2'; document.body.append(script); } catch {}
          try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); window.ran = 3; } catch {}
        }""")
        alice.page.wait_for_timeout(200)
        self.assertIsNone(alice.page.evaluate("window.ran ?? null"))

    def test_head_says_what_get_says(self):
        for path in ("/", "/app/main.js", "/icon.svg"):
            status, headers, body = self.relay.ask("HEAD", path)
            self.assertEqual((200, b""), (status, body))
            self.assertEqual(headers["ETag"], self.relay.ask("GET", path)[1]["ETag"])


class Accessibility(Scene):
    def check(self, visitor, what):
        source = pathlib.Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
        visitor.page.evaluate(source)
        found = visitor.page.evaluate(
            """() => axe.run(document, {
              runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"""
        )
        findings = [
            f"{what}: {v['id']} ({v['impact']}): {v['help']}: "
            + "; ".join(n["html"][:140] + " " + n["failureSummary"].replace("\n", " ")[:200] for n in v["nodes"][:3])
            for v in found["violations"]
        ]
        self.assertEqual([], findings)

    def test_axe_finds_nothing(self):
        self.relay.make("alice", {"room": "tea", "private": True, "members": ["bob"], "topic": "Biscuits"})
        for scheme, size in (("light", None), ("dark", PHONE)):
            options = {"color_scheme": scheme, "bypass_csp": True, **({"size": size} if size else {})}
            guest = self.visitor(**options)
            guest.page.wait_for_selector(".card")
            self.check(guest, f"{scheme} sign-in")
            alice = self.visitor("alice", "Alice", **options)
            alice.sees_status("connected")
            self.check(alice, f"{scheme} list")
            bob = self.visitor("bob", "Bob", "/?room=tea")
            alice.visit("/?room=tea")
            alice.sees_status("connected")
            bob.say(f"Have a look: https://example.org/{scheme}")
            alice.sees(f"Have a look: https://example.org/{scheme}")
            alice.say("I do")
            alice.say("/who")
            alice.sees_words("here", ".row-output")
            bob.say(f"/me is {scheme}")
            alice.sees(f"Bob is {scheme}")
            self.check(alice, f"{scheme} thread")
            alice.page.keyboard.press("Control+k")
            alice.page.get_by_role("tab", name="Create").click()
            self.check(alice, f"{scheme} dialog")
            alice.page.keyboard.press("Escape")
            alice.field.fill("/")
            alice.field.press("End")
            alice.field.press_sequentially("w")
            alice.page.wait_for_selector("#choices:not([hidden])")
            self.check(alice, f"{scheme} completion")
            alice.field.fill("")
            self.relay.kill_edge()
            alice.sees_status("reconnecting")
            alice.say("away")
            self.check(alice, f"{scheme} reconnecting")
            self.relay.start_edge()
            for visitor in (guest, alice, bob):
                visitor.close()
                self.visitors.remove(visitor)

    def test_what_is_new_is_spoken_once(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined()
        self.relay.say("general", "bob", "for your ears", "Bob")
        alice.sees_words("Bob: for your ears", "#spoken")
        alice.say("mine")
        alice.sees("mine")
        self.assertNotIn("mine", alice.page.locator("#spoken").text_content())
        eventually("the connection is told", lambda: alice.page.locator("#spoken-status").text_content() == "Connected")


class Tokens(Scene):
    """`--auth jwt`: the token is in the fragment, or comes from the page around this one."""

    def setUp(self):
        self.flags = ("--auth", "jwt", "--jwt-secret-file", str(secret_file(self)))
        super().setUp()

    def test_a_token_in_the_fragment_signs_in_and_leaves_the_address(self):
        alice = self.visitor(path=f"/?room=appointment:42#token={token('alice')}")
        alice.sees_status("connected")
        self.assertNotIn("token", alice.page.evaluate("location.href"))
        self.assertIn("room=appointment:42", alice.page.evaluate("location.href"))
        alice.say("hello")
        alice.sees("hello")
        alice.page.reload()
        alice.sees("hello")

    def test_without_one_it_says_where_to_go_and_an_ended_one_says_why(self):
        nobody = self.visitor()
        nobody.sees_words("Please open it from there", "#main")
        self.assertEqual(0, nobody.page.locator("input").count())
        # Noted as it changes: a page that is slow may be connected for a moment only, or with a short token not at all.
        for seconds in (3, 15, 60):
            alice = self.visitor()
            alice.context.add_init_script(
                """window.states = [];
                new MutationObserver(() => window.states.push(document.querySelector('#status')?.dataset.state))
                  .observe(document, {subtree: true, attributes: true, attributeFilter: ['data-state']});"""
            )
            alice.visit("/?room=general")
            alice.visit(f"/#token={token('alice', seconds=seconds)}")
            alice.sees_status("signed-out")
            alice.sees_words("Your session has ended", "#main")
            if "connected" in alice.page.evaluate("window.states"):
                return
        self.fail("never connected")

    def test_a_cookie_of_the_site_signs_in(self):
        alice = self.visitor()
        alice.sees_words("Please open it from there", "#main")
        alice.context.add_cookies(
            [{"name": "martlet_token", "value": token("alice"), "url": self.relay.url, "httpOnly": True}]
        )
        alice.visit("/?room=general").joined()
        alice.say("hello")
        alice.sees("hello")
        alice.page.keyboard.press("Control+k")
        alice.sees_words("general", "dialog .room-list")

    def test_who_came_by_a_cookie_comes_back_by_it(self):
        alice = self.visitor()
        alice.sees_words("Please open it from there", "#main")
        alice.context.add_cookies(
            [{"name": "martlet_token", "value": token("alice"), "url": self.relay.url, "httpOnly": True}]
        )
        alice.visit("/?room=general").joined()
        for is_known in (True, False):
            self.relay.cli("PUBLISH", "chat:control", '{"op":"kick","user":"alice","reason":"enough"}')
            alice.sees_words("removed by an operator", ".card")
            if not is_known:
                alice.context.clear_cookies()
            alice.page.get_by_role("button", name="Sign in again").click()
            if is_known:
                alice.joined()
        alice.sees_words("Please open it from there", ".card")

    def test_a_token_that_has_ended_is_not_tried_for_ever(self):
        alice = self.visitor(path=f"/?room=general#token={token('alice', seconds=-60)}")
        alice.sees_words("Signed out", ".card")
        alice.page.get_by_role("button", name="Sign in again").click()
        alice.sees_words("Please open it from there", ".card")

    def test_only_the_page_around_this_one_may_sign_in(self):
        page = self.visitor()
        page.sees_words("Please open it from there", "#main")
        page.page.evaluate("token => window.postMessage({type: 'martlet.sign-in', token}, '*')", token("eve"))
        page.page.wait_for_timeout(300)
        self.assertEqual(0, page.page.locator(".rail-foot .name").count())
        page.page.evaluate("token => window.martlet.signIn({token})", token("alice"))
        page.sees_status("connected")
        page.sees_words("Alice", ".rail-foot")
