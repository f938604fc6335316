"""A ledger outside of the server: what clients were promised, and whether the mailbox keeps it.

Ledger is lib.Load with messages whose body follows from their name, so that any text can be checked by its SHA-256.
Mailbox reads the inbox over IMAP and holds the law of UIDs across crashes.
"""
import base64
import hashlib
import imaplib
import json
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))


def begin(argv, seconds):
    """(BUILD, SECONDS) of the command line; lib may be imported after it."""
    if len(argv) not in (2, 3) or not os.path.isdir(argv[1]):
        sys.exit("usage: %s BUILD [SECONDS]" % os.path.basename(argv[0]))
    os.environ["POSTERN_BUILD"] = os.path.abspath(argv[1])
    return os.environ["POSTERN_BUILD"], float(argv[2]) if len(argv) == 3 else seconds


sys.argv[0] = os.path.abspath(sys.argv[0])
BUILD, SECONDS = begin(sys.argv, 60)
from lib import Load, message, wait_for  # noqa: E402

BOB = "bob@local.test"
KINDS = ("smtp", "imaps")


class Wrong(Exception):
    """A promise was broken."""


def body(name):
    """Lines that follow from the name alone.  Some bodies are too large for the queue's log and get a file there."""
    digest = hashlib.sha256(name.encode()).digest()
    size = 300000 if digest[0] < 3 else 100 + int.from_bytes(digest[1:3], "big") % 6000
    text = base64.b64encode(hashlib.shake_128(name.encode()).digest(size)).decode()
    return "".join(text[i:i + 72] + "\r\n" for i in range(0, len(text), 72)) + ".end\r\n"


def text_hash(octets):
    return hashlib.sha256(octets.replace(b"\r\n", b"\n")).digest()


class Ledger(Load):
    """From power_off() on, a reply proves nothing: with real power cut, nobody had heard it."""

    def __init__(self, instance, tag, clients=6):
        super().__init__(instance, clients=clients, to=BOB, tag=tag)
        self.dark = False

    def power_off(self):
        with self.lock:
            self.dark = True

    def one(self, c, name):
        """False: the connection is of no more use."""
        if c.say("MAIL FROM:<eve@far.test>") != 250 or c.say("RCPT TO:<%s>" % self.to) != 250 or c.say("DATA") != 354:
            time.sleep(0.02)
            return c.say("RSET") == 250
        with self.lock:
            self.unsure.add(name)  # until its reply: it may have been taken
        code = c.say(message(name, body(name).replace("\r\n.", "\r\n.."), to=self.to).encode() + b".\r\n")
        with self.lock:
            if code == 250 and not self.dark:
                self.accepted.add(name)
            elif code not in (0, 250, 451) and not self.dark:
                self.unsure.discard(name)
        return code != 0


class Reader(threading.Thread):
    """Reads the inbox while the server is loaded and cut: what (UID, subject) a client was shown before the crash."""

    def __init__(self, instance, mailbox):
        super().__init__(daemon=True)
        self.instance, self.mailbox, self.stopped = instance, mailbox, threading.Event()
        self.start()

    def run(self):
        while not self.stopped.is_set():
            try:
                c = self.instance.imap(BOB)
                c.sock.settimeout(5)
                c.select("INBOX", readonly=True)
                while not self.stopped.is_set():
                    c.noop()
                    self.mailbox.look(c)
                    time.sleep(0.02)
            except Wrong as e:
                self.mailbox.wrong = self.mailbox.wrong or str(e)
                return
            except Exception:  # the server is gone, in one of many ways
                time.sleep(0.05)

    def stop(self):
        self.stopped.set()
        self.join(30)


class Mailbox:
    """What was ever seen in the inbox."""

    def __init__(self, instance):
        self.instance, self.names, self.uidvalidity, self.wrong = instance, {}, None, None
        self.top = 0  # highest UID ever shown
        self.hashed = set()

    def rows(self, c, first, what):
        kind, got = c.uid("FETCH", "%d:*" % first, "(UID %s)" % what)
        for part in got or []:
            if isinstance(part, tuple):
                words = part[0].decode("latin-1").split("(", 1)[1].split()
                yield int(words[words.index("UID") + 1]), part[1]

    def look(self, c):
        """The messages above all that were seen."""
        for uid, header in self.rows(c, self.top + 1, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"):
            name = header.decode("latin-1").strip()[9:]
            if self.names.setdefault(uid, name) != name:
                raise Wrong("UID %d was shown as %s and is now %s" % (uid, self.names[uid], name))
            self.top = max(self.top, uid)

    def connect(self):
        """None while what was killed is not back yet."""
        try:
            return self.instance.imap(BOB)
        except (imaplib.IMAP4.error, OSError):
            return None

    def read(self):
        """All of it: uid -> name, checked against what clients saw before, each new body against its name."""
        c = wait_for(self.connect, 20, 0.1) or self.instance.imap(BOB)
        try:
            c.select("INBOX", readonly=True)
            validity = int(c.response("UIDVALIDITY")[1][0])
            if self.uidvalidity not in (None, validity):
                raise Wrong("UIDVALIDITY was %d and is %d" % (self.uidvalidity, validity))
            self.uidvalidity = validity
            return self.check(list(self.rows(c, 1, "BODY.PEEK[]")))
        finally:
            c.logout()

    def check(self, rows):
        uids = [uid for uid, _ in rows]
        if len(set(uids)) != len(uids) or uids != sorted(uids):
            raise Wrong("UIDs are not unique and growing")
        now, before = {}, self.top
        for uid, text in rows:
            header, _, text = text.partition(b"\r\n\r\n")
            name = next((line[9:] for line in header.decode("latin-1").split("\r\n") if line.startswith("Subject: ")), "?")
            now[uid] = name
            if uid in self.names and self.names[uid] != name:
                raise Wrong("UID %d was shown as %s and is now %s" % (uid, self.names[uid], name))
            if uid not in self.names and uid <= before:
                raise Wrong("new message %s has UID %d, %d was given before" % (name, uid, before))
            if uid not in self.hashed and text_hash(text) != text_hash(body(name).encode()):
                raise Wrong("UID %d (%s): the body is not what was sent: %d octets" % (uid, name, len(text)))
        self.hashed = set(now)
        self.names.update(now)
        self.top = max([before] + uids)
        return now


def drained(instance, seconds=60):
    """Waits for an empty queue; what is still in it."""
    wait_for(lambda: not instance.queue(), seconds, 0.1)
    return instance.queue()


def audited(instance):
    """Each recipient of the log is where it should be, says the server itself.  Raises Wrong."""
    r = instance.ctl("queue", "check", "--json", check=False)
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    if not rows or not rows[-1].get("total"):
        raise Wrong("queue check: exit %d, %s" % (r.returncode, r.stderr.strip()[-300:]))
    wrong = [row for row in rows[:-1] if row["problem"].startswith("recipient-")]
    if wrong:
        raise Wrong("queue check: %d, first %s" % (len(wrong), wrong[0]))


def settle(instance, mailbox, ledgers):
    """After a crash and a start: the queue drains, then each promise is checked.  Raises Wrong."""
    left = drained(instance)
    if left:
        raise Wrong("the queue does not drain: %d left, first %s" % (len(left), left[0]))
    audited(instance)
    if mailbox.wrong:
        raise Wrong(mailbox.wrong)
    names = list(mailbox.read().values())
    have = set(names)
    if len(have) != len(names):
        twice = sorted(n for n in have if names.count(n) > 1)
        raise Wrong("in the mailbox twice: %d, first %s" % (len(twice), twice[:5]))
    for ledger in ledgers:
        lost = ledger.accepted - have
        if lost:
            raise Wrong("accepted and lost: %d of %d, first %s" % (len(lost), len(ledger.accepted), sorted(lost)[:5]))
        strange = {n for n in have if n.startswith(ledger.tag + "-")} - ledger.accepted - ledger.unsure
        if strange:
            raise Wrong("refused, yet delivered: %s" % sorted(strange)[:5])


class Report:
    """Counts, and the last line that ./check reads."""

    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def say(self, kind, text):
        self.counts[kind] += 1
        print("%s %s" % ({"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[kind], text), flush=True)

    def add(self, passed, failed, skipped):
        for kind, n in (("passed", passed), ("failed", failed), ("skipped", skipped)):
            self.counts[kind] += n

    def end(self):
        print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % self.counts, flush=True)
        return 1 if self.counts["failed"] else 0
