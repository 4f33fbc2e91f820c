"""How a conversation looks: whose words are whose, days, directions of writing, what moves, a reader's own colours."""

from scene import Scene
from visitor import PHONE
from world import eventually

DAY = 86_400_000
HEBREW = "שלום לכולם!"
ARABIC = "صباح الخير، هل أنت هنا؟"
ARABIC_NAME = "أمينة حداد"

# Where the first and the last character of a text stand in the page.
ENDS = """selector => {
  const node = document.evaluate('.//text()[normalize-space()]', document.querySelector(selector), null, 9)
    .singleNodeValue;
  const place = (from) => {
    const range = document.createRange();
    range.setStart(node, from);
    range.setEnd(node, from + 1);
    const {left, right} = range.getBoundingClientRect();
    return {left, right};
  };
  return {first: place(0), last: place(node.length - 1)};
}"""

BOX = "node => { const {left, right, top, bottom} = node.getBoundingClientRect(); return {left, right, top, bottom}; }"


class Looks(Scene):
    def box(self, visitor, selector, index=0):
        return visitor.page.locator(selector).nth(index).evaluate(BOX)

    def test_messages_stand_by_author_and_day_and_ones_own_apart(self):
        noon = self.relay.now() // DAY * DAY - 3 * DAY + DAY // 2
        bob, alice = ("bob", "Bob"), ("alice", "Alice")
        said = [
            (noon, *bob, "one"), (noon + 60_000, *bob, "two"), (noon + 61_000, *alice, "three"),
            (noon + 62_000, *bob, "four"), (noon + 462_000, *bob, "later"), (noon + DAY, *bob, "next day"),
        ]
        self.relay.recall("general", said)
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.sees("next day")
        rows = alice.page.eval_on_selector_all(".thread-list > .row-day, .thread-list > .message", """nodes => nodes.map(
          (node) => node.matches('.row-day') ? 'day'
            : (node.querySelector('.author')?.textContent ?? '') + ': ' + node.querySelector('.text').textContent)""")
        self.assertEqual(
            ["day", "Bob: one", ": two", ": three", "Bob: four", "Bob: later", "day", "Bob: next day"], rows
        )
        days = alice.page.locator(".row-day").all_inner_texts()
        self.assertEqual(2, len(set(days)), days)
        for size in ({"width": 1280, "height": 800}, PHONE):
            alice.page.set_viewport_size(size)
            own, other = (self.box(alice, selector) for selector in (".message.is-own .bubble", ".message .bubble"))
            column = self.box(alice, ".thread-list")
            self.assertLess(column["right"] - own["right"], 30, "one's own stand at the end")
            self.assertLess(other["left"] - column["left"], 80, "those of others at the beginning")
            self.assertGreater(own["left"], other["right"])

    def test_long_names_words_and_topics_stay_within_the_page(self):
        name = "Maximiliane-Friederike von und zu Hohenlohe-Waldenburg-Schill"
        self.relay.make(
            "bob", {"room": "r" * 64, "name": "R" * 60, "topic": "About " + "w" * 240})
        self.relay.say("r" * 64, "b" * 64, "Donaudampfschifffahrtsgesellschaft" * 8, name)
        beyond = """() => [...document.querySelectorAll('body *:not(bdi)')]
          .filter((node) => !node.closest('.spoken, .skip, svg'))
          .filter((node) => {
            const {left, right} = node.getBoundingClientRect();
            return left < -1 || right > innerWidth + 1;
          })
          .map((node) => node.outerHTML.slice(0, 120))"""
        for width, height in ((1280, 800), (800, 600), (390, 844), (320, 568)):
            size = {"width": width, "height": height}
            alice = self.visitor("alice", name, "/?room=" + "r" * 64, size=size)
            alice.sees("Donaudampfschifffahrtsgesellschaft" * 8)
            self.assertEqual([], alice.page.evaluate(beyond), size)
            alice.field.fill("x" * 300)
            self.assertEqual([], alice.page.evaluate(beyond), size)
            if alice.page.locator("#people").is_hidden():
                alice.page.locator(".count-button").click()
            alice.page.locator(".person").first.wait_for()
            self.assertEqual([], alice.page.evaluate(beyond), size)
            alice.visit("/")
            alice.page.wait_for_selector(".conversation")
            self.assertEqual([], alice.page.evaluate(beyond), size)
            self.relay.cli("PUBLISH", "chat:user:{alice}", '{"type":"page","user":"donaudampfschiff"}')
            alice.sees_words("is paging you", ".toast")
            said = self.box(alice, ".toast .words")
            self.assertGreater(said["right"] - said["left"], 120, size)
            self.assertEqual([], alice.page.evaluate(beyond), size)

    def test_what_is_written_from_right_to_left_reads_so(self):
        alice = self.visitor("alice", "Alice", "/?room=mixed")
        alice.joined()
        self.relay.say("mixed", "bob", "Good morning!", "Bob")
        self.relay.say("mixed", "amina", ARABIC, ARABIC_NAME)
        self.relay.say("mixed", "noa", f"{HEBREW}\nhello there", "Noa")
        alice.sees(f"{HEBREW}\nhello there")
        for number, is_backwards in ((1, False), (2, True), (3, True)):
            ends = alice.page.evaluate(ENDS, f".message:nth-of-type({number}) .text")
            self.assertEqual(is_backwards, ends["first"]["right"] > ends["last"]["right"], f"message {number}: {ends}")
            self.assertGreater(120, self.box(alice, ".message .bubble", number - 1)["left"] - self.box(
                alice, ".thread-list")["left"], "those of others begin at the same side")
        # Both lines of one message keep to their own side.
        first, second = alice.page.locator(".message:nth-of-type(3) .text").evaluate("""node => {
          const range = document.createRange();
          range.selectNodeContents(node);
          const box = node.getBoundingClientRect();
          const rects = [...range.getClientRects()].filter(({width}) => width > 0);
          const lines = [rects.filter(({top}) => top < box.top + 10), rects.filter(({top}) => top > box.top + 10)];
          return lines.map((parts) => [Math.min(...parts.map(({left}) => left)) - box.left,
            box.right - Math.max(...parts.map(({right}) => right))]);
        }""")
        self.assertAlmostEqual(0, first[1], delta=1, msg="Hebrew begins at the right")
        self.assertAlmostEqual(0, second[0], delta=1, msg="English begins at the left")
        # A name does not turn around what is said of it.
        amina = self.visitor("amina", ARABIC_NAME, "/?room=mixed")
        alice.sees_words("has joined", ".row-note")
        amina.joined(2)
        note = alice.page.locator(".row-note").last
        name, words = note.evaluate("""node => {
          const range = document.createRange();
          range.selectNodeContents(node.lastChild);
          return [node.querySelector('bdi').getBoundingClientRect().right, range.getBoundingClientRect().left];
        }""")
        self.assertLessEqual(name, words + 1, "the name stands before what happened")
        name, words = amina.page.locator(".person[data-user=amina] .name").evaluate("""node => {
          const range = document.createRange();
          range.selectNode(node.lastChild);
          return [node.firstChild.getBoundingClientRect().right, range.getBoundingClientRect().left];
        }""")
        self.assertLessEqual(name, words + 1, "and before the word that it is she")
        begins = [self.box(amina, f".rail-foot .{part}")["left"] for part in ("name bdi", "id")]
        self.assertAlmostEqual(*begins, delta=1, msg="her own name stands above her id")
        amina.field.press_sequentially("ما")
        said = f"\u2068{ARABIC_NAME}\u2069 is typing…"
        eventually("it says who", lambda: alice.page.locator(".typing-line").text_content() == said)
        self.assertEqual("rtl", amina.field.evaluate("node => getComputedStyle(node).direction"))
        amina.field.fill("good")
        self.assertEqual("ltr", amina.field.evaluate("node => getComputedStyle(node).direction"))
        amina.say("طيب")
        alice.sees("طيب")
        line = alice.conversation("mixed").locator(".line")
        eventually("the list has it", lambda: "طيب" in line.inner_text())
        who, text = line.evaluate(
            "node => ['.by', '.words'].map((part) => node.querySelector(part).getBoundingClientRect().left)")
        self.assertLess(who, text, "who says it stands before it")

    def test_nothing_moves_for_who_does_not_want_it(self):
        moving = """() => [...document.querySelectorAll('*')].filter((node) => [null, '::before', '::after'].some((part) => {
            const style = getComputedStyle(node, part);
            return style.animationName !== 'none' || style.transitionDuration.split(',').some((t) => parseFloat(t) > 0);
          })).map((node) => node.className)"""
        alice = self.visitor("alice", "Alice", "/?room=general", reduced_motion="reduce")
        bob = self.visitor("bob", "Bob", "/?room=general")
        bob.joined(2)
        self.assertNotEqual([], bob.page.evaluate(moving), "it does for others")
        bob.type("/page alice")
        alice.page.wait_for_selector(".toast[data-tone=page]")
        alice.say("quoted")
        alice.sees("quoted")
        alice.page.locator(".message[data-id]", has_text="quoted").hover()
        alice.page.locator(".message[data-id]", has_text="quoted").get_by_label("Reply").click()
        alice.say("answer")
        alice.page.locator(".quote").click()
        alice.page.wait_for_selector(".message.is-found")
        self.assertEqual([], alice.page.evaluate(moving))
        self.relay.kill_edge()
        alice.sees_status("reconnecting")
        self.assertEqual([], alice.page.evaluate(moving))
        self.assertEqual(0, alice.page.evaluate("document.getAnimations().length"))

    def test_in_a_readers_own_colours_nothing_is_told_by_a_ground_alone(self):
        alice = self.visitor("alice", "Alice", "/?room=general", forced_colors="active")
        alice.joined()
        self.relay.say("general", "bob", "hello", "Bob")
        alice.sees("hello")
        alice.say("hi")
        alice.sees("hi")
        style = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
        for selector in (".message:not(.is-own) .bubble", ".message.is-own .bubble", ".avatar"):
            self.assertNotEqual("0px", alice.page.evaluate(style, [selector, "borderTopWidth"]), selector)
        own, other = (
            alice.page.evaluate(style, [selector, "borderTopColor"])
            for selector in (".message.is-own .bubble", ".message:not(.is-own) .bubble")
        )
        self.assertNotEqual(own, other)
        for _ in range(12):
            alice.page.keyboard.press("Tab")
            marked = alice.page.evaluate("""() => {
              const style = getComputedStyle(document.activeElement);
              const around = document.activeElement.closest('.composer');
              const other = around && getComputedStyle(around);
              const isSeen = ({outlineStyle, outlineWidth}) => outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
              return document.activeElement === document.body || isSeen(style) || (other && isSeen(other));
            }""")
            self.assertTrue(marked, alice.page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
