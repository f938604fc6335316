"""Sites: domains with the same mail servers are one site, to the scheduler and to the admin."""
import threading
import time
import unittest

from dns_server import DnsServer
from lib import Instance, certificate, message, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
ZONE = {
    "one.test": {"MX": [(10, "mx1.test"), (20, "mx2.test")]},
    "two.test": {"MX": [(5, "mx2.test"), (5, "MX1.test")]},
    "other.test": {"MX": [(10, "mx1.test")]},
    "mx1.test": {"A": ["127.0.0.1"]},
    "mx2.test": {"A": ["127.0.0.1"]},
}


class AtOnce:
    """How many mails are between their final dot and our reply."""

    def __init__(self, seconds):
        self.seconds, self.lock, self.now, self.most = seconds, threading.Lock(), 0, 0

    def __call__(self, line):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1


class SiteCase(unittest.TestCase):
    CONFIG = "queue { retry_min = 2s retry_max = 4s lifetime = 1h per_site = 3 min_free_disk = 0% min_free = 1MiB }"

    def setUp(self):
        self.dns, self.sink = DnsServer(dict(ZONE)), Sink(certificate=certificate())
        self.p = Instance(dns=self.dns.address, config="""%s
            daemon smtp { port = %d reuse = 100ms connect_timeout = 2s }""" % (self.CONFIG, self.sink.port))
        self.addCleanup(self.clean)
        self.p.start()

    def clean(self):
        self.p.close()
        self.sink.close()
        self.dns.close()

    def send(self, subject, *to):
        with self.p.smtp("submission", BOB) as c:
            for address in to:
                c.sendmail(BOB, [address], message(subject, sender=BOB, to=address).encode())

    def wait_mails(self, count, seconds=30):
        self.assertTrue(wait_for(lambda: len(self.sink.mails) >= count, seconds),
                        "%d of %d came\n%s" % (len(self.sink.mails), count, self.p.log_tail()))

    def entry(self, address):
        """The row of the message to this recipient, or None."""
        for row in self.p.queue():
            if any(r["address"] == address for r in row["recipients"]):
                return row
        return None

    def wait_deferred(self, address, seconds=20):
        row = wait_for(lambda: (lambda r: r if r and r["status"] == "deferred" else None)(self.entry(address)), seconds)
        self.assertTrue(row, self.p.log_tail())
        return row

    def break_down(self, domain="one.test"):
        """The servers do not answer, and qmgr knows."""
        port = self.sink.port
        self.sink.close()
        for n in range(4):
            self.send("down %d" % n, "down%d@%s" % (n, domain))
        self.assertTrue(wait_for(lambda: "site-down" in self.p.log(), 20), self.p.log_tail())
        return port

    def mend(self, port):
        self.sink = Sink(port=port, certificate=certificate())


class SameServers(SiteCase):
    def test_they_share_connections(self):
        self.send("first", "a@one.test", "a@two.test")
        self.wait_mails(2)
        together = AtOnce(0.3)
        self.sink.again(reply={"dot": together})
        for n in range(8):
            self.send("next %d" % n, "x%d@one.test" % n, "y%d@two.test" % n)
        self.wait_mails(16)
        self.assertEqual(together.most, 3)

    def test_they_are_dead_together(self):
        self.send("first", "a@one.test", "a@two.test")
        self.wait_mails(2)
        port = self.break_down()
        self.send("not tried", "late@two.test")
        row = self.wait_deferred("late@two.test")
        self.assertEqual(row["attempts"], 0)
        self.assertIn("no connection", row["reason"])
        # What is shown as its reason is what --reason looks at.
        ids = [r["id"] for r in self.p.rows("queue", "list", "--reason", "no connection")]
        self.assertIn(row["id"], ids)
        self.mend(port)
        self.wait_mails(5)
        self.assertIn("site-back", self.p.log())
        self.p.wait_queue_empty()


class Orders(SiteCase):
    def site(self, name):
        rows = self.p.rows("site", "show", name)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def test_list_and_states(self):
        self.send("first", "a@one.test", "a@two.test", "a@other.test")
        self.wait_mails(3)
        self.p.wait_queue_empty()
        rows = {r["site"]: r for r in self.p.rows("site", "list")}
        self.assertEqual(sorted(rows), ["mx1.test", "mx1.test,mx2.test"])
        row = rows["mx1.test,mx2.test"]
        self.assertEqual(sorted(row["domains"]), ["one.test", "two.test"])
        self.assertEqual((row["state"], row["in_flight"], row["waiting"], row["next_probe"]), ("open", 0, 0, None))
        self.assertEqual(row["last_reply"], "250 2.0.0 taken")
        self.assertIn("mx1.test,mx2.test", self.p.ctl("site", "list").stdout)
        self.break_down()
        row = self.site("two.test")
        self.assertEqual(row["state"], "dead")
        self.assertTrue(row["next_probe"])
        self.assertIn("no connection", row["last_reply"])
        self.assertEqual(self.p.ctl("site", "show", "nowhere.test", check=False).returncode, 2)

    def test_pause_and_resume(self):
        """Over a restart, for the other domain of the site too, and nothing else is held up."""
        self.send("first", "a@one.test", "a@two.test")
        self.wait_mails(2)
        self.p.ctl("site", "pause", "one.test")
        self.assertEqual(self.site("two.test")["state"], "paused")
        self.p.restart()
        self.send("held", "b@one.test")
        row = self.wait_deferred("b@one.test")
        self.assertEqual([r["id"] for r in self.p.rows("queue", "list", "--reason", "is paused")], [row["id"]])
        self.send("passes", "b@other.test")
        self.wait_mails(3)
        self.assertEqual(self.site("one.test")["state"], "paused")
        self.assertEqual(self.p.ctl("site", "resume", "two.test", check=False).returncode, 2)
        self.p.ctl("site", "resume", "one.test")
        self.wait_mails(4)
        self.p.wait_queue_empty()
        self.assertEqual(self.site("one.test")["state"], "open")

    def test_pause_ends(self):
        self.p.ctl("site", "pause", "one.test", "--for", "2s")
        self.send("held", "a@one.test")
        row = self.wait_deferred("a@one.test")
        self.assertEqual(row["attempts"], 0)
        self.wait_mails(1)

    def test_resume_by_another_domain(self):
        self.send("first", "a@one.test", "a@two.test")
        self.wait_mails(2)
        self.p.ctl("site", "pause", "mx1.test,mx2.test")
        self.send("held", "b@one.test")
        self.wait_deferred("b@one.test")
        self.p.ctl("site", "resume", "two.test")
        self.wait_mails(3)

    def test_rate(self):
        begun = time.monotonic()  # what went before the order counts for the pace
        self.send("first", "a@one.test")
        self.wait_mails(1)
        row = self.p.rows("site", "rate", "one.test", "30")[0]
        self.assertEqual(row["rate"], 30)
        for n in range(4):
            self.send("rated %d" % n, "r%d@one.test" % n)
        self.wait_mails(5, 40)
        self.assertGreaterEqual(time.monotonic() - begun, 5.5)
        self.p.ctl("site", "rate", "one.test", "none")
        self.assertEqual(self.site("one.test")["rate"], 0)

    def test_a_site_not_known_yet(self):
        """Its order is shown, under the name that it has; and it holds when mail comes."""
        for verb, words in (("pause", ()), ("rate", ("30",))):
            r = self.p.ctl("site", verb, "One.TEST.", *words)
            self.assertIn("it will hold when there is", r.stderr)
            self.assertTrue(r.stdout.startswith("one.test\t"), r.stdout)
        rows = self.p.rows("site", "list")
        self.assertEqual([(r["site"], r["domains"], r["state"], r["waiting"], r["rate"]) for r in rows], [("one.test", [], "paused", 0, 30)])
        self.assertEqual(self.p.rows("site", "show", "ONE.test."), rows)
        self.p.restart()
        self.assertEqual(self.p.rows("site", "list"), rows)
        self.send("held", "a@one.test")
        self.wait_deferred("a@one.test")
        rows = self.p.rows("site", "list")
        self.assertEqual([(r["domains"], r["state"], r["waiting"], r["rate"]) for r in rows], [(["one.test"], "paused", 1, 30)])
        self.p.ctl("site", "resume", "one.test.")
        self.wait_mails(1)
        self.p.ctl("site", "rate", "ONE.TEST.", "none")
        self.p.ctl("site", "pause", "far.test")
        r = self.p.ctl("site", "resume", "far.test")
        self.assertEqual((r.stdout, r.stderr), ("", "postern: it is paused no more; no mail for it is known now\n"))
        self.assertEqual(self.p.ctl("site", "show", "far.test", check=False).returncode, 2)

    def reasons(self, address):
        """What each command says of why this mail waits, and when it goes on."""
        row = self.entry(address)
        shown = self.p.rows("queue", "show", row["id"])[0]
        text = self.p.ctl("queue", "show", row["id"]).stdout
        by_reason = self.p.ctl("queue", "summary", "--by", "reason", "--to", address).stdout.splitlines()[0].split("\t")
        by_site = self.p.ctl("queue", "summary", "--to", address).stdout.splitlines()[0].split("\t")
        found = self.p.rows("queue", "list", "--reason", row["reason"] or "-")
        return {row["reason"], row["recipients"][0]["text"], shown["reason"], shown["recipients"][0]["text"], by_reason[0], by_site[-1],
                text.splitlines()[-1].strip(), found[0]["reason"] if found else None}, {row["next"], row["recipients"][0]["next"], shown["next"]}

    def test_pause_is_told_the_same_everywhere(self):
        self.p.ctl("site", "pause", "one.test")
        self.send("held", "a@one.test")
        self.wait_deferred("a@one.test")
        self.assertEqual(self.reasons("a@one.test"), ({"its site is paused"}, {None}))
        self.p.ctl("site", "pause", "one.test", "--for", "2h")
        until = self.site("one.test")["paused_until"]
        reasons, times = self.reasons("a@one.test")
        self.assertEqual(reasons, {"its site is paused"})
        self.assertGreaterEqual(min(times)[:19], until[:19])

    def test_rate_is_told_the_same_everywhere(self):
        self.send("first", "a@one.test")
        self.wait_mails(1)
        self.p.ctl("site", "rate", "one.test", "1")
        for n in range(3):
            self.send("rated %d" % n, "r%d@one.test" % n)
        wait_for(lambda: len(self.p.queue()) == 3 and not self.p.rows("site", "show", "one.test")[0]["in_flight"], 5)
        for row in self.p.queue():
            reasons, times = self.reasons(row["recipients"][0]["address"])
            self.assertEqual(reasons, {"it waits for its turn: its site has a rate"})

    def test_wrong_words(self):
        for words, code in ((("pause", "*"), 65), (("pause", "*.test"), 65), (("pause", ""), 65), (("rate", "*", "5"), 65),
                            (("resume", "*"), 65), (("pause", "bob@one.test"), 65), (("show", "*"), 65), (("rate", "one.test", "fast"), 64), (("rate", "one.test", "0"), 64), (("pause",), 64),
                            (("pause", "one.test", "--for", "soon"), 64), (("pause", "a b"), 65),
                            (("resume", "one.test"), 2)):
            self.assertEqual(self.p.ctl("site", *words, check=False).returncode, code, words)


class Limits(SiteCase):
    CONFIG = SiteCase.CONFIG + """
        route "other.test" { max_connections = 1 }
        route "*.rated.test" { rate = 30/min tls = none }"""

    def test_max_connections(self):
        at_once = AtOnce(0.1)
        self.sink.again(reply={"dot": at_once})
        for n in range(6):
            self.send("narrow %d" % n, "x%d@other.test" % n)
        self.wait_mails(6)
        self.assertEqual(at_once.most, 1)
        self.assertEqual(self.p.rows("site", "show", "other.test")[0]["max_connections"], 1)

    def test_rate(self):
        self.dns.zone["a.rated.test"] = {"MX": [(10, "mx2.test")]}
        begun = time.monotonic()
        for n in range(4):
            self.send("rated %d" % n, "r%d@a.rated.test" % n)
        self.wait_mails(4, 40)
        self.assertGreaterEqual(time.monotonic() - begun, 5.5)


class Patience(SiteCase):
    """Nothing here is tried a second time by its own clock."""
    CONFIG = "queue { retry_min = 30min retry_max = 1h lifetime = 2d per_site = 3 min_free_disk = 0% min_free = 1MiB }"

    def test_one_success_wakes_all(self):
        """Also after a restart, when qmgr knows nothing of the site but why its mail waits; greylists go on waiting."""
        self.sink.again(reply={"RCPT": "450 4.2.0 greylisted"})
        self.send("grey", "grey@one.test")
        self.wait_deferred("grey@one.test")
        port = self.break_down()
        for n in range(4):
            self.wait_deferred("down%d@one.test" % n)
        self.p.restart()
        self.mend(port)
        time.sleep(1)
        self.assertEqual(self.sink.mails, [])
        self.send("finds it", "new@one.test")
        self.wait_mails(5)
        self.assertEqual([r["recipients"][0]["address"] for r in self.p.queue()], ["grey@one.test"])

    def test_slow_down(self):
        """Who refuses two in a row is left alone, for the time that it named, then all goes."""
        self.send("first", "a@other.test")
        self.wait_mails(1)
        said = []

        def tired(line):
            said.append(time.monotonic())
            return "421 4.7.0 too many messages, try again in 3 seconds" if len(said) <= 2 else None
        self.sink.again(reply={"RCPT": tired})
        self.assertTrue(wait_for(lambda: not self.sink.open))  # a 421 to an idle connection would say nothing
        self.send("may be too much itself", "b@other.test")
        self.wait_deferred("b@other.test")
        self.assertEqual(self.p.rows("site", "show", "other.test")[0]["state"], "open")
        self.send("tires it", "d@other.test")
        self.assertTrue(wait_for(lambda: "site-slow" in self.p.log(), 20), self.p.log_tail())
        row = self.p.rows("site", "show", "other.test")[0]
        self.assertEqual(row["state"], "slow")
        self.assertTrue(row["next_probe"])
        self.send("waits", "c@other.test")
        self.wait_deferred("c@other.test")
        self.assertEqual(self.entry("c@other.test")["attempts"], 0)
        self.wait_mails(3, 30)
        self.assertGreaterEqual(said[2] - said[1], 2.9)

    def test_named_time(self):
        said = []

        def grey(line):
            said.append(time.monotonic())
            return "451 4.7.1 greylisted, try again in 6 seconds" if len(said) == 1 else None
        self.sink.again(reply={"RCPT": grey})
        self.send("comes back", "a@other.test")
        self.wait_mails(1, 30)
        self.assertGreaterEqual(said[1] - said[0], 5.9)
