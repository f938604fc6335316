"""Unmodified clients against a whole instance: Python's libraries, swaks, openssl s_client, curl."""
import email
import imaplib
import os
import poplib
import re

from clients import ACCOUNTS, ALICE, BOB, NUL, ODD, ODD_BODIES, Clients, body_of, odd
from lib import certificate


class PythonLibraries(Clients):
    def check_readers(self, texts):
        """bob's inbox holds texts, by every way there is to read it."""
        c = self.imap()
        sizes = {}
        for n, text in enumerate(texts, 1):
            whole, body, head = (self.part(c, n, what) for what in ("", "TEXT", "HEADER"))
            self.assertTrue(whole.endswith(text), (n, whole[-200:], text[-200:]))
            self.assertEqual(body, body_of(text))
            self.assertEqual(head + body, whole)
            sizes[n] = len(whole)
            self.assertEqual(c.fetch(str(n), "(RFC822.SIZE)")[1], [b"%d (RFC822.SIZE %d)" % (n, len(whole))])
        c.logout()
        pop = self.p.pop3(BOB)
        self.assertEqual(pop.stat(), (len(texts), sum(sizes.values())))
        for n, text in enumerate(texts, 1):
            whole = b"".join(line + b"\r\n" for line in pop.retr(n)[1])
            self.assertTrue(whole.endswith(text), (n, whole[-200:], text[-200:]))
            self.assertEqual(len(whole), sizes[n])
            top = b"".join(line + b"\r\n" for line in pop.top(n, 1)[1])
            self.assertEqual(top, whole[:len(top)])
            self.assertEqual(body_of(top).count(b"\n"), min(1, body_of(text).count(b"\n")))
        pop.quit()

    @staticmethod
    def part(c, n, section):
        """imaplib shows a literal as a pair, and an empty string as it came."""
        got = c.fetch(str(n), "(BODY.PEEK[%s])" % section)[1][0]
        return got[1] if isinstance(got, tuple) else re.fullmatch(rb'.*BODY\[\w*\] "(.*)"\)', got)[1]

    def longer_pop_lines(self):
        """poplib's own bound is 2048."""
        was, poplib._MAXLINE = poplib._MAXLINE, 1 << 20
        self.addCleanup(setattr, poplib, "_MAXLINE", was)

    def test_round_trip(self):
        """smtplib in, imaplib and poplib out."""
        self.longer_pop_lines()
        texts = [odd(name, body) for name, body in ODD_BODIES]
        with self.p.smtp("submission", BOB) as c:
            for n, text in enumerate(texts, 1):
                c.sendmail(BOB, [BOB], text, ["BODY=8BITMIME"])
                self.arrived(n)
        self.check_readers(texts)

    def test_append(self):
        """imaplib in, and out of both."""
        self.longer_pop_lines()
        self.check_readers(list(self.append_odd().values()))

    def test_unfinished_line(self):
        """APPEND of a text whose last line has no end: kept so; POP3 must end the line."""
        text = odd("unfinished", b"one\r\ntwo")
        self.append(text)
        self.assertEqual(self.inbox(), [text])
        pop = self.p.pop3(BOB)
        self.assertEqual(pop.retr(1)[1][-2:], [b"one", b"two"])
        pop.quit()

    def test_nul(self):
        """By SMTP it is kept as it came; IMAP's literal cannot bring it in."""
        text = odd("nul", NUL)
        with self.p.smtp("submission", BOB) as c:
            c.sendmail(BOB, [BOB], text)
        got = self.arrived()
        self.assertTrue(got[0].endswith(text), got)
        pop = self.p.pop3(BOB)
        self.assertTrue(b"".join(line + b"\r\n" for line in pop.retr(1)[1]).endswith(text))
        pop.quit()
        c = self.imap()
        try:
            self.assertNotEqual(c.append("INBOX", None, None, text)[0], "OK")
        except imaplib.IMAP4.error as e:
            self.assertNotIsInstance(e, imaplib.IMAP4.abort)
        self.assertEqual(c.noop()[0], "OK")
        self.assertEqual(len(self.inbox()), 1)

    def test_header_alone(self):
        """No empty line at all."""
        with self.p.smtp() as c:
            c.sendmail("eve@far.test", [BOB], b"Subject: head alone\r\nX-Odd: yes\r\n")
        text = self.arrived()[0]
        self.assertIn(b"\r\nX-Odd: yes\r\n", text)
        c = self.imap()
        self.assertEqual(self.part(c, 1, "TEXT"), b"")
        self.assertEqual(c.search(None, "HEADER", "X-Odd", "yes")[1], [b"1"])
        pop = self.p.pop3(BOB)
        self.assertIn(b"X-Odd: yes", pop.top(1, 0)[1])
        pop.quit()

    def test_body_alone(self):
        """An empty header."""
        with self.p.smtp() as c:
            c.sendmail("eve@far.test", [BOB], b"\r\nwords\r\n")
        text = self.arrived()[0]
        self.assertEqual(body_of(text), b"words\r\n")


class Swaks(Clients):
    def swaks(self, port, *more, to=ALICE, user=BOB, password=None, codes=(0,)):
        words = ["swaks", "--server", "127.0.0.1:%d" % self.p.ports[port], "--from", BOB, "--to", to, *more]
        if user:
            words += ["--auth-user", user, "--auth-password", password or ACCOUNTS[user]]
        return self.run_program(words, codes=codes).decode("latin-1")

    def verified(self):
        cert = certificate()[0]
        return ["--tls-verify", "--tls-ca-path", cert]

    def got(self, subject):
        texts = [t for t in self.p.wait_mail_with(ALICE, subject)]
        self.assertIn("\n\nbody of %s\n" % subject, texts[0])
        return texts[0]

    def test_submission(self):
        for port, tls in (("submission", "--tls"), ("submissions", "--tls-on-connect")):
            for mech in ("PLAIN", "LOGIN"):
                subject = "%s %s" % (port, mech)
                with self.subTest(subject):
                    said = self.swaks(port, tls, "--auth", mech, "--header", "Subject: " + subject,
                                      "--body", "body of %s\n.\n..\nend" % subject, *self.verified())
                    self.assertIn("<~  235 ", said)
                    text = self.got(subject)
                    self.assertTrue(text.rstrip("\n").endswith("\n.\n..\nend"), text)
                    self.assertIn("with ESMTPSA", text)

    def test_password_with_a_space(self):
        said = self.swaks("submissions", "--tls-on-connect", "--auth", "PLAIN", "--from", ALICE, "--header",
                          "Subject: space", "--body", "body of space", user=ALICE)
        self.assertIn("<~  235 ", said)
        self.got("space")

    def test_wrong_password(self):
        said = self.swaks("submission", "--tls", "--auth", "PLAIN", password="wrong", codes=(28,))
        self.assertIn("<~* 535 ", said)
        self.assertEqual(self.inbox(ALICE), [])

    def test_without_tls(self):
        said = self.swaks("submission", user=None, codes=(23,))
        self.assertIn("<** 530 ", said)

    def test_port_25(self):
        self.swaks("smtp", "--from", "eve@far.test", "--header", "Subject: plain", "--body", "body of plain", user=None)
        self.assertIn("with ESMTP\n", self.got("plain"))
        self.swaks("smtp", "--tls", "--from", "eve@far.test", "--header", "Subject: by tls", "--body", "body of by tls",
                   *self.verified(), user=None)
        self.assertIn("with ESMTPS", self.got("by tls"))
        said = self.swaks("smtp", "--from", "eve@far.test", to="x@elsewhere.test", user=None, codes=(24,))
        self.assertRegex(said, r"<\*\* 55[04] ")

    def test_pipelined(self):
        self.swaks("smtp", "--pipeline", "--header", "Subject: pipe", "--body", "body of pipe", user=None,
                   to="%s,%s" % (ALICE, BOB))
        self.got("pipe")
        self.assertIn(b"\r\nSubject: pipe\r\n", self.arrived()[0])

    def test_lmtp(self):
        said = self.swaks("lmtp", "--protocol", "LMTP", "--header", "Subject: lmtp", "--body", "body of lmtp", user=None,
                          to="%s,nobody@local.test,%s" % (ALICE, BOB), codes=(0, 24))
        self.assertIn("~> LHLO", said.replace("->", "~>"))
        self.assertIn("with LMTP", self.got("lmtp"))
        self.assertIn(b"\r\nSubject: lmtp\r\n", self.arrived()[0])

    def test_attachment(self):
        path = os.path.join(self.home(), "data.bin")
        with open(path, "wb") as f:
            f.write(bytes(range(256)) * 40)
        self.swaks("submission", "--tls", "--header", "Subject: attached", "--body", "body of attached",
                   "--attach", "@" + path)
        self.got("attached")
        structure = self.imap(ALICE).fetch("1", "(BODYSTRUCTURE)")[1][0]
        self.assertIn(b'"MIXED"', structure.upper())
        parts = list(email.message_from_bytes(self.inbox(ALICE)[0]).walk())
        self.assertIn(bytes(range(256)) * 40, [part.get_payload(decode=True) for part in parts])


class Openssl(Clients):
    def s_client(self, kind, starttls, talk):
        words = ["openssl", "s_client", "-quiet", "-crlf", "-ign_eof", "-CAfile", certificate()[0], "-verify_return_error",
                 "-verify_hostname", "localhost", "-connect", "127.0.0.1:%d" % self.p.ports[kind]]
        said = self.run_program(words + (["-starttls", starttls] if starttls else []), stdin=talk.encode())
        return said.decode("latin-1").replace("\r", "")

    def test_smtp(self):
        for kind, starttls in (("smtp", "smtp"), ("submission", "smtp"), ("submissions", None)):
            with self.subTest(kind):
                said = self.s_client(kind, starttls, "EHLO c.test\nNOOP\nQUIT\n")
                self.assertIn("\n250-AUTH " if kind != "smtp" else "\n250-PIPELINING", said)
                self.assertNotIn("STARTTLS", said)
                self.assertRegex(said, r"\n250 [^\n]*\n221 ")

    def test_imap(self):
        self.append(odd("seen by openssl", b"x\r\n"))
        talk = "a LOGIN %s %s\nb SELECT INBOX\nc FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\nd LOGOUT\n" % (
            BOB, ACCOUNTS[BOB])
        for kind, starttls in (("imap", "imap"), ("imaps", None)):
            with self.subTest(kind):
                said = self.s_client(kind, starttls, talk)
                self.assertIn("\nSubject: seen by openssl\n\n)\nc OK", said)
                self.assertRegex(said, r"\n\* BYE [^\n]*\nd OK")

    def test_pop3(self):
        self.append(odd("seen by openssl", b"x\r\n"))
        for kind, starttls in (("pop3", "pop3"), ("pop3s", None)):
            with self.subTest(kind):
                said = self.s_client(kind, starttls, "USER %s\nPASS %s\nSTAT\nRETR 1\nQUIT\n" % (BOB, ACCOUNTS[BOB]))
                self.assertRegex(said, r"\+OK 1 \d+\n")
                self.assertIn("\nSubject: seen by openssl\n", said)
                self.assertRegex(said, r"\n\nx\n\.\n\+OK")


class Curl(Clients):
    def curl(self, url, *more, stdin=b"", codes=(0,), login=BOB):
        words = ["curl", "-sS", "--cacert", certificate()[0], "--user", "%s:%s" % (login, ACCOUNTS[login]), url, *more]
        return self.run_program(words, stdin=stdin, codes=codes)

    def file(self, text):
        path = os.path.join(self.home(), "file")
        with open(path, "wb") as f:
            f.write(text)
        return path

    def at(self, kind, path="", scheme=None):
        return "%s://localhost:%d/%s" % (scheme or kind, self.p.ports[kind], path)

    def test_send(self):
        for kind, scheme in (("submission", "smtp"), ("submissions", "smtps")):
            for auth in ("PLAIN", "LOGIN"):
                name = "curl %s %s" % (kind, auth)
                with self.subTest(name):
                    text = odd(name, ODD["dots"] + ODD["eight bits"])
                    self.curl(self.at(kind, "c.test", scheme), "--ssl-reqd", "--login-options", "AUTH=" + auth, "--mail-from",
                              BOB, "--mail-rcpt", ALICE, "-T", "-", stdin=text)
                    got = self.p.wait_mail_with(ALICE, name)[0].encode("latin-1").replace(b"\n", b"\r\n")
                    self.assertTrue(got.endswith(text), got)

    def test_imaps(self):
        for kind, scheme, more in (("imaps", "imaps", ()), ("imap", "imap", ("--ssl-reqd",))):
            with self.subTest(kind):
                text = odd("by " + kind, ODD["utf-8"] + ODD["long line"])
                self.curl(self.at(kind, "Drafts", scheme), "-T", self.file(text), *more)
                self.assertIn(text, self.inbox(where="Drafts"))
        self.assertIn(b'"/" Drafts\r\n', self.curl(self.at("imaps")))
        self.assertEqual(self.curl(self.at("imaps", "Drafts?SUBJECT%20imaps")), b"* SEARCH 1\r\n")
        self.assertEqual(self.curl(self.at("imaps", "Drafts;MAILINDEX=2")), self.inbox(where="Drafts")[1])
        self.assertEqual(self.curl(self.at("imaps", "Drafts;MAILINDEX=1;SECTION=TEXT")),
                         body_of(self.inbox(where="Drafts")[0]))
        self.curl(self.at("imaps", "Drafts"), "-X", "STORE 1 +Flags \\Deleted")
        self.curl(self.at("imaps", "Drafts"), "-X", "EXPUNGE")
        self.assertEqual(len(self.inbox(where="Drafts")), 1)

    def test_pop3s(self):
        texts = self.append_odd("empty", "dots", "utf-8", "long line", "5 MB")
        for kind, more in (("pop3s", ()), ("pop3", ("--ssl-reqd",))):
            with self.subTest(kind):
                lines = self.curl(self.at(kind), *more).split()
                self.assertEqual([int(n) for n in lines[1::2]], [len(t) for t in texts.values()])
                for n, text in enumerate(texts.values(), 1):
                    self.assertEqual(self.curl(self.at(kind, str(n)), *more), text)
        self.curl(self.at("pop3s", "1"), "-l", "-X", "DELE")
        self.assertEqual(self.inbox(), list(texts.values())[1:])

    def test_wrong_password(self):
        for kind, scheme in (("imaps", "imaps"), ("pop3s", "pop3s"), ("submissions", "smtps")):
            self.run_program(["curl", "-sS", "--cacert", certificate()[0], "--user", BOB + ":wrong",
                              self.at(kind, "", scheme)], codes=(67,))
