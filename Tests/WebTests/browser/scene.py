"""What every test has: a relay, a browser, visitors; and what is kept of one that fails."""

import os
import unittest

from playwright.sync_api import sync_playwright

from visitor import Visitor
from world import PATIENCE, ROOT, Relay

LOGS = ROOT / ".build" / "test-logs"
CHROMIUM = os.environ.get("MARTLET_CHROMIUM", "/usr/bin/chromium")


class Browser:
    """One Chromium for all tests of a run."""

    _playwright = None
    _browser = None

    @classmethod
    def get(cls):
        if cls._browser is None:
            cls._playwright = sync_playwright().start()
            # Containers have no user namespaces for its sandbox, and a /dev/shm that is too small.
            cls._browser = cls._playwright.chromium.launch(
                executable_path=CHROMIUM,
                timeout=60_000 * PATIENCE,
                args=["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"],
            )
        return cls._browser

    @classmethod
    def close(cls):
        if cls._browser:
            cls._browser.close()
            cls._playwright.stop()
            cls._browser = cls._playwright = None


class Scene(unittest.TestCase):
    """A test with a relay of its own."""

    flags = ()
    archives = False
    # Whether the frames of visitors are kept; where those of a screen are counted that would be in the way.
    hears = False

    def setUp(self):
        self.visitors = []
        self.relay = None
        self.relay = Relay(*self.flags, archives=self.archives)
        self.addCleanup(self.relay.close)

    def visitor(self, user=None, name=None, path="/", at=None, **options):
        """Somebody with a browser; `at`: what they reach the relay by, where it is not the relay itself."""
        visitor = Visitor(Browser.get(), at or self.relay, user, name, hears=self.hears, **options)
        self.visitors.append(visitor)
        # After the result has been told, which keeps screenshots of what failed.
        self.addCleanup(visitor.close)
        return visitor.visit(path)

    def tearDown(self):
        for visitor in self.visitors:
            self.assertEqual([], visitor.errors, "errors of the page")
            if visitor.violations is not None:
                self.assertEqual([], visitor.violations, "what the page was not to do")

    def keep(self):
        """Screenshots and the edge's log, in the folder of the test logs."""
        LOGS.mkdir(parents=True, exist_ok=True)
        name = self.id().split(".", 1)[-1]
        for number, visitor in enumerate(self.visitors):
            path = LOGS / f"{name}-{number}.png"
            try:
                visitor.screenshot(path)
                print(f"    seen: {path.relative_to(ROOT)}", flush=True)
            except Exception as error:  # a browser that is gone must not hide why
                print(f"    no screenshot: {error}", flush=True)
        for log in self.relay.folder.glob("*.log") if self.relay else ():
            (LOGS / f"{name}-{log.name}").write_bytes(log.read_bytes())
