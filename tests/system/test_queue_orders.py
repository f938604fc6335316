"""postern queue: what an administrator ordered can be found again, what he is shown is so, and who hangs does not take him along."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from lib import BUILD, Instance, wait_for
from smtp_sink import Sink
from test_queue import LATER, Waiting, config


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


class Hung(Waiting):
    def stop(self, role):
        self.p.kill(role, signal.SIGSTOP)
        self.addCleanup(self.p.kill, role, signal.SIGCONT)

    def asked(self, *words):
        return self.p.ctl(*words, check=False, timeout=20)

    def test_qmgr(self):
        one = sorted(self.ids())[0]
        self.stop("qmgr")
        for words in (("queue", "list"), ("queue", "summary"), ("queue", "show", one), ("queue", "drop", "--all", "--dry-run"),
                      ("queue", "hold", "--all"), ("queue", "hold", "--all", "--quiet"), ("site", "list"), ("queue", "check")):
            with self.subTest(words=words):
                r = self.asked("--timeout", "1s", *words)
                self.assertEqual((r.returncode, r.stdout), (75, ""), r.stderr)
                self.assertRegex(r.stderr, r"^postern: qmgr does not answer[^\n]*1s[^\n]*\n(fix: [^\n]*\n)?$")
        begun = time.monotonic()
        r = self.asked("status")
        self.assertLess(time.monotonic() - begun, 15)
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stdout, r"qmgr\t0\t\d+\tdoes not answer\t")
        self.assertIn("smtpd", r.stdout)
        self.assertIn("127.0.0.1:", r.stdout)
        rows = [json.loads(line) for line in self.asked("--json", "status").stdout.splitlines()]
        self.assertIn({"kind": "queue", "state": "does not answer"}, rows)
        self.p.kill("qmgr", signal.SIGCONT)
        self.assertEqual(len(self.ids()), 6)
        # Nothing is done for who went away untold.
        self.assertEqual(self.ids("--status", "hold"), set())
        self.assertEqual(self.asked("status").returncode, 0)

    def test_master(self):
        self.stop("master")
        for words in (("status",), ("queue", "list")):
            r = self.asked("--timeout=1s", *words)
            self.assertEqual((r.returncode, r.stdout), (75, ""))
            self.assertIn("does not answer", r.stderr)

    def test_wrong_times(self):
        for word in ("", "5", "soon", "0s", "-1s"):
            r = self.asked("--timeout=" + word, "queue", "list")
            self.assertEqual((r.returncode, r.stdout), (64, ""), word)
            self.assertIn("30s", r.stderr)

    @unittest.skipUnless(shutil.which("strace") and os.getuid() == 0, "needs strace, and to attach it")
    def test_slow_disk(self):
        """Who waits for the disk is alive, and says so."""
        pid, = self.p.pids("qmgr")
        slow = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", "inject=fdatasync,fsync:delay_enter=4000000", "-p", str(pid)],
                                stderr=subprocess.PIPE, text=True)
        try:
            if "attached" not in slow.stderr.readline():
                self.skipTest("strace may not attach")
            begun = time.monotonic()
            self.assertEqual(self.p.rows("--timeout", "2s", "queue", "hold", "--all"), [{"changed": 6}])
            self.assertGreater(time.monotonic() - begun, 3)
        finally:
            slow.terminate()
            slow.wait()

    def test_long_silence_of_events(self):
        r = subprocess.Popen(self.p.command("--timeout", "1s", "events", "show", "--follow", "--like", "no such thing"), stdout=subprocess.PIPE)
        self.addCleanup(r.stdout.close)
        time.sleep(2.5)
        self.assertIsNone(r.poll())
        r.terminate()
        r.wait()


class Envelope(Waiting):
    """What the sender asked for is shown in words."""

    def send(self, mail, *rcpts):
        with self.p.smtp() as c:
            c.ehlo()
            self.assertEqual(c.docmd("MAIL", "FROM:" + mail)[0], 250)
            for rcpt in rcpts:
                self.assertEqual(c.docmd("RCPT", "TO:" + rcpt)[0], 250)
            self.assertEqual(c.data(b"Subject: x\r\n\r\nhello\r\n")[0], 250)

    def look(self, ident):
        """show --json and the file of export have the same."""
        row = self.p.rows("queue", "show", ident)[0]
        folder = os.path.join(self.p.base, "out")
        self.p.ctl("queue", "export", ident, "--into", folder)
        with open(os.path.join(folder, ident + ".json")) as f:
            copy = json.load(f)
        shutil.rmtree(folder)
        for key in "ret", "body", "smtputf8", "envid":
            self.assertEqual(row[key], copy[key], key)
        for r, s in zip(row["recipients"], copy["recipients"]):
            self.assertEqual((r["notify"], r["orcpt"]), (s["notify"], s["orcpt"]))
        return row

    def test_in_words(self):
        self.send("<full@here0.test> RET=FULL ENVID=abc BODY=8BITMIME SMTPUTF8",
                  "<a@far0.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;first@far0.test", "<b@far0.test> NOTIFY=SUCCESS", "<c@far0.test>")
        self.send("<hdrs@here0.test> RET=HDRS", "<d@far0.test> NOTIFY=NEVER")
        self.wait(8)
        full, = self.ids("--from", "full@*")
        hdrs, = self.ids("--from", "hdrs@*")
        for _ in range(2):
            row = self.look(full)
            self.assertEqual((row["ret"], row["body"], row["smtputf8"], row["envid"]), ("full", "8bitmime", True, "abc"))
            self.assertEqual([(r["notify"], r["orcpt"]) for r in row["recipients"]],
                             [(["failure", "delay"], "rfc822;first@far0.test"), (["success"], ""), ([], "")])
            row = self.look(hdrs)
            self.assertEqual((row["ret"], row["body"], row["smtputf8"]), ("hdrs", "7bit", False))
            self.assertEqual(row["recipients"][0]["notify"], ["never"])
            text = self.p.ctl("queue", "show", full).stdout
            for words in (r"\n  envid +abc\n", r"\n  ret +full\n", r"\n  body +8bitmime, smtputf8\n", r"to +a@far0\.test  .*\n +notify failure, delay, orcpt rfc822;first@",
                          r"to +b@far0\.test  .*\n +notify success\n", r"to +c@far0\.test  .*\n +451"):
                self.assertRegex(text, words)
            text = self.p.ctl("queue", "show", hdrs).stdout
            self.assertIn("notify never", text)
            self.assertNotIn("orcpt", text)
            self.assertNotIn("notify", self.p.ctl("queue", "list", "--json").stdout)
            text = self.p.ctl("queue", "export", full, "--mbox", "-").stdout
            self.assertIn("\nX-Postern-Recipient: a@far0.test\nX-Postern-Notify: failure, delay\nX-Postern-Orcpt: rfc822;first@far0.test\n", text)
            self.assertIn("\nX-Postern-Ret: full\nX-Postern-Body: 8bitmime\nX-Postern-Smtputf8: yes\n", text)
            self.p.stop()


class Prompt(Waiting):
    def test_no(self):
        for answer in (b"n\n", b"\n", b"\x04"):
            code, text = self.p.at_terminal(answer, "queue", "drop", "--all")
            self.assertEqual(code, 1, text)
            self.assertIn("nothing done", text)
        self.assertEqual(len(self.ids()), 6)
        self.assertEqual(self.p.at_terminal(b"y\n", "queue", "drop", "--all")[0], 0)
        self.assertEqual(len(self.ids()), 0)

    def test_who_is_told(self):
        """Of a bounce it is said whom nobody will tell."""
        with self.p.smtp() as c:
            c.ehlo()
            for sender, words in (("", ""), ("never@here0.test", " NOTIFY=NEVER")):
                self.assertEqual(c.docmd("MAIL", "FROM:<%s>" % sender)[0], 250)
                self.assertEqual(c.docmd("RCPT", "TO:<mute@far0.test>%s" % words)[0], 250)
                self.assertEqual(c.data(b"Subject: x\r\n\r\nhello\r\n")[0], 250)
        self.wait(8)
        r = self.p.ctl("queue", "bounce", "--from", "<>", "--yes")
        self.assertIn("queue bounce: 1 message, removed without a report: from <>, or NOTIFY without FAILURE\n", r.stderr)
        self.assertEqual(self.p.rows("queue", "bounce", "--all", "--dry-run"), [{"changed": 7, "unreported": 1, "dry_run": True}])
        code, text = self.p.at_terminal(b"n\n", "queue", "bounce", "--all")
        self.assertIn("queue bounce: 7 messages, 1 of them removed without a report: from <>, or NOTIFY without FAILURE", text)
        self.assertEqual(self.p.rows("queue", "bounce", "--to", "mute@*", "--yes"), [{"changed": 1, "unreported": 1}])
        r = self.p.ctl("queue", "bounce", "--to", "x1@*", "--yes")
        self.assertIn("queue bounce: 1 message\n", r.stderr)


class Places(Waiting):
    def test_export_into_what_is_no_folder(self):
        base = self.p.base
        with open(os.path.join(base, "file"), "w"):
            pass
        for path, words in ((os.path.join(base, "no", "such"), "no such folder"), (os.path.join(base, "file"), "is no folder"),
                            (os.path.join(base, "file", "x"), "is no folder")):
            r = self.p.ctl("queue", "export", "--all", "--into", path, check=False)
            self.assertEqual((r.returncode, r.stdout), (73, ""))
            self.assertIn(words, r.stderr)
            self.assertIn(path, r.stderr)
        r = self.p.ctl("queue", "export", "--all", "--mbox", os.path.join(base, "no", "box"), check=False)
        self.assertEqual(r.returncode, 73)
        self.assertIn("no such folder", r.stderr)

    @unittest.skipIf(os.getuid() == 0, "root may write everywhere")
    def test_export_into_a_closed_folder(self):
        closed = os.path.join(self.p.base, "closed")
        os.mkdir(closed, 0o500)
        for path in (closed, os.path.join(closed, "new")):
            r = self.p.ctl("queue", "export", "--all", "--into", path, check=False)
            self.assertEqual((r.returncode, r.stdout), (77, ""), r.stderr)
            self.assertIn("Permission denied", r.stderr)


class InFlight(unittest.TestCase):
    def test_hold_of_what_is_being_sent(self):
        """It shows as active until it is back, and then as held."""
        dots = []

        def late(line):
            dots.append(line)
            time.sleep(6)
            return "451 4.2.1 later"
        sink = Sink(reply={"dot": late})
        self.addCleanup(sink.close)
        with Instance(config=config(sink.via)) as p:
            p.start()
            p.send("one", to="x@far.test")
            self.assertTrue(wait_for(lambda: dots, 10), p.log_tail())
            self.assertEqual(p.rows("queue", "hold", "--all")[0]["changed"], 1)
            row = p.queue()[0]
            self.assertEqual((row["status"], row["recipients"][0]["status"], row["held"]), ("active", "active", True))
            self.assertEqual(len(p.rows("queue", "list", "--status", "hold")), 1)
            self.assertEqual(len(p.rows("queue", "list", "--status", "active")), 1)
            total = p.rows("queue", "summary")[-1]
            self.assertEqual((total["active"], total["hold"]), (1, 0))
            self.assertTrue(wait_for(lambda: p.queue()[0]["status"] == "hold", 20), p.queue())
            self.assertEqual(p.queue()[0]["recipients"][0]["status"], "hold")


@unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
class Others(Waiting):
    def test_check_of_a_server_that_is_down(self):
        self.p.stop()
        for words in (("list",), ("check",), ("cat", "0000000000000")):
            r = subprocess.run([os.path.join(BUILD, "ctl", "postern"), "--base", self.p.base, "queue", *words], capture_output=True, text=True,
                               user=65534, group=65534, extra_groups=[])
            self.assertEqual((r.returncode, r.stdout), (77, ""), (words, r.stderr))


if __name__ == "__main__":
    unittest.main()
