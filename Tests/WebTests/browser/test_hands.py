"""What one has at hand: a phone, keys alone; and what was typed and not sent."""

from scene import Scene
from visitor import DESKTOP, PHONE
from world import eventually


class Phone(Scene):
    def test_one_column_at_a_time_and_nothing_beyond_the_edge(self):
        self.relay.say("general", "bob", "a" * 500, "B" * 60)
        self.relay.say("general", "bob", "https://example.org/" + "x" * 300, "Bob")
        alice = self.visitor("alice", "Alice", size=PHONE, has_touch=True, is_mobile=True)
        self.relay.ask("PUT", "/v1/rooms/general/read?user=alice", {"id": "0-0"})
        alice.page.get_by_label("New conversation").first.tap()
        alice.page.locator("dialog input").fill("general")
        alice.page.locator("dialog").get_by_role("button", name="Join", exact=True).tap()
        alice.sees("a" * 500)
        self.assertFalse(alice.page.locator(".rail").is_visible())
        wide = """() => [...document.querySelectorAll('body *:not(bdi)')]
          .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest('.spoken'))
          .map((node) => node.className)"""
        self.assertEqual([], alice.page.evaluate(wide))
        self.assertTrue(alice.page.locator("#status").is_visible())
        alice.field.fill("from the phone")
        alice.page.locator(".send").tap()
        alice.sees("from the phone")
        alice.page.get_by_label("Back to the conversations").tap()
        alice.page.locator(".rail").wait_for()
        self.assertFalse(alice.page.locator(".thread-head").is_visible())
        self.assertEqual([], alice.page.evaluate(wide))
        alice.page.go_back()
        alice.sees("from the phone")


    def test_who_makes_the_window_narrow_keeps_the_conversation_in_sight(self):
        alice = self.visitor("alice", "Alice", "/?room=general").joined()
        people = alice.page.locator("#people")
        self.assertTrue(people.is_visible())
        alice.page.set_viewport_size({"width": 900, "height": 800})
        eventually("the people are out of the way", people.is_hidden)
        alice.page.set_viewport_size(DESKTOP)
        eventually("they are there again", people.is_visible)


class KeysAlone(Scene):
    def test_everything_is_reached_without_a_mouse(self):
        alice = self.visitor()
        keys = alice.page.keyboard
        alice.becomes("document.activeElement?.matches('.card input')")
        keys.type("Álice M")
        self.assertIn("@alice.m", alice.words(".card"))
        keys.press("Enter")
        alice.sees_status("connected")
        keys.press("Control+k")
        alice.page.wait_for_selector("dialog[open]")
        keys.type("general")
        keys.press("Enter")
        alice.becomes("document.activeElement?.id === 'composer'")
        keys.type("typed")
        keys.press("Shift+Enter")
        keys.type("twice")
        keys.press("Enter")
        eventually("it is stored", lambda: alice.stored() == ["typed\ntwice"])
        self.relay.say("general", "bob", "to answer", "Bob")
        alice.sees("to answer")
        keys.press("Shift+Tab")
        for _ in range(12):
            if alice.page.evaluate("document.activeElement.className") == "scroller":
                break
            keys.press("Shift+Tab")
        self.assertEqual("scroller", alice.page.evaluate("document.activeElement.className"))
        keys.press("ArrowUp")
        self.assertIn("to answer", alice.page.evaluate("document.activeElement.textContent"))
        keys.press("r")
        keys.type("answered")
        keys.press("Enter")
        alice.sees_words("Bob: to answer", ".quote")
        keys.type("/wh")
        alice.page.wait_for_selector("#choices:not([hidden])")
        keys.press("Tab")
        self.assertEqual("/who ", alice.field.input_value())
        keys.press("Enter")
        alice.sees_words("here", ".row-output")
        keys.press("ArrowUp")
        keys.press("Control+a")
        keys.type("changed")
        keys.press("Enter")
        alice.sees("changed")
        for _ in range(40):
            keys.press("Tab")
            visible = alice.page.evaluate("""() => {
              const node = document.activeElement;
              const box = node.getBoundingClientRect();
              const isMarked = getComputedStyle(node).boxShadow !== 'none' || node.matches('textarea, input');
              return node === document.body || (box.width > 0 && box.height > 0 && isMarked);
            }""")
            self.assertTrue(
                visible,
                f"what has the focus shows it: {alice.page.evaluate('document.activeElement.outerHTML.slice(0, 120)')}",
            )

    def test_a_draft_is_kept_for_each_room(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.field.fill("half a thou")
        alice.page.keyboard.press("Control+k")
        alice.page.keyboard.type("tea")
        alice.page.keyboard.press("Enter")
        alice.sees_words("tea", ".room-title")
        self.assertEqual("", alice.field.input_value())
        alice.field.fill("another")
        # A row that comes moves those below it, also from under the mouse.
        eventually("both are listed", lambda: alice.page.locator(".conversation").count() == 2)
        alice.open("general")
        eventually("the first draft", lambda: alice.field.input_value() == "half a thou")
        alice.open("tea")
        eventually("the other draft", lambda: alice.field.input_value() == "another")

    def test_what_is_typed_before_the_relay_has_answered_is_kept_too(self):
        self.relay.say("general", "bob", "hello", "Bob")
        alice = self.visitor("alice", "Alice")
        alice.sees_status("connected")
        alice.page.evaluate("localStorage.setItem('martlet.drafts.alice', JSON.stringify([['tea', 'of old']]))")
        # Nothing goes out until the test lets it: a network that is slow.
        alice.hold_back()
        alice.visit("/?room=general")
        alice.field.fill("half a thou")
        for room in ("quiet", "last"):
            alice.page.keyboard.press("Control+k")
            alice.page.keyboard.type(room)
            alice.page.keyboard.press("Enter")
            alice.sees_words(room, ".room-title")
            self.assertEqual("", alice.field.input_value())
            alice.field.fill(f"in {room}")
        self.assertNotEqual("connected", alice.status)
        alice.let_go()
        alice.sees_status("connected")
        self.assertEqual("in last", alice.field.input_value())
        eventually("all are listed", lambda: alice.page.locator(".conversation").count() == 3)
        alice.open("general")
        eventually("the first draft", lambda: alice.field.input_value() == "half a thou")
        alice.open("quiet")
        eventually("the second draft", lambda: alice.field.input_value() == "in quiet")
        drafts = alice.page.evaluate("Object.fromEntries(JSON.parse(localStorage.getItem('martlet.drafts.alice')))")
        self.assertEqual("of old", drafts["tea"])
        # Who is known by name has it after a reload too, before the relay has said a word.
        alice.page.reload()
        eventually("it is there again", lambda: alice.field.input_value() == "in quiet")
        self.assertNotEqual("connected", alice.status)
