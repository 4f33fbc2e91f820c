"""Pictures of the real page for the README: `deploy/screenshots`."""

import pathlib
import struct
import sys
import zlib

from playwright.sync_api import sync_playwright

from visitor import DESKTOP, PHONE, Visitor
from world import ROOT, Relay

FOLDER = ROOT / "Sources" / "RelayWeb" / "Screenshots"
BYTES_MAX = 150_000


def furnish(relay):
    """Rooms in which something was said."""
    relay.ask("POST", "/v1/rooms?user=carol", {"room": "team", "name": "Team", "topic": "Autumn plan, week 47"})
    relay.ask(
        "POST", "/v1/rooms?user=alice", {"room": "board", "name": "Practice board", "private": True, "members": ["bob"]}
    )
    relay.say("garden", "dave", "The last apples are in", "Dave O’Neill")
    relay.say("board", "bob", "The numbers are in the folder", "Bob Meyer")
    relay.say("appointment:42", "dr.lee", "Good morning! Please bring the last report with you.", "Dr. Mina Lee")
    relay.say("appointment:42", "alice", "I will. Is the side entrance open?", "Alice Martin")
    relay.say("appointment:42", "dr.lee", "From eight on. Here is the way: https://example.org/map", "Dr. Mina Lee")
    relay.ask("PUT", "/v1/rooms/garden/read?user=alice", {"id": "0-1"})
    relay.ask("POST", "/v1/direct/alice/messages?user=carol&name=Carol%20Schr%C3%B6der", {"text": "Lunch at one?"})
    for user, name, text in [
        ("carol", "Carol Schröder", "Good morning, all ☀️"),
        ("bob", "Bob Meyer", "Morning! I have put the plan up: https://example.org/plans/autumn"),
        ("bob", "Bob Meyer", "Comments by Thursday, please."),
        ("dave", "Dave O’Neill", "Looks fine to me. Who tells the workshop?"),
    ]:
        relay.say("team", user, text, name)


def optimise(path):
    """Writes a PNG anew with a palette of its own colours where these are few, and packs it as tightly as it goes."""
    data = path.read_bytes()
    width, height, kind = struct.unpack(">IIxB", data[16:26])
    channels = {2: 3, 6: 4}[kind]
    packed, place = b"", 8
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        packed += data[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += length + 12
    raw, stride = bytearray(zlib.decompress(packed)), width * channels
    rows, before = [], bytearray(stride)
    for number in range(height):
        begin = number * (stride + 1)
        line = unfiltered(raw[begin], raw[begin + 1 : begin + 1 + stride], before, channels)
        rows.append(line)
        before = line
    colours = {}
    lines = []
    for line in rows:
        # Three bits a channel less cannot be seen, and bring most pictures down to few colours.
        points = [bytes(line[at : at + 3]) for at in range(0, stride, channels)]
        lines.append(points)
        for point in points:
            colours[point] = colours.get(point, 0) + 1
    palette = [point for point, _ in sorted(colours.items(), key=lambda entry: -entry[1])[:256]]
    index = {point: number for number, point in enumerate(palette)}
    for point in colours:
        if point not in index:
            index[point] = min(range(len(palette)), key=lambda n: sum((a - b) ** 2 for a, b in zip(point, palette[n])))
    body = b"".join(b"\0" + bytes(index[point] for point in points) for points in lines)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", b"".join(palette))
        + chunk(b"IDAT", zlib.compress(body, 9))
        + chunk(b"IEND", b"")
    )


def unfiltered(kind, line, above, channels):
    """A line of a PNG as it was before it was filtered."""
    line = bytearray(line)
    for at in range(len(line)):
        left = line[at - channels] if at >= channels else 0
        up = above[at]
        if kind == 1:
            line[at] = (line[at] + left) & 255
        elif kind == 2:
            line[at] = (line[at] + up) & 255
        elif kind == 3:
            line[at] = (line[at] + (left + up) // 2) & 255
        elif kind == 4:
            corner = above[at - channels] if at >= channels else 0
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            line[at] = (line[at] + near[2]) & 255
    return line


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def take(visitor, name):
    visitor.page.mouse.move(0, 0)
    visitor.page.wait_for_timeout(300)
    path = FOLDER / f"{name}.png"
    visitor.screenshot(path)
    optimise(path)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}  {size} bytes")
    if size > BYTES_MAX:
        sys.exit(f"{path.name} has more than {BYTES_MAX} bytes")


def group(browser, relay, scheme, size, name):
    """A group room with people in it."""
    others = [
        Visitor(browser, relay, user, shown).visit("/?room=team")
        for user, shown in (("bob", "Bob Meyer"), ("carol", "Carol Schröder"))
    ]
    for other in others:
        other.sees_status("connected")
        other.page.wait_for_selector(".message")
    alice = Visitor(browser, relay, "alice", "Alice Martin", size=size, color_scheme=scheme).visit("/?room=team")
    alice.page.wait_for_selector(".message")
    alice.becomes("document.querySelector('.count-button span').textContent === '3'")
    if "I do, this afternoon" not in alice.texts():
        last = alice.page.locator(".message", has_text="Who tells")
        last.hover()
        last.get_by_label("Reply").click()
        alice.say("I do, this afternoon")
        alice.sees("I do, this afternoon")
        others[1].say("👍")
        others[1].say("/me puts the kettle on")
        alice.sees("Carol Schröder puts the kettle on")
    others[0].field.press_sequentially("So")
    alice.sees_words("typing", ".typing-line")
    take(alice, name)
    if name == "group-desktop-light":
        relay.kill_edge()
        alice.sees_status("reconnecting")
        alice.say("Said while the server is away")
        alice.page.wait_for_selector(".is-sending")
        alice.becomes("!document.querySelector('#status button').hidden")
        take(alice, "reconnecting-desktop-light")
        relay.start_edge()
        alice.sees_status("connected")
        alice.page.wait_for_selector(".is-sending", state="detached")
        alice.page.locator(".message", has_text="while the server").hover()
        alice.page.locator(".message", has_text="while the server").get_by_label("Delete").click()
        alice.page.locator("dialog").get_by_role("button", name="Delete").click()
        alice.sees("Message deleted")
    for visitor in (alice, *others):
        visitor.close()


def appointment(browser, relay, scheme, size, name):
    """Two people of an appointment, with their history."""
    doctor = Visitor(browser, relay, "dr.lee", "Dr. Mina Lee").visit("/?room=appointment:42")
    doctor.page.wait_for_selector(".message")
    alice = Visitor(browser, relay, "alice", "Alice Martin", size=size, color_scheme=scheme).visit(
        "/?room=appointment:42"
    )
    alice.page.wait_for_selector(".message")
    if "Thank you, see you then 🙂" not in alice.texts():
        alice.say("Thank you, see you then 🙂")
        alice.sees("Thank you, see you then 🙂")
    take(alice, name)
    alice.close()
    doctor.close()


def board(browser, relay, scheme, size, name):
    """A visit to the board, with commands."""
    bob = Visitor(browser, relay, "bob", "Bob Meyer").visit("/?room=board")
    bob.page.wait_for_selector("#composer")
    alice = Visitor(browser, relay, "alice", "Alice Martin", size=size, color_scheme=scheme).visit("/?room=board")
    alice.becomes("document.querySelector('.count-button span')?.textContent === '2'")
    alice.type("/me reads the board")
    alice.type("/who")
    alice.sees_words("2 here", ".row-output")
    alice.field.press_sequentially("/m")
    alice.page.wait_for_selector("#choices:not([hidden])")
    take(alice, name)
    alice.close()
    bob.close()


def conversations(browser, relay, scheme, size, name):
    """The list as it is opened on a phone."""
    alice = Visitor(browser, relay, "alice", "Alice Martin", size=size, color_scheme=scheme).visit("/")
    alice.page.wait_for_selector(".conversation .badge")
    alice.page.wait_for_timeout(500)
    take(alice, name)
    alice.close()


def main():
    FOLDER.mkdir(exist_ok=True)
    relay = Relay()
    try:
        furnish(relay)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            conversations(browser, relay, "light", PHONE, "list-phone-light")
            group(browser, relay, "light", DESKTOP, "group-desktop-light")
            group(browser, relay, "dark", DESKTOP, "group-desktop-dark")
            appointment(browser, relay, "light", PHONE, "appointment-phone-light")
            appointment(browser, relay, "dark", PHONE, "appointment-phone-dark")
            board(browser, relay, "dark", DESKTOP, "board-desktop-dark")
            browser.close()
    finally:
        relay.close()


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    main()
