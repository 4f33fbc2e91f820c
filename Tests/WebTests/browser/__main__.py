"""Runs the tests of the web client in a real browser; arguments are names of tests.

Each test that fails leaves screenshots of all who took part in .build/test-logs.
"""

import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from scene import Browser, Scene  # noqa: E402


class Lines(unittest.TextTestResult):
    """One line a test, with how long it took; what failed stands at the end."""

    def startTest(self, test):
        self.began = time.monotonic()
        unittest.TestResult.startTest(self, test)

    def _tell(self, mark, test):
        name = test.id().split(".", 1)[-1].replace("test_", "").replace("_", " ")
        self.stream.writeln(f"{mark} {name} ({time.monotonic() - self.began:.1f} s)")
        self.stream.flush()

    def addSuccess(self, test):
        self._tell("✔", test)

    def addFailure(self, test, error):
        unittest.TestResult.addFailure(self, test, error)
        self._failed(test)

    def addError(self, test, error):
        unittest.TestResult.addError(self, test, error)
        self._failed(test)

    def _failed(self, test):
        self._tell("✘", test)
        if isinstance(test, Scene):
            test.keep()


def main():
    loader = unittest.TestLoader()
    folder = str(pathlib.Path(__file__).parent)
    if len(sys.argv) > 1:
        loader.testNamePatterns = [f"*{name}*" for name in sys.argv[1:]]
    suite = loader.discover(folder, pattern="test_*.py")
    result = unittest.TextTestRunner(resultclass=Lines, verbosity=0).run(suite)
    Browser.close()
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
