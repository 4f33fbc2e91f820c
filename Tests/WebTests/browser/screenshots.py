"""Pictures of the three kinds of conversation, from real processes, for the README: `deploy/screenshots`."""

import pathlib
import sys

from playwright.sync_api import sync_playwright

from pictures import FOLDER, take
from terminal import Terminal
from visitor import DESKTOP, PHONE, Visitor
from world import Relay, eventually

ALICE = ("alice", "Alice Martin")
DOCTOR = ("dr.lee", "Dr. Mina Lee")
DAY = 86_400_000


class Studio:
    """A relay in which something was said, and a browser."""

    def __init__(self, relay, browser):
        self.relay, self.browser, self.guests = relay, browser, []

    def guest(self, who, path, **options):
        """Somebody who is there until the picture is taken."""
        visitor = Visitor(self.browser, self.relay, *who, **options).visit(path)
        self.guests.append(visitor)
        visitor.sees_status("connected")
        return visitor

    def leave(self):
        for visitor in self.guests:
            visitor.close()
        self.guests = []


def furnish(relay):
    """Rooms in which something was said, today and on other days."""
    noon = relay.now() // DAY * DAY - 2 * DAY + 50_400_000
    relay.recall(
        "appointment:42",
        [
            (noon, *DOCTOR, "Your appointment is on Thursday at nine, in the practice by the park."),
            (noon + 240_000, *ALICE, "Thank you, that suits me."),
            (noon + DAY, *DOCTOR, "Good morning! Please bring the last report with you."),
            (noon + DAY + 95_000, *ALICE, "I will. Is the side entrance open?"),
            (noon + DAY + 160_000, *DOCTOR, "From eight on. Here is the way: https://example.org/map"),
        ],
    )
    relay.ask("POST", "/v1/rooms?user=carol", {"room": "team", "name": "Team", "topic": "Autumn plan, week 47"})
    relay.ask("POST", "/v1/rooms?user=alice", {"room": "board", "name": "Bulletin board", "topic": "Notes and numbers"})
    relay.say("garden", "dave", "The last apples are in", "Dave O’Neill")
    relay.say("board", "bob", "The numbers of October are in the folder", "Bob Meyer")
    relay.ask("POST", "/v1/direct/alice/messages?user=carol&name=Carol%20Schr%C3%B6der", {"text": "Lunch at one?"})
    for user, name, text in [
        ("carol", "Carol Schröder", "Good morning, all ☀️"),
        ("bob", "Bob Meyer", "Morning! I have put the plan up: https://example.org/plans/autumn"),
        ("bob", "Bob Meyer", "Comments by Thursday, please."),
        ("dave", "Dave O’Neill", "Looks fine to me. Who tells the workshop?"),
    ]:
        last = relay.say("team", user, text, name)
    newest = f"{relay.now()}-0"
    for room, id in [("garden", "0-1"), ("board", newest), ("appointment:42", newest), ("team", last["id"])]:
        status, _, answer = relay.ask("PUT", f"/v1/rooms/{room}/read?user=alice", {"id": id})
        assert status < 300, answer


def conversations(studio, scheme, size, name):
    """The list as it is opened."""
    alice = studio.guest(ALICE, "/", size=size, color_scheme=scheme)
    alice.page.wait_for_selector(".conversation .badge")
    eventually("all are there", lambda: alice.page.locator(".conversation").count() == 5)
    take(alice.page, name)


def appointment(studio, scheme, size, name):
    """Two people of an appointment, with their history."""
    doctor = studio.guest(DOCTOR, "/?room=appointment:42")
    alice = studio.guest(ALICE, "/?room=appointment:42", size=size, color_scheme=scheme)
    for visitor in (doctor, alice):
        visitor.page.wait_for_selector(".message")
    thanks = "Thank you, see you then 🙂"
    if thanks not in alice.texts():
        alice.say(thanks)
    alice.sees(thanks)
    doctor.field.press_sequentially("See")
    alice.sees_words("typing", ".typing-line")
    take(alice.page, name)


def group(studio, scheme, size, name):
    """A group room with people in it, one of whom has just come."""
    others = [
        studio.guest(who, "/?room=team") for who in (("bob", "Bob Meyer"), ("carol", "Carol Schröder"))
    ]
    alice = studio.guest(ALICE, "/?room=team", size=size, color_scheme=scheme)
    alice.becomes("document.querySelector('.count-button span').textContent === '3'")
    alice.page.wait_for_selector(".message")
    if "I do, this afternoon" not in alice.texts():
        last = alice.page.locator(".message", has_text="Who tells")
        last.hover()
        last.get_by_label("Reply").click()
        alice.say("I do, this afternoon")
        alice.sees("I do, this afternoon")
        others[1].say("👍")
        others[1].say("/me puts the kettle on")
    alice.sees("Carol Schröder puts the kettle on")
    studio.guest(("dave", "Dave O’Neill"), "/?room=team")
    alice.sees_words("Dave O’Neill has joined", ".row-note")
    others[0].field.press_sequentially("So")
    alice.sees_words("typing", ".typing-line")
    take(alice.page, name)
    return alice


def reconnecting(studio, scheme, size, name):
    """The server is away: what the bar says, and what waits."""
    alice = studio.guest(ALICE, "/?room=team", size=size, color_scheme=scheme)
    alice.sees("Carol Schröder puts the kettle on")
    studio.relay.kill_edge()
    alice.sees_status("reconnecting")
    alice.say("Said while the server is away")
    alice.page.wait_for_selector(".is-sending")
    alice.becomes("!document.querySelector('#status button').hidden")
    take(alice.page, name)
    studio.relay.start_edge()
    alice.sees_status("connected")
    alice.page.wait_for_selector(".is-sending", state="detached")
    # The next picture begins as this one did.
    mine = alice.page.locator(".message", has_text="while the server")
    mine.hover()
    mine.get_by_label("Delete").click()
    alice.page.locator("dialog").get_by_role("button", name="Delete").click()
    alice.sees("Message deleted")


def board(studio, scheme, size, name):
    """A visit to the board: what its commands answer."""
    studio.guest(("bob", "Bob Meyer"), "/?room=board").joined()
    alice = studio.guest(ALICE, "/?room=board", size=size, color_scheme=scheme)
    alice.joined(2)
    alice.type("/me reads the board")
    alice.type("/topic Notes and numbers, November")
    alice.sees_words("November", ".thread-head .topic")
    for line, answer in [
        ("/who", "2 here"),
        ("/page bob", "Paged Bob Meyer"),
        ("/rooms", "garden"),
        ("/msg eve Are you there?", "not in chat"),
    ]:
        alice.type(line)
        alice.sees_words(answer, ".row-output")
    take(alice.page, name)


def commands(studio, scheme, size, name):
    """All commands to choose from, as one types."""
    alice = studio.guest(ALICE, "/?room=board", size=size, color_scheme=scheme)
    alice.page.wait_for_selector(".message")
    alice.field.press_sequentially("/")
    alice.page.wait_for_selector("#choices:not([hidden])")
    take(alice.page, name)


def board_in_a_terminal(studio, name):
    """The same from a terminal, with every command."""
    bob = studio.guest(("bob", "Bob Meyer"), "/?room=board")
    bob.joined()
    alice = Terminal(studio.relay, *ALICE, "board", columns=92, lines=40)
    try:
        alice.sees("The numbers of October")
        for line, answer in [
            ("/help", "/replay"),
            ("/who", "2 here"),
            ("/me pins a note", "* alice pins a note"),
            ("/topic", "*** The topic of board: Notes and numbers"),
            ("/page bob", "Paged bob"),
            ("/msg bob Is there tea?", "Is there tea?"),
        ]:
            alice.type(line)
            alice.sees(answer)
        bob.page.wait_for_selector(".toast[data-tone=page]")
        bob.type("/r There is, in the kitchen")
        alice.sees("There is, in the kitchen")
        for line, answer in [("/r On my way", "On my way"), ("/rooms", "garden"), ("/msg eve hello", "not in chat")]:
            alice.type(line)
            alice.sees(answer)
        alice.keys("/pa")
        alice.sees("/pa")
        page = studio.browser.new_page(viewport={"width": 900, "height": 700})
        page.set_content(alice.page())
        width, height = page.evaluate("[document.body.offsetWidth, document.body.offsetHeight]")
        page.set_viewport_size({"width": width, "height": height})
        take(page, name)
        page.close()
    finally:
        alice.close()


def main(*names):
    """Takes all pictures, or those whose names begin so."""
    shots = [
        (conversations, "light", PHONE, "list-phone-light"),
        (appointment, "light", DESKTOP, "appointment-desktop-light"),
        (appointment, "light", PHONE, "appointment-phone-light"),
        (appointment, "dark", PHONE, "appointment-phone-dark"),
        (group, "light", DESKTOP, "group-desktop-light"),
        (group, "dark", DESKTOP, "group-desktop-dark"),
        (group, "dark", PHONE, "group-phone-dark"),
        (reconnecting, "light", DESKTOP, "reconnecting-desktop-light"),
        (board, "dark", DESKTOP, "board-desktop-dark"),
        (commands, "light", PHONE, "commands-phone-light"),
        (board_in_a_terminal, "board-terminal"),
    ]
    relay = Relay()
    try:
        furnish(relay)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            studio = Studio(relay, browser)
            for shot, *settings in shots:
                if not names or settings[-1].startswith(names):
                    shot(studio, *settings)
                    studio.leave()
            browser.close()
    finally:
        relay.close()
    if not names:
        for path in set(FOLDER.glob("*.png")) - {FOLDER / f"{settings[-1]}.png" for _, *settings in shots}:
            path.unlink()


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    main(*sys.argv[1:])
