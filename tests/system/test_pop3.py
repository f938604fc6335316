"""POP3 from end to end: poplib, octets by hand, getmail and fetchmail."""
import os
import poplib
import shutil
import subprocess
import time
import unittest

import lib

BOB = "bob@local.test"
PASSWORD = "secret-bob"


def texts(c):
    """All messages of a poplib connection, LF line ends."""
    return [b"\n".join(c.retr(i + 1)[1]) + b"\n" for i in range(c.stat()[0])]


class Pop3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.p = lib.Instance(accounts={BOB: PASSWORD}).start()

    @classmethod
    def tearDownClass(cls):
        cls.p.close()

    def setUp(self):
        c = self.p.pop3(BOB)
        for i in range(c.stat()[0]):
            c.dele(i + 1)
        c.quit()

    def send(self, *subjects, **kw):
        before = self.count()
        for subject in subjects:
            self.p.send(subject, **kw)
        self.assertTrue(lib.wait_for(lambda: self.count() == before + len(subjects)), self.p.log_tail())

    def count(self):
        c = self.p.pop3(BOB)
        n = c.stat()[0]
        c.quit()
        return n

    def test_session(self):
        body = "first\r\n.\r\n..dots\r\n\r\nlast\r\n"
        self.send("one", body=body)
        self.send("two")
        c = self.p.pop3(BOB, kind="pop3")
        n, octets = c.stat()
        self.assertEqual(n, 2)
        sizes = [int(line.split()[1]) for line in c.list()[1]]
        self.assertEqual(sum(sizes), octets)
        for i, size in enumerate(sizes):
            lines = c.retr(i + 1)[1]
            self.assertEqual(sum(len(x) + 2 for x in lines), size)
        bodies = b"\r\n".join(c.retr(1)[1]) + b"\r\n"
        self.assertTrue(bodies.endswith(b"\r\n\r\n" + body.encode()), bodies)
        self.assertEqual(c.top(1, 2)[1][-3:], [b"", b"first", b"."])
        self.assertEqual(c.top(1, 0)[1][-1], b"")
        ids = [line.split()[1] for line in c.uidl()[1]]
        self.assertEqual(len(set(ids)), 2)
        c.dele(1)
        self.assertEqual(c.stat()[0], 1)
        with self.assertRaises(poplib.error_proto):
            c.retr(1)
        c.rset()
        self.assertEqual(c.stat(), (2, octets))
        c.dele(1)
        c.quit()
        c = self.p.pop3(BOB)
        self.assertEqual([line.split()[1] for line in c.uidl()[1]], ids[1:])
        c.quit()

    def test_deletes_nothing_without_quit(self):
        self.send("stays")
        c = self.p.pop3(BOB)
        c.dele(1)
        c.close()
        self.assertEqual(self.count(), 1)

    def test_two_sessions(self):
        self.send("a", "b")
        one, two = self.p.pop3(BOB), self.p.pop3(BOB)
        one.dele(1)
        one.quit()
        self.assertEqual(two.stat()[0], 2)
        with self.assertRaises(poplib.error_proto):
            two.retr(1)
        two.retr(2)
        two.dele(1)
        two.quit()
        self.assertEqual(self.count(), 1)

    def test_too_many(self):
        open_ones = [self.p.pop3(BOB) for _ in range(3)]
        with self.assertRaisesRegex(poplib.error_proto, "IN-USE"):
            self.p.pop3(BOB)
        for c in open_ones:
            c.quit()

    def test_wrong_password(self):
        with self.assertRaisesRegex(poplib.error_proto, r"\[AUTH\]"):
            self.p.pop3(BOB, "wrong")

    def test_all_in_one_packet(self):
        self.send("pipelined")
        with self.p.talk("pop3") as c:
            c.send(b"USER %s\r\nPASS %s\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n" % (BOB.encode(), PASSWORD.encode()))
            c.sock.shutdown(1)
            said = c.rest()
        self.assertEqual(said.count(b"\r\n+OK "), 6, said)
        self.assertNotIn(b"-ERR", said)
        self.assertEqual(self.count(), 0)

    def test_slow_client(self):
        """Who does not read costs no memory."""
        self.send("big", body=("x" * 76 + "\r\n") * 200000)
        with self.p.talk("pop3") as c:
            c.line()
            c.send(b"USER %s\r\nPASS %s\r\n" % (BOB.encode(), PASSWORD.encode()))
            for _ in range(2):
                self.assertTrue(c.line().startswith(b"+OK"))
            before = {role: self.p.memory(role) for role in ("pop3", "pop3d")}
            c.send(b"RETR 1\r\n")
            time.sleep(1)
            for role, octets in before.items():
                self.assertLess(self.p.memory(role) - octets, (3 << 20) * lib.ROOM, role)
            c.send(b"QUIT\r\n")
            said = c.rest()
        self.assertGreater(len(said), 78 * 200000)
        self.assertTrue(said.split(b"\r\n.\r\n")[1].startswith(b"+OK"))

    def fetch(self, program, words, env=None):
        if not shutil.which(program):
            self.skipTest(program + " is not installed")
        r = subprocess.run([program] + words, capture_output=True, text=True, timeout=60 * lib.SLOW, env=env)
        self.assertIn(r.returncode, (0, 1), r.stdout + r.stderr)
        return r

    def test_getmail(self):
        self.send("for getmail")
        home = os.path.join(lib.scratch(), "getmail")
        os.makedirs(home)
        out = os.path.join(home, "out")
        with open(os.path.join(home, "rc"), "w") as f:
            f.write("[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = %d\nusername = %s\n"
                    "password = %s\nca_certs = %s\n[destination]\ntype = MDA_external\npath = /bin/sh\n"
                    "arguments = (\"-c\", \"cat >>%s\")\nallow_root_commands = true\n"
                    "[options]\nread_all = true\ndelete = true\n" % (
                        self.p.ports["pop3s"], BOB, PASSWORD, lib.certificate()[0], out))
        self.fetch("getmail", ["--getmaildir", home, "--rcfile", os.path.join(home, "rc")])
        with open(out) as f:
            self.assertIn("Subject: for getmail", f.read())
        self.assertEqual(self.count(), 0)

    def test_fetchmail(self):
        self.send("for fetchmail")
        home = os.path.join(lib.scratch(), "fetchmail")
        os.makedirs(home)
        rc, out = os.path.join(home, "rc"), os.path.join(home, "out")
        with open(rc, "w") as f:
            f.write("poll localhost service %d proto pop3 user \"%s\" password \"%s\" ssl sslcertfile %s "
                    "no rewrite mda \"cat >>%s\"\n" % (self.p.ports["pop3s"], BOB, PASSWORD, lib.certificate()[0], out))
        os.chmod(rc, 0o700)
        env = dict(os.environ, FETCHMAILHOME=home)
        r = self.fetch("fetchmail", ["-f", rc, "--nosyslog"], env)
        with open(out) as f:
            self.assertIn("Subject: for fetchmail", f.read(), r.stdout + r.stderr)
        self.assertEqual(self.count(), 0)


class Plaintext(unittest.TestCase):
    def test_refused(self):
        with lib.Instance(accounts={BOB: PASSWORD}, config="daemon pop3d { plaintext_login = no }") as p:
            p.start()
            with p.talk("pop3") as c:
                c.line()
                c.send(b"CAPA\r\n")
                said = b""
                while said != b".":
                    said = c.line()
                    self.assertFalse(said.startswith((b"USER", b"SASL")))
                c.send(b"USER bob\r\n")
                self.assertTrue(c.line().startswith(b"-ERR"))
            p.pop3(BOB, kind="pop3").quit()


if __name__ == "__main__":
    unittest.main()
