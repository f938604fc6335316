#!/usr/bin/env python3
"""run.py [--build DIR] [NAME...]: the system tests, all or those whose name contains a NAME.

Prints one line a test and ends with `N passed, N failed, N skipped`; exits 1 when one failed.
"""
import argparse
import os
import sys
import time
import unittest

here = os.path.dirname(os.path.abspath(__file__))


class Lines(unittest.TestResult):
    """One line for each test; what failed, with its reason, at once."""

    def __init__(self):
        super().__init__()
        self.passed, self.began = 0, time.monotonic()

    def say(self, word, test, more=""):
        print("%s %s (%.1fs)%s" % (word, test.id() if hasattr(test, "id") else test, time.monotonic() - self.began, more),
              flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say("FAILED", test, "\n" + self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.say("ERROR", test, "\n" + self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skipped", test, ": " + reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.say("FAILED", subtest, "\n" + (self.failures or self.errors)[-1][1])


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--build", default=os.environ.get("POSTERN_BUILD", "build"))
    args.add_argument("names", nargs="*")
    args = args.parse_args()
    os.environ["POSTERN_BUILD"] = os.path.abspath(args.build)
    sys.path.insert(0, here)
    sys.dont_write_bytecode = True
    loader = unittest.TestLoader()
    tests = list(flatten(loader.discover(here, "test_*.py", here)))
    if args.names:
        tests = [t for t in tests if any(name in t.id() for name in args.names)]
    result = Lines()
    unittest.TestSuite(tests).run(result)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print("%d passed, %d failed, %d skipped" % (result.passed, failed, len(result.skipped)))
    return 1 if failed or not result.passed else 0


if __name__ == "__main__":
    sys.exit(main())
