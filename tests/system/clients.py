"""What the tests with other people's programs share: accounts, odd contents, a home for the program.

Each test compares what came out with what went in, octet for octet where the program lets it through.  A program that
is not installed is a skipped test.
"""
import imaplib
import os
import shutil
import subprocess
import tempfile

from lib import SLOW, Case, message, wait_for


BOB, ALICE = "bob@local.test", "alice@local.test"
ACCOUNTS = {BOB: "secret-bob", ALICE: "pass word"}
STANDARD = ("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash")

# Name, octets behind the empty line.  All are kept as they are.
ODD_BODIES = [
    ("empty", b""),
    ("only an empty line", b"\r\n"),
    ("many empty lines", b"\r\n" * 50),
    ("a dot", b".\r\n"),
    ("dots", b"\r\n.\r\n..\r\n...\r\n. \r\n.x\r\n.\r\n"),
    ("commands", b"QUIT\r\nRSET\r\n+OK\r\n* BYE\r\na OK done\r\n"),
    ("literals", b"{5}\r\nhello{3+}\r\n~{1}\r\n)\r\n\"\\\r\n"),
    ("from", b"From nobody Mon Nov 23 01:02:03 2026\r\n>From me\r\nFrom\r\n"),
    ("long line", b"x" * 100000 + b"\r\nand another\r\n"),
    ("long line of dots", b"." * 70000 + b"\r\n"),
    ("eight bits", bytes(range(128, 256)) + b"\r\n"),
    ("utf-8", "Gr\u00fc\u00dfe, \u0416\u0443\u0440\u043d\u0430\u043b, \u65e5\u672c \U0001f4ec\r\n".encode()),
    ("controls", bytes(n for n in range(1, 32) if n not in (10, 13)) + b"\x7f\r\n"),
    ("boundaries", b"--\r\n--x\r\n--x--\r\n"),
    ("5 MB", b"".join(b"%07d %s\r\n" % (n, b"y" * 68) for n in range(64000))),
]
ODD = dict(ODD_BODIES)
NUL = b"before\0after\r\n\0\r\n\0\0\r\n"


def body_of(text):
    return text.split(b"\r\n\r\n", 1)[1]


def odd(name, body, sender=BOB, to=BOB):
    """A message as octets; its subject is the name."""
    return message(name, "", sender, to).encode() + body


class Clients(Case):
    options = {"accounts": ACCOUNTS, "name": "clients"}

    def setUp(self):
        """Empty accounts, whatever the test before left."""
        self.p.wait_queue_empty()
        for address in ACCOUNTS:
            c = self.p.imap(address)
            for line in c.list()[1]:
                name = line.split(b' "/" ')[1].decode()
                if c.select(name)[0] == "OK":
                    c.store("1:*", "+FLAGS.SILENT", "\\Deleted")
                    c.close()
                if name.strip('"') not in STANDARD:
                    c.delete(name)
            c.logout()

    def imap(self, address=BOB, select="INBOX"):
        c = self.p.imap(address)
        if select:
            self.assertEqual(c.select(select)[0], "OK")
        self.addCleanup(lambda: c.state == "LOGOUT" or c.logout())
        return c

    def append(self, text, where="INBOX", flags=None, address=BOB):
        c = self.p.imap(address)
        self.assertEqual(c.append(where, flags, None, text)[0], "OK")
        c.logout()

    def append_odd(self, *names):
        """Those of ODD (all without names) into bob's inbox; {subject: octets}."""
        texts = {name: odd(name, ODD[name]) for name in names or ODD}
        for text in texts.values():
            self.append(text)
        return texts

    def inbox(self, address=BOB, where="INBOX"):
        """The messages in octets, in order of their number."""
        c = self.p.imap(address)
        self.assertEqual(c.select(where, readonly=True)[0], "OK")
        got = c.fetch("1:*", "(BODY.PEEK[])")[1]
        c.logout()
        return [part[1] for part in got if isinstance(part, tuple)]

    def arrived(self, count=1, address=BOB):
        return wait_for(lambda: len(self.inbox(address)) >= count and self.inbox(address)) or self.fail(self.p.log_tail())

    def flags(self, address=BOB, where="INBOX"):
        """{subject: set of flags, without \\Recent}"""
        c = self.p.imap(address)
        c.select(where, readonly=True)
        found = {}
        for part in c.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            if isinstance(part, tuple):
                found[part[1].decode().strip()[9:]] = set(map(bytes.decode, imaplib.ParseFlags(part[0]))) - {"\\Recent"}
        c.logout()
        return found

    def home(self):
        return tempfile.mkdtemp(prefix="home.", dir=self.p.base)

    def write(self, path, text):
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def run_program(self, words, home=None, stdin=b"", codes=(0,), **env):
        """What it printed, both outputs, in octets."""
        if not shutil.which(words[0]):
            self.skipTest("no " + words[0])
        home = home or self.home()
        env = dict(os.environ, HOME=home, LC_ALL="C.UTF-8", TERM="xterm", FETCHMAILHOME=home, CURL_HOME=home, **env)
        r = subprocess.run(words, input=stdin, capture_output=True, timeout=60 * SLOW, env=env, cwd=home)
        said = r.stdout + r.stderr
        if r.returncode not in codes:
            self.fail("%s: exit %d\n%s\n%s" % (words, r.returncode, said.decode("latin-1"), self.p.log_tail()))
        return said

    def url(self, kind, scheme=None, address=BOB):
        return "%s://%s:%s@localhost:%d" % (scheme or kind, address.replace("@", "%40"),
                                            ACCOUNTS[address].replace(" ", "%20"), self.p.ports[kind])
