"""People who talk: two in a room, an appointment, a bulletin board."""

import json

from scene import Scene
from world import eventually


class TwoBrowsers(Scene):
    def test_they_talk_and_see_each_other(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined()
        bob = self.visitor("bob", "Bob", "/?room=general")
        alice.sees_words("2 here", "#people")
        alice.sees_words("Bob has joined", ".row-note")
        alice.say("Good morning")
        bob.sees("Good morning")
        bob.field.press_sequentially("Good")
        # One word of it in two seconds, which is good for six: bob types on until it is seen.
        eventually(
            "she sees it", lambda: bob.field.press("d") or "Bob is typing…" in alice.words(".typing-line"))
        bob.say("Good evening")
        alice.sees("Good evening")
        alice.say("first line\nsecond line")
        bob.sees("first line\nsecond line")
        eventually("both see the same", lambda: alice.stored() == bob.stored() and len(alice.stored()) == 3)
        self.assertEqual(1, bob.page.locator(".message.is-own").count())
        self.assertEqual("Good evening", bob.words(".message.is-own .text"))
        bob.close()
        self.visitors.remove(bob)
        alice.sees_words("Bob has left", ".row-note")

    def test_a_message_is_edited_deleted_and_answered(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        bob = self.visitor("bob", "Bob", "/?room=general")
        alice.say("helo")
        bob.sees("helo")
        eventually("hers is stored", lambda: alice.stored() == ["helo"])
        alice.field.press("ArrowUp")
        self.assertEqual("helo", alice.field.input_value())
        alice.say("hello")
        bob.sees("hello")
        bob.sees_words("edited", ".message .edited")
        message = bob.page.locator(".message", has_text="hello")
        message.hover()
        message.get_by_label("Reply").click()
        bob.say("hello to you")
        alice.sees_words("Alice: hello", ".quote")
        alice.say("nothing")
        bob.sees("nothing")
        mine = alice.page.locator(".message.is-own[data-id]", has_text="nothing")
        mine.hover()
        mine.get_by_label("Delete").click()
        alice.page.locator("dialog").get_by_role("button", name="Delete").click()
        bob.sees("Message deleted")
        bob.sees("nothing", 0)

    def test_what_could_not_be_changed_stands_there_to_be_sent_again(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.say("helo")
        eventually("it is stored", lambda: alice.stored() == ["helo"])
        alice.field.press("ArrowUp")
        self.relay.hold_redis()
        alice.say("hello, all of you")
        alice.page.wait_for_selector(".toast")
        eventually("it is back", lambda: alice.field.input_value() == "hello, all of you")
        self.relay.release_redis()
        # As long as it takes the relay to find Redis again.
        eventually(
            "it is changed",
            lambda: alice.field.press("Enter") or alice.words(".message .text").startswith("hello, all of you"))
        self.assertEqual(1, alice.page.locator(".message").count())

    def test_unread_counts_and_the_line_where_unread_begins(self):
        alice = self.visitor("alice", "Alice", "/?room=tea")
        alice.say("tea is ready")
        eventually("hers is stored", lambda: alice.stored() == ["tea is ready"])
        alice.page.get_by_label("New conversation").first.click()
        alice.page.locator("dialog input").fill("general")
        alice.page.keyboard.press("Enter")
        eventually("general is open", lambda: "room=general" in alice.page.evaluate("location.href"))
        for number in range(3):
            self.relay.say("tea", "bob", f"cup {number}", "Bob")
        eventually("three are unread", lambda: alice.unread("tea") == 3)
        eventually("the title counts", lambda: alice.page.title().startswith("(3) "))
        self.assertEqual(0, alice.unread("general"))
        alice.open("tea")
        alice.sees("cup 2")
        rows = alice.page.eval_on_selector_all(
            ".thread-list > *", "n => n.map((e) => e.className + ' ' + e.textContent)"
        )
        line = next(index for index, row in enumerate(rows) if row.startswith("row-unread"))
        self.assertIn("cup 0", rows[line + 1])
        eventually("all is read", lambda: alice.unread("tea") == 0)
        rooms = json.loads(self.relay.ask("GET", "/v1/rooms?user=alice")[2])["rooms"]
        eventually(
            "the relay knows",
            lambda: {room["room"]: room["unread"] for room in rooms}.get("tea") == 0
            or rooms.clear()
            or rooms.extend(json.loads(self.relay.ask("GET", "/v1/rooms?user=alice")[2])["rooms"]),
        )

    def test_rooms_are_made_and_private_ones_are_private(self):
        alice = self.visitor("alice", "Alice")
        alice.page.get_by_label("New conversation").first.click()
        alice.page.get_by_role("tab", name="Create").click()
        alice.page.locator("input[name=room]").fill("board")
        alice.page.locator("input[name=name]").fill("The board")
        alice.page.locator("input[name=topic]").fill("Numbers")
        alice.page.locator("input[name=private]").check()
        alice.page.locator("input[name=members]").fill("bob")
        alice.page.locator("dialog").get_by_role("button", name="Create").click()
        alice.sees_words("The board", ".room-title")
        alice.say("for us")
        bob = self.visitor("bob", "Bob", "/?room=board")
        bob.sees("for us")
        eve = self.visitor("eve", "Eve", "/?room=board")
        eve.page.wait_for_selector("#main [role=alert]")
        self.assertEqual(0, eve.page.locator(".message").count())
        alice.page.get_by_label("New conversation").first.click()
        alice.page.get_by_role("tab", name="Create").click()
        alice.page.locator("input[name=room]").fill("board")
        alice.page.locator("dialog").get_by_role("button", name="Create").click()
        alice.page.wait_for_selector("dialog .problem:not([hidden])")

    def test_who_has_deleted_a_room_is_said_to_those_who_were_in_it(self):
        self.relay.make("bob", {"room": "club"})
        alice = self.visitor("alice", "Alice", "/?room=club").joined()
        self.relay.ask("DELETE", "/v1/rooms/club?user=bob")
        alice.sees_words("club: bob has deleted this room.", "#toasts")
        eventually("it is off the list", lambda: alice.conversation("club").count() == 0)
        alice.two_frames()
        self.assertNotIn("no longer in", alice.words("#toasts"))

    def test_words_and_calls_that_are_published_by_hand_are_shown_with_a_room_and_without(self):
        alice = self.visitor("alice", "Alice", "/?room=general").joined()
        self.relay.cli("PUBLISH", "chat:user:{alice}", '{"type":"notice","text":"Lunch is served"}')
        alice.sees_words("Lunch is served", "#toasts")
        self.relay.cli("PUBLISH", "chat:user:{alice}", '{"type":"page","user":"bob"}')
        alice.sees_words("is paging you", "#toasts")

    def test_nobody_writes_to_oneself(self):
        alice = self.visitor("alice", "Alice", "/?room=general").joined()
        alice.page.get_by_label("New conversation").first.click()
        alice.page.get_by_role("tab", name="Write to").click()
        alice.page.locator("input[name=user]").fill("@Alice")
        alice.page.get_by_role("button", name="Write", exact=True).click()
        alice.sees_words("That is you.", "dialog")

    def test_the_choice_of_emoji_goes_when_something_else_is_done(self):
        alice = self.visitor("alice", "Alice", "/?room=general").joined()
        board = alice.page.locator(".emoji-board")
        for away in [
            lambda: alice.page.locator(".thread-head").click(position={"x": 5, "y": 5}),
            lambda: alice.page.locator(".composer textarea").press("Enter"),
            lambda: alice.go("tea"),
        ]:
            alice.page.locator(".composer textarea").fill("x")
            alice.page.get_by_role("button", name="Emoji").click()
            eventually("it is open", board.is_visible)
            away()
            eventually("it is closed", board.is_hidden)

    def test_a_page_rings_in_the_title_and_is_answered(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        bob = self.visitor("bob", "Bob", "/?room=tea")
        bob.sees_status("connected")
        bob.page.evaluate("""() => {
          window.rung = 0;
          const {start} = OscillatorNode.prototype, Made = AudioContext;
          OscillatorNode.prototype.start = function (...a) { window.rung += 1; return start.apply(this, a); };
          window.AudioContext = class extends Made { constructor(...a) { super(...a); window.audio = this; } };
        }""")
        bob.field.click()
        # What is paged long before the device has started stays silent.
        eventually("the device runs", lambda: bob.page.evaluate("window.audio?.state") == "running")
        alice.type("/page bob")
        bob.page.wait_for_selector(".toast[data-tone=page]")
        bob.sees_words("Alice is paging you", ".toast")
        eventually("the title rings", lambda: "Alice is paging you" in bob.page.title())
        eventually("it is heard", lambda: bob.page.evaluate("window.rung") > 0)
        bob.page.get_by_role("button", name="Go there").click()
        bob.becomes("document.querySelector('.room-title').textContent !== 'tea'")
        eventually("the title is quiet", lambda: "paging" not in bob.page.title())


class ThreeKinds(Scene):
    """The three kinds of conversation at work."""

    def test_two_people_of_an_appointment_with_its_history(self):
        for number in range(120):
            self.relay.say("appointment:42", "dr.lee", f"note {number}", "Dr. Lee")
        patient = self.visitor("pat", "Pat Doe", "/?room=appointment:42")
        patient.sees_words("appointment:42", ".room-title")
        where_keys_go = "document.activeElement.tagName"
        eventually("they can type at once", lambda: patient.page.evaluate(where_keys_go) == "TEXTAREA")
        patient.sees("note 119")
        doctor = self.visitor("dr.lee", "Dr. Lee", "/?room=appointment:42")
        doctor.sees("note 119")
        patient.say("I will be ten minutes late")
        doctor.sees("I will be ten minutes late")
        doctor.say("No hurry")
        patient.sees("No hurry")
        patient.page.reload()
        patient.sees("No hurry")
        patient.sees("I will be ten minutes late")
        patient.page.locator(".scroller").evaluate("n => { n.scrollTop = 0 }")
        eventually(
            "the beginning can be read",
            lambda: patient.page.evaluate(
                "document.querySelector('.scroller').scrollTop = 0, document.body.textContent.includes('note 0')"
            ),
        )
        self.assertEqual("/?room=appointment:42", patient.page.evaluate("location.pathname + location.search"))

    def test_a_group_room_with_joins_status_and_reconnection(self):
        people = [self.visitor(user, user.title(), "/?room=team") for user in ("ann", "ben", "cat")]
        ann, ben, cat = people
        ann.sees_words("3 here", "#people")
        for visitor in people:
            visitor.sees_status("connected")
            visitor.say(f"{visitor.page.evaluate('document.title').split(' ')[0]} from {people.index(visitor)}")
        eventually("all see three", lambda: all(len(visitor.stored()) == 3 for visitor in people))
        self.relay.kill_edge()
        for visitor in people:
            visitor.sees_status("reconnecting")
        self.relay.start_edge()
        for visitor in people:
            visitor.sees_status("connected")
        ben.say("still here")
        for visitor in people:
            visitor.sees("still here")
        ann.sees_words("3 here", "#people")

    def answers(self, visitor, *typed):
        """Types each line, and waits for what the relay answers to the one who typed it."""
        for line, answer in typed:
            visitor.type(line)
            visitor.sees_words(answer, ".row-output")

    def test_a_bulletin_board_visit_with_every_command(self):
        alice = self.visitor("alice", "Alice", "/?room=board")
        bob = self.visitor("bob", "Bob", "/?room=board")
        alice.sees_words("2 here", "#people")
        self.answers(alice, ("/help", "/replay"), ("/who", "2 here: alice, bob"))
        alice.type("/me waves")
        bob.sees("Alice waves")
        alice.type("//shrug")
        bob.sees("/shrug")
        alice.type("/topic Tea and biscuits")
        bob.sees_words("set the topic: Tea and biscuits", ".row-note")
        bob.sees_words("Tea and biscuits", ".thread-head .topic")
        self.assertEqual(2, alice.page.locator(".row-output").count(), "what is said to all is said once")
        self.answers(alice, ("/topic", "Tea and biscuits"), ("/page bob", "Paged Bob"))
        self.assertEqual(0, alice.page.get_by_role("button", name="Open the conversation").count())
        bob.page.wait_for_selector(".toast[data-tone=page]")
        alice.type("/msg bob psst")
        eventually("the direct message is there", lambda: bob.unread("dm:alice+bob") == 1)
        bob.type("/r what?")
        line = alice.conversation("dm:alice+bob").locator(".line")
        eventually("and answered", lambda: line.all_inner_texts() == ["what?"])
        self.answers(
            alice,
            ("/replay 5", "* alice waves"),
            ("/rooms", "board (2 here)"),
            ("/msg nobody x", "nobody is not in chat"),
            ("/nonsense", "Unknown command: /nonsense"),
        )
        self.assertEqual(2, alice.page.locator(".row-output.is-error").count())
        alice.type("/join garden")
        alice.sees_words("garden", ".room-title")
        alice.type("/quit")
        eventually("out of the room", lambda: alice.page.locator(".room-title").count() == 0)
        alice.open("board")
        alice.type("/quit")
        bob.sees_words("Alice has left", ".row-note")
        alice.sees_words("Choose a conversation", "#main")
