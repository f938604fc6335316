"""postern queue: what an administrator does with mail that waits, by every filter, with a whole server."""
import unittest

from lib import Instance, message, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
LATER = {"RCPT": "451 4.2.1 mailbox is busy"}
CHANGES = ("hold", "release", "retry", "drop", "bounce")


def config(via):
    return """route "*" { via = "%s" tls = none }
        relay { allow_from = 127.0.0.1 }
        queue { min_free_disk = 0%% min_free = 1MiB retry_min = 1h retry_max = 2h }""" % via


class Deferred(unittest.TestCase):
    """Six messages to a server that defers them, then another answer of it."""

    def setUp(self):
        self.sink = Sink(reply=LATER)
        self.addCleanup(self.sink.close)
        self.p = Instance(config=config(self.sink.via))
        self.addCleanup(self.p.close)
        self.p.start()
        for i in range(6):
            self.p.send("q%d" % i, to="x%d@far%d.test" % (i, i % 2), sender="s%d@here%d.test" % (i, i % 3),
                        body="x" * 70 + "\r\n" if i else ("y" * 70 + "\r\n") * 300)
        self.wait(6)

    def wait(self, n):
        done = wait_for(lambda: len(self.ids("--status", "deferred")) == n, 15)
        self.assertTrue(done, (self.p.queue(), self.p.log_tail()))

    def ids(self, *filter):
        return {row["id"] for row in self.p.rows("queue", "list", *filter)}

    def change(self, verb, *filter):
        return self.p.rows("queue", verb, *filter, "--yes")[0]["changed"]

    def filters(self):
        """FILTER words and how many of the six they are."""
        one = sorted(self.ids())[0]
        return ((("--all",), 6), ((one,), 1), (("--from", "s1@here1.test"), 1), (("--from", "*@here0.test"), 2),
                (("--to", "x?@far1.test"), 3), (("--domain", "far0.test"), 3), (("--status", "deferred"), 6),
                (("--status", "hold"), 0), (("--reason", "mailbox is busy"), 6), (("--reason", "no such words"), 0),
                (("--age", "-1h"), 6), (("--age", "+1h"), 0), (("--size", "+10KiB"), 1), (("--size", "-10KiB"), 5),
                (("--login", "nobody"), 0), (("--all", "--limit", "4"), 4), (("--domain", "far0.test", "--size", "-10KiB"), 2))

    def test_hold_and_release_by_each_filter(self):
        for words, n in self.filters():
            with self.subTest(filter=words):
                self.assertEqual(len(self.ids(*words)), n)
                self.assertEqual(self.change("hold", *words), n)
                self.assertEqual(len(self.ids("--status", "hold")), n)
                self.assertEqual(self.change("release", "--all"), n)
                self.assertEqual(len(self.ids("--status", "deferred")), 6)

    def test_dry_run_changes_nothing(self):
        before = self.p.queue()
        for verb in CHANGES:
            for words, n in self.filters():
                with self.subTest(verb=verb, filter=words):
                    rows = self.p.rows("queue", verb, *words, "--dry-run")
                    self.assertEqual(rows, [{"changed": 0 if verb == "release" else n, "dry_run": True}])
        held = self.change("hold", "--domain", "far1.test")
        for verb, n in (("hold", 3), ("release", held), ("retry", 3), ("drop", 6), ("bounce", 6)):
            self.assertEqual(self.change(verb, "--all", "--dry-run"), n, verb)
        self.change("release", "--all")
        steady = ("id", "status", "attempts", "reason")
        self.assertEqual([[row[k] for k in steady] for row in self.p.queue()], [[row[k] for k in steady] for row in before])
        self.assertEqual(self.p.ctl("queue", "drop", "0000000000000", "--dry-run", check=False).returncode, 2)

    def test_count_is_said_first(self):
        r = self.p.ctl("queue", "hold", "--domain", "far0.test")
        self.assertIn("queue hold: 3 messages", r.stderr)
        self.assertEqual(r.stdout.strip(), "3")
        r = self.p.ctl("queue", "release", "--all", "--quiet")
        self.assertEqual((r.stdout.strip(), r.stderr), ("3", ""))
        # Nobody to say yes: neither counted nor changed.
        r = self.p.ctl("queue", "drop", "--all", check=False)
        self.assertEqual(r.returncode, 64)
        self.assertEqual(len(self.p.queue()), 6)

    def test_retry_by_domain(self):
        self.sink.again()
        self.assertEqual(self.change("retry", "--domain", "far1.test"), 3)
        self.wait(3)
        self.assertEqual(sorted(m.rcpts[0] for m in self.sink.mails if "far1.test" in m.rcpts[0]), sorted(
            m.rcpts[0] for m in self.sink.mails))
        self.assertEqual(len(self.sink.mails), 3)
        self.assertEqual(self.change("hold", "--all"), 3)
        self.assertEqual(self.change("retry", "--all"), 0)
        self.assertEqual(self.change("release", "--all"), 3)
        self.assertEqual(self.change("retry", "--all"), 3)
        self.p.wait_queue_empty()
        self.assertEqual(len(self.sink.mails), 6)

    def test_hold_survives_a_restart(self):
        self.change("hold", "--to", "x1@*")
        held = self.ids("--status", "hold")
        self.p.restart()
        self.assertEqual(self.ids("--status", "hold"), held)
        self.assertEqual(len(held), 1)

    def test_drop_and_bounce(self):
        self.sink.again()
        self.assertEqual(self.change("drop", "--domain", "far0.test"), 3)
        self.assertEqual(len(self.p.queue()), 3)
        self.assertEqual(self.change("bounce", "--from", "*@here1.test", "--text", "not today"), 1)
        self.assertTrue(wait_for(lambda: len(self.sink.mails) == 1, 10), self.p.log_tail())
        report = self.sink.mails[0]
        self.assertEqual(report.sender, "")
        self.assertIn("s1@here1.test", report.rcpts[0])
        self.assertIn("not today", report.text)
        self.wait(2)


class Many(unittest.TestCase):
    def test_ten_thousand(self):
        """More than one slice of the loop: all are counted, listed and dropped."""
        n, clients = 10000, 10
        with Instance(config=config("[127.0.0.1]:1")) as p:
            p.start()
            text = message("many", to="x@far.test").encode() + b".\r\n"
            for _ in range(clients):
                with p.talk("smtp", timeout=60) as c:
                    c.reply()
                    c.say("EHLO load.test")
                    for _ in range(n // clients):
                        c.send(b"MAIL FROM:<eve@far.test>\r\nRCPT TO:<x@far.test>\r\nDATA\r\n")
                        self.assertEqual((c.reply(), c.reply(), c.reply()), (250, 250, 354))
                        self.assertEqual(c.say(text), 250)
            self.assertTrue(wait_for(lambda: p.rows("queue", "hold", "--all", "--dry-run")[0]["changed"] == n and
                                     len(p.rows("queue", "list", "--status", "deferred")) == n, 60, 0.5), p.log_tail())
            self.assertEqual(len(p.rows("queue", "list")), n)
            self.assertEqual(p.rows("queue", "drop", "--all", "--yes")[0]["changed"], n)
            p.wait_queue_empty()


if __name__ == "__main__":
    unittest.main()
