"""The two clients: tests/bench/smtpload in front of a target, tests/bench/smtpsink behind it."""
import os
import re
import signal
import socket
import struct
import subprocess
import time

COUNTS = ("connections", "messages", "recipients", "refused", "octets", "probes", "probe_ns", "started")


class Failed(Exception):
    """A workload that did not do what it should."""


class Sink:
    """Takes all mail for relay.test, as long as it lives at the same port."""

    def __init__(self, build, folder):
        self.program, self.file = os.path.join(build, "tests/bench/smtpsink"), os.path.join(folder, "sink")
        self.process, self.port = None, 0

    def start(self, refuse=False, delay_ms=0):
        command = [self.program, "-d", str(delay_ms), "-o", self.file] + ["-r"] * refuse + [str(self.port)]
        # Our own interrupt must not end it before the target is stopped.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.port = int(self.process.stdout.readline().split()[1])
        return self

    def refuse(self, yes):
        self.process.send_signal(signal.SIGUSR1 if yes else signal.SIGUSR2)

    def __getattr__(self, name):
        if name not in COUNTS:
            raise AttributeError(name)
        with open(self.file, "rb") as f:
            return struct.unpack("=8Q", f.read(64))[COUNTS.index(name)]

    def pids(self):
        return [self.process.pid] if self.process else []

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.communicate()
            self.process = None


def load(build, port, messages, sessions=1, octets=4096, keep=False, pipelining=False, recipients=1, users=10,
         pattern="u%d@bench.test"):
    """Sends; the running process. finish() waits for it."""
    command = [os.path.join(build, "tests/bench/smtpload"), "-m", messages, "-s", sessions, "-l", octets,
               "-r", recipients, "-u", users, "-t", pattern] + ["-k"] * keep + ["-p"] * pipelining + [port]
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process, messages):
    text = process.communicate()[0]
    found = re.search(r"^(\d+) accepted, (\d+) failed, (\S+)/s", text, re.M)
    if not found or int(found[1]) != messages:
        raise Failed("smtpload: not all of %d messages were accepted: %s" % (messages, text.strip()[-500:]))


def send_one(port, recipient):
    """One small message in a session of its own; CLOCK_MONOTONIC in ns of the moment before MAIL."""
    with socket.create_connection(("127.0.0.1", port), 60) as s, s.makefile("rb") as replies:
        def say(text, wanted):
            if text:
                s.sendall(text)
            while True:
                line = replies.readline()
                if line[3:4] != b"-":
                    break
            if line[:3] != wanted:
                raise Failed("probe: %r was answered %r" % (text[:40], line))
        say(b"", b"220")
        say(b"EHLO probe.test\r\n", b"250")
        began = time.monotonic_ns()
        say(b"MAIL FROM:<sender@example.test>\r\n", b"250")
        say(b"RCPT TO:<%s>\r\n" % recipient.encode(), b"250")
        say(b"DATA\r\n", b"354")
        say(b"Subject: probe\r\nMessage-ID: <%d@probe.test>\r\n\r\nhello\r\n.\r\n" % began, b"250")
        say(b"QUIT\r\n", b"221")
    return began
