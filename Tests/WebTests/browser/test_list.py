"""The list of conversations: true for all of them, however many; and how one gets to somebody."""

import re

from line import Line
from scene import Scene
from visitor import DESKTOP, PHONE
from world import eventually


class ManyConversations(Scene):
    """More conversations than a session may have rooms."""

    flags = ("--max-rooms", "6")

    def test_unread_and_last_lines_are_true_of_all_and_each_can_be_opened(self):
        rooms = [f"room{number:02}" for number in range(12)]
        for room in rooms:
            self.relay.say(room, "alice", f"here I am in {room}", "Alice")
        alice = self.visitor("alice", "Alice", "/")
        eventually("all are listed", lambda: alice.page.locator(".conversation").count() == len(rooms))
        for room in rooms:
            for number in (1, 2):
                self.relay.say(room, "bob", f"{room} {number}", "Bob")
        for room in rooms:
            eventually(lambda: f"two are unread in {room}: {alice.unread(room)}", lambda: alice.unread(room) == 2)
            line = alice.conversation(room).locator(".line")
            eventually(f"the last one of {room}", lambda: line.text_content() == f"Bob: {room} 2")
        eventually("the title counts all", lambda: alice.page.title().startswith(f"({2 * len(rooms)}) "))
        for room in rooms:
            alice.open(room)
            alice.sees(f"{room} 2")
            eventually(f"{room} is read", lambda: alice.unread(room) == 0)
        eventually("all is read", lambda: alice.page.title().startswith(rooms[-1]))
        # The first of them had to go; it is asked about, and read anew.
        self.relay.say_many(rooms[0], "bob", [f"more {number}" for number in range(60)])
        eventually("it counts", lambda: alice.unread(rooms[0]) == 60)
        alice.open(rooms[0])
        alice.sees("more 59")
        alice.becomes("document.querySelector('.row-unread') !== null")
        alice.page.locator(".scroller").evaluate("node => { node.scrollTop = 0 }")
        eventually(
            "nothing is missing between what was read and what is new",
            lambda: alice.texts()[-62:] == [f"{rooms[0]} 1", f"{rooms[0]} 2", *(f"more {n}" for n in range(60))],
        )


class InSight(Scene):
    def test_the_row_of_what_is_opened_is_in_sight(self):
        for number in range(30):
            self.relay.say(f"room{number:02}", f"guest{number % 2}", "hello")
            self.relay.say(f"room{number:02}", "alice", "hello", "Alice")
        alice = self.visitor("alice", "Alice", "/?room=room00")
        rows = alice.page.locator(".conversation")
        eventually("all are listed", lambda: rows.count() == 30)
        in_sight = """(() => {
          const list = document.querySelector('.rail-list').getBoundingClientRect();
          const row = document.querySelector('.conversation[aria-current=true]')?.getBoundingClientRect();
          return Boolean(row) && row.top >= list.top && row.bottom <= list.bottom;
        })()"""
        alice.becomes(in_sight)
        # A new one comes to the top, from which the oldest is far away.
        alice.go("new")
        alice.sees_words("new", ".room-title")
        alice.becomes(in_sight)
        # Where somebody scrolls to while nothing is opened stays.
        alice.page.locator(".rail-list").evaluate("node => { node.scrollTop = node.scrollHeight }")
        self.relay.say("room20", "bob", "words", "Bob")
        eventually("it has moved up", lambda: rows.nth(0).get_attribute("data-room") == "room20")
        self.assertFalse(alice.page.evaluate(in_sight))


class Empty(Scene):
    def test_nothing_is_offered_while_a_first_room_is_being_opened(self):
        alice = self.visitor("alice", "Alice")
        alice.sees_words("No conversations yet", ".rail-list")
        alice.hold_back('"op":"join"')
        alice.visit("/?room=general")
        alice.sees_status("connected")
        alice.sees_words("One moment", ".rail-list")
        alice.two_frames()
        self.assertEqual(0, alice.page.locator(".rail-list button").count())
        alice.go("")
        alice.sees_words("No conversations yet", ".rail-list")
        alice.go("tea")
        alice.sees_words("One moment", ".rail-list")
        alice.let_go()
        eventually("it is listed", lambda: alice.conversation("tea").count() == 1)


class Somebody(Scene):
    def test_a_name_leads_to_a_conversation_of_two(self):
        bob = self.visitor("bob", "Bob", "/?room=general")
        bob.joined()
        bob.say("hello")
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined(2)
        alice.page.locator(".message .author", has_text="Bob").click()
        alice.sees_words("Bob", ".room-title")
        self.assertIn("room=dm:alice", alice.page.evaluate("decodeURIComponent(location.search)"))
        alice.sees_words("Nothing has been said here yet", ".thread-top")
        alice.say("just you and me")
        eventually("bob has it", lambda: bob.unread("dm:alice+bob") == 1)
        bob.open("dm:alice+bob")
        bob.sees("just you and me")
        eventually("bob is here", lambda: bob.page.locator(".conversation .presence.here").count() == 1)
        bob.open("general")
        person = bob.page.locator(".person[data-user=alice]")
        person.hover()
        person.get_by_label("Write to Alice").click()
        bob.sees("just you and me")
        bob.page.keyboard.press("Control+k")
        bob.page.get_by_role("tab", name="Write to").click()
        bob.page.locator("input[name=user]").fill("@carol")
        bob.page.keyboard.press("Enter")
        bob.sees_words("carol", ".room-title")


    def test_an_address_that_was_written_by_hand_leads_there_too(self):
        # In a query a plus means a space, which no room has in its id.
        alice = self.visitor("alice", "Alice", "/?room=dm:alice+bob")
        alice.sees_words("bob", ".room-title")
        alice.say("just you and me")
        eventually("it is stored", lambda: alice.stored() == ["just you and me"])


    def test_a_room_that_is_opened_again_while_it_is_left_stays_open(self):
        self.relay.say("tea", "alice", "first", "Alice")
        alice = self.visitor("alice", "Alice")
        # What asks to leave waits until the test lets it go.
        alice.hold_back('"op":"leave"')
        alice.visit("/?room=tea")
        alice.joined()
        alice.page.get_by_role("button", name="Leave this conversation").click()
        alice.open("tea")
        alice.let_go()
        alice.joined()
        self.relay.say("tea", "bob", "second", "Bob")
        alice.sees("second")


class Rows(Scene):
    """A row stays the same while what it says changes, and stays where it is while it is pressed."""

    hears = True

    def test_a_click_counts_though_something_is_said_between_its_two_halves(self):
        self.relay.say("tea", "alice", "first", "Alice")
        self.relay.say("coffee", "alice", "second", "Alice")
        alice = self.visitor("alice", "Alice", "/?room=coffee")
        alice.joined()
        line = alice.conversation("tea").locator(".line")
        eventually("it is listed", lambda: line.count() == 1 and "first" in line.inner_text())
        line.hover()
        alice.page.mouse.down()
        # That moves it to the top.
        self.relay.say("tea", "bob", "third", "Bob")
        alice.is_told("third")
        alice.page.mouse.up()
        alice.sees_words("tea", ".room-title")
        eventually("that is told too", lambda: "third" in line.inner_text())

    def test_a_tap_counts_though_something_is_said_between_its_two_halves(self):
        self.relay.say("tea", "alice", "first", "Alice")
        self.relay.say("coffee", "alice", "second", "Alice")
        alice = self.visitor("alice", "Alice", size=PHONE, has_touch=True)
        rows = alice.page.locator(".conversation")
        eventually("both are listed", lambda: rows.count() == 2)
        box = rows.nth(1).bounding_box()
        touch = alice.context.new_cdp_session(alice.page)
        point = {"x": box["x"] + 40, "y": box["y"] + 30}
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        # That moves the other one to its place.
        self.relay.say("tea", "bob", "third", "Bob")
        alice.is_told("third")
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        alice.sees_words("tea", ".room-title")

    def test_the_keyboard_stays_where_it_was_when_rows_change_and_move(self):
        self.relay.say("tea", "alice", "first", "Alice")
        self.relay.say("coffee", "alice", "second", "Alice")
        alice = self.visitor("alice", "Alice", "/?room=coffee")
        alice.joined()
        where = "document.activeElement.dataset.room"
        alice.becomes("document.activeElement?.id === 'composer'")
        alice.conversation("tea").focus()
        self.assertEqual("tea", alice.page.evaluate(where))
        self.relay.say("tea", "bob", "third", "Bob")
        first = alice.page.locator(".conversation").first
        eventually("it is above", lambda: "third" in first.inner_text())
        self.assertEqual("tea", alice.page.evaluate(where))

    def test_a_click_on_somebody_counts_though_others_come_meanwhile(self):
        aaron = self.visitor("aaron", "Aaron", "/?room=tea").joined()
        bob = self.visitor("bob", "Bob", "/?room=general")
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.joined(2)
        bob.joined(2)
        person = alice.page.locator(".person[data-user=bob]")
        person.hover()
        person.get_by_label("Write to Bob").hover()
        alice.page.mouse.down()
        # Before bob in the list, so that he moves.
        aaron.go("general")
        alice.is_told("Aaron")
        alice.page.mouse.up()
        alice.sees_words("Bob", ".room-title")

    def test_what_stays_is_not_touched_when_something_before_it_goes(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        changes = alice.page.evaluate("""async () => {
          const {replaceChildren} = await import('/app/dom.js');
          const parent = document.createElement('div');
          const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => Object.assign(document.createElement('p'), {id}));
          parent.append(a, b, c);
          const observer = new MutationObserver(() => {});
          observer.observe(parent, {childList: true});
          replaceChildren(parent, [b, d, c]);
          const told = observer.takeRecords().map(({addedNodes: [added], removedNodes: [removed]}) =>
            (added ? `+${added.id}` : '') + (removed ? `-${removed.id}` : ''));
          return [told.join(' '), [...parent.children].map(({id}) => id).join('')];
        }""")
        self.assertEqual(["-a +d", "bdc"], changes)


class Status(Scene):
    """What the bar says of the connection, and when."""

    def test_connecting_connected_reconnecting_in_seconds_and_signed_out(self):
        line = Line(self.relay)
        self.addCleanup(line.close)
        alice = self.visitor("alice", "Alice", "/?room=general", at=line)
        alice.joined()
        self.assertEqual("Connected", alice.words("#status .words"))
        # A relay that takes connections and says nothing.
        line.hold()
        alice.page.evaluate("() => sessionStorage.clear()")
        told = alice.page.evaluate("""async () => {
          const told = new Set();
          const status = document.querySelector('#status .words');
          new MutationObserver(() => told.add(status.textContent))
            .observe(status, {childList: true, characterData: true, subtree: true});
          window.told = told;
        }""")
        self.assertIsNone(told)
        # The longest waits that there are: a button that is there for a second is gone before it is pressed.
        alice.page.evaluate("() => { Math.random = () => 0.999 }")
        line.cut()
        line.release()
        alice.sees_status("reconnecting")
        # The waits grow, and the words count down.
        eventually(
            lambda: f"it counts down: {alice.page.evaluate('[...window.told]')}",
            lambda: alice.page.evaluate("[...window.told].filter((t) => /^Reconnecting in [0-9]+ s$/.test(t)).length > 2"),
        )
        eventually("a long wait", lambda: re.search(r"in (1\d|2\d|30) s", alice.words("#status .words")))
        for width in [390, 360, 320]:
            alice.page.set_viewport_size({"width": width, "height": 800})
            words = "document.querySelector('#status .words')"
            self.assertTrue(alice.page.evaluate(f"{words}.scrollWidth <= {words}.clientWidth"), f"cut at {width}")
        alice.page.set_viewport_size(DESKTOP)
        line.mend()
        alice.page.get_by_role("button", name="Try now").click()
        alice.sees_status("connected")
        alice.page.get_by_label("Sign out").click()
        alice.page.wait_for_selector(".sign-in")
        self.assertEqual("Signed out", alice.words("#status .words"))

    def test_connecting_is_said_while_nobody_answers(self):
        line = Line(self.relay)
        self.addCleanup(line.close)
        alice = self.visitor(path="/", at=line)
        alice.page.locator(".card input").fill("Alice")
        line.hold()
        alice.page.keyboard.press("Enter")
        eventually("it is said", lambda: alice.words("#status .words") == "Connecting…")
        line.release()
        alice.sees_status("connected")
