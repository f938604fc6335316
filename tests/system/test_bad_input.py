"""What hostile or broken clients send: the right error, flat memory, and the next client is served."""
import itertools
import os
import socket
import time
import unittest

from lib import SLOW, Case, message, wait_for

BOB = "bob@local.test"


class BadSmtp(Case):
    def begin(self, kind="smtp"):
        c = self.p.talk(kind)
        self.assertEqual(c.reply(), 220)
        self.assertEqual(c.say("EHLO far.test"), 250)
        return c

    def setUp(self):
        self.pids = sorted(self.p.pids("smtpd"))
        self.memory = self.p.memory("smtpd")

    def tearDown(self):
        """The same processes serve the next client, and have not grown."""
        with self.begin() as c:
            self.assertEqual(c.say("NOOP"), 250)
        self.assertEqual(sorted(self.p.pids("smtpd")), self.pids, "smtpd was restarted")
        if SLOW == 1:
            self.assertLess(self.p.memory("smtpd") - self.memory, 8 << 20, "memory is not flat")

    def test_line_too_long(self):
        with self.begin() as c:
            for n, code in ((1022 - 5, 250), (1023 - 5, 500), (5000, 500)):
                self.assertEqual(c.say(b"NOOP " + b"x" * n + b"\r\n"), code, n)
            self.assertEqual(c.say("NOOP"), 250)

    def test_endless_line(self):
        with self.begin() as c:
            try:
                for _ in range(1000):
                    c.send(b"x" * 65536)
                self.fail("64 MB of one line were taken")
            except OSError:
                pass

    def test_endless_line_before_the_greeting_is_read(self):
        with self.p.talk("submission") as c:
            try:
                for _ in range(1000):
                    c.send(b"x" * 65536)
                self.fail("64 MB of one line were taken")
            except OSError:
                pass

    def test_nul(self):
        with self.begin() as c:
            self.assertEqual(c.say(b"NO\0OP\r\n"), 500)
            self.assertEqual(c.say(b"MAIL FROM:<a\0b@far.test>\r\n"), 500)
            self.assertEqual(c.say("NOOP"), 250)

    def test_unknown_command(self):
        with self.begin() as c:
            for verb in ("FOO", "BDAT 0 LAST", "XCLIENT A=B", "\x80\xff", ""):
                self.assertEqual(c.say(verb.encode("latin-1") + b"\r\n"), 500, verb)
            self.assertEqual(c.say("EXPN x"), 502)

    def test_too_many_errors(self):
        with self.begin() as c:
            codes = []
            c.send(b"FOO\r\n" * 40)
            while True:
                codes.append(c.reply())
                if codes[-1] in (0, 421):
                    break
            self.assertEqual(codes[-1], 421)

    def test_wrong_state(self):
        with self.p.talk("smtp") as c:
            self.assertEqual(c.reply(), 220)
            for verb in ("MAIL FROM:<a@far.test>", "RCPT TO:<bob@local.test>", "DATA", "STARTTLS"):
                self.assertEqual(c.say(verb), 503, verb)
            self.assertEqual(c.say("HELO far.test"), 250)
            self.assertEqual(c.say("RCPT TO:<bob@local.test>"), 503)
            self.assertEqual(c.say("MAIL FROM:<a@far.test>"), 250)
            self.assertEqual(c.say("DATA"), 503)
            self.assertEqual(c.say("MAIL FROM:<a@far.test>"), 503)

    def test_wrong_syntax(self):
        with self.begin() as c:
            for line in ("MAIL", "MAIL FROM", "MAIL FROM:", "MAIL FROM:a@far.test", "MAIL FROM:<a@far.test",
                         "MAIL FROM:<;touch x;>", "MAIL FROM:<a@far.test> SIZE=x", "MAIL FROM:<a@@far.test>",
                         "MAIL FROM:<a@far.test>>"):
                self.assertEqual(c.say(line), 501, line)
            self.assertEqual(c.say("MAIL FROM:<a@far.test> FOO=BAR"), 555)
            self.assertEqual(c.say("MAIL FROM:<%s@far.test>" % ("x" * 256)), 501)

    def test_wrong_base64(self):
        with self.begin("submission") as c:
            self.assertEqual(c.say("STARTTLS"), 220)
            c.starttls()
            self.assertEqual(c.say("EHLO far.test"), 250)
            for text in ("AUTH PLAIN !!!!", "AUTH PLAIN A", "AUTH PLAIN AA=A", "AUTH PLAIN ===="):
                self.assertEqual(c.say(text), 501, text)
            self.assertEqual(c.say("AUTH PLAIN"), 334)
            self.assertEqual(c.say("not base64"), 501)
            self.assertEqual(c.say("AUTH PLAIN"), 334)
            self.assertEqual(c.say("*"), 501)
            self.assertEqual(c.say("AUTH LOGIN"), 334)
            self.assertEqual(c.say(b"A" * 13000 + b"\r\n"), 500)
            self.assertEqual(c.say("AUTH NTLM"), 504)
            self.assertEqual(c.say("NOOP"), 250)

    def test_binary_noise(self):
        noise = bytes(range(256)) * 64
        for kind in ("smtp", "submission", "submissions", "lmtp"):
            with self.subTest(kind), self.p.talk(kind) as c:
                try:
                    c.send(noise + b"\r\n" + noise)
                    c.sock.shutdown(socket.SHUT_WR)
                    c.rest()
                except OSError:
                    pass

    def test_http(self):
        for text in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\nEHLO x\r\nMAIL FROM:<a@far.test>\r\n"):
            with self.p.talk("smtp") as c:
                self.assertEqual(c.reply(), 220)
                c.send(text)
                said = c.rest()
                self.assertEqual(said.count(b"\r\n"), 1, said)
                self.assertTrue(said.startswith(b"421 "), said)

    def test_body_too_large(self):
        with self.begin() as c:
            c.say("MAIL FROM:<a@far.test>")
            c.say("RCPT TO:<bob@local.test>")
            self.assertEqual(c.say("DATA"), 354)
            block = (b"x" * 1022 + b"\r\n") * 1024
            for _ in range(55):
                c.send(block)
            self.assertEqual(c.say(b".\r\n"), 552)
            self.assertEqual(c.say("DATA"), 503)

    def test_vanishing_clients(self):
        for text in (b"", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<a@far.test>\r\nRCPT TO:<bob@local.test>\r\nDATA\r\nhalf a mes"):
            for _ in range(20):
                with self.p.talk("smtp") as c:
                    c.send(text)
        self.assertFalse(wait_for(lambda: self.p.queue(), 0.3))


class Injection(Case):
    def test_starttls_injection(self):
        """What is pipelined behind STARTTLS is never executed (I10)."""
        text = b"STARTTLS\r\nNOOP\r\nMAIL FROM:<evil@far.test>\r\n"
        for kind in ("smtp", "submission", "lmtp"):
            hello = b"LHLO x\r\n" if kind == "lmtp" else b"EHLO x\r\n"
            for cut in range(8, 18):
                with self.p.talk(kind) as c:
                    self.assertEqual(c.reply(), 220)
                    c.send(hello)
                    self.assertEqual(c.reply(), 250)
                    c.send(text[:cut])
                    if cut % 3 == 0:
                        time.sleep(0.02)
                    try:
                        c.send(text[cut:])
                        c.sock.shutdown(socket.SHUT_WR)
                        said = c.rest()
                    except OSError:
                        continue
                    plain = said.split(b"\x15\x03")[0]  # a TLS alert may follow
                    self.assertIn(plain, (b"", b"220 2.0.0 go ahead\r\n"), (kind, cut))

    def test_forgotten_after_tls(self):
        with self.p.talk("smtp") as c:
            c.reply()
            c.say("EHLO x")
            self.assertEqual(c.say("STARTTLS"), 220)
            c.starttls()
            self.assertEqual(c.say("MAIL FROM:<a@far.test>"), 503)
            self.assertEqual(c.say("EHLO x"), 250)
            self.assertEqual(c.say("STARTTLS"), 503)
            self.assertEqual(c.say("MAIL FROM:<a@far.test>"), 250)

    def test_smuggling(self):
        """Of all texts around a dot only CRLF.CRLF ends a message (I12)."""
        ends = {"CR": b"\r", "LF": b"\n", "CRLF": b"\r\n", "NUL": b"\0", "VT": b"\v"}
        tried = 0
        for (n1, e1), (n2, e2) in itertools.product(ends.items(), ends.items()):
            if n1 == n2 == "CRLF":
                continue
            tried += 1
            name = "smuggle %s.%s" % (n1, n2)
            text = message(name).encode() + e1 + b"." + e2
            text += b"MAIL FROM:<evil@far.test>\r\nRCPT TO:<bob@local.test>\r\nDATA\r\n" + message("SMUGGLED").encode()
            with self.p.talk("smtp") as c:
                c.reply()
                c.say("EHLO x")
                c.say("MAIL FROM:<a@far.test>")
                c.say("RCPT TO:<bob@local.test>")
                self.assertEqual(c.say("DATA"), 354)
                code = c.say(text + b"\r\n.\r\n")
                bare = any(n in ("CR", "LF") for n in (n1, n2))
                self.assertEqual(code, 550 if bare else 250, name)
                if bare:
                    self.assertEqual(c.rest(), b"", name)
        self.assertEqual(tried, 24)
        self.p.wait_queue_empty()
        texts = self.p.stored(BOB)
        self.assertEqual([t for t in texts if "\nSubject: SMUGGLED" in t.split("\n\n")[0]], [])


class BadReaders(Case):
    """The same towards IMAP and POP3."""

    def setUp(self):
        self.pids = sorted(self.p.pids("imapd") + self.p.pids("pop3d"))

    def tearDown(self):
        self.p.imap(BOB).logout()
        self.p.pop3(BOB).quit()
        self.assertEqual(sorted(self.p.pids("imapd") + self.p.pids("pop3d")), self.pids, "a front was restarted")
        if SLOW == 1:
            for role in ("imapd", "imap", "pop3d", "pop3"):
                self.assertLess(self.p.memory(role), 64 << 20, role)

    def imap(self):
        c = self.p.talk("imap")
        self.assertTrue(c.line().startswith(b"* OK"))
        return c

    def tagged(self, c, line):
        c.send(line + b"\r\n")
        while True:
            got = c.line()
            if got == b"" or got.split(b" ")[0] in (b"a", b"*") and (got.startswith(b"a ") or b"BYE" in got):
                return got
            if got.startswith(b"* BAD"):
                return got

    def test_imap_unknown_and_wrong_state(self):
        with self.imap() as c:
            self.assertTrue(self.tagged(c, b"a FOO").startswith(b"a BAD"))
            self.assertIn(b"a ", self.tagged(c, b"a SELECT INBOX"))
            self.assertFalse(self.tagged(c, b"a SELECT INBOX").startswith(b"a OK"))
            self.assertTrue(self.tagged(c, b"a NOOP").startswith(b"a OK"))

    def test_imap_literal_of_4_gb(self):
        for literal in (b"{4294967295}", b"{4294967295+}", b"{18446744073709551616}"):
            with self.imap() as c:
                got = self.tagged(c, b"a LOGIN " + literal)
                self.assertTrue(b"BAD" in got or b"BYE" in got or b"NO" in got or got == b"", got)
                self.assertFalse(got.startswith(b"+"), got)

    def test_imap_literal_of_4_gb_after_login(self):
        c = self.p.imap(BOB)
        for literal in (b"{4294967295}", b"{18446744073709551616}"):
            c.send(b"zz APPEND INBOX " + literal + b"\r\n")
            line = c.readline()
            self.assertTrue(line.startswith(b"zz NO") or line.startswith(b"zz BAD") or b"BYE" in line, line)
            if b"BYE" in line:
                return
        c.logout()

    def test_imap_endless_line(self):
        """Thrown away or cut off, but never kept."""
        with self.imap() as c:
            try:
                for _ in range(1000):
                    c.send(b"a" * 65536)
                self.assertFalse(self.tagged(c, b"\r\na NOOP").startswith(b"+"))
            except OSError:
                pass

    def test_imap_nul_and_nesting(self):
        with self.imap() as c:
            got = self.tagged(c, b"a LO\0GIN x y")
            self.assertTrue(b"BAD" in got or b"BYE" in got or got == b"", got)
        with self.imap() as c:
            got = self.tagged(c, b"a " + b"(" * 4000)
            self.assertTrue(b"BAD" in got or b"BYE" in got or got == b"", got)

    def test_imap_wrong_base64(self):
        with self.imap() as c:
            c.send(b"a STARTTLS\r\n")
            self.assertTrue(c.line().startswith(b"a OK"))
            c.starttls()
            c.send(b"a AUTHENTICATE PLAIN\r\n")
            self.assertTrue(c.line().startswith(b"+"))
            got = self.tagged(c, b"!!! not base64 !!!")
            self.assertTrue(got.startswith(b"a BAD") or got.startswith(b"a NO"), got)

    def test_pop3(self):
        with self.p.talk("pop3") as c:
            self.assertTrue(c.line().startswith(b"+OK"))
            for line in (b"FOO", b"STAT", b"RETR 1", b"US\0ER x", b"DELE 99999999999999999999", b"x" * 400):
                c.send(line + b"\r\n")
                self.assertTrue(c.line().startswith(b"-ERR"), line)

    def test_pop3_endless_line(self):
        with self.p.talk("pop3") as c:
            c.line()
            try:
                for _ in range(1000):
                    c.send(b"a" * 65536)
                self.fail("64 MB of one line were taken")
            except OSError:
                pass

    def test_starttls_injection(self):
        for kind, text, hello in (("imap", b"a STARTTLS\r\nb NOOP\r\n", 1), ("pop3", b"STLS\r\nNOOP\r\n", 1)):
            for cut in range(2, len(text)):
                with self.subTest(kind=kind, cut=cut), self.p.talk(kind) as c:
                    c.line()
                    try:
                        c.send(text[:cut])
                        c.send(text[cut:])
                        c.sock.shutdown(socket.SHUT_WR)
                        said = c.rest()
                    except OSError:
                        continue
                    plain = said.split(b"\x15\x03")[0]
                    self.assertLessEqual(plain.count(b"\r\n"), 1, plain)
                    self.assertNotIn(b"b OK", plain)


class BadLetters(Case):
    def test_structure_without_end(self):
        """A letter with more parameters than fit into any BODYSTRUCTURE comes, and so does the one beside it."""
        values = "".join(";\r\n p%d=%s" % (k, "\\" * 950) for k in range(64))
        parts = "".join("--b\r\nContent-Type: text/plain%s\r\n\r\nx\r\n" % values for _ in range(70))
        letter = message("flood", parts + "--b--\r\n", Content_Type="multipart/mixed; boundary=b")
        self.p.send("warm")
        self.p.wait_mail(BOB, 1)
        pids = self.p.pids("deliver")
        with self.p.smtp() as one, self.p.smtp() as two:
            one.sendmail("eve@far.test", [BOB], letter)
            two.sendmail("eve@far.test", [BOB], message("innocent"))
        wait_for(lambda: len(self.p.subjects(BOB)) == 3)
        self.assertEqual(self.p.subjects(BOB), ["flood", "innocent", "warm"])
        self.assertEqual(self.p.pids("deliver"), pids, "deliver was restarted")
        c = self.p.imap(BOB)
        c.select("INBOX")
        flood = c.search(None, "SUBJECT", "flood")[1][0].decode()
        for item in ("ENVELOPE", "BODY", "BODYSTRUCTURE"):
            kind, got = c.fetch(flood, "(%s UID)" % item)
            self.assertEqual(kind, "OK", item)
            text = b"".join(p if isinstance(p, bytes) else p[0] + b"\r\n" + p[1] for p in got)
            self.assertRegex(text, rb"^\d+ \(%s \(.*\) UID \d+\)$" % item.encode(), item)
            self.assertLess(len(text), 5 << 20)
        self.assertEqual(c.fetch(flood, "(BODY.PEEK[70])")[1][0][1], b"x")
        # A program that puts it into new/ itself.
        with open(os.path.join(self.p.maildir(BOB), "new", "1.x.y"), "w") as f:
            f.write(letter.replace("\r\n", "\n"))
        self.assertEqual(c.noop()[0], "OK")
        self.assertEqual(c.select("INBOX"), ("OK", [b"4"]))
        c.logout()
