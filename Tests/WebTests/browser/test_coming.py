"""Coming in, going about, and being sent away: what a page says to whom it does not let in, and the way back."""

import json

from scene import Scene
from world import eventually


class Names(Scene):
    LONG = "Александра Константиновна Богоявленская"

    def test_a_name_that_the_relay_would_not_take_is_asked_for_again(self):
        someone = self.visitor()
        someone.page.fill("input[name=name]", self.LONG)
        someone.page.get_by_role("button", name="Go on").click()
        someone.sees_words("too long", ".problem")
        self.assertIsNone(someone.page.evaluate("localStorage.getItem('martlet.me')"))
        someone.page.fill("input[name=name]", "Александра")
        someone.page.get_by_role("button", name="Go on").click()
        someone.sees_status("connected")

    def test_one_that_is_kept_on_a_device_leads_back_to_the_question(self):
        someone = self.visitor("guest-1", self.LONG)
        someone.sees_words("Signed out", ".card")
        someone.page.get_by_role("button", name="Sign in again").click()
        eventually("it can be mended", lambda: someone.page.locator("input[name=name]").input_value() == self.LONG)
        someone.page.fill("input[name=name]", "Александра")
        someone.page.get_by_role("button", name="Go on").click()
        someone.sees_status("connected")


class Rooms(Scene):
    def test_back_and_forward_go_through_the_rooms(self):
        for room in ("tea", "team"):
            self.relay.say(room, "alice", f"words of {room}", "Alice")
        alice = self.visitor("alice", "Alice", "/?room=tea")
        alice.sees("words of tea")
        alice.open("team").sees("words of team")
        alice.page.go_back()
        alice.sees("words of tea")
        alice.page.go_forward()
        alice.sees("words of team")

    def test_what_is_typed_finds_the_rooms_that_there_are(self):
        for room in ("tea", "team", "coffee"):
            self.relay.say(room, "bob", "hello", "Bob")
        alice = self.visitor("alice", "Alice")
        alice.sees_status("connected")
        alice.page.keyboard.press("Control+k")
        names = alice.page.locator("dialog .room-list .title")
        eventually("all are listed", lambda: sorted(names.all_inner_texts()) == ["coffee", "tea", "team"])
        alice.page.keyboard.type("TEA")
        eventually("two fit", lambda: sorted(names.all_inner_texts()) == ["tea", "team"])

    def test_somebody_is_here_who_is_in_any_room(self):
        bob = self.visitor("bob", "Bob", "/?room=general")
        bob.joined()
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined(2)
        alice.go("dm:alice%2Bbob")
        alice.sees_words("Here now", ".thread-head")
        bob.close()
        alice.sees_words("Not here", ".thread-head")


class Away(Scene):
    def test_who_is_sent_away_reads_why(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined()
        order = {"op": "kick", "user": "alice", "room": "general", "reason": "being loud", "seconds": 1}
        self.relay.cli("PUBLISH", "chat:control", json.dumps(order))
        alice.sees_words("You were removed from general: being loud")
        del order["room"]
        self.relay.cli("PUBLISH", "chat:control", json.dumps(order))
        alice.sees_words("You were removed by an operator. They said: being loud", ".card")


class Answers(Scene):
    def test_a_quote_follows_what_it_quotes(self):
        said = self.relay.say("general", "alice", "version 1", "Alice")
        self.relay.ask(
            "POST", "/v1/rooms/general/messages?user=bob", {"text": "yes", "reply_to": said["id"]})
        bob = self.visitor("bob", "Bob", "/?room=general")
        bob.sees_words("version 1", ".quote")
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined(2)
        mine = alice.page.locator(f'.message[data-id="{said["id"]}"]')
        mine.hover()
        mine.get_by_label("Edit").click()
        alice.say("version 2")
        for visitor in (alice, bob):
            visitor.sees_words("version 2", ".quote")
        mine.hover()
        mine.get_by_label("Delete").click()
        alice.page.locator("dialog").get_by_role("button", name="Delete").click()
        for visitor in (alice, bob):
            visitor.sees_words("Message deleted", ".quote")
        eventually(
            "the keys go on from the message",
            lambda: alice.page.evaluate("document.activeElement?.dataset?.id") == said["id"])

    def test_end_goes_to_the_newest_from_wherever_one_reads(self):
        self.relay.fill("general", 1200)
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined()
        newest = alice.texts()[-1]
        scroller = alice.page.locator(".scroller")

        def is_high():
            scroller.evaluate("node => { node.scrollTop = 0 }")
            alice.two_frames()
            return newest not in alice.texts()

        eventually("what is shown is far from the newest", is_high)
        alice.page.locator(".message").nth(20).focus()
        alice.page.keyboard.press("End")
        eventually("the newest is there", lambda: alice.texts()[-1] == newest)
        alice.becomes("document.activeElement === document.querySelector('.scroller')")
