"""The queue's files, while nothing runs: taken to another file system, cut, or with an octet changed."""
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest

from lib import Instance, scratch, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
LATER = {"RCPT": "451 4.2.1 later"}
OTHER_DISK = "/dev/shm"
STEP = 512
SAMPLES = 8  # of each kind of damage


def copy(old, new):
    subprocess.run(["rm", "-rf", new], check=True)
    subprocess.run(["cp", "-a", old, new], check=True)


def text_of(name, octets):
    """A body of about so many octets, which begins and ends with its name."""
    line = hashlib.sha256(name.encode()).hexdigest() + "\r\n"
    return "begin %s\r\n%send %s\r\n" % (name, line * (octets // len(line)), name)


class Spool(unittest.TestCase):
    """Messages that wait for a server of the tests; then the spool is moved under the server's feet."""

    def setUp(self):
        self.sink = Sink(reply=LATER)
        self.addCleanup(self.sink.close)

    def config(self, spool):
        return """relay { allow_from = [127.0.0.1] }
            paths { spool = "%s" }
            route "far.test" { via = "%s" tls = none }
            queue { min_free_disk = 0%% min_free = 1MiB retry_min = 200ms retry_max = 400ms segment = 1MiB }""" % (
                spool, self.sink.via)

    def instance(self, spool):
        p = Instance(kinds=("smtp", "imaps"), config=self.config(spool), name="spool")
        self.addCleanup(p.close)
        return p

    def fill(self, p, sizes):
        self.sent = {}
        for n, octets in enumerate(sizes):
            self.sent["m%d" % n] = text_of("m%d" % n, octets)
            p.send("m%d" % n, to="m%d@far.test" % n, sender=BOB, body=self.sent["m%d" % n])
        self.assertTrue(wait_for(lambda: all(row["attempts"] for row in p.queue()), 20), p.log_tail())

    def release(self, p):
        """What arrived, each as it was sent and once; no reports."""
        self.sink.again()
        p.wait_queue_empty(30)
        arrived = [mail.rcpts[0].split("@")[0].split("<")[-1] for mail in self.sink.mails]
        self.assertEqual(len(arrived), len(set(arrived)), "twice: %s" % arrived)
        for name, mail in zip(arrived, self.sink.mails):
            self.assertEqual(mail.text.replace("\r\n", "\n").split("\n\n", 1)[1], self.sent[name].replace("\r\n", "\n"), name)
        self.assertEqual(p.subjects(BOB), [], "reports")
        return set(arrived)


class Copy(Spool):
    def check(self, crash):
        with tempfile.TemporaryDirectory(dir=OTHER_DISK) as there:
            os.chmod(there, 0o755)
            here = os.path.join(scratch(), "spool-%d" % crash)
            self.addCleanup(shutil.rmtree, here, True)
            self.assertNotEqual(os.stat(there).st_dev, os.stat(scratch()).st_dev)
            p = self.instance(here)
            p.start()
            self.fill(p, [100, 5000, 300000, 20000, 700000, 40])
            ids = sorted(row["id"] for row in p.queue())
            for old, new in ((here, os.path.join(there, "spool")), (os.path.join(there, "spool"), here)):
                p.kill_all() if crash else p.stop()
                copy(old, new)
                shutil.rmtree(old)
                p.write_config(p.config.replace('"%s"' % old, '"%s"' % new))
                p.start()
                self.assertEqual(sorted(row["id"] for row in p.queue()), ids, p.log_tail())
            self.assertEqual(self.release(p), set(self.sent))
            p.stop()

    def setUp(self):
        super().setUp()
        if not os.path.isdir(OTHER_DISK) or os.stat(OTHER_DISK).st_dev == os.stat(scratch()).st_dev:
            self.skipTest("no other file system")

    def test_there_and_back(self):
        self.check(False)

    def test_there_and_back_after_crashes(self):
        self.check(True)


class BadSegment(Spool):
    """One into which a flush failed is left when a state holds what it told."""

    def segments(self, ending):
        return sorted(glob.glob(os.path.join(self.here, "log", "*." + ending)))

    def test_not_without_a_state(self):
        self.here = os.path.join(scratch(), "spool-bad")
        self.addCleanup(shutil.rmtree, self.here, True)
        p = self.instance(self.here)
        p.start()
        self.fill(p, [100])
        p.restart()
        in_the_way = os.path.join(self.here, "log", "state.new")
        self.assertTrue(wait_for(lambda: not os.path.exists(in_the_way)))
        os.mkdir(in_the_way)
        self.assertEqual(self.release(p), {"m0"})
        p.kill_all()
        # The newest tells that it is done; in the state, it waits.
        last = self.segments("seg")[-1]
        os.rename(last, last[:-3] + "bad")
        p.start()
        self.assertIn("queue-state-failed", p.log())
        self.assertTrue(self.segments("bad"))
        p.kill_all()
        os.rmdir(in_the_way)
        self.sink.again()
        p.start()
        p.wait_queue_empty(10)
        self.assertEqual(self.sink.mails, [])
        self.assertEqual(self.segments("bad"), [])


class Damage(Spool):
    """At every 512th octet of the log, or a sample of them: what is whole is found and arrives."""

    def setUp(self):
        super().setUp()
        self.here = os.path.join(scratch(), "spool-damage")
        self.kept = os.path.join(scratch(), "spool-kept")
        self.addCleanup(shutil.rmtree, self.here, True)
        self.addCleanup(shutil.rmtree, self.kept, True)
        self.p = self.instance(self.here)
        self.p.start()
        self.fill(self.p, [700 * n % 6000 + 50 for n in range(16)])
        self.p.kill_all()
        copy(self.here, self.kept)
        segments = sorted(glob.glob(os.path.join(self.here, "log", "*.seg")))
        self.log = segments[-1]
        with open(self.log, "rb") as f:
            octets = f.read()
        self.places = {}  # name -> first and last octet
        for name in self.sent:
            begin, end = (octets.rindex(b"%s %s\n" % (word, name.encode())) for word in (b"begin", b"end"))
            self.places[name] = (begin - 1000, end + 100)  # envelope, trace and header fields, padding
        self.last = max(end for _, end in self.places.values())

    def samples(self):
        offsets = list(range(0, self.last, STEP))
        return offsets[::max(1, len(offsets) // SAMPLES)]

    def start_with(self, damage, at):
        copy(self.kept, self.here)
        with open(self.log, "r+b") as f:
            damage(f, at)
        self.sink.again(reply=LATER)
        self.p.start()
        arrived = self.release(self.p)
        self.p.kill_all()
        return set(self.sent) - arrived

    def test_flipped(self):
        def flip(f, at):
            f.seek(at)
            octet = f.read(1)[0]
            f.seek(at)
            f.write(bytes([octet ^ 0x10]))
        for at in self.samples():
            with self.subTest(at=at):
                lost = self.start_with(flip, at)
                may = {name for name, (begin, end) in self.places.items() if begin <= at <= end}
                self.assertLessEqual(len(lost), 1)
                if lost:
                    self.assertIn("queue-log-damaged", self.p.log())
                self.assertLessEqual(lost, may)

    def test_cut(self):
        for at in self.samples():
            with self.subTest(at=at):
                lost = self.start_with(lambda f, at: f.truncate(at), at)
                self.assertLessEqual(lost, {name for name, (_, end) in self.places.items() if end >= at})

    def test_overwritten(self):
        def zero(f, at):
            f.seek(at)
            f.write(bytes(STEP))
        for at in self.samples()[::2]:
            with self.subTest(at=at):
                lost = self.start_with(zero, at)
                may = {name for name, (begin, end) in self.places.items() if begin <= at + STEP and at <= end}
                self.assertLessEqual(lost, may)

    def test_states(self):
        """The newest state, or all of them: the log has everything, or the older state and the log."""
        states = sorted(glob.glob(os.path.join(self.kept, "log", "state.*")))
        self.assertTrue(states)
        for at in (0, 8, 20, 64, 100):
            with self.subTest(at=at):
                def flip(f, _):
                    name = os.path.join(self.here, "log", os.path.basename(states[-1]))
                    with open(name, "r+b") as s:
                        octets = bytearray(s.read())
                        octets[at % len(octets)] ^= 1
                        s.seek(0)
                        s.write(octets)
                self.assertEqual(self.start_with(flip, 0), set())


if __name__ == "__main__":
    unittest.main()
