"""What the system tests share: a whole Postern below a folder of its own.

    with Instance(accounts={"bob@local.test": "secret"}) as p:
        p.start()
        with p.smtp("submission", login="bob@local.test") as c: ...
        p.wait_mail("bob@local.test", 1)

Works as root and as an ordinary user; everything listens on 127.0.0.1 with
ports that the system chooses.
"""
import atexit
import imaplib
import json
import os
import poplib
import pty
import random
import select
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

BUILD = os.environ.get("POSTERN_BUILD", "build")  # set by run.py
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLOW = 4 if os.environ.get("ASAN_OPTIONS") else 1  # sanitizers take their time
ROOM = 16 if os.environ.get("ASAN_OPTIONS") else 1  # and keep freed memory aside
HOST = "mx.local.test"
ALL_KINDS = ("smtp", "submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s")

_files = {}


def scratch():
    """A folder for all files of this run, removed at its end."""
    if "dir" not in _files:
        # Role users must be able to pass through it; what is below is theirs.
        path = tempfile.mkdtemp(prefix="postern-test.")
        os.chmod(path, 0o755)
        _files["dir"] = path
        owner = os.getpid()
        atexit.register(lambda: os.getpid() == owner and shutil.rmtree(path, ignore_errors=True))
    return _files["dir"]


def certificate():
    """A self-signed certificate for HOST, localhost and 127.0.0.1: (cert, key)."""
    if "cert" not in _files:
        cert, key = os.path.join(scratch(), "cert.pem"), os.path.join(scratch(), "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=" + HOST, "-addext",
                        "subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1" % HOST, "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        os.chmod(key, 0o600)
        _files["cert"] = (cert, key)
    return _files["cert"]


def tls_context():
    return ssl.create_default_context(cafile=certificate()[0])


def wait_for(what, seconds=10, step=0.02):
    """The first true value of what(), or its last one after the time is up."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def message(subject, body="hello\r\n", sender="eve@far.test", to="bob@local.test", **fields):
    lines = ["From: <%s>" % sender, "To: <%s>" % to, "Subject: " + subject,
             "Date: Mon, 23 Nov 2026 01:02:03 +0000", "Message-ID: <%032x@far.test>" % random.getrandbits(128)]
    lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in fields.items()]
    return "\r\n".join(lines) + "\r\n\r\n" + body


class Instance:
    """postern.conf, accounts and processes below one folder."""

    def __init__(self, accounts=None, config="", kinds=ALL_KINDS, domains=("local.test",), domain_config="",
                 lmtp_path=None, dns="127.0.0.1:1", name="instance"):
        self.base = tempfile.mkdtemp(prefix=name + ".", dir=scratch())
        os.chmod(self.base, 0o755)
        self.accounts = {"bob@local.test": "secret-bob"} if accounts is None else accounts
        self.ports, self.running = {}, False
        self.lmtp_path = lmtp_path
        cert, key = certificate()
        listen = ["listen %s %s" % (k, lmtp_path if k == "lmtp" and lmtp_path else "127.0.0.1:0") for k in kinds]
        text = ["version = 1", "hostname = " + HOST] + listen
        text += ["tls { certificate = files cert = \"%s\" key = \"%s\" }" % (cert, key)]
        text += ["domain %s { %s }" % (d, domain_config) for d in domains]
        text += ["dns { servers = [%s] dnssec = no }" % dns]
        if "queue {" not in config:
            text += ["queue { min_free_disk = 0% min_free = 1MiB }"]
        if "accounts {" not in config:
            # A login of the default takes 50 ms of a processor, which was a third of all that the tests used.
            text += ["accounts { password_hash = sha512crypt }"]
        text += [config]
        self.write_config("\n".join(text) + "\n")

    def write_config(self, text):
        self.config = text
        with open(os.path.join(self.base, "postern.conf"), "w") as f:
            f.write(text)

    # --- the control tool

    def command(self, *words):
        return [os.path.join(BUILD, "ctl", "postern"), "--base", self.base, *words]

    def ctl(self, *words, stdin="", check=True, timeout=60):
        r = subprocess.run(self.command(*words), input=stdin, capture_output=True, text=True, timeout=timeout * SLOW)
        if check and r.returncode != 0:
            raise AssertionError("postern %s: exit %d\n%s%s\n%s" % (" ".join(words), r.returncode, r.stdout, r.stderr,
                                                                  self.log_tail()))
        return r

    def at_terminal(self, answer, *words):
        """Exit code and what a terminal shows of a command that was answered so."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(self.command()[0], self.command(*words))
        out = b""
        while True:
            try:
                piece = os.read(fd, 4096)
            except OSError:
                break
            if not piece:
                break
            out += piece
            if b"[y/N]" in out and answer:
                os.write(fd, answer)
                answer = b""
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode().replace("\r", "")

    def rows(self, *words):
        """What `postern --json WORDS` prints."""
        return [json.loads(line) for line in self.ctl("--json", *words).stdout.splitlines()]

    # --- its life

    def start(self):
        self.ctl("start")
        self.running = True
        with open(os.path.join(self.base, "run", "listen.json")) as f:
            self.ports = read_ports(f.read())
        have = self.__dict__.setdefault("have", set())
        for address, password in self.accounts.items():
            if address not in have:
                self.ctl("account", "add", address, "--password-stdin", stdin=password + "\n")
                have.add(address)
        return self

    def stop(self):
        self.ctl("stop")
        self.running = False

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        if self.running:
            self.ctl("stop", check=False)
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # --- its processes

    def master_pid(self):
        """From the process table: works when the control socket does not."""
        return next((pid for pid, role in self.processes() if role == "master"), None)

    def processes(self):
        """(pid, program) of every process of this instance."""
        found, children = [], {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open("/proc/%s/cmdline" % entry, "rb") as f:
                    words = f.read().split(b"\0")
                with open("/proc/%s/stat" % entry) as f:
                    stat = f.read()
            except OSError:
                continue
            name = os.path.basename(words[0].decode("latin-1"))
            state, parent = stat[stat.rindex(")") + 2:].split()[:2]
            if state == "Z":
                continue
            children.setdefault(int(parent), []).append((int(entry), name))
            if name == "master" and self.base.encode() in words:
                found.append((int(entry), "master"))
        for pid, _ in found:
            found += children.get(pid, [])
        return found

    def pids(self, role=None):
        return [pid for pid, name in self.processes() if role in (None, name)]

    def kill(self, role, sig=signal.SIGKILL):
        """All processes of that program; how many there were."""
        pids = self.pids(role)
        for pid in pids:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass
        return len(pids)

    def kill_all(self):
        """kill -9 of everything at once: master is stopped first, so that it starts nothing meanwhile."""
        pids = self.pids()
        # A pidfd tells the end: before it, a process has no name any more and still holds its sockets.
        fds = []
        for pid in pids:
            try:
                fds.append(os.pidfd_open(pid))
            except ProcessLookupError:
                pass
        for sig in (signal.SIGSTOP, signal.SIGKILL):
            for pid in sorted(pids):
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
        for fd in fds:
            select.select([fd], [], [], 5 * SLOW)
            os.close(fd)
        wait_for(lambda: not self.pids(), 5)
        self.running = False

    def memory(self, role):
        """Resident octets of the largest process of that program."""
        most = 0
        for pid in self.pids(role):
            with open("/proc/%d/statm" % pid) as f:
                most = max(most, int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        return most

    # --- clients

    def raw(self, kind, timeout=20):
        """A connected socket."""
        return socket.create_connection(("127.0.0.1", self.ports[kind]), timeout * SLOW)

    def talk(self, kind, timeout=20):
        return Talk(self.raw(kind, timeout))

    def smtp(self, kind="smtp", login=None, password=None, timeout=30):
        port = self.ports[kind]
        if kind == "submissions":
            c = smtplib.SMTP_SSL("127.0.0.1", port, context=tls_context(), timeout=timeout * SLOW)
        elif kind == "lmtp":
            c = smtplib.LMTP("127.0.0.1", port)
        else:
            c = smtplib.SMTP("127.0.0.1", port, timeout=timeout * SLOW)
            if kind == "submission":
                c.starttls(context=tls_context())
        if login:
            c.login(login, password or self.accounts[login])
        return c

    def imap(self, login, password=None, kind="imaps"):
        if kind == "imaps":
            c = imaplib.IMAP4_SSL("127.0.0.1", self.ports[kind], ssl_context=tls_context(), timeout=30 * SLOW)
        else:
            c = imaplib.IMAP4("127.0.0.1", self.ports[kind], timeout=30 * SLOW)
            c.starttls(tls_context())
        c.login(login, password or self.accounts[login])
        return c

    def pop3(self, login, password=None, kind="pop3s"):
        if kind == "pop3s":
            c = poplib.POP3_SSL("127.0.0.1", self.ports[kind], context=tls_context(), timeout=30 * SLOW)
        else:
            c = poplib.POP3("127.0.0.1", self.ports[kind], timeout=30 * SLOW)
            c.stls(tls_context())
        c.user(login)
        c.pass_(password or self.accounts[login])
        return c

    def send(self, subject, to="bob@local.test", sender="eve@far.test", kind="smtp", **kw):
        """One message; the reply's text."""
        with self.smtp(kind) as c:
            c.sendmail(sender, [to] if isinstance(to, str) else to, message(subject, sender=sender, **kw).encode())

    # --- what came of it

    def maildir(self, address):
        user, domain = address.split("@")
        return os.path.join(self.base, "mail", domain, user)

    def stored(self, address):
        """Texts of the messages in the inbox, as IMAP shows them (LF line ends)."""
        c = self.imap(address)
        try:
            c.select("INBOX", readonly=True)
            kind, found = c.search(None, "ALL")
            texts = []
            for number in found[0].split():
                texts.append(c.fetch(number, "(BODY.PEEK[])")[1][0][1].replace(b"\r\n", b"\n").decode("latin-1"))
            return texts
        finally:
            c.logout()

    def subjects(self, address):
        """Subjects of the messages in the inbox, sorted: quick, also for thousands."""
        c = self.imap(address)
        try:
            c.select("INBOX", readonly=True)
            kind, got = c.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            return sorted(part[1].decode("latin-1").strip()[9:] for part in got if isinstance(part, tuple))
        finally:
            c.logout()

    def wait_mail(self, address, count, seconds=10):
        """Waits until the inbox has count messages; their texts."""
        def ready():
            texts = self.stored(address)
            return texts if len(texts) >= count else None
        texts = wait_for(ready, seconds, 0.1) or self.stored(address)
        if len(texts) != count:
            raise AssertionError("%s has %d messages, not %d\n%s\n%s" % (address, len(texts), count, "\n".join(texts)[:4000], self.log_tail()))
        return texts

    def wait_mail_with(self, address, words, count=1, seconds=10):
        """Waits for count messages whose subject begins with words; their texts."""
        def ready():
            if len([s for s in self.subjects(address) if s.startswith(words)]) < count:
                return None
            texts = [t for t in self.stored(address) if "\nSubject: " + words in t.split("\n\n")[0]]
            return texts if len(texts) >= count else None
        texts = wait_for(ready, seconds, 0.1)
        if not texts or len(texts) != count:
            raise AssertionError("%s has %s messages with %r, not %d\n%s" % (
                address, texts and len(texts), words, count, self.log_tail()))
        return texts

    def queue(self):
        return self.rows("queue", "list")

    def wait_queue_empty(self, seconds=10):
        if not wait_for(lambda: not self.queue(), seconds, 0.05):
            raise AssertionError("the queue is not empty: %s\n%s" % (self.queue(), self.log_tail()))

    def log(self):
        text = ""
        for name in ("start.log", "mail.log"):
            try:
                with open(os.path.join(self.base, "log", name), errors="replace") as f:
                    text += f.read()
            except OSError:
                pass
        return text

    def log_tail(self, lines=30):
        return "\n".join(self.log().splitlines()[-lines:])


def read_ports(text):
    """run/listen.json: {"service":"smtp","address":"127.0.0.1:2525"} objects, one a line or in a list."""
    ports = {}
    try:
        rows = json.loads(text)
    except ValueError:
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(rows, dict):
        rows = rows.get("listeners", [rows])
    for row in rows:
        port = row["address"].rsplit(":", 1)[-1]
        if port.isdigit():
            ports[row["service"]] = int(port)
    return ports


class Talk:
    """Octets over a socket, with the timing under the test's control."""

    def __init__(self, sock):
        self.sock, self.held = sock, b""

    def send(self, octets):
        self.sock.sendall(octets)

    def line(self):
        """The next line without its end, or b"" at the end of the connection."""
        while b"\n" not in self.held:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                line, self.held = self.held, b""
                return line
            self.held += more
        line, self.held = self.held.split(b"\n", 1)
        return line.rstrip(b"\r")

    def reply(self):
        """The code of the next SMTP reply, 0 at the end of the connection."""
        while True:
            line = self.line()
            if line == b"":
                return 0
            if line[3:4] != b"-":
                return int(line[:3])

    def say(self, text):
        self.send(text if isinstance(text, bytes) else text.encode() + b"\r\n")
        return self.reply()

    def rest(self):
        """Everything until the connection ends."""
        text = self.held
        self.held = b""
        while True:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return text
            text += more

    def starttls(self):
        self.sock = tls_context().wrap_socket(self.sock, server_hostname=HOST)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Load:
    """Clients that send numbered messages and remember which were accepted."""

    def __init__(self, instance, clients=4, to="bob@local.test", tag="load"):
        self.instance, self.to, self.tag = instance, to, tag
        self.accepted, self.unsure, self.lock = set(), set(), threading.Lock()
        self.stopped = threading.Event()
        self.last_ok = time.monotonic()
        self.longest_gap = 0.0
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(clients)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def ok(self, name):
        with self.lock:
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - self.last_ok)
            self.last_ok = now
            self.accepted.add(name)

    def work(self, n):
        count = 0
        while not self.stopped.is_set():
            try:
                with self.instance.talk("smtp", timeout=5) as c:
                    if c.reply() != 220 or c.say("EHLO load.test") != 250:
                        time.sleep(0.02)
                        continue
                    for _ in range(20):
                        if self.stopped.is_set():
                            break
                        count += 1
                        if not self.one(c, "%s-%d-%d" % (self.tag, n, count)):
                            break
            except OSError:
                time.sleep(0.02)

    def one(self, c, name):
        """False: the connection is of no more use."""
        if c.say("MAIL FROM:<eve@far.test>") != 250 or c.say("RCPT TO:<%s>" % self.to) != 250 or c.say("DATA") != 354:
            time.sleep(0.02)
            return c.say("RSET") == 250
        with self.lock:
            self.unsure.add(name)  # until its reply: it may have been taken
        code = c.say(message(name, "x" * 2000 + "\r\n", to=self.to).encode() + b".\r\n")
        if code == 250:
            self.ok(name)
        # 451: the queue went away, and nobody knows whether it had taken it.
        if code not in (0, 451):
            with self.lock:
                self.unsure.discard(name)
        return code != 0

    def stop(self):
        self.stopped.set()
        for t in self.threads:
            t.join(30 * SLOW)

    def check(self, case, subjects):
        """No accepted message lost; none twice; nothing that was refused."""
        lost = self.accepted - set(subjects)
        twice = sorted({s for s in subjects if subjects.count(s) > 1})[:10] if len(set(subjects)) != len(subjects) else []
        strange = set(s for s in subjects if s.startswith(self.tag + "-")) - self.accepted - self.unsure
        case.assertFalse(lost, "accepted and lost: %d of %d" % (len(lost), len(self.accepted)))
        case.assertFalse(twice, "in the mailbox twice")
        case.assertFalse(strange, "refused, yet delivered")
        case.assertGreater(len(self.accepted), 0, "nothing was accepted at all")


class Case(unittest.TestCase):
    """A test case with one instance for all its tests.  Subclasses set `options` for Instance."""
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.p = Instance(**cls.options)
        try:
            cls.p.start()
        except BaseException:
            cls.p.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.p.close()
