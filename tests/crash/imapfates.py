"""What an IMAP client was told, and what its folders hold: APPEND, STORE, COPY, MOVE, EXPUNGE, RENAME.

    r = Rounds(post, "alice@local.test")
    r.go()      one of each, over a connection that may break anywhere; what was answered OK is kept
    r.check()   the folders against it; then they are emptied
"""
import imaplib
import re

from fates import body, subject
from ledger import Wrong, text_hash
from lib import message, wait_for

FOLDERS = ("INBOX", "Copies", "Moved")
WHERE = {"append": "INBOX", "copy": "Copies", "move": "Moved"}  # what puts a message there
OK, NO, UNSURE = "OK", "NO", "unsure"


class Rounds:
    def __init__(self, post, address):
        self.post, self.address, self.client = post, address, None
        self.told = {}  # (name, what) -> OK, NO, UNSURE
        self.uids, self.names = {}, {}  # name -> UID in INBOX; (folder, validity, UID) -> name
        self.why = ""  # it cannot be read
        self.made = []  # (old name, new name, told) of folders
        self.late = set()  # (folder, name) of earlier rounds that may yet come up there
        for folder in FOLDERS[1:]:
            self.ask("create", folder)

    def connect(self):
        if self.client is None:
            self.client = self.post.p.imap(self.address)
            self.client.sock.settimeout(10)
        return self.client

    def close(self):
        try:
            if self.client is not None:
                self.client.shutdown()
        except OSError:
            pass
        self.client = None

    def ask(self, what, *words):
        """(OK, NO or UNSURE, the answer)."""
        try:
            c = self.connect()
            if what == "UID":
                c.select("INBOX")
            kind, got = getattr(c, what.lower())(*words)
            return UNSURE if self.post.dark or kind not in (OK, NO) else kind, got
        except Exception:  # the server is gone, in one of many ways
            self.close()
            return UNSURE, [b""]

    def append(self, kind):
        name = self.post.name(kind)
        told, got = self.ask("append", "INBOX", None, None, message(name, body(name)).encode())
        uid = re.search(rb"APPENDUID \d+ (\d+)", got[0] or b"")
        self.told[name, "append"] = told
        self.uids[name] = uid and uid.group(1).decode()
        return name

    def go(self):
        flagged, copied, moved, gone, large = (self.append(k) for k in ("small", "small", "two", "small", "large"))
        for name, what, words in ((flagged, "flag", ("STORE", "+FLAGS", "(\\Flagged word)")), (copied, "copy", ("COPY", "Copies")),
                                  (moved, "move", ("MOVE", "Moved")), (gone, "delete", ("STORE", "+FLAGS", "(\\Deleted)"))):
            if self.uids[name]:
                self.told[name, what] = self.ask("UID", words[0], self.uids[name], *words[1:])[0]
        if self.told.get((gone, "delete")) == OK:
            self.told[gone, "expunge"] = self.ask("UID", "EXPUNGE", self.uids[gone])[0]
        old = "F-" + self.post.name("folder")
        if self.ask("create", old)[0] == OK:
            self.made.append((old, "G" + old[1:], self.ask("rename", old, "G" + old[1:])[0]))

    # --- afterwards

    def read(self, folder):
        """name -> [flags]"""
        found = {}
        c = self.connect()
        kind, got = c.select(folder)
        if kind != OK:
            raise OSError("SELECT %s: %s" % (folder, got))
        validity = c.response("UIDVALIDITY")[1][0]
        kind, got = c.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")
        if kind != OK:
            raise Wrong("FETCH of %s: %s %s" % (folder, kind, got))
        for part in got or []:
            if not isinstance(part, tuple):
                continue
            head, name = part[0].decode("latin-1"), subject(part[1])
            uid = int(re.search(r"UID (\d+)", head).group(1))
            if self.names.setdefault((folder, validity, uid), name) != name:
                raise Wrong("%s: UID %d was %s and is %s" % (folder, uid, self.names[folder, validity, uid], name))
            if text_hash(part[1].partition(b"\r\n\r\n")[2]) != text_hash(body(name).encode()):
                raise Wrong("%s: %s is not what was sent" % (folder, name))
            found.setdefault(name, []).append(re.search(r"FLAGS \(([^)]*)\)", head).group(1).split())
        return found

    def read_all(self):
        try:
            for folder in FOLDERS[1:]:
                self.connect().create(folder)
            return {folder: self.read(folder) for folder in FOLDERS}
        except Wrong:
            raise
        except Exception as e:
            self.why = repr(e)
            self.close()
            return None

    def judge(self, name, have):
        def told(what):
            return self.told.get((name, what))
        places = [f for f in FOLDERS for _ in have[f].get(name, [])]
        state = "%s: %s, it is in %s" % (name, {w: t for (n, w), t in self.told.items() if n == name}, places)
        inbox = places.count("INBOX")
        if told("append") == NO and places or len(places) != len(set(places)):
            raise Wrong("refused or twice: " + state)
        if told("append") == OK and not places and told("expunge") not in (OK, UNSURE):
            raise Wrong("lost: " + state)
        if told("expunge") == OK and inbox or told("move") == OK and places != ["Moved"]:
            raise Wrong("back: " + state)
        if told("copy") == OK and places != ["INBOX", "Copies"] or told("copy") == NO and "Copies" in places:
            raise Wrong("copy: " + state)
        if told("flag") == OK and not {"\\Flagged", "word"} <= set(have["INBOX"].get(name, [[]])[0]):
            raise Wrong("flags are lost: %s %s" % (state, have["INBOX"].get(name)))

    def names_of_folders(self):
        return {re.search(rb'"?([^" ]+)"?$', line).group(1).decode() for line in self.connect().list()[1] if line}

    def folders(self):
        names = self.names_of_folders()
        for old, new, told in self.made:
            there = {old, new} & names
            if len(there) != 1 or told == OK and there != {new}:
                raise Wrong("folder %s renamed to %s: %s, there is %s" % (old, new, told, there))

    def tidy(self):
        """For the next round.  A worker whose last flush failed, after its last answer, ends at the first change."""
        try:
            for name in self.names_of_folders() & {name for made in self.made for name in made[:2]}:
                self.client.delete(name)
            self.empty()
            return True
        except (OSError, imaplib.IMAP4.abort) as e:
            self.why = repr(e)
            self.close()
            return False

    def empty(self):
        for folder in FOLDERS:
            self.client.select(folder)
            for kind, got in self.client.store("1:*", "+FLAGS", "(\\Deleted)"), self.client.expunge():
                if kind != OK:
                    raise Wrong("%s cannot be emptied: %s" % (folder, got))

    def check(self, flags=True, late=False):
        """flags: also those of STORE, which a power cut may take back. late: a failed flush leaves the files of what was not
        answered OK, since nobody knows whether its row is on disk: they may come up within the next minutes."""
        have = wait_for(self.read_all, 20, 0.05)
        if have is None:
            raise Wrong("the account cannot be read: %s\n%s" % (self.why, self.post.p.log_tail()))
        for name in self.uids:
            if not flags:
                self.told.pop((name, "flag"), None)
            self.judge(name, have)
        strange = {(f, n) for f in FOLDERS for n in have[f] if n not in self.uids}
        if strange - self.late:
            raise Wrong("expunged or never there: %s" % sorted(strange - self.late)[:5])
        self.late -= strange  # it is expunged now, as all that is there
        self.folders()
        if not wait_for(self.tidy, 20, 0.05):
            raise Wrong("the account cannot be emptied: %s\n%s" % (self.why, self.post.p.log_tail()))
        if late:
            self.late |= {(WHERE[what], n) for (n, what), told in self.told.items() if what in WHERE and told != OK} - {
                (f, n) for f in FOLDERS for n in have[f]}
        self.told, self.uids, self.made = {}, {}, []
