"""What happens when the server goes away: nothing is lost, nothing comes twice, and the status is true."""

import threading
import time
import urllib.request

from scene import Scene
from world import eventually


class Reconnecting(Scene):
    def test_the_server_is_killed_and_comes_back(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        bob = self.visitor("bob", "Bob", "/?room=general")
        bob.sees_status("connected")
        sent = []
        for turn in range(3):
            for number in range(10):
                sent.append(f"{turn}.{number} before")
                alice.say(sent[-1])
                if number == 5:
                    self.relay.kill_edge()
            alice.sees_status("reconnecting")
            bob.sees_status("reconnecting")
            for number in range(3):
                sent.append(f"{turn}.{number} while away")
                alice.say(sent[-1])
            # In the next frame, and long before the server is back.
            eventually("what was said is shown", lambda: all(text in alice.texts() for text in sent[-3:]))
            self.relay.start_edge()
            alice.sees_status("connected")
            bob.sees_status("connected")
            for visitor in (alice, bob):
                eventually(
                    lambda: f"all of it, once, in order: {visitor.stored()}, waiting {visitor.words('[data-nonce]')}",
                    lambda: visitor.stored() == sent,
                )
        eventually("nothing is waiting", lambda: alice.page.locator("[data-nonce]").count() == 0)

    def test_the_status_is_true_at_every_moment(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.sees_status("connected")
        alice.page.evaluate("""
            window.seen = [];
            new MutationObserver(() => window.seen.push([document.querySelector('#status').dataset.state, Date.now()]))
              .observe(document.querySelector('#status'), {attributes: true, attributeFilter: ['data-state']});""")
        killed = time.time() * 1000
        self.relay.kill_edge()
        alice.sees_status("reconnecting")
        alice.sees_words("Reconnecting", "#status")
        alice.page.wait_for_timeout(800)
        self.assertEqual("reconnecting", alice.status)
        back = time.time() * 1000
        self.relay.start_edge()
        alice.sees_status("connected")
        seen = alice.page.evaluate("window.seen")
        told = next(at for state, at in seen if state == "reconnecting")
        # A ping would find it out after twenty seconds.
        self.assertLess(told - killed, 15_000, "a cut connection is told at once")
        seen = [(state, at) for state, at in seen if at > told]
        self.assertTrue(all(at > back for state, at in seen if state == "connected"), f"never too early: {seen}")
        alice.context.set_offline(True)
        alice.page.evaluate("window.dispatchEvent(new Event('offline'))")
        alice.sees_status("offline")
        alice.sees_words("Offline", "#status")
        alice.context.set_offline(False)
        alice.sees_status("connected")

    def test_a_send_that_fails_is_tried_again(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.say("before")
        eventually("it is stored", lambda: alice.stored() == ["before"])
        self.relay.cli("SADD", "nothing", "x")
        mute = '{"op":"mute","user":"alice","seconds":600}'
        self.relay.cli("PUBLISH", "chat:control", mute)
        eventually(
            "alice is muted", lambda: self.relay.ask("POST", "/v1/rooms/x/messages?user=alice", {"text": "x"})[0] == 403
        )
        alice.say("refused")
        alice.page.wait_for_selector(".message.is-failed")
        alice.sees_words("Not sent", ".message.is-failed .state")
        alice.say("refused too")
        eventually("both failed", lambda: alice.page.locator(".message.is-failed").count() == 2)
        alice.page.reload()
        eventually("both are there after a reload", lambda: alice.page.locator(".message.is-failed").count() == 2)
        self.relay.cli("PUBLISH", "chat:control", '{"op":"pardon","user":"alice"}')
        eventually(
            "alice may speak",
            lambda: self.relay.ask("POST", "/v1/rooms/x/messages?user=alice", {"text": "x"})[0] == 201,
        )
        alice.page.locator(".message.is-failed", has_text="refused too").get_by_role("button", name="Discard").click()
        eventually("one is given up", lambda: alice.page.locator(".message.is-failed").count() == 1)
        alice.page.get_by_role("button", name="Try again").click()
        eventually("it is sent", lambda: alice.stored() == ["before", "refused"])
        eventually("nothing is waiting", lambda: alice.page.locator("[data-nonce]").count() == 0)

    def test_what_was_said_while_away_survives_a_reload(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.say("before")
        eventually("it is stored", lambda: alice.stored() == ["before"])
        self.relay.kill_edge()
        alice.sees_status("reconnecting")
        alice.say("while away")
        alice.field.fill("a draft")
        self.relay.start_edge()
        alice.page.reload()
        eventually("sent once", lambda: alice.stored() == ["before", "while away"])
        self.assertEqual("a draft", alice.field.input_value())

    def test_whoever_was_kicked_is_told_why(self):
        alice = self.visitor("alice", "Alice", "/?room=general")
        alice.sees_status("connected")
        self.relay.cli("PUBLISH", "chat:control", '{"op":"kick","user":"alice","reason":"enough","seconds":60}')
        alice.sees_status("signed-out")
        alice.sees_words("You were removed by an operator", "#main")
