"""Mail goes all the way: in by SMTP, submission and LMTP, out by IMAP and POP3."""
import os
import shutil
import smtplib
import socket
import subprocess
import unittest

from lib import Case, certificate, message

BOB, ALICE = "bob@local.test", "alice@local.test"
ACCOUNTS = {BOB: "secret-bob", ALICE: "secret alice"}


class Submission(Case):
    options = {"accounts": ACCOUNTS}

    def read_back(self, address, subject):
        texts = [t for t in self.p.wait_mail_with(address, subject)]
        self.assertEqual(len(texts), 1)
        return texts[0]

    def test_starttls_then_imap_and_pop3(self):
        body = "one\r\n.two\r\n..three\r\nend\r\n"
        with self.p.smtp("submission", ALICE) as c:
            c.sendmail(ALICE, [BOB], message("by starttls", body, sender=ALICE).encode())
        text = self.read_back(BOB, "by starttls")
        self.assertTrue(text.endswith("\n\none\n.two\n..three\nend\n"), text)
        self.assertIn("with ESMTPSA", text)
        self.assertIn("for <bob@local.test>", text)
        pop = self.p.pop3(BOB)
        found = [b"\n".join(pop.retr(n + 1)[1]) for n in range(pop.stat()[0])]
        pop.quit()
        self.assertEqual(len([m for m in found if b"by starttls" in m]), 1)

    def test_implicit_tls(self):
        with self.p.smtp("submissions", BOB) as c:
            c.sendmail(BOB, [ALICE], message("by implicit tls", sender=BOB).encode())
        self.read_back(ALICE, "by implicit tls")

    def test_log_in_without_domain(self):
        with self.p.smtp("submissions", "bob", ACCOUNTS[BOB]) as c:
            c.sendmail(BOB, [BOB], message("short name", sender=BOB).encode())
        self.read_back(BOB, "short name")

    def test_every_mechanism(self):
        for mech in ("auth_plain", "auth_login"):
            with self.subTest(mech), self.p.smtp("submissions") as c:
                c.ehlo()
                c.user, c.password = BOB, ACCOUNTS[BOB]
                self.assertEqual(c.auth(mech[5:].upper(), getattr(c, mech))[0], 235)

    def test_wrong_password(self):
        with self.p.smtp("submission") as c:
            with self.assertRaises(smtplib.SMTPAuthenticationError) as e:
                c.login(BOB, "wrong")
            self.assertEqual(e.exception.smtp_code, 535)
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                c.login("nobody@local.test", "wrong")
            c.login(BOB, ACCOUNTS[BOB])

    def test_no_log_in_without_tls(self):
        with self.p.talk("submission") as c:
            self.assertEqual(c.reply(), 220)
            c.send(b"EHLO c.test\r\n")
            lines = []
            while True:
                lines.append(c.line())
                if lines[-1][3:4] == b" ":
                    break
            self.assertIn(b"250-STARTTLS", lines)
            self.assertFalse([line for line in lines if b"AUTH" in line])
            self.assertEqual(c.say("AUTH PLAIN AGJvYgBzZWNyZXQtYm9i"), 538)
            self.assertEqual(c.say("MAIL FROM:<bob@local.test>"), 530)

    def test_sender_must_be_own(self):
        with self.p.smtp("submission", BOB) as c:
            code, text = c.mail(ALICE)
            self.assertGreaterEqual(code, 500, text)
            self.assertEqual(c.mail(BOB)[0], 250)

    def test_missing_fields_are_added(self):
        with self.p.smtp("submission", BOB) as c:
            c.sendmail(BOB, [BOB], b"Subject: bare bones\r\n\r\nhello\r\n")
        head = self.read_back(BOB, "bare bones").split("\n\n")[0]
        for name in ("Date", "Message-ID", "From"):
            self.assertEqual(head.count("\n%s: " % name), 1, head)

    def test_large_message(self):
        body = "".join("line %d %s\r\n" % (n, "x" * 60) for n in range(50000))
        with self.p.smtp("submission", BOB) as c:
            c.sendmail(BOB, [BOB], message("a large one", body, sender=BOB).encode())
        self.assertTrue(self.read_back(BOB, "a large one").endswith(body.replace("\r\n", "\n")))

    def test_eight_bit_and_long_lines(self):
        body = "gr\u00fc\u00dfe " + "y" * 100000 + "\r\n"
        with self.p.smtp("submission", BOB) as c:
            c.sendmail(BOB, [ALICE], message("eight bit", body, sender=BOB).encode(), ["BODY=8BITMIME"])
        text = self.read_back(ALICE, "eight bit").encode("latin-1").decode()
        self.assertTrue(text.endswith(body.replace("\r\n", "\n")))

    def test_many_messages_in_one_session(self):
        with self.p.smtp("submission", ALICE) as c:
            for n in range(30):
                c.sendmail(ALICE, [ALICE], message("many %d" % n, sender=ALICE).encode())
        self.p.wait_mail_with(ALICE, "many ", 30)

    @unittest.skipUnless(shutil.which("swaks"), "no swaks")
    def test_swaks(self):
        for port, tls in (("submission", "-tls"), ("submissions", "-tlsc")):
            with self.subTest(port):
                r = subprocess.run(["swaks", "--server", "127.0.0.1:%d" % self.p.ports[port], tls, "--auth", "PLAIN",
                                    "--auth-user", BOB, "--auth-password", ACCOUNTS[BOB], "--from", BOB, "--to", ALICE,
                                    "--header", "Subject: swaks %s." % port], capture_output=True, text=True, timeout=60)
                self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
                self.read_back(ALICE, "swaks %s." % port)


class Incoming(Case):
    options = {"accounts": ACCOUNTS, "domain_config": """
        catch_all = no
        aliases { sales = [bob, alice]  info = bob  loop1 = loop2  loop2 = loop1 }""",
               "config": "domain all.test { catch_all = alice@local.test }"}

    def refused(self, sender, to):
        with self.p.smtp() as c:
            c.ehlo("far.test")
            self.assertEqual(c.mail(sender)[0], 250)
            code = c.rcpt(to)[0]
            self.assertEqual(c.docmd("DATA")[0], 503)
            return code

    def test_plain(self):
        self.p.send("plain smtp")
        text = self.p.wait_mail_with(BOB, "plain smtp")[0]
        self.assertIn("with ESMTP\n", text)

    def test_relay_is_refused(self):
        self.assertEqual(self.refused("eve@far.test", "x@elsewhere.test") // 100, 5)
        self.assertEqual(self.refused(BOB, "x@elsewhere.test") // 100, 5)
        for trick in ("x%elsewhere.test@local.test", '"x@elsewhere.test"@local.test', "elsewhere.test!x@local.test"):
            self.assertEqual(self.refused("eve@far.test", trick) // 100, 5, trick)

    def test_unknown_user_is_refused(self):
        self.assertEqual(self.refused("eve@far.test", "nobody@local.test"), 550)

    def test_source_route_is_dropped(self):
        with self.p.smtp() as c:
            c.ehlo("far.test")
            c.docmd("MAIL FROM:<eve@far.test>")
            self.assertEqual(c.docmd("RCPT TO:<@elsewhere.test:bob@local.test>")[0], 250)

    def test_aliases(self):
        self.p.send("to sales", to="sales@local.test")
        self.p.wait_mail_with(BOB, "to sales")
        self.p.wait_mail_with(ALICE, "to sales")
        self.p.send("to info", to="Info@LOCAL.test")
        self.p.wait_mail_with(BOB, "to info")

    def test_one_copy_for_two_addresses_of_one_account(self):
        self.p.send("twice named", to=["info@local.test", "bob@local.test", "sales@local.test"])
        self.p.wait_mail_with(ALICE, "twice named")
        self.p.wait_queue_empty()
        self.assertEqual(len(self.p.wait_mail_with(BOB, "twice named")), 1)

    def test_catch_all(self):
        self.p.send("caught", to="whoever@all.test")
        self.p.wait_mail_with(ALICE, "caught")

    def test_subaddress(self):
        self.p.send("with extension", to="bob+shop@local.test")
        self.p.wait_queue_empty()
        c = self.p.imap(BOB)
        found = 0
        for box in ("INBOX", "shop"):
            if c.select(box, readonly=True)[0] == "OK":
                found += len(c.search(None, "SUBJECT", '"with extension"')[1][0].split())
        c.logout()
        self.assertEqual(found, 1)

    def test_postmaster(self):
        with self.p.smtp() as c:
            c.ehlo("far.test")
            c.docmd("MAIL FROM:<>")
            self.assertIn(c.docmd("RCPT TO:<Postmaster>")[0], (250, 550))

    def test_lmtp(self):
        with self.p.smtp("lmtp") as c:
            c.ehlo("far.test")
            c.mail("eve@far.test")
            self.assertEqual([c.rcpt(a)[0] // 100 for a in (BOB, "nobody@local.test", ALICE, "x@elsewhere.test")],
                             [2, 5, 2, 5])
            self.assertEqual(c.docmd("DATA")[0], 354)
            c.send(message("by lmtp").encode() + b".\r\n")
            self.assertEqual([c.getreply()[0], c.getreply()[0]], [250, 250])
        self.p.wait_mail_with(BOB, "by lmtp")
        self.p.wait_mail_with(ALICE, "by lmtp")

    def test_loop_is_refused(self):
        hops = "".join("Received: from a by b; Mon, 23 Nov 2026 01:02:03 +0000\r\n" for _ in range(51))
        with self.p.smtp() as c:
            with self.assertRaises(smtplib.SMTPDataError) as e:
                c.sendmail("eve@far.test", [BOB], (hops + message("loop")).encode())
            self.assertEqual(e.exception.smtp_code, 554)

    def test_recipients_limit(self):
        with self.p.talk("smtp") as c:
            c.reply()
            c.say("EHLO far.test")
            c.say("MAIL FROM:<eve@far.test>")
            c.send(b"RCPT TO:<bob@local.test>\r\n" * 1001)
            codes = [c.reply() for _ in range(1001)]
            self.assertTrue(codes == [250] * 1000 + [452], "%s...%s" % (codes[:3], codes[-3:]))

    def test_size_limit(self):
        with self.p.talk("smtp") as c:
            c.reply()
            c.say("EHLO far.test")
            self.assertEqual(c.say("MAIL FROM:<eve@far.test> SIZE=999999999999"), 552)

    def test_local_submission(self):
        """submit.sock: our own uid may send as anybody."""
        s = socket.socket(socket.AF_UNIX)
        here = os.open(os.path.join(self.p.base, "run"), os.O_RDONLY)
        try:
            s.connect("/proc/self/fd/%d/submit.sock" % here)
        finally:
            os.close(here)
        from lib import Talk
        with Talk(s) as c:
            self.assertEqual(c.reply(), 220)
            self.assertEqual(c.say("EHLO localhost"), 250)
            self.assertEqual(c.say("MAIL FROM:<root@local.test>"), 250)
            self.assertEqual(c.say("RCPT TO:<bob@local.test>"), 250)
            self.assertEqual(c.say("DATA"), 354)
            self.assertEqual(c.say(b"Subject: by the socket\r\n\r\nhi\r\n.\r\n"), 250)
        self.p.wait_mail_with(BOB, "by the socket")


class LmtpSocket(unittest.TestCase):
    def test_unix_socket(self):
        from lib import Instance, scratch, wait_for
        path = os.path.join(scratch(), "lmtp.sock")
        with Instance(lmtp_path=path, kinds=("smtp", "lmtp", "imaps")) as p:
            p.start()
            with smtplib.LMTP(path) as c:
                c.sendmail("eve@far.test", [BOB], message("over the socket").encode())
            self.assertTrue(wait_for(lambda: p.stored(BOB), 10))
