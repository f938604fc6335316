"""One fate for each message: what became of all that a case sent, seen from outside.

    with Post(sink) as post:           an instance with two accounts and a server of the tests beyond it
        post.send("small")             one attempt; its name and its outcome are kept
        post.settle(2)                 waits for the queue, then checks each name; 2: copies that the sink may have

The kind is a part of a name, body() follows from the name.
"""
import base64
import hashlib
import os
import random
import re
import subprocess
import threading
import time

from ledger import BOB, BUILD, Wrong, audited, text_hash
from lib import Instance, message, read_ports, wait_for
from smtp_sink import Sink

ALICE, CAROL = "alice@local.test", "carol@local.test"
KINDS = {  # recipients, least octets of the body, how many more at most
    "small": ((BOB,), 100, 5000),
    "large": ((BOB,), 320000, 1000),  # a file of its own in the queue
    "middle": ((BOB,), 200000, 1000),
    "two": ((BOB, ALICE), 1000, 1000),
    "out": (("x@out.test",), 100, 5000),
    "later": (("later@out.test",), 100, 5000),  # deferred while the sink is shut
    "no": (("no@out.test",), 100, 5000),  # comes back as a report
    # Deferred too; then an administrator has another idea.
    "drop": (("later-drop@out.test",), 100, 5000),
    "bounce": (("later-bounce@out.test",), 100, 5000),
    "reroute": (("later-reroute@out.test",), 100, 5000),
    "hold": (("later-hold@out.test",), 100, 5000),
}
LOCAL = ("small", "large", "middle", "two")


def kind_of(name):
    return name.rpartition("-")[2]


def body(name):
    least, more = KINDS[kind_of(name)][1:]
    digest = hashlib.sha256(name.encode()).digest()
    size = (least + int.from_bytes(digest[:3], "big") % more) * 3 // 4
    text = base64.b64encode(hashlib.shake_128(name.encode()).digest(size)).decode()
    return "".join(text[i:i + 72] + "\r\n" for i in range(0, len(text), 72)) + ".end\r\n"


def subject(text):
    header = text.partition(b"\r\n\r\n")[0].decode("latin-1")
    return next((line[9:] for line in header.split("\r\n") if line.startswith("Subject: ")), "?")


class Folder:
    """What a folder holds, by UID.  A connection is kept; it breaks as often as it likes."""

    def __init__(self, p, address, name="INBOX"):
        self.p, self.address, self.name, self.client = p, address, name, None
        self.validity, self.texts, self.top = None, {}, 0

    def close(self):
        if self.client is not None:
            try:
                self.client.shutdown()
            except OSError:
                pass
        self.client = None

    def open(self):
        self.client = self.p.imap(self.address)
        self.client.sock.settimeout(10)
        kind, text = self.client.select(self.name, readonly=True)
        if kind != "OK":
            raise OSError("SELECT: %s" % text)
        validity = int(self.client.response("UIDVALIDITY")[1][0])
        if self.validity not in (None, validity):
            raise Wrong("UIDVALIDITY was %d and is %d" % (self.validity, validity))
        self.validity = validity

    def fetch(self, first):
        if self.client is None:
            self.open()
        self.client.noop()
        kind, got = self.client.uid("FETCH", "%d:*" % first, "(UID BODY.PEEK[])")
        if kind != "OK":
            raise OSError("FETCH: %s" % got)
        for part in got or []:
            if isinstance(part, tuple):
                words = part[0].decode("latin-1").split("(", 1)[1].split()
                yield int(words[words.index("UID") + 1]), part[1]

    def try_fetch(self, first):
        try:
            return dict(self.fetch(first))
        except Wrong:
            raise
        except Exception:  # the server is gone, in one of many ways
            self.close()
            return None

    def rows(self, first):
        rows, end = None, time.monotonic() + 20
        while rows is None and time.monotonic() < end:
            rows = self.try_fetch(first)
            if rows is None:
                time.sleep(0.05)
        if rows is None:
            raise Wrong("%s cannot be read\n%s" % (self.name, self.p.log_tail()))
        return rows

    def news(self):
        """Texts of the messages that were not there before."""
        found = {uid: text for uid, text in self.rows(self.top + 1).items() if uid > self.top}
        self.top = max([self.top, *found])
        self.texts.update({uid: hashlib.sha256(text).digest() for uid, text in found.items()})
        return list(found.values())

    def check_all(self):
        """Over a new connection: all that was seen is there as it was."""
        self.close()
        now = {uid: hashlib.sha256(text).digest() for uid, text in self.rows(1).items()}
        if now != self.texts:
            wrong = sorted(uid for uid in {*now, *self.texts} if now.get(uid) != self.texts.get(uid))
            raise Wrong("%s: these UIDs are not what they were: %s" % (self.name, wrong[:10]))


class Post:
    CONFIG = """relay { allow_from = [127.0.0.1] }
        queue { min_free_disk = 0%% min_free = 1MiB retry_min = 50ms retry_max = 200ms segment = 1MiB }
        daemon pickup { interval = 100ms }
        route "out.test" { via = "%s" tls = none }"""

    def __init__(self, name, make=Instance):
        self.sink = Sink(reply={"RCPT": self.rcpt})
        self.shut = False
        self.p = make(accounts={BOB: "secret-bob", ALICE: "secret-alice", CAROL: "secret-carol"}, kinds=("smtp", "imaps"),
                      config=self.CONFIG % self.sink.via, name=name)
        self.tag = "%06x" % random.getrandbits(24)
        self.dark = False  # with the power off, nobody hears a reply
        self.lock = threading.Lock()
        self.fates, self.count, self.talk, self.taken = {}, 0, None, 0
        self.open = set()  # names not yet judged
        self.changed = {}  # name -> (what an administrator asked for, it was done)
        self.boxes = [Folder(self.p, BOB), Folder(self.p, ALICE)]
        self.seen = {}  # (name, place) -> copies
        self.rounds = None
        # Reports without the text of what they report, where that may be: a queue that cannot read it tells the sender all the same.
        self.textless = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for box in self.boxes:
            box.close()
        self.p.close()
        self.sink.close()

    def rcpt(self, line):
        if "no@" in line:
            return "550 5.1.1 nobody"
        return "451 4.2.1 later" if self.shut and "later" in line else None

    def start(self):
        """Again, also where a program cannot yet: it is tried on."""
        try:
            self.p.start()
        except AssertionError:
            with open(os.path.join(self.p.base, "run", "listen.json")) as f:
                self.p.ports, self.p.running = read_ports(f.read()), True
        if self.talk is not None:
            self.talk.close()
        self.talk = None

    # --- what is sent

    def connection(self):
        if self.talk is None:
            self.talk = self.p.talk("smtp", timeout=10)
            if self.talk.reply() != 220 or self.talk.say("EHLO test") != 250:
                raise OSError("no service")
        return self.talk

    def try_send(self, name):
        """accepted, unsure, refused (all of it) or None: nothing was sent."""
        outcome = None
        try:
            c = self.connection()
            codes = [c.say("MAIL FROM:<%s>" % BOB)] + [c.say("RCPT TO:<%s>" % to) for to in KINDS[kind_of(name)][0]]
            if codes == [250] * len(codes) and c.say("DATA") == 354:
                outcome = "unsure"
                text = message(name, body(name).replace("\r\n.", "\r\n.."), sender=BOB).encode()
                code = c.say(text + b".\r\n")
                # 451: the queue went away, and nobody knows whether it had taken it.
                outcome = {250: "accepted", 451: "unsure", 0: "unsure"}.get(code, "refused")
                if code != 0:
                    return outcome
            elif c.say("RSET") == 250:
                return outcome
        except (OSError, ValueError):
            pass
        if self.talk is not None:
            self.talk.close()
            self.talk = None
        return outcome

    def name(self, kind):
        with self.lock:
            self.count += 1
            return "%s-%d-%s" % (self.tag, self.count, kind)

    def send(self, kind):
        name = self.name(kind)
        outcome = self.try_send(name)
        if outcome is not None and self.dark:
            outcome = "unsure"
        if outcome is not None:
            self.fates[name] = outcome
            self.open.add(name)
        return outcome

    def send_surely(self, kind, seconds=10):
        """As often as it takes: service must come back."""
        if wait_for(lambda: self.send(kind) == "accepted", seconds, 0.05) is not True:
            raise Wrong("no service\n" + self.p.log_tail())

    def drop(self, kind):
        """sendmail(8), while nothing else takes mail of local users: it goes by spool/drop."""
        try:
            os.remove(os.path.join(self.p.base, "run", "submit.sock"))
        except OSError:
            pass
        name = self.name(kind)
        r = subprocess.run(["sendmail", "--base", self.p.base, "-i", "-f", BOB, *KINDS[kind][0]], capture_output=True, timeout=60,
                           executable=os.path.join(BUILD, "ctl", "sendmail"), env=dict(os.environ, HOME=self.p.base),
                           input=message(name, body(name), sender=BOB).replace("\r\n", "\n").encode())
        self.fates[name] = "unsure" if r.returncode < 0 or self.dark else "refused" if r.returncode > 0 else "accepted"
        self.open.add(name)

    def dropped(self):
        """What waits in spool/drop; what has a dot was never promised."""
        return [name for name in os.listdir(os.path.join(self.p.base, "spool", "drop")) if name[0] != "." and name != "corrupt"]

    def age_drops(self):
        """A power cut may have put the dot back in front of what was promised: that is taken after a minute, which is over now."""
        folder, long_ago = os.path.join(self.p.base, "spool", "drop"), time.time() - 120
        for name in os.listdir(folder):
            if name[0] == ".":
                os.utime(os.path.join(folder, name), (long_ago, long_ago))

    def change(self, what, *more):
        """postern queue WHAT for what was sent as that kind and is not judged yet; true: it was done."""
        names = [name for name in self.open if kind_of(name) == what]
        # What an agent has just now is out of reach: with all held, that passes.
        wait_for(lambda: not self.under_way(KINDS[what][0][0]), 10, 0.02)
        try:
            rows = self.p.rows("queue", what, "--to", KINDS[what][0][0], *more)
        except (AssertionError, ValueError):
            rows = []
        for name in names:
            self.changed[name] = what, rows == [{"changed": len(names)}]

    def under_way(self, address):
        """Also while nobody can tell."""
        rows = self.queue()
        return rows is None or any(r["address"] == address and r["status"] in ("active", "routing")
                                   for row in rows for r in row["recipients"])

    def release(self):
        """Whatever is held, as soon as the queue answers."""
        def all_free():
            rows = self.queue()
            if rows and any(r["status"] == "hold" for row in rows for r in row["recipients"]):
                self.p.ctl("queue", "release", "--all", check=False)
                return False
            return rows is not None
        if wait_for(all_free, 20, 0.05) is not True:
            raise Wrong("what is held stays held\n" + self.p.log_tail())

    # --- what became of it

    def look(self):
        for box in self.boxes:
            for text in box.news():
                if b"multipart/report" in text.partition(b"\r\n\r\n")[0]:
                    names = re.findall(rb"^Subject: (\S+-\d+-\w+)\r$", text, re.M)
                    for name in names:
                        self.see(name.decode(), "report")
                    if not names and self.textless is not None:
                        self.textless += 1
                else:
                    self.see_text(text, box.address)
        while self.taken < len(self.sink.mails):
            mail = self.sink.mails[self.taken]
            self.taken += 1
            self.see_text(mail.text.encode("latin-1"), "sink")

    def see(self, name, place):
        if name not in self.fates:
            raise Wrong("%s has %r, which was never sent" % (place, name))
        self.seen[name, place] = self.seen.get((name, place), 0) + 1

    def see_text(self, text, place):
        name = subject(text)
        self.see(name, place)
        if text_hash(text.partition(b"\r\n\r\n")[2]) != text_hash(body(name).encode()):
            raise Wrong("%s: %s is not what was sent: %d octets" % (place, name, len(text)))

    def judge(self, name, sink_copies):
        kind, fate = kind_of(name), self.fates[name]
        if name in self.changed:
            return self.judge_changed(name, *self.changed[name], sink_copies)
        places = KINDS[kind][0] if kind in LOCAL else ("report",) if kind == "no" else ("sink",)
        for place in {*(p for n, p in self.seen if n == name), *places}:
            n = self.seen.get((name, place), 0)
            if place not in places:
                raise Wrong("%s %s came to %s" % (fate, name, place))
            if n == 0 and place == "report" and self.textless:
                self.textless -= 1
            elif n == 0 and fate == "accepted":
                raise Wrong("accepted and lost: %s for %s" % (name, place))
            if n != 0 and fate == "refused":
                raise Wrong("refused, yet delivered: %s for %s" % (name, place))
            if n > (sink_copies if place == "sink" else 1):
                raise Wrong("%d times: %s %s for %s" % (n, fate, name, place))

    def judge_changed(self, name, what, done, sink_copies):
        """Dropped: nowhere; bounced: reported; not surely: as if nobody had asked, too."""
        sink, report = self.seen.get((name, "sink"), 0), self.seen.get((name, "report"), 0)
        least, most = {"drop": ((0, 0), (0, 0)), "bounce": ((0, 1), (0, 1))}.get(what, ((1, 0), (sink_copies, 0)))
        if not done:
            least, most = (0, 0), (sink_copies, most[1])
        if self.fates[name] != "accepted":
            least = 0, 0
        lost = self.fates[name] == "accepted" and what != "drop" and sink + report == 0
        if lost or not (least[0] <= sink <= most[0] and least[1] <= report <= most[1]):
            raise Wrong("%s %s, %s %s: %d at the next host, %d reports" % (
                self.fates[name], name, what, "done" if done else "asked for", sink, report))
        return None

    def queue(self):
        """What waits; None while nobody can tell."""
        try:
            return self.p.queue()
        except (AssertionError, ValueError):
            return None

    def settle(self, sink_copies):
        left = wait_for(lambda: self.dropped() == [] and self.queue() == [], 30, 0.02)
        if left is not True:
            raise Wrong("the queue does not drain: %s %s\n%s" % (self.queue(), self.dropped(), self.p.log_tail()))
        self.look()
        for name in self.open:
            self.judge(name, sink_copies)
        self.open.clear()

    def end(self):
        # Who was struck while it told us of an empty queue cannot answer any more, and master may not know yet.
        wait_for(lambda: self.p.pids("qmgr"), 20, 0.02)
        audited(self.p)
        for box in self.boxes:
            box.check_all()
