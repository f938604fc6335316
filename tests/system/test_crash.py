"""Processes are killed under load: nothing accepted is lost, nothing is doubled, and service is back soon."""
import os
import signal
import time
import unittest

from lib import SLOW, Instance, Load, wait_for

ALONE = True  # service has to be back in time
BOB = "bob@local.test"
KINDS = ("smtp", "submission", "imaps", "pop3s")


class KillOne(unittest.TestCase):
    def ledger(self, p, load):
        load.stop()
        p.wait_queue_empty(60)
        load.check(self, p.subjects(BOB))

    def serves(self, p):
        """A message is taken."""
        self.probe = "probe %f" % time.monotonic()
        try:
            with p.smtp(timeout=2) as c:
                c.sendmail("eve@far.test", [BOB], b"Subject: %s\r\n\r\nx\r\n" % self.probe.encode())
            return True
        except Exception:
            return False

    def arrived(self, p):
        try:
            return self.probe in p.subjects(BOB)
        except Exception:
            return False

    def kill_under_load(self, role, times=3):
        with Instance(kinds=KINDS, name="kill-" + role) as p:
            p.start()
            load = Load(p).start()
            self.assertTrue(wait_for(lambda: len(load.accepted) > 50, 20), "no load: " + p.log_tail())
            for _ in range(times):
                before = set(p.pids(role))
                self.assertTrue(before, "%s does not run" % role)
                p.kill(role)
                killed = time.monotonic()
                self.assertTrue(wait_for(lambda: self.serves(p), 10), "no service\n" + p.log_tail())
                took = time.monotonic() - killed
                self.assertLess(took, 2 * SLOW, "service was away")
                self.assertTrue(wait_for(lambda: set(p.pids(role)) - before, 10), "%s does not run again" % role)
                # Of a message that saw three agents die in a row, qmgr thinks that it kills them: it would wait for minutes.
                self.assertTrue(wait_for(lambda: self.arrived(p), 20), "the probe does not arrive\n" + p.log_tail())
            self.ledger(p, load)

    def test_smtpd(self):
        self.kill_under_load("smtpd")

    def test_qmgr(self):
        self.kill_under_load("qmgr")

    def test_deliver(self):
        self.kill_under_load("deliver")

    def test_routerd(self):
        self.kill_under_load("routerd")

    def test_authd(self):
        self.kill_under_load("authd", 1)

    def test_keyd(self):
        self.kill_under_load("keyd", 1)

    def test_dnsd(self):
        self.kill_under_load("dnsd", 1)

    def test_eventd(self):
        self.kill_under_load("eventd", 1)

    def test_bounce(self):
        self.kill_under_load("bounce", 1)

    def test_smtp(self):
        self.kill_under_load("smtp", 1)

    def test_fronts_serve_again(self):
        with Instance(kinds=KINDS, name="fronts") as p:
            p.start()
            p.send("before")
            p.wait_mail(BOB, 1)
            for role in ("imapd", "imap", "pop3d", "authd", "keyd", "routerd"):
                with self.subTest(role):
                    p.kill(role)
                    killed = time.monotonic()
                    self.assertTrue(wait_for(lambda: self.reads(p), 10), p.log_tail())
                    self.assertLess(time.monotonic() - killed, 3 * SLOW)

    def reads(self, p):
        try:
            ok = len(p.stored(BOB)) == 1
            pop = p.pop3(BOB)
            ok = ok and pop.stat()[0] == 1
            pop.quit()
            return ok
        except Exception:
            return False


class KillAll(unittest.TestCase):
    def test_kill_everything(self):
        with Instance(kinds=KINDS, name="kill-all") as p:
            p.start()
            everything = []
            for round_ in range(4):
                load = Load(p, tag="round%d" % round_).start()
                self.assertTrue(wait_for(lambda: len(load.accepted) > 80, 20), "no load: " + p.log_tail())
                p.kill_all()
                load.stop()
                everything.append(load)
                p.start()
            p.wait_queue_empty(60)
            subjects = p.subjects(BOB)
            for load in everything:
                load.check(self, subjects)


class Restart(unittest.TestCase):
    # Nobody listens there: mail waits.
    CONFIG = 'route "far.test" { via = "[127.0.0.1]:1" tls = none }\nrelay { allow_from = [127.0.0.1] }'

    def test_queued_mail_stays(self):
        with Instance(kinds=KINDS, config=self.CONFIG, name="restart") as p:
            p.start()
            for n in range(20):
                p.send("waits %d" % n, to="x%d@far.test" % n, sender=BOB)
            ids = sorted(row["id"] for row in p.queue())
            self.assertEqual(len(ids), 20)
            p.restart()
            self.assertEqual(sorted(row["id"] for row in p.queue()), ids)
            p.kill_all()
            p.start()
            self.assertEqual(sorted(row["id"] for row in p.queue()), ids)

    def test_stop_finishes_what_is_under_way(self):
        with Instance(kinds=KINDS, name="stop") as p:
            p.start()
            idle, busy = p.talk("smtp"), p.talk("smtp")
            idle.reply()
            busy.reply()
            busy.say("EHLO x")
            busy.say("MAIL FROM:<eve@far.test>")
            busy.say("RCPT TO:<bob@local.test>")
            self.assertEqual(busy.say("DATA"), 354)
            pid = p.master_pid()
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(idle.reply(), 421)
            code = busy.say(b"Subject: last\r\n\r\nx\r\n.\r\n")
            self.assertIn(code, (250, 451))
            self.assertTrue(wait_for(lambda: not p.pids(), 20), "does not stop")
            p.running = False
            p.start()
            if code == 250:
                p.wait_mail(BOB, 1)
