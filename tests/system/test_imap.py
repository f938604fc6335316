"""IMAP from end to end: imaplib, octets by hand, mbsync, mutt, s-nail, openssl s_client."""
import imaplib
import mailbox
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

import lib

BOB, ANN = "bob@local.test", "ann@local.test"
ACCOUNTS = {BOB: "secret-bob", ANN: "secret ann \"q\\"}

imaplib.Commands["MOVE"] = imaplib.Commands["COPY"]
imaplib.Commands["UNSELECT"] = ("SELECTED",)


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.p = lib.Instance(accounts=ACCOUNTS).start()

    @classmethod
    def tearDownClass(cls):
        cls.p.close()

    def setUp(self):
        """An empty account, whatever the test before left."""
        c = self.client(select=None)
        for line in c.list()[1]:
            name = line.split(b' "/" ')[1].decode()
            if b"\\Noselect" not in line:
                c.select(name)
                c.store("1:*", "+FLAGS.SILENT", "\\Deleted")
                c.close()
                if name not in ("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"):
                    c.delete(name)
        c.logout()

    def client(self, login=BOB, select="INBOX", **kw):
        c = self.p.imap(login, ACCOUNTS[login], **kw)
        if select:
            self.assertEqual(c.select(select)[0], "OK")
        self.addCleanup(self.bury, c)
        return c

    @staticmethod
    def bury(c):
        try:
            c.shutdown()
        except OSError:
            pass

    def ok(self, result):
        self.assertEqual(result[0], "OK", result)
        return result[1]

    def append(self, c, *subjects, where="INBOX", **kw):
        for subject in subjects:
            self.ok(c.append(where, None, None, lib.message(subject, **kw).encode()))

    def last_uid(self, c):
        return int(re.search(rb"UID (\d+)", self.ok(c.fetch("*", "(UID)"))[0]).group(1))

    def talk(self, login=True, kind="imap"):
        """A connection in plain octets (allowed from this machine)."""
        c = self.p.talk(kind)
        self.addCleanup(c.sock.close)
        self.assertTrue(c.line().startswith(b"* OK"))
        if login:
            c.send(b"login LOGIN %s %s\r\n" % (BOB.encode(), ACCOUNTS[BOB].encode()))
            self.assertTrue(c.line().startswith(b"login OK"))
        return c

    def until(self, c, tag):
        """Lines up to and with the tagged one."""
        lines = [c.line()]
        while not lines[-1].startswith(tag + b" "):
            lines.append(c.line())
            if lines[-3:] == [b""] * 3:
                self.fail("the connection has ended: %r" % lines)
        return lines


class Clients(Server):
    def test_session(self):
        c = self.client()
        text = lib.message("one", body="first\r\n.\r\n\r\nl\xe4st\r\n").encode("latin-1")
        self.ok(c.append("INBOX", "(\\Flagged $Work)", '" 3-Feb-2026 04:05:06 +0100"', text))
        self.append(c, "two", "three")
        self.ok(c.noop())
        self.assertEqual(c.response("EXISTS")[1][-1], b"3")
        got = self.ok(c.fetch("1", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
        first = int(re.search(rb"UID (\d+)", got[0][0]).group(1))
        self.assertIn(b'FLAGS (\\Flagged $Work) INTERNALDATE " 3-Feb-2026 04:05:06 +0100" RFC822.SIZE %d' % len(text),
                      got[0][0])
        self.assertEqual(got[0][1], text)
        self.assertEqual(self.ok(c.search(None, "SUBJECT", '"TW"')), [b"2"])
        self.assertEqual(self.ok(c.uid("SEARCH", "FLAGGED")), [b"%d" % first])
        self.ok(c.store("2", "+FLAGS", "(\\Deleted)"))
        self.assertEqual(self.ok(c.expunge()), [b"2"])
        self.ok(c.copy("1:2", "Archive"))
        self.ok(c.uid("MOVE", str(first + 2), "Trash"))
        self.assertEqual(self.ok(c.status("Archive", "(MESSAGES UNSEEN)"))[0], b"Archive (MESSAGES 2 UNSEEN 2)")
        self.assertEqual(self.ok(c.status("Trash", "(MESSAGES)"))[0], b"Trash (MESSAGES 1)")
        self.ok(c.create('"Work &- Play/2026"'))
        self.assertIn(b'(\\HasNoChildren) "/" "Work &- Play/2026"', self.ok(c.list()))
        self.ok(c.rename('"Work &- Play/2026"', "Play"))
        self.ok(c.delete("Play"))
        self.assertEqual(c.logout()[0], "BYE")

    def test_persists(self):
        """Flags, UIDs and keywords are the same after everything was restarted."""
        c = self.client()
        self.append(c, "a", "b", "c")
        self.ok(c.store("1", "+FLAGS", "(\\Seen Later)"))
        self.ok(c.store("2", "+FLAGS", "(\\Deleted)"))
        self.ok(c.expunge())
        before = self.ok(c.fetch("1:*", "(UID FLAGS)"))
        validity = c.response("UIDVALIDITY")
        self.p.restart()
        c = self.client()
        self.assertEqual(self.ok(c.fetch("1:*", "(UID FLAGS)")), before)
        self.assertEqual(c.response("UIDVALIDITY"), validity)
        self.append(c, "d")
        self.ok(c.noop())
        self.assertGreater(self.last_uid(c), int(re.search(rb"UID (\d+)", before[-1]).group(1)))

    def test_starttls_and_passwords(self):
        c = self.client(ANN, kind="imap")
        self.ok(c.noop())
        c = imaplib.IMAP4("127.0.0.1", self.p.ports["imap"])
        self.addCleanup(self.bury, c)
        c.starttls(lib.tls_context())
        secret = "\0%s\0%s" % (ANN, ACCOUNTS[ANN])
        self.ok(c.authenticate("PLAIN", lambda _: secret.encode()))
        c = imaplib.IMAP4("127.0.0.1", self.p.ports["imap"])
        self.addCleanup(self.bury, c)
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            c.login(BOB, "wrong")

    def test_delivered(self):
        """A delivery is seen by who idles, within 20 ms of its being there."""
        c = self.talk()
        c.send(b"a SELECT INBOX\r\nb IDLE\r\n")
        self.until(c, b"a")
        self.assertTrue(c.line().startswith(b"+"))
        self.p.send("by smtp")
        self.assertEqual(c.line(), b"* 1 EXISTS")
        c.send(b"DONE\r\n")
        self.assertTrue(c.line().startswith(b"b OK"))

    def test_two_see_each_other(self):
        one, two = self.client(), self.client()
        self.append(one, "x", "y")
        self.ok(two.noop())
        self.assertEqual(two.response("EXISTS")[1][-1], b"2")
        self.ok(one.store("1", "+FLAGS.SILENT", "\\Deleted"))
        self.ok(two.noop())
        self.assertEqual(two.response("FETCH")[1], [b"1 (FLAGS (\\Deleted))"])
        self.ok(one.expunge())
        self.ok(two.fetch("2", "(UID)"))  # still number 2 here
        self.assertEqual(two.response("EXPUNGE")[1], [None])
        self.ok(two.noop())
        self.assertEqual(two.response("EXPUNGE")[1], [b"1"])
        self.assertEqual(self.ok(two.fetch("1", "(UID)")), self.ok(one.fetch("1", "(UID)")))

    def test_idle_is_quick(self):
        idler, other = self.talk(), self.client()
        idler.send(b"a SELECT INBOX\r\nb IDLE\r\n")
        self.until(idler, b"a")
        self.assertTrue(idler.line().startswith(b"+"))
        times = []
        for i in range(20):
            self.append(other, "n%d" % i)
            began = time.monotonic()
            self.assertEqual(idler.line(), b"* %d EXISTS" % (i + 1))
            times.append(time.monotonic() - began)
        # Pushed, not found by looking now and then.
        self.assertLess(sorted(times)[10], 0.2 * lib.SLOW)
        idler.send(b"DONE\r\nc NOOP\r\n")  # in one packet, as some telephones do
        self.assertTrue(idler.line().startswith(b"b OK"))
        self.assertTrue(idler.line().startswith(b"c OK"))

    def test_pipelined_in_order(self):
        c = self.client()
        self.append(c, "x", "y")
        last = self.last_uid(c)
        t = self.talk()
        t.send(b"a SELECT INBOX\r\nb STORE 1 +FLAGS.SILENT (\\Deleted)\r\nc EXPUNGE\r\nd STATUS INBOX (MESSAGES)\r\n"
               b"e FETCH 1 (UID)\r\nf LOGOUT\r\n")
        said = t.rest()
        tags = re.findall(rb"^(\w) (\w+)", said, re.M)
        self.assertEqual(tags, [(x, b"OK") for x in (b"a", b"b", b"c", b"d", b"e", b"f")])
        self.assertIn(b"* 1 EXPUNGE\r\n", said)
        self.assertIn(b"* STATUS INBOX (MESSAGES 1)\r\n", said)
        self.assertIn(b"* 1 FETCH (UID %d)\r\n" % last, said)

    def test_behind_the_login(self):
        """What is sent behind LOGIN in the same packet is the worker's."""
        with self.p.talk("imap") as c:
            c.send(b"a LOGIN %s %s\r\nb SELECT INBOX\r\nc LOGOUT\r\n" % (BOB.encode(), ACCOUNTS[BOB].encode()))
            c.sock.shutdown(socket.SHUT_WR)
            said = c.rest()
        self.assertEqual(re.findall(rb"^(\w) OK", said, re.M), [b"a", b"b", b"c"], said)


class Limits(Server):
    def test_literals(self):
        """I25: refused before their octets; memory stays flat."""
        for login in (False, True):
            for literal in (b"{4294967295}", b"{18446744073709551616}", b"{99999999}"):
                c = self.talk(login)
                c.send(b"a %s %s\r\nb NOOP\r\n" % (b"SELECT" if login else b"LOGIN", literal))
                self.assertTrue(c.line().startswith(b"a BAD"))
                self.assertTrue(c.line().startswith(b"b OK"))
            c = self.talk(login)
            c.send(b"a %s {4294967295+}\r\nxxxx" % (b"SELECT" if login else b"LOGIN"))
            self.assertTrue(c.line().startswith(b"* BYE"))
            self.assertEqual(c.line(), b"")
        c = self.talk()
        c.send(b"a APPEND INBOX {4294967295}\r\nb NOOP\r\n")
        self.assertTrue(c.line().startswith(b"a NO [TOOBIG]"))
        self.assertTrue(c.line().startswith(b"b OK"))

    def test_many_literals(self):
        c = self.talk()
        before = self.p.memory("imap")
        c.send(b"a SEARCH" + b" SUBJECT {60000+}\r\n" + b"x" * 60000 + b" SUBJECT {60000+}\r\n" + b"x" * 60000 +
               b" SUBJECT {60000+}\r\n" + b"x" * 60000 + b"\r\nb NOOP\r\n")
        lines = self.until(c, b"b")
        self.assertTrue(lines[0].startswith(b"a BAD"), lines)
        self.assertLess(self.p.memory("imap") - before, (2 << 20) * lib.ROOM)

    def test_bombs(self):
        """I24: a million of these cost nothing."""
        for what in (b"(", b")", b"()", b"NOT ", b"OR "):
            c = self.talk()
            c.send(b"a SELECT INBOX\r\n")
            self.until(c, b"a")
            c.send(b"b SEARCH " + what * (50000 // len(what)) + b"\r\nc NOOP\r\n")
            self.assertTrue(c.line().startswith(b"b BAD"))
            self.assertTrue(c.line().startswith(b"c OK"))
            c.send(b"d SEARCH " + what * (1000000 // len(what)) + b"\r\ne NOOP\r\n")
            self.assertTrue(c.line().startswith(b"d BAD"))
            self.assertTrue(c.line().startswith(b"e OK"))

    def test_errors_end_it(self):
        c = self.talk(False)
        c.send(b"x\r\n" * 10)
        said = c.rest()
        self.assertEqual(said.count(b"BAD"), 5)
        self.assertIn(b"* BYE", said)

    def test_starttls_inject(self):
        """I10: what comes behind STARTTLS in the clear is never executed."""
        octets = b"a STARTTLS\r\nb NOOP\r\n"
        for cut in range(12, len(octets)):
            c = self.talk(False)
            c.send(octets[:cut])
            time.sleep(0.005)
            try:
                c.send(octets[cut:])
                c.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            self.assertNotIn(b"b OK", c.rest())

    def test_login_disabled(self):
        with lib.Instance(accounts={BOB: ACCOUNTS[BOB]}, config="daemon imapd { plaintext_login = no login_timeout = 2s }") as p:
            p.start()
            with p.talk("imap") as c:
                self.assertIn(b"LOGINDISABLED", c.line())
                c.send(b"a LOGIN bob %s\r\n" % ACCOUNTS[BOB].encode())
                self.assertTrue(c.line().startswith(b"a NO [PRIVACYREQUIRED]"))
                c.line()  # and after two seconds
                self.assertEqual(c.line(), b"")
            p.imap(BOB, kind="imap").logout()

    def test_big_message(self):
        """A large APPEND and FETCH pass through; who does not read costs no memory and delays nobody."""
        c = self.client()
        text = lib.message("big", body=("0123456789" * 7 + "\r\n") * 300000).encode()
        began = self.p.memory("imap")
        self.ok(c.append("INBOX", None, None, text))
        self.assertLess(self.p.memory("imap") - began, (4 << 20) * lib.ROOM)
        self.ok(c.noop())
        self.assertEqual(self.ok(c.fetch("1", "(RFC822.SIZE)")), [b"1 (RFC822.SIZE %d)" % len(text)])
        got, at = [], 0
        while True:
            piece = self.ok(c.fetch("1", "(BODY.PEEK[]<%d.393216>)" % at))
            if not isinstance(piece[0], tuple):
                self.assertTrue(piece[0].endswith(b'"")'), piece)
                break
            got.append(piece[0][1])
            at += len(piece[0][1])
        self.assertEqual(b"".join(got), text)
        slow = self.talk()
        slow.send(b"a SELECT INBOX\r\nb FETCH 1 BODY.PEEK[]\r\n" + b"c FETCH 1 BODY.PEEK[TEXT]\r\n" * 20)
        time.sleep(0.5)
        private = self.private("imap")
        began = time.monotonic()
        for _ in range(20):
            self.ok(c.noop())
        self.assertLess(time.monotonic() - began, 1 * lib.SLOW)
        self.assertLess(private, (8 << 20) * lib.ROOM)
        self.assertLess(self.private("imapd"), (16 << 20) * lib.ROOM)

    def private(self, role):
        """Octets that are the process's own, without mapped files."""
        most = 0
        for pid in self.p.pids(role):
            with open("/proc/%d/status" % pid) as f:
                most = max(most, int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) * 1024)
        return most

    def test_search_gives_way(self):
        c, other = self.client(), self.client()
        body = ("some words that are looked through\r\n" * 2000)
        self.append(c, *["m%d" % i for i in range(200)], body=body)
        found = []
        t = threading.Thread(target=lambda: found.append(c.search(None, "BODY", '"nowhere at all"')))
        began = time.monotonic()
        t.start()
        worst = 0
        while t.is_alive():
            one = time.monotonic()
            self.ok(other.noop())
            worst = max(worst, time.monotonic() - one)
        t.join()
        self.assertEqual(found, [("OK", [b""])])
        # Nobody waits for the whole of it, however slow the machine is.
        took = time.monotonic() - began
        self.assertLess(worst, max(took / 2, 0.1 * lib.SLOW), "of %.2f s" % took)

    def test_killed_worker(self):
        """Its connections end, the next log-in gets a new one, nothing acknowledged is lost."""
        c = self.client()
        self.append(c, "kept")
        self.ok(c.noop())
        self.ok(c.store("1", "+FLAGS", "\\Flagged"))
        self.assertGreaterEqual(self.p.kill("imap"), 1)
        with self.assertRaises((imaplib.IMAP4.abort, OSError)):
            c.noop()
        c = self.client()
        self.assertEqual(self.ok(c.fetch("1:*", "(UID FLAGS)")), [b"1 (UID %d FLAGS (\\Flagged))" % self.last_uid(c)])

    def test_worker_leaves(self):
        with lib.Instance(accounts={BOB: ACCOUNTS[BOB]}, config="daemon imap { idle = 1s }") as p:
            p.start()
            p.imap(BOB).logout()
            self.assertEqual(len(p.pids("imap")), 1)
            self.assertTrue(lib.wait_for(lambda: not p.pids("imap"), 5))
            p.imap(BOB).logout()
            self.assertEqual(len(p.pids("imap")), 1)

    def test_other_accounts(self):
        """I41, I43: no name leads out of the account."""
        c = self.client()
        for name in ("../ann", "..", "INBOX/../../ann/INBOX", "/etc/passwd", "~ann/INBOX", "#user/ann"):
            self.assertEqual(c.select('"%s"' % name)[0], "NO", name)
        with self.assertRaises(imaplib.IMAP4.error):
            c.select('"a\0b"')


class Programs(Server):
    def run_program(self, words, home, stdin="", codes=(0,)):
        if not shutil.which(words[0]):
            self.skipTest(words[0] + " is not installed")
        env = dict(os.environ, HOME=home)
        r = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60 * lib.SLOW, env=env,
                           errors="replace")
        self.assertIn(r.returncode, codes, "%s\n%s\n%s\n%s" % (words, r.stdout, r.stderr, self.p.log_tail()))
        return r.stdout + r.stderr

    def home(self, name):
        path = os.path.join(lib.scratch(), name)
        os.makedirs(path)
        return path

    def test_mbsync(self):
        """Both ways: new messages, flags, deletions, and a second run that has nothing to do."""
        home = self.home("mbsync")
        local = os.path.join(home, "mail")
        os.makedirs(local)
        rc = os.path.join(home, "rc")
        with open(rc, "w") as f:
            f.write("IMAPAccount a\nHost localhost\nPort %d\nUser %s\nPass %s\nSSLType IMAPS\nCertificateFile %s\n\n"
                    "IMAPStore far\nAccount a\n\nMaildirStore near\nPath %s/\nInbox %s/INBOX\nSubFolders Verbatim\n\n"
                    "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSync All\nSyncState *\n" % (
                        self.p.ports["imaps"], BOB, ACCOUNTS[BOB], lib.certificate()[0], local, local))
        c = self.client()
        self.append(c, "one", "two", "three")
        self.append(c, "sent", where="Sent")
        self.run_program(["mbsync", "-c", rc, "-a"], home)
        inbox = mailbox.Maildir(os.path.join(local, "INBOX"), create=False)
        self.assertEqual(sorted(m["Subject"] for m in inbox), ["one", "three", "two"])
        self.assertEqual([m["Subject"] for m in mailbox.Maildir(os.path.join(local, "Sent"))], ["sent"])
        for key, m in list(inbox.items()):
            if m["Subject"] == "one":
                m.set_flags("FS")
                m.set_subdir("cur")
                inbox[key] = m
            elif m["Subject"] == "two":
                inbox.remove(key)
        inbox.add(mailbox.MaildirMessage(lib.message("from below").replace("\r\n", "\n").encode()))
        os.makedirs(os.path.join(local, "New", "cur"))
        for sub in ("new", "tmp"):
            os.makedirs(os.path.join(local, "New", sub))
        self.run_program(["mbsync", "-c", rc, "-a"], home)
        c = self.client()
        subjects = {}
        for part in self.ok(c.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")):
            if isinstance(part, tuple):
                subjects[part[1].decode().split(": ")[1].strip()] = part[0]
        self.assertEqual(sorted(subjects), ["from below", "one", "three"])
        self.assertIn(b"\\Flagged \\Seen", subjects["one"])
        self.assertIn(b'(\\HasNoChildren) "/" New', self.ok(c.list()))
        self.ok(c.store("1:*", "+FLAGS", "\\Seen"))
        self.run_program(["mbsync", "-c", rc, "-a"], home)
        self.assertTrue(all("S" in m.get_flags() for m in mailbox.Maildir(os.path.join(local, "INBOX"))))
        said = self.run_program(["mbsync", "-V", "-c", rc, "-a"], home)
        self.assertEqual(len(mailbox.Maildir(os.path.join(local, "INBOX"))), 3, said)

    def test_mutt(self):
        home = self.home("mutt")
        c = self.client()
        self.append(c, "for mutt", "for mutt too")
        rc = os.path.join(home, "rc")
        with open(rc, "w") as f:
            f.write("set ssl_starttls=yes ssl_verify_host=no certificate_file=%s\nset imap_user=%s imap_pass=%s\n"
                    "set copy=no mbox_type=Maildir header_cache=\"\" move=no delete=yes quit=yes\n"
                    "set folder=imaps://localhost:%d/ spoolfile=imaps://localhost:%d/INBOX\n" % (
                        lib.certificate()[0], BOB, ACCOUNTS[BOB], self.p.ports["imaps"], self.p.ports["imaps"]))
        out = os.path.join(home, "out")
        env = "TERM=xterm"
        self.run_program(["env", env, "script", "-qec",
                          "mutt -F %s -e 'push \"<tag-pattern>~A<enter><tag-prefix><copy-message>=Archive<enter>y"
                          "<delete-pattern>~s too<enter><sync-mailbox><quit>\"'" % rc, out], home)
        self.ok(c.noop())
        self.assertEqual(self.ok(c.status("Archive", "(MESSAGES)"))[0], b"Archive (MESSAGES 2)")
        self.assertEqual(self.ok(c.search(None, "ALL")), [b"1"])

    def test_s_nail(self):
        home = self.home("nail")
        c = self.client()
        self.append(c, "for nail", body="words for nail\r\n")
        url = "imaps://%s:%s@localhost:%d/INBOX" % (BOB.replace("@", "%40"), ACCOUNTS[BOB], self.p.ports["imaps"])
        said = self.run_program(["s-nail", "-n", "-#", "-Sv15-compat", "-Simap-auth=login", "-Stls-verify=ignore",
                                 "-Sssl-verify=ignore", "-f", url], home, "headers\ntype 1\nquit\n")
        self.assertIn("words for nail", said)

    def test_s_client(self):
        words = ["openssl", "s_client", "-quiet", "-crlf", "-ign_eof", "-CAfile", lib.certificate()[0],
                 "-verify_return_error", "-connect"]
        login = "a LOGIN %s %s\n" % (BOB, ACCOUNTS[BOB])
        said = self.run_program(words + ["127.0.0.1:%d" % self.p.ports["imaps"]], "/", login + "b LOGOUT\n")
        self.assertIn("b OK", said)
        said = self.run_program(words + ["127.0.0.1:%d" % self.p.ports["imap"], "-starttls", "imap"], "/",
                                login + "b SELECT INBOX\nc LOGOUT\n")
        self.assertIn("b OK [READ-WRITE]", said)


class Workers(unittest.TestCase):
    def test_no_more_than_configured(self):
        """Who would need one worker too many is told to come again; who has one may come again."""
        accounts = {"bob@local.test": "secret-bob", "ann@local.test": "secret-ann"}
        with lib.Instance(accounts=accounts, config="daemon imap { processes = 1 idle = 3s }") as p:
            p.start()
            bob = p.imap(BOB)
            with self.assertRaisesRegex(imaplib.IMAP4.error, "UNAVAILABLE"):
                p.imap(ANN)
            p.imap(BOB).logout()
            self.assertTrue(lib.wait_for(lambda: "too-many-workers role=imap processes=1" in p.log(), 5), p.log_tail())
            bob.logout()

            def comes():
                try:
                    return p.imap(ANN).logout()
                except imaplib.IMAP4.error:
                    return None
            self.assertTrue(lib.wait_for(comes, 10))


if __name__ == "__main__":
    unittest.main()
