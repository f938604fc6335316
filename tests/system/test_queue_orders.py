"""postern queue: what an administrator ordered can be found again, what he is shown is so, and who hangs does not take him along."""
import os
import re
import signal
import unittest

from lib import wait_for
from smtp_sink import Sink
from test_queue import LATER, Waiting


class Trace(Waiting):
    """Each change leaves its words in mail.log, one for each message, with who made it."""

    def events(self, verb, ident=""):
        return [dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line)) for line in self.p.log().splitlines() if " queue-%s id=%s" % (verb, ident) in line]

    def wait_events(self, verb, n):
        self.assertTrue(wait_for(lambda: len(self.events(verb)) >= n, 5), (verb, self.p.log_tail()))
        self.assertEqual(len(self.events(verb)), n)
        return self.events(verb)

    def test_every_verb(self):
        me = str(os.getuid())
        ids = sorted(self.ids())
        other = Sink(reply=LATER)
        self.addCleanup(other.close)
        for verb, words in (("hold", ("--to", "x1@*")), ("release", ("--all",)), ("retry", ("--domain", "far1.test")), ("notify", (ids[0],)),
                            ("reroute", ("--to", "x5@*", "--via", other.via))):
            with self.subTest(verb=verb):
                self.assertEqual(self.p.rows("queue", verb, *words, "--dry-run")[0]["changed"] > 0, True)
                self.assertEqual(self.events(verb), [])
                n = self.change(verb, *words)
                for event in self.wait_events(verb, n):
                    self.assertEqual(event["by"], me)
                    self.assertIn(event["id"], ids)
                self.assertTrue(wait_for(lambda: not self.ids("--status", "active"), 10), self.p.queue())
        self.assertEqual(self.events("reroute")[0]["via"], other.via)
        self.assertEqual(self.change("bounce", "--to", "x4@*", "--text", "not today"), 1)
        event, = self.wait_events("bounce", 1)
        self.assertEqual((event["by"], event["to"], event["rcpts"]), (me, "x4@far0.test", "1"))

    def test_drop(self):
        self.p.send("many", to=["a@far1.test", "b@far0.test", "c@far0.test"], sender="many@here0.test")
        self.wait(7)
        many = self.ids("--from", "many@*").pop()
        self.assertEqual(self.change("drop", many, "--domain", "far0.test"), 1)
        event, = self.wait_events("drop", 1)
        self.assertEqual((event["id"], event["by"], event["to"], event["rcpts"]), (many, str(os.getuid()), "b@far0.test,c@far0.test", "2"))
        ids = self.ids()
        self.assertEqual(self.change("drop", "--all"), 7)
        self.assertEqual({e["id"] for e in self.wait_events("drop", 8)}, ids)
        # And what was meant, once.
        sums = [line for line in self.p.log().splitlines() if " queue-changed " in line]
        self.assertEqual(len(sums), 2)
        self.assertIn(' verb=drop messages=7 filter=--all by=%d' % os.getuid(), sums[1])

    def test_sites(self):
        self.p.ctl("site", "pause", "x.test", "--for", "1h")
        self.p.ctl("site", "rate", "x.test", "5")
        self.p.ctl("site", "resume", "x.test")
        self.assertTrue(wait_for(lambda: "site-resumed" in self.p.log(), 5))
        for event in ("site-paused", "site-rate", "site-resumed"):
            self.assertRegex(self.p.log(), r" %s site=x\.test .*by=%d" % (event, os.getuid()))

    def test_eventd_that_hangs(self):
        """The change is made all the same, and soon."""
        self.p.kill("eventd", signal.SIGSTOP)
        self.addCleanup(self.p.kill, "eventd", signal.SIGCONT)
        self.assertEqual(self.change("drop", "--all"), 6)


if __name__ == "__main__":
    unittest.main()
