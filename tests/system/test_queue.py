"""postern queue: what an administrator does with mail that waits, by every filter, with a whole server."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from lib import ROOM, SLOW, Instance, Load, message, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
LATER = {"RCPT": "451 4.2.1 mailbox is busy"}
CHANGES = ("hold", "release", "retry", "drop", "bounce")


def config(via):
    return """route "*" { via = "%s" tls = none }
        relay { allow_from = 127.0.0.1 }
        queue { min_free_disk = 0%% min_free = 1MiB retry_min = 1h retry_max = 2h }""" % via


class Waiting(unittest.TestCase):
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


class UnderWay(unittest.TestCase):
    def test_a_fresh_qmgr_does_not_change_what_an_agent_has(self):
        """It cannot know before the agents have told: the letter would arrive and be returned too."""
        dots = []

        def late(line):
            dots.append(line)
            time.sleep(2)
        sink = Sink(reply={"dot": late})
        self.addCleanup(sink.close)
        with Instance(config=config(sink.via)) as p:
            p.start()
            p.send("once", to="x@far.test", sender=BOB)
            self.assertTrue(wait_for(lambda: dots, 10), p.log_tail())
            p.kill("qmgr")
            r = wait_for(lambda: (lambda r: r if r.returncode == 0 else None)(
                p.ctl("queue", "bounce", "--all", "--yes", "--json", check=False)), 10)
            self.assertEqual(json.loads(r.stdout)["changed"], 0)
            p.wait_queue_empty()
            self.assertEqual(len(sink.mails), 1)
            self.assertEqual(p.subjects(BOB), [])


class Deferred(Waiting):
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
        self.assertTrue(wait_for(lambda: len(self.ids()) == 3, 15), self.p.log_tail())
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

    def test_bounce_of_what_is_on_its_way(self):
        """An agent has it: what comes of that is not known yet."""
        one = sorted(self.ids())[0]
        self.sink.again(reply=LATER, slow=1)
        self.change("retry", one)
        self.assertTrue(wait_for(lambda: self.p.rows("queue", "show", one)[0]["status"] == "active", 10))
        self.assertEqual(self.change("bounce", one, "--dry-run"), 0)
        self.assertEqual(self.change("bounce", one), 0)
        self.sink.again(reply=LATER)
        self.assertTrue(wait_for(lambda: self.change("bounce", one, "--dry-run") == 1, 30))
        self.assertEqual(self.change("bounce", one), 1)
        self.assertTrue(wait_for(lambda: one not in self.ids(), 10))

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

    def rcpts(self, ident):
        return sorted(r["address"] for r in self.p.rows("queue", "show", ident)[0]["recipients"])

    def test_only_the_recipients_that_match(self):
        self.p.send("many", to=["a@far1.test", "b@far0.test", "c@far0.test", "d@far1.test"], sender="many@here0.test")
        self.wait(7)
        many = self.p.rows("queue", "list", "--from", "many@here0.test")[0]["id"]
        self.assertEqual(self.change("drop", many, "--domain", "far0.test"), 1)
        self.assertEqual(self.rcpts(many), ["a@far1.test", "d@far1.test"])
        self.assertEqual(self.change("bounce", many, "--to", "d@*"), 1)
        self.assertTrue(wait_for(lambda: self.rcpts(many) == ["a@far1.test"], 10), self.rcpts(many))
        self.sink.again()
        self.assertEqual(self.change("retry", many), 1)
        self.assertTrue(wait_for(lambda: many not in self.ids(), 10), self.p.queue())
        self.assertEqual([m.rcpts for m in self.sink.mails if "\nSubject: many" in m.text], [["a@far1.test"]])
        self.assertEqual(self.change("retry", "--from", "<>"), 1)
        report = wait_for(lambda: [m for m in self.sink.mails if m.sender == ""], 10)
        self.assertEqual(len(report), 1)
        self.assertIn("d@far1.test", report[0].text)
        self.assertNotIn("b@far0.test", report[0].text)


class Reroute(Waiting):
    """Another next hop for what waits: for whom, how long it holds, and back again."""

    def setUp(self):
        super().setUp()
        self.other = Sink()
        self.addCleanup(self.other.close)

    def vias(self):
        return sorted(r["via"] for row in self.p.queue() for r in row["recipients"] if "via" in r)

    def test_now(self):
        rows = self.p.rows("queue", "reroute", "--domain", "far1.test", "--via", self.other.via, "--dry-run")
        self.assertEqual(rows, [{"changed": 3, "dry_run": True}])
        self.assertEqual(self.vias(), [])
        self.assertEqual(self.change("reroute", "--domain", "far1.test", "--via", self.other.via, "--tls", "none"), 3)
        self.wait(3)  # also while they are on their way
        wait_for(lambda: len(self.other.mails) == 3, 10)
        self.assertEqual(sorted(m.rcpts[0] for m in self.other.mails), ["x1@far1.test", "x3@far1.test", "x5@far1.test"])
        self.assertEqual(self.sink.mails, [])

    def test_survives_and_resets(self):
        """It is in the log: after a crash, a restart, and from a state; until it is taken back."""
        self.other.again(reply=LATER)
        ident = self.p.queue()[0]["id"]
        self.assertEqual(self.change("reroute", ident, "--via", self.other.via), 1)
        self.assertTrue(wait_for(lambda: self.other.lines, 10))
        self.wait(6)
        self.p.kill_all()
        self.assertEqual(self.vias(), [self.other.via])  # read by qmgr-read
        for _ in range(2):
            self.p.start()
            self.assertEqual(self.vias(), [self.other.via])
            self.p.stop()
        self.assertEqual(self.p.ctl("queue", "check", check=False).returncode, 0)
        self.p.start()
        self.other.again()
        self.change("retry", "--all")
        self.wait(5)
        self.assertEqual((len(self.other.mails), len(self.sink.mails)), (1, 0))
        # And back.
        self.assertEqual(self.change("hold", "--all"), 5)
        self.assertEqual(self.change("reroute", "--all", "--via", self.other.via), 5)
        self.assertEqual(self.vias(), [self.other.via] * 5)
        left = len(self.p.rows("queue", "list", "--domain", "far1.test"))
        self.assertEqual(self.change("reroute", "--domain", "far0.test", "--reset"), 5 - left)
        self.assertEqual(self.vias(), [self.other.via] * left)
        self.sink.again()
        self.change("release", "--all")
        self.p.wait_queue_empty()
        self.assertEqual((len(self.other.mails), len(self.sink.mails)), (1 + left, 5 - left))

    def test_only_the_recipients_that_match(self):
        self.p.send("both", to=["a@far0.test", "b@far1.test"])
        self.wait(7)
        row = [r for r in self.p.queue() if len(r["recipients"]) == 2][0]
        self.assertEqual(self.change("reroute", row["id"], "--domain", "far1.test", "--via", self.other.via), 1)
        self.assertTrue(wait_for(lambda: self.other.mails, 10))
        self.assertEqual(self.other.mails[0].rcpts, ["b@far1.test"])
        self.assertTrue(wait_for(lambda: len(self.p.rows("queue", "show", row["id"])[0]["recipients"]) == 1, 10))

    def test_lmtp(self):
        with Sink(lmtp=True) as lmtp:
            self.assertEqual(self.change("reroute", "--to", "x1@*", "--via", "lmtp:" + lmtp.via), 1)
            self.assertTrue(wait_for(lambda: lmtp.mails, 10), self.p.log_tail())

    @unittest.skipIf(os.getuid() != 0, "it can then")
    def test_lmtp_path_that_cannot_be_reached(self):
        for more in ((), ("--dry-run",)):
            r = self.p.ctl("queue", "reroute", "--all", "--via", "lmtp:/tmp/x.sock", *more, check=False)
            self.assertEqual((r.returncode, r.stdout), (64, ""))
            self.assertIn("started as root", r.stderr)
        self.assertEqual(self.vias(), [])

    @unittest.skipIf(os.getuid() == 0, "the client's root folder is empty then")
    def test_lmtp_path(self):
        with Sink(path=os.path.join(self.p.base, "lmtp.sock"), lmtp=True) as lmtp:
            self.assertEqual(self.change("reroute", "--to", "x2@*", "--via", "lmtp:" + lmtp.via), 1)
            self.assertTrue(wait_for(lambda: lmtp.mails, 10), self.p.log_tail())
            self.assertEqual(lmtp.mails[0].rcpts, ["x2@far0.test"])

    def test_wrong_words(self):
        for words in ((), ("--via", "nonsense here"), ("--via", "a:99999"), ("--via", "x.test", "--reset"),
                      ("--via", "x.test", "--tls", "never")):
            r = self.p.ctl("queue", "reroute", "--all", *words, check=False)
            self.assertEqual(r.returncode, 64, words)
            self.assertIn("--tls" if "--tls" in words else "--via", r.stderr)
        self.assertEqual(self.change("reroute", "--all", "--reset"), 0)

    def test_none_is_the_domains_own_mx(self):
        self.p.send("both", to=["a@far0.test", "b@far1.test", "c@far1.test", "d@[127.0.0.1]"])
        self.wait(7)
        many = self.p.rows("queue", "list", "--to", "a@*")[0]["id"]
        self.change("hold", "--all")
        self.assertEqual(self.change("reroute", many, "--via", "none"), 1)
        self.assertEqual([r["via"] for r in self.p.rows("queue", "show", many)[0]["recipients"]],
                         ["far0.test", "far1.test", "far1.test", "[127.0.0.1]:25"])
        self.assertEqual(self.change("reroute", "--to", "x1@*", "--via", "none"), 1)
        self.p.stop()
        self.assertEqual(self.vias(), ["[127.0.0.1]:25", "far0.test", "far1.test", "far1.test", "far1.test"])
        self.p.start()
        self.assertEqual(self.change("reroute", "--all", "--reset"), 2)
        self.assertEqual(self.vias(), [])


@unittest.skipIf(os.getuid() == 0, "root may read everything")
class Unreadable(Waiting):
    def test_spool(self):
        """Who may ask the server, but not read its files, is told so."""
        spool = os.path.join(self.p.base, "spool")
        os.chmod(spool, 0)
        self.addCleanup(os.chmod, spool, 0o700)
        for stop in (False, True):
            if stop:
                self.p.stop()
            r = self.p.ctl("queue", "check", check=False)
            self.assertEqual((r.returncode, r.stdout), (77, ""))
            self.assertIn(spool + ": Permission denied", r.stderr)
            self.assertIn("fix: ", r.stderr)


class Notify(Waiting):
    def test_sender_is_told_once(self):
        """Who asked not to be told of delays, and nobody, are not."""
        with self.p.smtp() as c:
            c.ehlo()
            for sender, words in (("", ""), ("quiet@here0.test", " NOTIFY=FAILURE"), ("loud@here0.test", " NOTIFY=DELAY")):
                self.assertEqual(c.docmd("MAIL", "FROM:<%s>" % sender)[0], 250)
                self.assertEqual(c.docmd("RCPT", "TO:<late@far0.test>%s" % words)[0], 250)
                self.assertEqual(c.data(b"Subject: x\r\n\r\nhello\r\n")[0], 250)
        self.wait(9)
        self.change("hold", "--all")
        self.sink.again()
        late = ("--to", "late@*")
        self.assertEqual(self.p.rows("queue", "notify", *late, "--dry-run"), [{"changed": 1, "dry_run": True}])
        self.assertEqual(self.p.rows("queue", "notify", "--all", "--dry-run")[0]["changed"], 7)
        self.assertEqual(self.sink.mails, [])
        self.assertEqual(self.change("notify", *late), 1)
        self.assertTrue(wait_for(lambda: self.sink.mails, 10), self.p.log_tail())
        report = self.sink.mails[0]
        self.assertEqual((report.sender, report.rcpts), ("", ["loud@here0.test"]))
        self.assertIn("Action: delayed", report.text)
        self.assertTrue(wait_for(lambda: self.change("notify", *late) == 0, 10))
        self.assertEqual(len(self.sink.mails), 1)
        self.assertEqual(len(self.p.rows("queue", "list", *late)), 3)


    def test_while_another_report_is_made(self):
        """Two reports of one message: the second is not lost because the first is not done."""
        self.sink.again(reply={"RCPT": lambda line: "550 5.1.1 nobody" if "gone@" in line else LATER["RCPT"] if "@far" in line else None})
        self.p.kill("bounce", signal.SIGSTOP)
        self.p.send("two", to=["gone@far0.test", "late@far1.test"], sender="s@here0.test")
        tried = lambda: str([row for row in self.p.queue() if row["sender"] == "s@here0.test"])
        self.assertTrue(wait_for(lambda: "nobody" in tried() and "mailbox is busy" in tried(), 10), self.p.queue())
        self.assertEqual(self.change("notify", "--to", "late@far1.test"), 1)
        self.p.kill("bounce", signal.SIGCONT)
        wait_for(lambda: len(self.sink.mails) == 2, 5)
        said = [line for m in self.sink.mails for line in m.text.splitlines() if line.startswith("Action: ")]
        self.assertEqual(sorted(said), ["Action: delayed", "Action: failed"])


class Export(Waiting):
    """Octet for octet, from the server and from the spool of one that is down."""
    WILD = b"Subject: wild\r\n\r\nFrom here\r\n>From there\r\n>>>From\r\n\xff\xfe \xed\xa0\x80 no utf-8\r\nFr\r\n\r\nFrom"

    def setUp(self):
        super().setUp()
        big = b"Subject: big\r\n\r\n" + (b"From \xc3\xa4\xc3\xb6" + b"z" * 61 + b"\r\n") * 6000
        with self.p.smtp() as c:
            c.sendmail("wild@here0.test", ["a@far0.test", "b@far1.test"], self.WILD + b"\r\n")
            c.sendmail("big@here0.test", ["c@far0.test"], big)
        self.wait(8)
        self.bodies = {"wild@here0.test": self.WILD + b"\r\n", "big@here0.test": big}
        self.folder = os.path.join(self.p.base, "out")

    def texts(self):
        """What queue cat gives, by id."""
        return {i: subprocess.run(self.p.command("queue", "cat", i), capture_output=True, check=True).stdout for i in self.ids()}

    def check_folder(self, texts):
        r = self.p.ctl("queue", "export", "--all", "--into", self.folder)
        self.assertIn("8 messages exported", r.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(i + s for i in texts for s in (".eml", ".json")))
        for i, text in texts.items():
            with open(os.path.join(self.folder, i + ".eml"), "rb") as f:
                self.assertEqual(f.read(), text)
            with open(os.path.join(self.folder, i + ".json")) as f:
                row = json.load(f)
            self.assertEqual(row["id"], i)
            if row["sender"] in self.bodies:
                self.assertTrue(text.endswith(self.bodies[row["sender"]].replace(b"\r\n", b"\n")), row)
            if row["sender"] == "wild@here0.test":
                self.assertEqual([r["address"] for r in row["recipients"]], ["a@far0.test", "b@far1.test"])

    def test_folder(self):
        texts = self.texts()
        self.check_folder(texts)
        # Nothing that is there is written over.
        name = os.path.join(self.folder, sorted(texts)[0] + ".eml")
        with open(name, "w") as f:
            f.write("mine")
        r = self.p.ctl("queue", "export", sorted(texts)[0], "--into", self.folder, check=False)
        self.assertEqual(r.returncode, 73)
        self.assertIn("is there already", r.stderr)
        with open(name) as f:
            self.assertEqual(f.read(), "mine")
        shutil.rmtree(self.folder)
        self.p.stop()
        self.assertEqual(self.texts(), texts)
        self.check_folder(texts)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_broken_off(self):
        """Killed at each name it gives or takes: what is there is whole, and a later export gives the rest."""
        texts = self.texts()

        def look():
            for name in os.listdir(self.folder):
                ident, suffix = name.split(".", 1)
                if suffix == "eml":
                    with open(os.path.join(self.folder, name), "rb") as f:
                        self.assertEqual(f.read(), texts[ident])
                    with open(os.path.join(self.folder, ident + ".json")) as f:
                        self.assertEqual(json.load(f)["id"], ident)

        for calls in ("linkat", "unlinkat", "renameat,renameat2"):
            for nth in (1, 2, 5):
                r = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=%s:signal=KILL:when=%d" % (calls, nth)] +
                                   self.p.command("queue", "export", "--all", "--into", self.folder), capture_output=True)
                self.assertNotEqual(r.returncode, 0)
                look()
                self.assertIn(self.p.ctl("queue", "export", "--all", "--into", self.folder, check=False).returncode, (0, 73))
                look()
                self.assertEqual({n for n in os.listdir(self.folder) if not n.endswith(".part")}, {i + s for i in texts for s in (".eml", ".json")})
                shutil.rmtree(self.folder)

    def unquoted(self, octets):
        """The messages of an mboxrd file."""
        mails = re.split(rb"(?:\A|(?<=\n\n))From \S+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\n", octets)
        self.assertEqual(mails[0], b"")
        return [re.sub(rb"(?m)^>(>*From )", rb"\1", m[:-1]) for m in mails[1:]]

    def test_mbox(self):
        texts = self.texts()
        name = os.path.join(self.p.base, "q.mbox")
        self.p.ctl("queue", "export", "--all", "--mbox", name)
        with open(name, "rb") as f:
            octets = f.read()
        found = {}
        for m in self.unquoted(octets):
            ours = re.match(rb"((?:X-Postern-.*\n)+)", m).group(1)
            fields = re.findall(rb"X-Postern-(\w+): (.*)\n", ours)
            found[dict(fields)[b"Id"].decode()] = m[len(ours):]
            if b"wild@here0.test" in ours:
                self.assertEqual([v for k, v in fields if k == b"Recipient"], [b"a@far0.test", b"b@far1.test"])
        self.assertEqual(found, texts)
        self.assertEqual(self.p.ctl("queue", "export", "--all", "--mbox", name, check=False).returncode, 73)
        some = self.p.ctl("queue", "export", "-", "--mbox", "-", stdin="".join(i + "\n" for i in sorted(texts)[:3]))
        self.assertIn("3 messages exported", some.stderr)
        self.assertEqual(some.stdout.count("X-Postern-Id: "), 3)
        # What is no id is named, and holds up nobody else's.
        lines = sorted(texts)[:2] + ["nonsense", "Z" * 200] + sorted(texts)[2:3]
        some = self.p.ctl("queue", "export", "-", "--mbox", "-", stdin="\n".join(lines) + "\n", check=False)
        self.assertEqual((some.returncode, some.stdout.count("X-Postern-Id: ")), (65, 3), some.stderr)
        self.assertIn('line 3: "nonsense" is no message id', some.stderr)
        self.assertIn('line 4: "ZZZ', some.stderr)
        out = subprocess.run(self.p.command("queue", "export", "--all", "--mbox", "-"), capture_output=True, check=True).stdout
        self.assertEqual(out, octets)

    def test_words(self):
        for words in ((), ("--all",), ("--into", self.folder), ("--all", "--into", self.folder, "--mbox", "x")):
            self.assertEqual(self.p.ctl("queue", "export", *words, check=False).returncode, 64, words)
        r = self.p.ctl("queue", "export", "0000000000000", "--into", self.folder, check=False)
        self.assertEqual(r.returncode, 2)
        for name in os.listdir(os.path.join(self.p.base, "spool", "large")):
            os.unlink(os.path.join(self.p.base, "spool", "large", name))
        for up in (True, False):
            r = self.p.ctl("queue", "export", "--from", "big@*", "--into", self.folder, check=False)
            self.assertEqual(r.returncode, 74, r.stderr)
            self.assertIn("cannot be read", r.stderr)
            self.assertEqual(os.listdir(self.folder), [])
            self.p.stop()


class Check(Waiting):
    """`queue check`: nothing on a healthy spool, up, down and under load; each damage by its name."""

    def setUp(self):
        super().setUp()
        self.p.send("large", to="large@far0.test", body=("z" * 70 + "\r\n") * 5000)
        self.wait(7)
        self.spool = os.path.join(self.p.base, "spool")

    def check(self, code=0):
        r = self.p.ctl("queue", "check", "--json", check=False)
        self.assertEqual(r.returncode, code, (r.stdout, r.stderr))
        rows = [json.loads(line) for line in r.stdout.splitlines()]
        self.assertTrue(rows[-1]["total"])
        self.assertEqual(rows[-1]["problems"], len(rows) - 1)
        return rows[-1] if code == 0 else rows[:-1]

    def kinds(self):
        return sorted({row["problem"] for row in self.check(1)})

    def large(self):
        names = os.listdir(os.path.join(self.spool, "large"))
        self.assertEqual(len(names), 1)
        return os.path.join(self.spool, "large", names[0])

    def flip(self, text):
        """One bit in the record with this text; its segment and the place."""
        folder = os.path.join(self.spool, "log")
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".seg"):
                continue
            with open(os.path.join(folder, name), "r+b") as f:
                at = f.read().find(text)
                if at != -1:
                    f.seek(at)
                    f.write(bytes([text[0] ^ 1]))
                    return name, at
        self.fail("%r is in no segment" % text)

    def test_healthy(self):
        total = self.check()
        self.assertEqual((total["messages"], total["recipients"], total["deferred"], total["bodies"], total["live"]), (7, 7, 7, 1, True))
        r = self.p.ctl("queue", "check")
        self.assertEqual(r.stdout, "")
        self.assertIn("7 messages to 7 recipients", r.stderr)
        self.assertIn("0 problems", r.stderr)
        self.p.stop()
        total = self.check()
        self.assertEqual((total["messages"], total["bodies"], total["live"]), (7, 1, False))
        self.p.start()
        self.p.kill_all()
        self.p.running = False
        self.assertEqual(self.check()["messages"], 7)

    def test_each_recipient_is_somewhere(self):
        """Mailbox, next host, report, dropped, list, queue: each one counts once, up, down, and after another start."""
        self.p.ctl("account", "add", "carol@local.test", "--password-stdin", stdin="secret-carol\n")
        self.p.ctl("alias", "add", "all@local.test", "carol@local.test", BOB)
        self.assertEqual(self.change("drop", "--from", "*@here1.test"), 2)
        self.assertEqual(self.change("bounce", "--from", "*@here2.test"), 2)  # and the reports wait for the same sink
        self.wait(5)
        self.sink.again()
        self.assertEqual(self.change("retry", "--from", "*@here0.test"), 2)
        self.p.send("list", to="all@local.test", sender="s@local.test")
        self.p.send("alone", to="bob@local.test", sender="s@local.test")
        self.assertTrue(wait_for(lambda: len(self.p.queue()) == 3, 10), self.p.queue())
        wanted = {"accepted": 7 + 2 + 1 + 2 + 1, "queue": 3, "mailbox": 3, "next_hop": 2, "returned": 2, "dropped": 2, "list": 1,
                  "failed": 0, "same_mailbox": 0, "done": 0, "forgotten": 0}
        for _ in range(2):
            total = self.check()
            self.assertEqual({key: total[key] for key in wanted}, wanted)
            text = self.p.ctl("queue", "check").stderr
            self.assertIn("13 recipients accepted: 3 in the queue, 3 in mailboxes, 2 at next hosts, 2 returned, 2 dropped, 1 lists", text)
            self.p.kill_all()
        # A start copies what lives out of its old log, and may give that back.
        self.p.start()
        total = self.check()
        self.assertEqual(total["queue"], 3)
        self.assertEqual(total["accepted"], sum(total[key] for key in wanted if key != "accepted"))

    def test_healthy_under_load(self):
        load = Load(self.p, clients=4).start()
        for _ in range(6):
            self.assertTrue(self.check()["live"])
            self.change("hold", "--all", "--limit", "5")
            self.change("release", "--all")
        load.stop()
        self.check()

    def test_flipped_record(self):
        """In the log behind the state, and, after a stop, in what is before it."""
        self.p.kill_all()
        self.p.running = False
        ident = [row["id"] for row in self.p.rows("queue", "list", "--size", "-1KiB")]
        name, at = self.flip(b"Subject: q3")
        rows = self.check(1)
        damaged = [row for row in rows if row["problem"] == "record-damaged"]
        self.assertEqual(len(damaged), 1, rows)
        where, offset = damaged[0]["where"].split(" at ")
        self.assertEqual(where, "log/" + name)
        self.assertTrue(at - 2000 < int(offset) <= at, (offset, at))
        self.assertIn("postern start", damaged[0]["fix"])
        missing = [row["id"] for row in rows if row["problem"] == "message-missing"]
        self.assertEqual(len(missing), 1)
        self.assertIn(missing[0], ident)
        # What the fix says is true: all others stay, and nothing is wrong any more.
        self.p.start()
        self.assertEqual(len(self.p.queue()), 6)
        self.p.stop()
        self.check()
        name, at = self.flip(b"Subject: q4")
        rows = self.check(1)
        self.assertEqual([row["problem"] for row in rows], ["text-damaged"])
        self.assertTrue(rows[0]["where"].startswith("log/%s at " % name))
        self.p.start()
        self.assertEqual(self.kinds(), ["text-damaged"])
        self.sink.again()
        self.assertEqual(self.change("bounce", rows[0]["id"]), 1)
        self.assertTrue(wait_for(lambda: self.sink.mails, 10))
        self.assertTrue(wait_for(lambda: len(self.p.queue()) == 5, 10))

    def test_large_body(self):
        path = self.large()
        with open(path, "r+b") as f:
            f.seek(100000)
            f.write(b"#")
        self.assertEqual(self.kinds(), ["body-damaged"])
        self.p.stop()
        self.assertEqual(self.kinds(), ["body-damaged"])
        os.truncate(path, 1000)
        self.assertEqual(self.kinds(), ["body-size"])
        for start in (True, False):
            if start:
                self.p.start()
            r = self.p.ctl("queue", "cat", "--all", check=False)
            self.assertEqual(r.returncode, 74, r.stderr)
            self.assertIn("cannot be read", r.stderr)
            self.p.stop()
        os.unlink(path)
        rows = self.check(1)
        self.assertEqual([row["problem"] for row in rows], ["body-missing"])
        self.assertEqual(rows[0]["where"], "large/" + os.path.basename(path))
        self.assertIn("queue bounce " + rows[0]["id"], rows[0]["fix"])
        text = self.p.ctl("queue", "check", check=False)
        self.assertEqual(text.returncode, 1)
        self.assertIn("cannot be opened", text.stdout)
        self.assertIn("1 problems", text.stderr)

    def test_orphans(self):
        name = os.path.basename(self.large())
        orphan = os.path.join(self.spool, "large", name[:-4] + "ZZZZ")
        with open(orphan, "w") as f:
            f.write("x" * 300)
        self.assertEqual(self.check()["receiving"], 1)  # it could be one that comes in just now
        os.utime(orphan, (1, 1))
        self.assertEqual(self.kinds(), ["body-orphan"])
        self.p.stop()
        with open(os.path.join(self.spool, "large", "notes.txt"), "w") as f:
            f.write("x")
        self.assertEqual(self.kinds(), ["body-orphan", "file-foreign"])
        self.p.start()
        self.assertFalse(os.path.exists(orphan))
        self.assertEqual(self.kinds(), ["file-foreign"])

    def test_no_state_and_no_spool(self):
        self.p.restart()  # a state that the next one does not repeat
        self.p.stop()
        for name in os.listdir(os.path.join(self.spool, "log")):
            if name.startswith("state."):
                with open(os.path.join(self.spool, "log", name), "r+b") as f:
                    f.write(b"?" * 20)
        self.assertIn("state-damaged", self.kinds())
        with open(os.path.join(self.spool, "uuid"), "w") as f:
            f.write("nothing")
        r = self.p.ctl("queue", "check", check=False)
        self.assertEqual(r.returncode, 74, r.stderr)
        self.assertIn("spool", r.stderr)


class Many(unittest.TestCase):
    def reroute(self, p, n):
        """Takes no memory: a million of them ended qmgr, at each start again."""
        pid = [row["pid"] for row in p.rows("status") if row.get("role") == "qmgr"][0]

        def memory():
            with open("/proc/%d/status" % pid) as f:
                return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
        had = memory()
        self.assertEqual(p.rows("queue", "reroute", "--all", "--via", "[127.0.0.1]:2")[0]["changed"], n)
        self.assertLess((memory() - had) * 1024 / n, 500 * ROOM)
        self.assertEqual(p.queue()[n - 1]["recipients"][0]["via"], "[127.0.0.1]:2")

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
            ids = [row["id"] for row in p.rows("queue", "list")]
            self.assertEqual(len(ids), n)
            begun = time.monotonic()
            r = p.ctl("queue", "hold", "-", "--json", stdin="\n".join(ids))
            self.assertEqual((r.stdout, r.stderr), ('{"changed":%d}\n' % n, ""))
            self.assertLess(time.monotonic() - begun, 20 * SLOW)
            self.reroute(p, n)
            self.assertEqual(p.rows("queue", "drop", "--all", "--yes")[0]["changed"], n)
            p.wait_queue_empty()


if __name__ == "__main__":
    unittest.main()
