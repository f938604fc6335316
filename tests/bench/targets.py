"""The servers that are measured: Postern from a build tree, and Postfix, each below one scratch folder.

Both take mail for u1 to u10@bench.test into Maildirs and send relay.test to the sink, for clients on 127.0.0.1, without
limits per client, TLS, DNS or filters; flushes and retries are as shipped.
"""
import base64
import grp
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess

from measure import Group, below, memory, processes, wait_for
from sink import Failed

USERS = 10


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def files_below(*folders):
    """Regular files, in all depths."""
    n = 0
    for folder in folders:
        for _, _, names in os.walk(folder):
            n += len(names)
    return n


class Target:
    """One server: start, use, close."""

    name = "?"

    def __init__(self, folder):
        self.folder, self.group, self.port, self.tracer = folder, None, 0, None
        os.mkdir(folder)
        os.chmod(folder, 0o755)  # its own users must pass through

    def run(self, *command, inside=False, check=True, trace=(), **kw):
        r = subprocess.run([*trace, *command], preexec_fn=self.group.enter if inside else None, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           start_new_session=True, **kw)
        if check and r.returncode != 0:
            raise Failed("%s: exit %d: %s" % (" ".join(command), r.returncode, r.stdout.strip()[-800:]))
        return r.stdout

    def start(self, flushes=None):
        """Returns when it takes mail. With flushes, strace counts them."""
        self.group = self.group or Group(self.name)
        self.launch(flushes.command() if flushes else [])
        if not wait_for(lambda: answers(self.port), 20):
            raise Failed("%s does not listen on port %d\n%s" % (self.name, self.port, self.log_tail()))

    def spawn(self, trace, *command, **kw):
        """For a server under strace, which stays until that ends; else like run()."""
        if not trace:
            return self.run(*command, inside=True, **kw)
        self.tracer = subprocess.Popen([*trace, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, preexec_fn=self.group.enter,
                                       start_new_session=True, **kw)
        return None

    def pids(self):
        if self.group and self.group.path:
            return self.group.pids()
        master = self.master_pid()
        return below(master) if master else []

    def cpu(self):
        """Seconds so far, with those of processes that ended."""
        if self.group and self.group.path:
            return self.group.cpu()
        table, master = processes(), self.master_pid()
        return sum(table[pid][1] for pid in below(master, table)) if master else 0.0

    def memory(self):
        """Octets of (all processes, the queue manager)."""
        manager = []
        for pid in self.pids():
            try:
                with open("/proc/%d/comm" % pid) as f:
                    if f.read().strip() == "qmgr":
                        manager.append(pid)
            except OSError:
                pass
        return memory(self.pids()), memory(manager)

    def maildir(self, user):
        raise NotImplementedError

    def delivered(self):
        n = 0
        for user in range(1, USERS + 1):
            for part in ("new", "cur"):
                try:
                    n += len(os.listdir(os.path.join(self.maildir(user), part)))
                except FileNotFoundError:
                    pass
        return n

    def stop(self):
        """Ends it in its own way."""
        self.halt()
        if not wait_for(lambda: not self.pids(), 20):
            raise Failed("%s does not stop" % self.name)
        if self.tracer:
            self.tracer.wait(30)
            self.tracer = None

    def close(self):
        """Ends all of it, whatever its state, and removes its files."""
        try:
            self.stop()
        except (Failed, OSError, subprocess.SubprocessError):
            for pid in self.pids():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if self.group:
            self.group.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postern(Target):
    name = "postern"

    def __init__(self, folder, build, relay_port, queue=""):
        super().__init__(folder)
        self.tool = [os.path.join(build, "ctl", "postern"), "--base", folder]
        self.port = free_port()
        with open(os.path.join(folder, "postern.conf"), "w") as f:
            f.write("""version = 1
hostname = mx.bench.test
listen smtp 127.0.0.1:%d
domain bench.test { }
relay { allow_from = [127.0.0.0/8] }
route "relay.test" { via = "[127.0.0.1]:%d"  tls = none }
receive { recipients = 100000  messages = 100000 }
dns { servers = ["127.0.0.1:1"]  dnssec = no }
queue { min_free_disk = 0%%  min_free = 1MiB  %s }
""" % (self.port, relay_port, queue))
        self.imported = False

    def ctl(self, *words, **kw):
        return self.run(*self.tool, *words, **kw)

    def launch(self, trace):
        if not self.imported:
            secret = base64.b64encode(hashlib.sha256(b"secretsalt").digest() + b"salt").decode()
            accounts = os.path.join(self.folder, "accounts")
            with open(accounts, "w") as f:
                f.writelines("u%d@bench.test\t{SSHA256}%s\n" % (i, secret) for i in range(1, USERS + 1))
            self.ctl("account", "import", accounts)
            self.imported = True
        self.spawn(trace, *self.tool, "start")
        if trace and not wait_for(lambda: '"ready":true' in self.ctl("--json", "status", check=False), 30, 0.2):
            raise Failed("not ready under strace\n" + self.log_tail())

    def halt(self):
        self.ctl("stop", timeout=120)

    def kill(self):
        """kill -9 of all of it at once."""
        pids = self.pids()
        for sig in (signal.SIGSTOP, signal.SIGKILL):
            for pid in sorted(pids):
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
        wait_for(lambda: not self.pids(), 30)

    def master_pid(self):
        for pid in processes():
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if os.path.basename(words[0]) == b"master" and self.folder.encode() in words:
                return pid
        return None

    def totals(self):
        for line in self.ctl("--json", "queue", "summary").splitlines():
            row = json.loads(line)
            if row.get("total"):
                return row
        raise Failed("queue summary has no total")

    def flush(self):
        self.ctl("--quiet", "--yes", "queue", "retry", "--all", timeout=120)

    def queued(self):
        return self.totals()["messages"]

    def deferred(self):
        return self.totals()["deferred"]

    def maildir(self, user):
        return os.path.join(self.folder, "mail", "bench.test", "u%d" % user)

    def log_tail(self):
        text = ""
        for name in ("start.log", "mail.log"):
            try:
                with open(os.path.join(self.folder, "log", name), errors="replace") as f:
                    text += "".join(f.readlines()[-15:])
            except OSError:
                pass
        return text


# Services as in the master.cf that Postfix has: name, type, private, wake-up, most processes, program.
SERVICES = """
pickup unix n 60 1 pickup
cleanup unix n - 0 cleanup
qmgr unix n 300 1 qmgr
tlsmgr unix - 1000? 1 tlsmgr
rewrite unix - - - trivial-rewrite
bounce unix - - 0 bounce
defer unix - - 0 bounce
trace unix - - 0 bounce
verify unix - - 1 verify
flush unix n 1000? 0 flush
proxymap unix - - - proxymap
proxywrite unix - - 1 proxymap
smtp unix - - - smtp
relay unix - - - smtp
showq unix n - - showq
error unix - - - error
retry unix - - - error
discard unix - - - discard
virtual unix - - - virtual
anvil unix - - 1 anvil
scache unix - - 1 scache
postlog unix-dgram n - 1 postlogd
"""


class Postfix(Target):
    """virtual(8) writes the Maildirs: its faster mode."""

    name = "postfix"

    @staticmethod
    def why_not(prefix):
        """Why it cannot run, or None."""
        if not prefix:
            return "no Postfix given or installed (--postfix DIR: where its package was unpacked)"
        if os.geteuid() != 0:
            return "Postfix runs as root only"
        for program in ("usr/sbin/postqueue", "usr/lib/postfix/sbin/master"):
            if not os.access(os.path.join(prefix, program), os.X_OK):
                return "no %s in %s" % (program, prefix)
        try:
            pwd.getpwnam("postfix"), grp.getgrnam("postdrop")
        except KeyError:
            return "the user postfix or the group postdrop is missing (useradd --system postfix; groupadd --system postdrop)"
        return None

    def __init__(self, folder, prefix, relay_port):
        super().__init__(folder)
        self.prefix, self.port = prefix, free_port()
        self.conf, self.spool = os.path.join(folder, "conf"), os.path.join(folder, "queue")
        self.mail, data = os.path.join(folder, "mail"), os.path.join(folder, "data")
        nobody, owner, drop = pwd.getpwnam("nobody"), pwd.getpwnam("postfix"), grp.getgrnam("postdrop")
        for path in (self.conf, self.spool, self.mail, data):
            os.mkdir(path)
        os.chown(self.mail, nobody.pw_uid, nobody.pw_gid)
        os.chown(data, owner.pw_uid, owner.pw_gid)
        for part in ("active bounce corrupt defer deferred flush hold incoming private saved trace "
                     "maildrop public pid").split():
            path = os.path.join(self.spool, part)
            os.mkdir(path, 0o700)
            os.chown(path, 0 if part == "pid" else owner.pw_uid, drop.gr_gid if part in ("maildrop", "public") else -1)
        for part, mode in (("maildrop", 0o730), ("public", 0o710), ("pid", 0o755)):
            os.chmod(os.path.join(self.spool, part), mode)
        self.write_config(data, nobody, relay_port)

    def write_config(self, data, nobody, relay_port):
        libraries, daemons = os.path.join(self.prefix, "usr/lib/postfix"), os.path.join(self.prefix, "usr/lib/postfix/sbin")
        self.environment = dict(os.environ, MAIL_CONFIG=self.conf, LD_LIBRARY_PATH=libraries)
        settings = {
            "compatibility_level": "3.6", "queue_directory": self.spool, "data_directory": data,
            "command_directory": os.path.join(self.prefix, "usr/sbin"), "daemon_directory": daemons,
            "shlib_directory": libraries,
            "import_environment": "MAIL_CONFIG LD_LIBRARY_PATH", "export_environment": "MAIL_CONFIG LD_LIBRARY_PATH",
            "maillog_file": os.path.join(self.folder, "mail.log"), "maillog_file_prefixes": self.folder,
            "myhostname": "mx.bench.test", "mydestination": "", "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "disable_dns_lookups": "yes",
            "smtp_host_lookup": "native", "alias_maps": "", "alias_database": "",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
            "smtpd_client_connection_count_limit": "0", "smtpd_recipient_limit": "100000",
            "virtual_mailbox_domains": "bench.test", "virtual_transport": "virtual",
            "virtual_mailbox_maps": "texthash:" + os.path.join(self.conf, "users"), "virtual_mailbox_base": self.mail,
            "virtual_uid_maps": "static:%d" % nobody.pw_uid, "virtual_gid_maps": "static:%d" % nobody.pw_gid,
            "transport_maps": "inline:{ { relay.test=smtp:[127.0.0.1]:%d } }" % relay_port,
        }
        with open(os.path.join(self.conf, "main.cf"), "w") as f:
            f.writelines("%s = %s\n" % row for row in settings.items())
        with open(os.path.join(self.conf, "users"), "w") as f:
            f.writelines("u%d@bench.test u%d/\n" % (i, i) for i in range(1, USERS + 1))
        with open(os.path.join(self.conf, "master.cf"), "w") as f:
            for name, kind, private, wakeup, most, program in map(str.split, SERVICES.strip().splitlines()):
                privileged = "n" if program == "virtual" else "-"  # it becomes each mailbox's owner
                f.write("%s %s %s %s n %s %s %s\n" % (name, kind, private, privileged, wakeup, most, program))
            f.write("127.0.0.1:%d inet n - n - 2000 smtpd\n" % self.port)

    def launch(self, trace):
        master = os.path.join(self.prefix, "usr/lib/postfix/sbin/master")
        if trace:
            self.spawn(trace, master, "-c", self.conf, "-d", env=self.environment)
        else:
            with open(os.path.join(self.folder, "start.log"), "w") as log:
                self.process = subprocess.Popen([master, "-c", self.conf, "-d"], env=self.environment, stdout=log,
                                                stderr=log, stdin=subprocess.DEVNULL, preexec_fn=self.group.enter,
                                                start_new_session=True)

    def master_pid(self):
        try:
            with open(os.path.join(self.spool, "pid", "master.pid")) as f:
                pid = int(f.read().split()[0])
            return pid if os.path.exists("/proc/%d" % pid) else None
        except (OSError, ValueError, IndexError):
            return None

    def halt(self):
        pid = self.master_pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
        if getattr(self, "process", None):
            self.process.wait(20)
        self.process = None

    def flush(self):
        self.run(os.path.join(self.prefix, "usr/sbin/postqueue"), "-c", self.conf, "-f", env=self.environment)

    def queued(self):
        return files_below(*(os.path.join(self.spool, part) for part in ("maildrop", "incoming", "active", "deferred")))

    def deferred(self):
        return files_below(os.path.join(self.spool, "deferred"))

    def maildir(self, user):
        return os.path.join(self.mail, "u%d" % user)

    def log_tail(self):
        text = ""
        for name in ("start.log", "mail.log"):
            try:
                with open(os.path.join(self.folder, name), errors="replace") as f:
                    text += "".join(f.readlines()[-15:])
            except OSError:
                pass
        return text
