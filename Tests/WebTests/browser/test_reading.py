"""Reading: ten thousand messages, and what one looks at stays where it is."""

from scene import Scene
from visitor import DESKTOP
from world import PATIENCE, eventually

FRAMES = """
() => new Promise((resolve) => {
  const scroller = document.querySelector('.scroller');
  let turns = 0;
  const jumps = [];
  const reading = () => [...document.querySelectorAll('.message[data-id]')]
    .map((n) => [n.dataset.id, n.getBoundingClientRect().top]).find(([, top]) => top > 150);
  // What stands above it, so that a jump can be told from what came or went there.
  const above = (id) => {
    const rows = [];
    for (let n = document.querySelector(`[data-id="${id}"]`); n && rows.length < 4; n = n.previousElementSibling)
      rows.push(`${n.className} ${n.offsetHeight}`);
    return rows;
  };
  let before = reading(), isAtTop = false, stood = [];
  requestAnimationFrame(function frame() {
    const after = document.querySelector(`[data-id="${before[0]}"]`)?.getBoundingClientRect().top;
    const moved = after - before[1] - 160 * (turns > 0);
    if (after !== undefined && Math.abs(moved) > 1 && !isAtTop)
      jumps.push({turns, moved, top: scroller.scrollTop, stood, stands: above(before[0])});
    turns += 1;
    if (turns > 240) return resolve({frames: turns, jumps, rows: document.querySelectorAll('.message').length});
    before = reading();
    stood = above(before[0]);
    isAtTop = scroller.scrollTop < 160;
    scroller.scrollTop -= 160;
    requestAnimationFrame(frame);
  });
})"""

FIRST = "document.querySelector('.message .text')?.textContent.split(' and')[0]"
# Where the text of a message stands, of the first in sight where none is named.
PLACE = """(id) => {
  const nodes = [...document.querySelectorAll('.message[data-id]')];
  const placeOf = (node) => node.querySelector('.text').getBoundingClientRect().top;
  const top = document.querySelector('.scroller').getBoundingClientRect().top;
  const node = nodes.find((one) => id ? one.dataset.id === id : placeOf(one) > top);
  return [node.dataset.id, placeOf(node)];
}"""

AT_END = "(({ scrollTop, scrollHeight, clientHeight }) => scrollTop > 0 && scrollTop + clientHeight > scrollHeight - 1)\
(document.querySelector('.scroller'))"
FRAME = """
() => new Promise((resolve) => {
  document.querySelector('.scroller').scrollTop -= 400;
  requestAnimationFrame(() => requestAnimationFrame(resolve));
})"""

# A frame of a screen lasts 16.7 ms. This much the page may work for one, on a machine that is half as fast as ours.
FRAME_BUSY_MAX = 16
# What browsers call a long task.
TASK_BUSY_MAX = 50
# Work that has nothing to do with the page, and how many ms of a processor it takes on ours: what is slower has as much
# more time for the page.
UNIT = """
() => {
  let sum = 0;
  for (let turns = 0; turns < 3e7; turns += 1) sum = (sum * 31 + turns) | 0;
  return sum;
}"""
UNIT_BUSY = 150


class TenThousand(Scene):
    flags = ("--keep", "20000")

    def setUp(self):
        self.sessions = {}
        super().setUp()

    def test_ten_thousand_messages_are_scrolled_without_a_stutter_or_a_jump(self):
        self.relay.fill("long", 10_000)
        alice = self.visitor("alice", "Alice", "/?room=long")
        eventually("the newest is there", lambda: any("message 10000" in text for text in alice.texts()))
        self.assert_smooth(alice)
        # All the way up, as fast as it is given.
        self.assertTrue(
            alice.page.evaluate("""
          async (span) => {
            const scroller = document.querySelector('.scroller');
            const end = Date.now() + span;
            while (Date.now() < end) {
              scroller.scrollTop = 0;
              await new Promise(requestAnimationFrame);
              const first = document.querySelector('.message .text')?.textContent;
              const isBegin = document.body.textContent.includes('This is where it began.');
              if (first?.startsWith('message 1') && isBegin) return true;
            }
            return false;
          }""", 60_000 * PATIENCE),
            "the first of them is reached",
        )
        self.assertLessEqual(alice.page.locator(".message").count(), 270)
        first = alice.texts()[0]
        self.assertTrue(first.startswith("message 1"), first)
        # Down again, with all of them in memory and the same few in the page.
        before = self.busy(alice)
        alice.page.evaluate("""
          async () => {
            const scroller = document.querySelector('.scroller');
            for (let turns = 0; turns < 200; turns += 1) {
              scroller.scrollTop += 700;
              await new Promise(requestAnimationFrame);
            }
          }""")
        busy = (self.busy(alice) - before) / 200
        self.assertLess(busy, FRAME_BUSY_MAX * self.slowness(alice), "ms of work a frame, downwards")
        alice.page.locator(".jump").click()
        eventually("the end again", lambda: any("message 10000" in text for text in alice.texts()))
        self.relay.say("long", "bob", "one more", "Bob")
        alice.sees("one more")

    def assert_smooth(self, visitor):
        """Scrolls up frame by frame: how much the page works is told in time of the processor, not of the clock, so
        that it is the same whoever else uses the machine."""
        slowness = self.slowness(visitor)
        before = self.busy(visitor)
        seen = visitor.page.evaluate(FRAMES)
        mean = (self.busy(visitor) - before) / seen["frames"]
        self.assertLess(mean, FRAME_BUSY_MAX * slowness, "ms of work a frame")
        self.assertEqual([], seen["jumps"], "what one reads stays where it is")
        self.assertLessEqual(seen["rows"], 270)
        # Each frame alone, through some turns of the window and pages of older messages.
        spans, begin = [], self.busy(visitor)
        for _ in range(160):
            visitor.page.evaluate(FRAME)
            end = self.busy(visitor)
            spans.append(end - begin)
            begin = end
        longest = sorted(spans)[-5:]
        self.assertLess(longest[0], TASK_BUSY_MAX * slowness, f"long tasks, of which four may be: {longest}")
        self.assertLess(longest[-1], 3 * TASK_BUSY_MAX * slowness, "the longest task")

    def slowness(self, visitor):
        """How many times as long as ours this machine works at the same; ours and faster ones: 1."""
        before = self.busy(visitor)
        visitor.page.evaluate(UNIT)
        return max(1, (self.busy(visitor) - before) / UNIT_BUSY)

    def busy(self, visitor):
        """How long the page's thread has worked, in ms of the processor, not of the clock."""
        if visitor not in self.sessions:
            session = self.sessions[visitor] = visitor.context.new_cdp_session(visitor.page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
        metrics = self.sessions[visitor].send("Performance.getMetrics")["metrics"]
        return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    def test_what_one_reads_stays_when_the_line_of_what_is_new_goes_further_up(self):
        # Alice has read one of 998. Of the newest 299 the first four are her own, which are not new.
        self.relay.fill("long", 998)
        self.relay.cli("HSET", "chat:user:{alice}:rooms", "long", f"{self.relay.now()}-0 1")
        alice = self.visitor("alice", "Alice")
        alice.sees_status("connected")
        alice.hold_back('"op":"history"', after=1)
        alice.visit("/?room=long")
        first = """() => {
          document.querySelector('.scroller')?.scrollTo(0, 0);
          return document.querySelector('.message .text')?.textContent.split(' and')[0];
        }"""
        eventually("the first of those", lambda: alice.page.evaluate(first) == "message 700")
        place = """() => {
          const top = document.querySelector('.scroller').getBoundingClientRect().top;
          return Object.fromEntries([...document.querySelectorAll('.message[data-id]')]
            .map((node) => [node.dataset.id, node.getBoundingClientRect().top - top]));
        }"""
        alice.page.evaluate("""() => {
          const line = document.querySelector('.row-unread');
          document.querySelector('.scroller').scrollTop = line.offsetTop - 100;
        }""")
        before = alice.page.evaluate(place)
        read = next(id for id, top in before.items() if top > 150)
        alice.let_go()
        eventually("older ones are there", lambda: alice.page.evaluate(FIRST) != "message 700")
        self.assertAlmostEqual(before[read], alice.page.evaluate(place)[read], delta=1)

    def reads_long(self, up):
        """Alice, who has read all of 400 messages, so many pixels above the end; older ones than fifty are held back."""
        self.relay.fill("long", 400)
        self.relay.cli("HSET", "chat:user:{alice}:rooms", "long", f"{self.relay.now()}-0 400")
        alice = self.visitor("alice", "Alice")
        alice.sees_status("connected")
        alice.hold_back('"op":"history"')
        alice.visit("/?room=long")
        eventually("the newest is there", lambda: any("message 400" in text for text in alice.texts()))
        alice.page.locator(".scroller").evaluate("(node, up) => { node.scrollTop -= up }", up)
        alice.page.wait_for_selector(".jump:not([hidden])")
        return alice

    def assert_stands(self, visitor, before):
        """Where it stood; browsers scroll by whole pixels."""
        self.assertAlmostEqual(before[1], visitor.page.evaluate(PLACE, before[0])[1], delta=1)

    def test_reading_above_is_not_moved_by_what_comes_below(self):
        alice = self.reads_long(900)
        before = alice.page.evaluate(PLACE)
        for number in range(5):
            self.relay.say("long", "bob", f"news {number}", "Bob")
        alice.sees_words("5 new messages", ".jump")
        self.assert_stands(alice, before)
        alice.page.locator(".jump").click()
        alice.sees("news 4")

    def test_the_first_message_stays_when_older_ones_come_above_it(self):
        # Of somebody who has said more before that: it stands below them without the name that it had.
        alice = self.reads_long(99_999)
        self.assertEqual("message 351", alice.page.evaluate(FIRST))
        before = alice.page.evaluate(PLACE)
        alice.let_go()
        eventually("older ones are there", lambda: alice.page.evaluate(FIRST) != "message 351")
        self.assert_stands(alice, before)


class NearTheEnd(Scene):
    def test_who_goes_up_a_little_is_left_there_until_something_comes(self):
        self.relay.say_many("general", "bob", [f"said {number}" for number in range(40)])
        alice = self.visitor("alice", "Alice", "/?room=general").joined()
        alice.sees("said 39")
        top = "document.querySelector('.scroller').scrollTop"
        alice.becomes(AT_END)
        stands = alice.page.evaluate(f"{top} -= 20")
        alice.page.evaluate("document.querySelector('.scroller').focus({ preventScroll: true })")
        alice.two_frames()
        self.assertEqual(stands, alice.page.evaluate(top))
        self.relay.say("general", "bob", "something")
        alice.sees("something")
        alice.becomes(AT_END)

    def test_a_message_of_several_lines_leaves_the_newest_in_sight(self):
        self.relay.say_many("general", "bob", [f"said {number}" for number in range(40)])
        alice = self.visitor("alice", "Alice", "/?room=general").joined()
        alice.sees("said 39")
        for number in range(1, 7):
            alice.type_line(f"line {number}")
            alice.two_frames()
            self.assertTrue(alice.page.evaluate(AT_END), f"with {number} lines")


class CannotBeRead(Scene):
    """Older messages that nobody can read for a while."""

    hears = True

    def alice(self):
        """Alice, who is told so; of 120 messages she has the newest."""
        self.relay.say_many("general", "bob", [f"said {number}" for number in range(1, 101)])
        bob = self.visitor("bob", "Bob", "/?room=general").joined()
        # Whose edge knows more of the newest messages by heart then than any page begins with.
        self.relay.say_many("general", "bob", [f"said {number}" for number in range(101, 121)])
        bob.sees("said 120")
        # On a page so high that what a room begins with does not fill it.
        alice = self.visitor("alice", "Alice", "/?room=tea", size={"width": 1280, "height": 4000}).joined()
        # Nor does it look whether more was said than it heard: a look that fails would stop the room.
        self.relay.cli("ACL", "SETUSER", "default", "-xrevrange", "-zrangebyscore")
        alice.go("general")
        alice.joined(2).sees("said 120")
        alice.sees_words("Older messages cannot be read", ".thread-top")
        return alice

    def mend(self):
        self.relay.cli("ACL", "SETUSER", "default", "+xrevrange", "+zrangebyscore")

    def sees_all(self, alice):
        # Where one is at the top already, this moves nothing, so that nothing is asked for because of it.
        top = "document.querySelector('.scroller').scrollTop = 0"
        eventually("the first is there", lambda: alice.page.evaluate(top) == 0 and "said 1" in alice.texts())
        alice.sees_words("This is where it began.", ".thread-top")
        self.assertEqual(0, alice.page.get_by_role("button", name="Try again").count())

    def test_they_are_asked_for_once_and_again_when_somebody_wants_them(self):
        alice = self.alice()
        self.relay.say("general", "bob", "meanwhile")
        alice.sees("meanwhile")
        self.assertEqual(1, sum('"history"' in frame and '"before"' in frame for frame in alice.own_frames))
        self.mend()
        alice.page.get_by_role("button", name="Try again").click()
        self.sees_all(alice)

    def test_they_are_asked_for_on_a_new_connection(self):
        alice = self.alice()
        # As high as others, and at the top of what there is.
        alice.page.set_viewport_size(DESKTOP)
        alice.page.evaluate("document.querySelector('.scroller').scrollTop = 0")
        alice.two_frames()
        self.mend()
        self.relay.kill_edge()
        self.relay.start_edge()
        self.sees_all(alice)
