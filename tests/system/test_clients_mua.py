"""Unmodified mail readers without hands: s-nail and mutt, sending and reading."""
import email
import os
import shutil

from clients import ACCOUNTS, ALICE, BOB, ODD, Clients, body_of, odd
from lib import certificate


class SNail(Clients):
    def nail(self, words, stdin, codes=(0,)):
        base = ["s-nail", "-n", "-#", "-Sv15-compat", "-Stls-ca-file=" + certificate()[0], "-Stls-verify=strict",
                "-Sttycharset=utf-8", "-Simap-auth=login", "-Spop3-auth=plain"]
        return self.run_program(base + words, stdin=stdin, codes=codes)

    def test_send(self):
        for kind in ("submission", "submissions"):
            for auth in ("plain", "login"):
                subject = "nail %s %s" % (kind, auth)
                with self.subTest(subject):
                    self.nail(["-Smta=" + self.url(kind), "-Ssmtp-auth=" + auth, "-Ssmtp-use-starttls", "-Snosave",
                               "-r", BOB, "-Sfrom=" + BOB, "-s", subject, ALICE], "Gr\u00fc\u00dfe\n.\n..dots\nend\n".encode())
                    text = self.p.wait_mail_with(ALICE, subject)[0].encode("latin-1")
                    body = email.message_from_bytes(text).get_payload(decode=True)
                    self.assertEqual(body.decode(), "Gr\u00fc\u00dfe\n.\n..dots\nend\n")

    def test_read(self):
        """Folders over IMAPS and POP3S: the list, a message, and one less at the end."""
        for kind in ("imaps", "pop3s"):
            with self.subTest(kind):
                self.append(odd("first words", "Gr\u00fc\u00dfe\r\n.\r\n..dots\r\n".encode(),).replace(
                    b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    b"Content-Transfer-Encoding: 8bit\r\n\r\n", 1))
                self.append(odd("second words", b"to go\r\n"))
                said = self.nail(["-f", self.url(kind)], b"headers\ntype 1\ndelete 2\nquit\n").decode()
                for words in ("first words", "second words", "Gr\u00fc\u00dfe\n.\n..dots\n"):
                    self.assertIn(words, said.replace("\r", ""))
                self.assertEqual([t for t in self.inbox() if b"to go" in t], [])
                self.assertEqual(len(self.inbox()), 1)
                self.nail(["-f", self.url(kind)], b"delete 1\nquit\n")
                self.assertEqual(self.inbox(), [])

    def test_wrong_password(self):
        url = self.url("imaps").replace(ACCOUNTS[BOB], "wrong")
        said = self.nail(["-f", url], b"headers\nquit\n", codes=(0, 1, 4)).decode()
        self.assertRegex(said.lower(), r"authenticat|log-?in|password")


class Mutt(Clients):
    def rc(self, *lines):
        self.dir = self.home()
        text = ["set ssl_force_tls=yes ssl_starttls=yes certificate_file=" + certificate()[0],
                "set imap_user=%s imap_pass=%s pop_user=%s pop_pass=%s" % (BOB, ACCOUNTS[BOB], BOB, ACCOUNTS[BOB]),
                "set smtp_pass=%s from=%s use_from=yes copy=no charset=utf-8 send_charset=utf-8" % (ACCOUNTS[BOB], BOB),
                "set mbox_type=Maildir move=no delete=yes pop_delete=yes quit=yes wait_key=no sleep_time=0",
                "set postponed=%s/postponed folder=%s" % (self.dir, self.dir)]
        return self.write(os.path.join(self.dir, "rc"), "\n".join([*text, *lines]) + "\n")

    def screen(self, rc, folder, keys):
        """mutt wants a terminal."""
        if not shutil.which("mutt"):
            self.skipTest("no mutt")
        words = "mutt -n -F %s -f %s -e 'push \"%s\"'" % (rc, folder, keys)
        return self.run_program(["script", "-qec", words, os.path.join(self.dir, "typescript")], self.dir)

    def test_send(self):
        for kind, scheme in (("submission", "smtp"), ("submissions", "smtps")):
            for mech in ("plain", "login"):
                subject = "mutt %s %s" % (kind, mech)
                with self.subTest(subject):
                    rc = self.rc("set smtp_url=%s://%s@localhost:%d/ smtp_authenticators=%s" % (
                        scheme, BOB, self.p.ports[kind], mech))
                    with open(os.path.join(self.dir, "data.bin"), "wb") as f:
                        f.write(bytes(range(256)))
                    body = "Gr\u00fc\u00dfe\n.\n..dots\nFrom here\nend\n"
                    self.run_program(["mutt", "-n", "-F", rc, "-s", subject, "-a", os.path.join(self.dir, "data.bin"), "--",
                                      ALICE], self.dir, body.encode())
                    text = self.p.wait_mail_with(ALICE, subject)[0].encode("latin-1")
                    parts = email.message_from_bytes(text).get_payload()
                    self.assertEqual(parts[0].get_payload(decode=True).decode(), body)
                    self.assertEqual(parts[1].get_payload(decode=True), bytes(range(256)))

    def test_read_imaps(self):
        """Reads one, flags one, deletes one, saves one elsewhere."""
        names = ["to read", "to flag", "to delete", "to save"]
        for name in names:
            self.append(odd(name, ODD["dots"] + name.encode() + b" body\r\n"))
        rc = self.rc()
        self.screen(rc, "imaps://localhost:%d/INBOX" % self.p.ports["imaps"],
                    "<search>~s read<enter><pipe-message>cat >piped<enter><display-message><exit>"
                    "<search>~s flag<enter><flag-message><search>~s delete<enter><delete-message>"
                    "<search>~s save<enter><save-message>=/kept<enter>y<sync-mailbox><quit>".replace(
                        "=/kept", "imaps://localhost:%d/Archive" % self.p.ports["imaps"]))
        with open(os.path.join(self.dir, "piped"), "rb") as f:
            piped = f.read()
        self.assertEqual(piped.replace(b"\n", b"\r\n"), self.inbox()[0])
        flags = self.flags()
        self.assertEqual(sorted(flags), ["to flag", "to read"])
        self.assertIn("\\Flagged", flags["to flag"])
        self.assertIn("\\Seen", flags["to read"])
        self.assertTrue(self.inbox(where="Archive")[0].endswith(b"to save body\r\n"))

    def test_search_on_the_server(self):
        for name in ("hay one", "hay two", "needle"):
            self.append(odd(name, name.encode() + b" in the body\r\n"))
        self.screen(self.rc(), "imaps://localhost:%d/INBOX" % self.p.ports["imaps"],
                    "<delete-pattern>=b hay<enter><sync-mailbox><quit>")
        self.assertEqual(list(self.flags()), ["needle"])

    def test_starttls(self):
        self.append(odd("plain port", b"x\r\n"))
        self.screen(self.rc(), "imap://localhost:%d/INBOX" % self.p.ports["imap"],
                    "<pipe-message>cat >piped<enter><quit>")
        with open(os.path.join(self.dir, "piped"), "rb") as f:
            self.assertEqual(f.read().replace(b"\n", b"\r\n"), self.inbox()[0])

    def test_pops(self):
        for name in ("one", "two"):
            self.append(odd(name, ODD["dots"]))
        self.screen(self.rc(), "pops://localhost:%d" % self.p.ports["pop3s"],
                    "<first-entry><pipe-message>cat >piped<enter><delete-pattern>~s two<enter><sync-mailbox><quit>")
        with open(os.path.join(self.dir, "piped"), "rb") as f:
            self.assertEqual(body_of(f.read().replace(b"\n", b"\r\n")), ODD["dots"])
        self.assertEqual(list(self.flags()), ["one"])
