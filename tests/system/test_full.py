"""A disk without room, without inodes, and one that is read-only: nothing is lost, and all goes on by itself."""
import json
import os
import smtplib
import subprocess
import tempfile
import time
import unittest

from disks import Disk, missing, own_mounts
from lib import BUILD, Instance, message, read_ports, scratch, wait_for
from smtp_sink import Sink

BOB, ANN = "bob@local.test", "ann@local.test"
LATER = {"RCPT": "451 4.2.1 later"}
MIB = 1 << 20
SIZES = {"ext4": 96 * MIB, "xfs": 320 * MIB}
OPTIONS = {"ext4": ("-m", "0"), "xfs": ()}
QUEUE = "queue { %s retry_min = 200ms retry_max = 400ms segment = 1MiB }"
EVERY = "min_free_disk = none min_free = none"  # nothing is refused before the disk is full


def setUpModule():
    if os.geteuid() == 0:
        own_mounts()


class Ballast:
    """Files of somebody else on a disk."""

    def __init__(self, place):
        self.place, self.names = os.path.join(place, "ballast"), []
        os.mkdir(self.place)

    def file(self):
        self.names.append(os.path.join(self.place, str(len(self.names))))
        return os.open(self.names[-1], os.O_WRONLY | os.O_CREAT, 0o600)

    def fill(self, leave=0):
        """All but so many octets, or to the last block."""
        fd, at = self.file(), 0
        try:
            for step in (16 * MIB, MIB, 65536, 4096):
                while self.free() >= leave + step:
                    try:
                        os.posix_fallocate(fd, at, step)
                    except OSError:
                        break
                    at += step
            # What the numbers do not tell of.
            while leave == 0:
                os.pwrite(fd, b"x" * 4096, at)
                os.fsync(fd)
                at += 4096
        except OSError:
            pass
        finally:
            os.close(fd)

    def fill_inodes(self):
        try:
            while True:
                os.close(self.file())
        except OSError:
            self.names.pop()

    def free(self):
        fs = os.statvfs(self.place)
        return fs.f_bavail * fs.f_frsize

    def remove(self):
        for name in self.names:
            os.unlink(name)
        self.names = []


class Full(unittest.TestCase):
    """A server whose spool, or mail folder, is on a small disk of the tests'."""

    folder = None  # of the file that is the disk

    def disk(self, kind, place, options=()):
        why = missing({kind})
        if why:
            self.skipTest(why)
        disk = Disk(kind, place, SIZES[kind], [*OPTIONS[kind], *options], self.folder)
        self.addCleanup(disk.remove)
        return disk

    def instance(self, queue=EVERY, on="spool", kind="ext4", options=()):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        p = Instance(kinds=("smtp", "submission", "imaps"), name="full", accounts={BOB: "secret-bob", ANN: "secret-ann"},
                     config="relay { allow_from = [127.0.0.1] } route \"far.test\" { via = \"%s\" tls = none } " % self.sink.via +
                     QUEUE % queue)
        self.place = os.path.join(p.base, on)
        disk = self.disk(kind, self.place, options)
        self.addCleanup(p.close)
        os.chmod(disk.place, 0o755)
        p.start()
        self.file_system = disk
        self.p, self.ballast, self.sent, self.is_shut = p, Ballast(disk.place), [], False
        return p

    def send(self, name, to="x@far.test", octets=0):
        """True, or the reply that refused it.  A 250 is a promise."""
        try:
            self.p.send(name, to=to, sender=BOB, body="line of a letter that waits\r\n" * (octets // 29 + 1))
        except smtplib.SMTPResponseException as e:
            return e
        except smtplib.SMTPRecipientsRefused as e:
            return smtplib.SMTPResponseException(*next(iter(e.recipients.values())))
        self.sent.append(name)
        return True

    def refused(self, name, **how):
        e = self.send(name, **how)
        self.assertIsNot(e, True, "taken")
        self.assertEqual(e.smtp_code, 452, e)
        self.assertIn(b"4.3.1", e.smtp_error)

    def taken(self, name, **how):
        """Soon: the server looks once a second."""
        self.assertIs(wait_for(lambda: self.send(name, **how) is True, 15, 0.1), True, self.p.log_tail())

    def arrived(self):
        return sorted(line[9:] for mail in self.sink.mails for line in mail.text.splitlines() if line.startswith("Subject: "))

    def shut(self):
        self.is_shut = True
        self.sink.again(reply=LATER)

    def all_arrive(self):
        """Each once, and no report."""
        if self.is_shut:
            self.sink.again()
            self.is_shut = False
        self.p.ctl("queue", "retry", "--all", check=False)
        wait_for(lambda: len(self.arrived()) >= len(self.sent), 30, 0.1)
        self.p.wait_queue_empty(20)
        self.assertEqual(self.arrived(), sorted(self.sent), self.p.log_tail())
        self.assertEqual(self.p.subjects(BOB), [])

    def lines(self, words):
        return [line for line in self.p.log().splitlines() if words in line]


class Mail(Full):
    """Mail itself fills the disk."""

    def check(self, kind):
        p = self.instance("min_free_disk = 0% min_free = 8MiB", kind=kind)
        self.ballast.fill(leave=40 * MIB)
        time.sleep(1.5)  # it sees once a second what others took.
        self.shut()
        pids, n = p.pids("qmgr"), 0
        while True:
            said = self.send("m%d" % n, octets=(1000, 30000, 700000)[n % 3])
            if said is not True:
                break
            n += 1
            self.assertLess(n, 500)
        self.assertEqual((said.smtp_code, said.smtp_error[:5]), (452, b"4.3.1"), p.log_tail())
        self.refused("small")
        # Half of min_free may go between two looks, and the zeros of a segment and a spare.
        self.assertGreater(self.ballast.free(), 2 * MIB)
        self.assertEqual(len(self.lines("disk-short")), 1, p.log_tail())
        self.assertIn("min_free", self.lines("disk-short")[0])
        self.assertEqual(len(p.queue()), n)
        r = p.ctl("status", check=False)
        self.assertEqual(r.returncode, 1, r.stdout)
        self.assertIn("new mail is refused (452): less than min_free", r.stdout)
        self.assertIn("min_free", [row for row in p.rows("status") if row.get("kind") == "queue"][0]["refusing"])
        # What goes makes room for what comes.
        self.all_arrive()
        self.taken("after")
        self.all_arrive()
        self.assertEqual(p.pids("qmgr"), pids)

    def test_ext4(self):
        self.check("ext4")

    def test_xfs(self):
        self.check("xfs")

    def test_reports_wait(self):
        """They are not written, refused and written again, but once there is room."""
        p = self.instance("min_free_disk = 0% min_free = 20MiB")
        self.shut()
        for n in range(5):
            self.assertIs(self.send("m%d" % n), True)
        # What is on its way is not returned.
        self.assertTrue(wait_for(lambda: all(row["attempts"] for row in p.queue()), 20), p.log_tail())
        self.ballast.fill(leave=10 * MIB)
        self.assertTrue(wait_for(lambda: self.lines("disk-short"), 10), p.log_tail())
        # What is on its way just then is left out, and asked for again.
        changed = []

        def bounced():
            changed.append(json.loads(p.ctl("--json", "queue", "bounce", "--all", "--yes", check=False).stdout or '{"changed": 0}')["changed"])
            return sum(changed) == 5
        self.assertTrue(wait_for(bounced, 10), (changed, p.log_tail()))
        time.sleep(1.5)
        self.assertEqual(self.lines(" report "), [])
        self.assertEqual(len(p.queue()), 5)
        self.ballast.remove()
        p.wait_mail(BOB, 5, 15)
        p.wait_queue_empty()


class Others(Full):
    """Somebody else fills the disk, to its last octet."""

    def begin(self, kind):
        p = self.instance(kind=kind)
        self.shut()
        for n, octets in enumerate((1000, 30000, 700000, 10, 200000)):
            self.assertIs(self.send("m%d" % n, octets=octets), True)
        wait_for(lambda: all(row["attempts"] for row in p.queue()), 20)
        self.ids = sorted(row["id"] for row in p.queue())
        self.ballast.fill()
        return p

    def check_waiting(self, kind):
        self.begin(kind)
        # The log's spare lasts for what is left of the old mail: it goes, and nothing is made twice.
        self.all_arrive()
        self.ballast.remove()
        self.taken("after")
        self.all_arrive()

    def test_queue_drains_ext4(self):
        self.check_waiting("ext4")

    def test_queue_drains_xfs(self):
        self.check_waiting("xfs")

    def check_starts(self, kind):
        """Each start takes a segment; when none is left the queue can still be read, and waits."""
        p = self.begin(kind)
        for _ in range(5):
            self.assertEqual(p.kill("qmgr"), 1)
            self.assertTrue(wait_for(lambda: p.pids("qmgr"), 20))
            self.assertEqual(wait_for(lambda: sorted(row["id"] for row in p.queue()) == self.ids, 20, 0.1), True, p.log_tail())
            if wait_for(lambda: self.lines("queue-full"), 1, 0.1):
                break
        self.assertEqual(len(self.lines("queue-full")), 1, p.log_tail())
        self.assertIn("No space left", self.lines("queue-full")[0])
        pids = p.pids("qmgr")
        self.refused("small")
        self.refused("large", octets=700000)
        self.assertEqual(p.ctl("queue", "show", self.ids[0]).returncode, 0)
        for words in (("hold", "--all"), ("drop", "--all", "--yes"), ("retry", "--all")):
            r = p.ctl("queue", *words, check=False)
            self.assertEqual(r.returncode, 75, r.stdout + r.stderr)
            self.assertIn("full", r.stderr)
        # Nothing leaves that could not be written down.
        self.sink.again()
        self.is_shut = False
        time.sleep(1)
        self.assertEqual(self.sink.mails, [])
        self.assertEqual(sorted(row["id"] for row in p.queue()), self.ids)
        self.assertEqual(len(self.lines("queue-full")), 1, "said again and again")
        self.assertEqual(p.pids("qmgr"), pids)
        self.ballast.remove()
        self.taken("after")
        self.assertEqual(len(self.lines("queue-goes-on")), 1)
        self.all_arrive()
        self.assertEqual(p.pids("qmgr"), pids)
        p.restart()
        self.assertEqual(p.queue(), [])

    def test_starts_ext4(self):
        self.check_starts("ext4")

    def test_starts_xfs(self):
        self.check_starts("xfs")

    def sendmail(self, name):
        return subprocess.run(["sendmail", "--base", self.p.base, "-f", BOB, "x@far.test"],
                              executable=os.path.join(BUILD, "ctl", "sendmail"), input="Subject: %s\n\ntext\n" % name,
                              capture_output=True, text=True, env={**os.environ, "HOME": self.p.base})

    def test_local_submission(self):
        """What sendmail says to its caller is true: kept, or not."""
        p = self.begin("ext4")
        for n in range(5):
            p.restart()
            if wait_for(lambda: self.lines("queue-full"), 1, 0.1):
                break
        for down in (False, True):
            if down:
                p.stop()
            r = self.sendmail("full%d" % down)
            self.assertEqual(r.returncode, 75, r.stderr)
            self.assertIn("cannot be written: No space left on device", r.stderr)
        self.ballast.remove()
        self.assertEqual(self.sendmail("down").returncode, 0)
        self.sent.append("down")
        p.start()
        self.taken("after")
        self.assertEqual(self.sendmail("up").returncode, 0)
        self.sent.append("up")
        self.all_arrive()

    def test_stop_while_full(self):
        p = self.begin("ext4")
        for _ in range(4):
            p.restart()
            self.assertEqual(sorted(row["id"] for row in p.queue()), self.ids)
        p.stop()
        self.assertEqual(sorted(row["id"] for row in p.queue()), self.ids, "read without a server")
        self.ballast.remove()
        p.start()
        self.taken("after")
        self.all_arrive()


class Inodes(Full):
    def test_refused_before_none_is_left(self):
        p = self.instance("min_free_disk = 2% min_free = none", options=("-N", "2000"))
        self.assertIs(self.send("before", octets=700000), True)
        self.all_arrive()
        self.ballast.fill_inodes()
        self.assertTrue(wait_for(lambda: self.lines("disk-short"), 10), p.log_tail())
        self.assertIn("inodes", self.lines("disk-short")[0])
        self.refused("small")
        self.ballast.remove()
        self.taken("after", octets=700000)
        self.all_arrive()

    def test_none_left(self):
        self.instance(options=("-N", "2000"))
        self.ballast.fill_inodes()
        # A large one needs a file of its own, a small one none.
        self.refused("large", octets=700000)
        self.assertIs(self.send("small"), True)
        self.ballast.remove()
        self.taken("after", octets=700000)
        self.all_arrive()


class Mailboxes(Full):
    """The queue has room, the mailboxes have none."""

    def check(self, kind):
        p = self.instance(on="mail", kind=kind)
        p.send("first", to=BOB)
        p.wait_mail(BOB, 1)
        self.ballast.fill()
        for n in range(3):
            p.send("m%d" % n, to=[BOB, ANN], body="text\r\n" * 5000)
        self.assertTrue(wait_for(lambda: len([r for r in p.queue() if r["attempts"]]) == 3, 20), p.log_tail())
        row = p.rows("queue", "show", p.queue()[0]["id"])[0]
        self.assertIn("4.", str(row), row)
        c = p.imap(BOB)
        kind_, said = c.append("INBOX", None, None, message("appended", body="text\r\n" * 5000).encode())
        self.assertEqual(kind_, "NO", said)
        self.assertEqual(c.select("INBOX")[0], "OK")
        self.assertEqual(len(c.search(None, "ALL")[1][0].split()), 1)
        c.logout()
        self.ballast.remove()
        p.wait_queue_empty(30)
        self.assertEqual(p.subjects(BOB), ["first", "m0", "m1", "m2"])
        self.assertEqual(p.subjects(ANN), ["m0", "m1", "m2"])

    def test_ext4(self):
        self.check("ext4")

    def test_xfs(self):
        self.check("xfs")


class ReadOnly(Full):
    def mount(self, how):
        subprocess.run(["mount", "-o", "remount," + how, self.place], check=True)

    def test_spool(self):
        p = self.instance()
        self.shut()
        self.assertIs(self.send("before"), True)
        ids = [row["id"] for row in p.queue()]
        p.stop()
        self.mount("ro")
        self.assertEqual(p.ctl("start", check=False).returncode, 75)
        p.running = True
        with open(os.path.join(p.base, "run", "listen.json")) as f:
            p.ports = read_ports(f.read())
        self.assertIn("Read-only file system", p.log())
        self.assertEqual([row["id"] for row in p.queue()], ids)
        e = self.send("meanwhile")
        self.assertIsNot(e, True)
        self.assertIn(e.smtp_code, (421, 451, 452))
        self.mount("rw")
        self.taken("after")
        self.all_arrive()


    def test_broken_file_system(self):
        """ext4 finds itself damaged while mail waits and comes, and lets nobody write any more."""
        p = self.instance()
        self.shut()
        for n, octets in enumerate((1000, 30000, 700000)):
            self.assertIs(self.send("m%d" % n, octets=octets), True)
        ids = [row["id"] for row in p.queue()]
        self.mount("errors=remount-ro")
        loop = os.path.basename(subprocess.run(["findmnt", "-n", "-o", "SOURCE", self.place], capture_output=True, text=True).stdout.strip())
        trigger = "/sys/fs/ext4/%s/trigger_fs_error" % loop
        if not os.access(trigger, os.W_OK):
            self.skipTest("no " + trigger)
        with open(trigger, "w") as f:
            f.write("1")
        for n in range(3):
            self.assertIsNot(self.send("meanwhile%d" % n, octets=700000 * (n % 2)), True)
        self.assertEqual([row["id"] for row in p.queue()], ids)
        self.assertEqual(p.ctl("status", check=False).returncode, 1)
        p.kill_all()
        self.file_system.unmount()
        self.file_system.mount()
        p.start()
        self.taken("after")
        self.all_arrive()


class Thin(Full):
    """A disk that promised more room than there is: the flush fails, and memory still reads like what was written."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root may mount")
        self.folder = tempfile.mkdtemp(dir=scratch())
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "thin", self.folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder])

    def test_what_is_on_disk(self):
        p = self.instance(on="mail", options=("-b", "4096", "-O", "^has_journal"))
        self.assertIs(self.send("first", to=BOB, octets=60000), True)
        p.wait_mail(BOB, 1)
        os.sync()
        ballast = Ballast(self.folder)
        ballast.fill()
        self.assertIs(self.send("second", to=BOB, octets=60000), True)
        self.assertTrue(wait_for(lambda: "the flush of deliveries failed" in p.log(), 20), p.log_tail())
        ballast.remove()
        p.ctl("queue", "retry", "--all")
        p.wait_queue_empty(30)
        p.stop()
        self.file_system.unmount()
        self.file_system.mount()
        p.start()
        mails = p.wait_mail(BOB, 2)
        self.assertEqual(p.subjects(BOB), ["first", "second"])
        self.assertEqual([mail.count("line of a letter that waits") for mail in mails], [60000 // 29 + 1] * 2)


class Memory(unittest.TestCase):
    """More is sent at once than the queue may keep in memory."""

    def test_busy(self):
        with Instance(kinds=("smtp", "imaps"), name="memory", config="queue { memory = 8MiB min_free = 1MiB min_free_disk = 0% }") as p:
            p.start()
            text = "text of a long letter, once more\r\n" * 7000
            clients, taken, refused = [], [], 0
            for n in range(45):
                c = p.smtp()
                c.ehlo()
                c.mail("eve@far.test")
                c.rcpt(BOB)
                self.assertEqual(c.docmd("DATA")[0], 354)
                c.send(message("m%d" % n, body=text).encode())
                clients.append(c)
            for n, c in enumerate(clients):
                c.send(b"\r\n.\r\n")
                code, said = c.getreply()
                if code == 250:
                    taken.append("m%d" % n)
                else:
                    self.assertEqual((code, said[:5]), (452, b"4.3.2"), said)
                    refused += 1
                c.close()
            self.assertGreater(len(taken), 30)
            self.assertGreater(refused, 0)
            self.assertTrue(wait_for(lambda: p.subjects(BOB) == sorted(taken), 20, 0.2), p.log_tail())
            p.send("after")
            self.assertTrue(wait_for(lambda: p.subjects(BOB) == sorted(taken + ["after"]), 20, 0.2), p.log_tail())


if __name__ == "__main__":
    unittest.main()
