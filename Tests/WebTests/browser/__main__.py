"""Runs the tests of the web client in a real browser; arguments are names of tests.

Without one the files of tests run side by side, but for what measures frames, which runs alone. Of each test that fails
screenshots of all who took part are left in .build/test-logs. MARTLET_TEST_SLOWNESS=6 gives each page a slow machine
and a slow line, which takes three times as long and finds tests that pass by luck.
"""

import pathlib
import subprocess
import sys
import textwrap
import time
import unittest

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER))

from scene import Browser, Scene  # noqa: E402

TURNS = [
    ["test_reading"],
    ["test_talking", "test_reconnecting", "test_safety"],
    ["test_missing", "test_list", "test_embedding", "test_looks", "test_hands", "test_coming"],
]


class Lines(unittest.TextTestResult):
    """One line a test, with how long it took, and under it why it failed."""

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
        self._failed(test, self.failures)

    def addError(self, test, error):
        unittest.TestResult.addError(self, test, error)
        self._failed(test, self.errors)

    def _failed(self, test, told):
        self._tell("✘", test)
        self.stream.writeln(textwrap.indent(told[-1][1], "    "))
        if isinstance(test, Scene):
            test.keep()

    def printErrors(self):
        """They stand where they happened."""


def run(files, names):
    """Runs the tests of some files in this process; answers with the exit status."""
    loader = unittest.TestLoader()
    if names:
        loader.testNamePatterns = [f"*{name}*" for name in names]
    suite = unittest.TestSuite(loader.discover(str(FOLDER), pattern=f"{file}.py") for file in files)
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=Lines, verbosity=0).run(suite)
    Browser.close()
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


def run_side_by_side(files):
    """Runs each file in a process of its own, and shows what each said when it is done."""
    processes = [
        (
            subprocess.Popen(
                [sys.executable, str(FOLDER), "--file", file],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        for file in files
    ]
    status = 0
    for process in processes:
        print(process.communicate()[0], end="", flush=True)
        status = status or process.returncode
    return status


def main(arguments):
    if arguments[:1] == ["--file"]:
        return run(arguments[1:2], [])
    if arguments:
        return run([file for turn in TURNS for file in turn], arguments)
    status = 0
    for files in TURNS:
        status = run_side_by_side(files) or status
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
