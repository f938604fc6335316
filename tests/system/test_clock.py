"""The calendar jumps ten years ahead and back while mail waits: no crash, no early report, no loss, and it is tried again."""
import os
import sys
import unittest

from lib import BUILD, Instance, wait_for
from smtp_sink import Sink

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))

BOB = "bob@local.test"
YEARS = 10 * 366 * 24 * 3600
LIBRARY = os.path.join(BUILD, "tests", "crash", "inject.so")
LATER = {"RCPT": "451 4.2.1 later"}


@unittest.skipIf(os.environ.get("ASAN_OPTIONS"), "sanitizers want to be the first library")
@unittest.skipUnless(os.path.exists(LIBRARY), "no tests/crash/inject.so in the build folder")
class Clock(unittest.TestCase):
    def setUp(self):
        from injector import Injector
        self.clock = Injector(BUILD)
        self.addCleanup(self.clock.__exit__)
        self.clock.__enter__()
        self.sink = Sink(reply=LATER)
        self.addCleanup(self.sink.close)
        self.p = Instance(name="clock", config="""relay { allow_from = [127.0.0.1] }
            route "far.test" { via = "%s" tls = none }
            queue { min_free_disk = 0%% min_free = 1MiB retry_min = 200ms retry_max = 400ms
                # A day away, which a start cannot tell from a step, is late indeed: but no failure.
                warn_sender_after = none }""" % self.sink.via)
        self.addCleanup(self.p.close)
        self.p.start()
        self.number = 0

    def wait_tries(self):
        """Two more attempts from now on."""
        had = len(self.sink.lines)
        self.assertTrue(wait_for(lambda: sum("RCPT" in str(line) for line in self.sink.lines[had:]) >= 2, 20),
                        "no more attempts\n" + self.p.log_tail())

    def defer(self):
        self.number += 1
        self.p.send("waits %d" % self.number, to="x%d@far.test" % self.number, sender=BOB)

    def year(self):
        """Of the server's own clock, from a new message."""
        self.number += 1
        name = "now %d" % self.number
        self.p.send(name)
        text = self.p.wait_mail_with(BOB, name)[0]
        received = text.split("\nReceived: ")[-1] if "\nReceived: " in text else text
        return int(received.split(";", 1)[1].split()[3])

    def check_waiting(self):
        # What was seen in the mailbox is in the queue for a moment yet.
        wait_for(lambda: len(self.p.queue()) == self.waiting, 5, 0.02)
        rows = self.p.queue()
        self.assertEqual(len(rows), self.waiting, self.p.log_tail())
        self.assertEqual({row["status"] for row in rows} - {"deferred", "active"}, set())
        self.assertFalse([s for s in self.p.subjects(BOB) if not s.startswith("now ")], "a report came")

    def release(self):
        self.sink.again()
        self.p.wait_queue_empty(20)
        to = sorted(mail.rcpts[0].split("@")[0].strip("<") for mail in self.sink.mails)
        self.assertEqual(to, sorted("x%d" % n for n in self.deferred))
        self.assertFalse([s for s in self.p.subjects(BOB) if not s.startswith("now ")], "a report came")

    def steps(self, between):
        """Ahead, back to now, ten years back, and to now again; each time a message more waits."""
        here = self.year()
        self.deferred, self.waiting = [], 0
        for step in (0, YEARS, 0, -YEARS, 0):
            self.clock.step_clock(step)
            between()
            self.defer()
            self.deferred.append(self.number)
            self.waiting += 1
            self.wait_tries()
            self.check_waiting()
            self.assertLessEqual(abs(self.year() - here - step // (365 * 24 * 3600)), 1)
            self.check_waiting()
        ids = [row["id"] for row in sorted(self.p.queue(), key=lambda row: row["recipients"][0]["address"])]
        self.assertEqual(len(set(ids)), self.waiting)
        self.release()

    def test_steps(self):
        before = {(pid, name) for pid, name in self.p.processes()}
        self.steps(lambda: None)
        self.assertEqual(before - set(self.p.processes()), set(), "these ended\n" + self.p.log_tail())

    def test_steps_over_restarts(self):
        self.steps(self.p.restart)

    def test_steps_over_crashes(self):
        def crash():
            self.p.kill_all()
            self.p.start()
        self.steps(crash)

    def test_step_while_down(self):
        """The calendar jumped while nothing ran: what waited is tried before it can expire."""
        self.deferred, self.waiting = [], 1
        self.defer()
        self.deferred.append(self.number)
        self.wait_tries()
        for step in (YEARS, -YEARS):
            self.p.stop()
            self.clock.step_clock(step)
            self.p.start()
            self.wait_tries()
            self.check_waiting()
        self.release()


if __name__ == "__main__":
    unittest.main()
