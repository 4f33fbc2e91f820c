"""Messages that were missed: told where they are missing, and read where somebody has them."""

import base64
import os

from line import Line
from scene import Scene
from world import eventually

GAP = ".row-note.is-gap"


def alice_by_line(scene):
    """Alice, by a line of her own, and the line; she has heard "before"."""
    line = Line(scene.relay)
    scene.addCleanup(line.close)
    alice = scene.visitor("alice", "Alice", "/?room=general", at=line)
    alice.joined()
    scene.relay.say("general", "bob", "before", "Bob")
    alice.sees("before")
    return alice, line


class Away(Scene):
    """A tab that was without a connection for longer than history holds."""

    def away(self, count):
        """Alice, who has heard "before" and then nothing; meanwhile so many were said."""
        alice, line = alice_by_line(self)
        line.cut()
        alice.sees_status("reconnecting")
        self.relay.say_many("general", "bob", [f"missed {number}" for number in range(1, count + 1)])
        return alice, line

    def rows(self, visitor):
        """Messages and gaps as they stand, in order."""
        return visitor.page.eval_on_selector_all(
            f".message .text, {GAP} span", "nodes => nodes.map((node) => node.textContent)"
        )


class Missing(Away):
    hears = True

    def test_what_nobody_has_is_counted_and_what_there_is_stands_behind_it(self):
        alice, line = self.away(30)
        self.relay.trim("general", 10)
        line.mend()
        kept = [f"missed {number}" for number in range(21, 31)]
        alice.sees_words("Missed 20 messages.", GAP)
        eventually(
            lambda: f"the gap is in its place: {self.rows(alice)}",
            lambda: self.rows(alice) == ["before", "Missed 20 messages.", *kept],
        )
        alice.page.get_by_role("button", name="Read them").click()
        alice.sees_words("20 messages are gone: nobody has them any more.", GAP)
        self.assertEqual(["before", "20 messages are gone: nobody has them any more.", *kept], self.rows(alice))
        alice.say("after")
        eventually("the conversation goes on", lambda: self.rows(alice)[-1] == "after")
        self.assertEqual(1, alice.page.locator(".row-day").count())

    def test_a_click_counts_though_something_is_said_between_its_two_halves(self):
        alice, line = self.away(30)
        self.relay.trim("general", 10)
        line.mend()
        alice.sees("missed 30")
        alice.page.get_by_role("button", name="Read them").hover()
        alice.page.mouse.down()
        self.relay.say("general", "bob", "meanwhile")
        alice.is_told("meanwhile")
        alice.page.mouse.up()
        alice.sees_words("20 messages are gone", GAP)
        alice.sees("meanwhile")


class MissingForNow(Away):
    """The same with an archive that cannot be read for a while."""

    archives = True

    def test_what_the_archive_has_is_read(self):
        alice, line = self.away(40)
        self.archived()
        line.mend()
        alice.sees("missed 40")
        self.assertEqual(["before", *(f"missed {number}" for number in range(1, 41))], self.rows(alice))

    def test_it_is_read_when_the_archive_is_there_again(self):
        alice, line = self.away(40)
        self.archived()
        folder, aside = self.relay.archive / "general", self.relay.folder / "aside"
        self.relay.archiver.kill()
        self.relay.archiver.wait()
        folder.rename(aside)
        self.relay.kill_edge()
        self.relay.start_edge()
        line.mend()
        alice.sees("missed 40")
        eventually("a gap is told", lambda: any(row.startswith("Missed ") for row in self.rows(alice)))
        gap = self.rows(alice)[1]
        missing = int(gap.split()[1])
        self.assertEqual(["before", gap, *(f"missed {n}" for n in range(missing + 1, 41))], self.rows(alice))
        alice.page.get_by_role("button", name="Read them").click()
        alice.sees_words(f"{missing} messages are gone", GAP)
        aside.rename(folder)
        alice.page.get_by_role("button", name="Look again").click()
        everything = ["before", *(f"missed {number}" for number in range(1, 41))]
        eventually(lambda: f"all of it, once: {self.rows(alice)}", lambda: self.rows(alice) == everything)

    def archived(self):
        """Waits until Redis holds only what the archiver leaves there."""
        stream = "chat:{general}:stream"
        eventually("the archiver has trimmed", lambda: int(self.relay.cli("XLEN", stream)) < 20)


class Stalled(Scene):
    """A tab that stands still with its connection open: the edge waits for it as long as it may."""

    flags = ("--keep", "100", "--max-text", "16384", "--slow-budget", "64KiB", "--ping-interval", "600s")

    def test_a_tab_that_stood_still_is_told_what_it_missed_and_goes_on(self):
        alice, line = alice_by_line(self)
        line.hold()
        # More than all buffers between them hold, and nothing that could be compressed.
        texts = [f"{number} {base64.b64encode(os.urandom(9000)).decode()}" for number in range(1, 901)]
        self.relay.say_many("general", "bob", texts)
        line.release()
        eventually("the newest is there", lambda: any(text.startswith("900 ") for text in alice.texts()))
        alice.sees_words("Missed ", GAP)
        counted = alice.page.evaluate(
            f"Number(document.querySelector('{GAP} span').textContent.match(/[0-9]+/)[0])")
        self.assertGreater(counted, 100)
        alice.page.get_by_role("button", name="Read them").click()
        alice.sees_words("gone: nobody has them any more.", GAP)
        alice.say("after")
        alice.sees("after")
