#!/usr/bin/env python3
"""run.py [--build DIR] [--jobs N] [NAME...]: the system tests, all or those whose name contains a NAME.

Prints one line a test and ends with `N passed, N failed, N skipped`; exits 1 when one failed.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
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


def run_here(tests):
    result = Lines()
    unittest.TestSuite(tests).run(result)
    return result.passed, len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses), len(result.skipped)


def run_class(name, names):
    """Another process for one class of tests; its counts."""
    r = subprocess.run([sys.executable, os.path.abspath(__file__), "--jobs", "1", "--class", name, *names], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = r.stdout.splitlines()
    counts = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", lines[-1]) if lines else None
    counts = tuple(map(int, counts.groups())) if counts else (0, 0, 0)
    print("\n".join(lines[:-1] if any(counts) else lines + ["FAILED %s: exit %d" % (name, r.returncode)]), flush=True)
    return counts if any(counts) else (0, 1, 0)


def class_of(test):
    return ".".join(test.id().split(".")[:2])


def run_classes(tests, jobs, names):
    """Several at once, those with the most tests first; those that measure times (ALONE) one after the other behind them."""
    classes = [c for c, n in collections.Counter(map(class_of, tests)).most_common()]
    alone = [c for c in classes if getattr(sys.modules.get(c.split(".")[0]), "ALONE", False)]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        counts = list(pool.map(lambda c: run_class(c, names), [c for c in classes if c not in alone]))
    counts += [run_class(c, names) for c in alone]
    return [sum(column) for column in zip(*counts)]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--build", default=os.environ.get("POSTERN_BUILD", "build"))
    args.add_argument("--jobs", type=int, default=1, help="classes of tests at the same time (1)")
    args.add_argument("--class", dest="only", help=argparse.SUPPRESS)
    args.add_argument("names", nargs="*")
    args = args.parse_args()
    os.environ["POSTERN_BUILD"] = os.path.abspath(args.build)
    sys.path.insert(0, here)
    sys.dont_write_bytecode = True
    loader = unittest.TestLoader()
    pattern = args.only.split(".")[0] if args.only else "test_*"
    tests = [t for t in flatten(loader.discover(here, pattern + ".py", here)) if args.only in (None, class_of(t))]
    if args.names:
        tests = [t for t in tests if any(name in t.id() for name in args.names)]
    if loader.errors:  # what cannot be loaded is a failure, whatever the names
        print("\n".join(loader.errors))
        passed, failed, skipped = 0, len(loader.errors), 0
    elif args.jobs > 1:
        passed, failed, skipped = run_classes(tests, args.jobs, args.names) if tests else (0, 0, 0)
    else:
        passed, failed, skipped = run_here(tests)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
