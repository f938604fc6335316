"""Answers of routerd that smtpd and qmgr remember, and forget when they are no longer true."""
import imaplib
import os
import signal

from lib import Case, wait_for

BOB, ALICE = "bob@local.test", "alice@local.test"


class Remembered(Case):
    options = {"accounts": {BOB: "secret-bob", ALICE: "secret-alice"},
               "config": "queue { retry_min = 200ms retry_max = 300ms min_free = 1MiB min_free_disk = none }"}

    def code(self, to):
        with self.p.smtp() as c:
            c.ehlo()
            c.mail("eve@far.test")
            return c.rcpt(to)[0]

    def test_known_without_routerd(self):
        self.p.send("first")
        self.p.wait_mail_with(BOB, "first")
        self.p.kill("routerd", signal.SIGSTOP)
        try:
            for n in range(3):
                self.p.send("known%d" % n)
            # The inbox itself: a log-in would ask routerd.
            new = self.p.maildir(BOB)
            self.assertTrue(wait_for(lambda: self.found(new, b"Subject: known") == 3, 10), self.p.log_tail())
        finally:
            self.p.kill("routerd", signal.SIGCONT)
        self.p.wait_mail_with(BOB, "known", 3)

    @staticmethod
    def found(folder, words):
        n = 0
        for place, _, names in os.walk(folder):
            for name in names:
                if ".postern" in name:
                    with open(os.path.join(place, name), "rb") as f:
                        n += words in f.read()
        return n

    def test_alias_in_front(self):
        for n in range(5):
            self.p.send("to bob %d" % n)
            self.p.wait_mail_with(BOB, "to bob %d" % n)
            self.p.ctl("alias", "add", BOB, ALICE)
            self.p.send("to alice %d" % n)
            self.p.wait_mail_with(ALICE, "to alice %d" % n)
            self.p.ctl("alias", "remove", BOB)
        self.assertEqual(len([s for s in self.p.subjects(BOB) if s.startswith("to alice")]), 0)

    def test_account_comes_and_goes(self):
        for n in range(5):
            self.assertEqual(self.code("carl@local.test"), 550)
            self.p.ctl("account", "add", "carl@local.test", "--password-stdin", stdin="secret\n")
            self.assertEqual(self.code("carl@local.test"), 250)
            self.assertEqual(self.code("carl@local.test"), 250)
            self.p.ctl("account", "remove", "carl@local.test", "--yes")

    def logs_in(self):
        """authd, too, has its new link to routerd."""
        try:
            self.p.imap(BOB).logout()
            return True
        except imaplib.IMAP4.error:
            return False

    def test_route_ends_with_routerd(self):
        self.assertEqual(self.code(BOB), 250)
        self.assertEqual(self.p.kill("routerd"), 1)
        self.assertEqual(self.code(BOB), 250)
        self.p.send("after routerd")
        self.assertTrue(wait_for(self.logs_in, 10))
        self.p.wait_mail_with(BOB, "after routerd")
