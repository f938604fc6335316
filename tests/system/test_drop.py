"""The drop folder: whoever leaves a message there, it is taken once."""
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from lib import BUILD, Instance, SLOW, Talk, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
NOBODY = 65534
QUICK = "daemon pickup { interval = 100ms }"


def folder(p):
    return os.path.join(p.base, "spool", "drop")


def leave(p, subject, to=BOB, words=(), **options):
    """sendmail(8) while nobody takes local mail; the name of the file."""
    before = set(os.listdir(folder(p)))
    try:
        os.unlink(os.path.join(p.base, "run", "submit.sock"))
    except FileNotFoundError:
        pass
    r = subprocess.run(["sendmail", "--base", p.base, *words, "-f", BOB, to], executable=os.path.join(BUILD, "ctl", "sendmail"),
                       input="Subject: %s\n\nx\n" % subject, capture_output=True, text=True, timeout=60 * SLOW, **options)
    new = set(os.listdir(folder(p))) - before
    if (r.returncode, r.stderr, len(new)) != (0, "", 1):
        raise AssertionError("sendmail: exit %d, %d files\n%s" % (r.returncode, len(new), r.stderr))
    return new.pop()


def copies(p, name, n):
    """The file under n other names, as if as many had been left; it goes itself."""
    octets = Path(folder(p), name).read_bytes()
    os.unlink(os.path.join(folder(p), name))
    for _ in range(n):
        name = "%032x" % random.getrandbits(128)
        Path(folder(p), "." + name).write_bytes(octets)
        os.rename(os.path.join(folder(p), "." + name), os.path.join(folder(p), name))


def put_back(p, path):
    """The copy that was kept, whole at once under its old name; the folder gives it its group."""
    new = os.path.join(folder(p), ".new")
    shutil.copy2(os.path.join(p.base, "kept"), new)
    os.rename(new, path)


class Once(unittest.TestCase):
    def test_a_file_that_stays(self):
        """It cannot be removed while everybody dies and comes back: one copy.  Once it is gone, the name is forgotten."""
        with Instance(config=QUICK) as p:
            p.start()
            os.kill(p.pids("pickup")[0], signal.SIGSTOP)
            name = leave(p, "only one")
            path = os.path.join(folder(p), name)
            shutil.copy2(path, os.path.join(p.base, "kept"))
            os.chmod(folder(p), 0o500)  # master mends that at its start
            os.kill(p.pids("pickup")[0], signal.SIGCONT)
            p.wait_mail(BOB, 1)
            self.assertTrue(wait_for(lambda: "drop-stays" in p.log(), 20), p.log_tail())
            for n, programs in enumerate((("pickup",), ("qmgr", "pickup"), ("pickup",))):
                for program in programs:
                    p.kill(program)
                self.assertTrue(wait_for(lambda: p.log().count("accepted-before") > n, 20), p.log_tail())
            self.assertTrue(os.path.exists(path))
            times = p.log().count("accepted-before")
            p.restart()
            self.assertTrue(wait_for(lambda: p.log().count("accepted-before") == times + 1, 20), p.log_tail())
            self.assertTrue(wait_for(lambda: not os.path.exists(path), 20), p.log_tail())
            p.wait_queue_empty()
            p.wait_mail(BOB, 1)
            # Known no more; the queue heard that it is gone before it hears of a new one.
            pickup = p.pids("pickup")[0]
            os.kill(pickup, signal.SIGSTOP)  # or it takes the file before leave() sees it
            leave(p, "another")
            os.kill(pickup, signal.SIGCONT)
            p.wait_mail(BOB, 2)
            put_back(p, path)
            p.wait_mail(BOB, 3)
            self.assertEqual(p.log().count("accepted-before"), times + 1)

    def test_gone_unheard(self):
        """Files that went while nobody looked are forgotten when pickup and the queue meet again."""
        with Instance(config=QUICK) as p:
            p.start()
            os.kill(p.pids("pickup")[0], signal.SIGSTOP)
            path = os.path.join(folder(p), leave(p, "removed by hand"))
            shutil.copy2(path, os.path.join(p.base, "kept"))
            os.chmod(folder(p), 0o500)
            os.kill(p.pids("pickup")[0], signal.SIGCONT)
            p.wait_mail(BOB, 1)
            p.kill_all()
            os.chmod(folder(p), 0o700)
            os.unlink(path)
            p.start()
            p.wait_queue_empty()
            os.kill(p.pids("pickup")[0], signal.SIGSTOP)
            leave(p, "another")
            os.kill(p.pids("pickup")[0], signal.SIGCONT)
            p.wait_mail(BOB, 2)
            put_back(p, path)
            p.wait_mail(BOB, 3)


class Submitted(unittest.TestCase):
    """Over submit.sock: the server was told the name of the file that sendmail leaves when it does not hear the 250."""

    @classmethod
    def setUpClass(cls):
        cls.p = Instance(config=QUICK)
        cls.addClassCleanup(cls.p.close)
        cls.p.start()

    def test_smtpd_dies(self):
        """Between the queue, which has it, and sendmail."""
        before = self.p.log().count("accepted-before")
        queue = self.p.pids("qmgr")[0]
        os.kill(queue, signal.SIGSTOP)
        try:
            running = subprocess.Popen(["sendmail", "--base", self.p.base, "-v", "-f", BOB, BOB], text=True,
                                       executable=os.path.join(BUILD, "ctl", "sendmail"), stdin=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
            running.stdin.write("Subject: not twice\n\nx\n")
            running.stdin.close()
            self.assertTrue(any("<<< 354" in line for line in running.stderr))
            time.sleep(0.3 * SLOW)  # smtpd passes it on
            self.p.kill("smtpd")
            self.assertEqual(running.wait(20 * SLOW), 0)
            running.stderr.close()
        finally:
            os.kill(queue, signal.SIGCONT)
        self.assertTrue(wait_for(lambda: self.p.log().count("accepted-before") > before, 20), self.p.log_tail())
        self.assertTrue(wait_for(lambda: os.listdir(folder(self.p)) == [], 10))
        self.p.wait_mail_with(BOB, "not twice", 1)

    def talk(self, subject, name):
        c = Talk(socket.socket(socket.AF_UNIX))
        c.sock.settimeout(20 * SLOW)
        here = os.open(os.path.join(self.p.base, "run"), os.O_PATH)  # its name may be too long
        try:
            c.sock.connect("/proc/self/fd/%d/submit.sock" % here)
        finally:
            os.close(here)
        codes = [c.reply()] + [c.say(line) for line in ("EHLO x", "MAIL FROM:<%s> XDROP=%s" % (BOB, name),
                                                        "RCPT TO:<%s>" % BOB, "DATA", "Subject: %s\r\n\r\nx\r\n." % subject)]
        self.assertEqual(codes, [220, 250, 250, 250, 354, 250])
        return c

    def leave_as(self, subject, name):
        left = leave(self.p, subject)
        os.rename(os.path.join(folder(self.p), left), os.path.join(folder(self.p), name))

    def test_known_until_heard(self):
        """Who hangs up may not have read the 250; who goes on has."""
        for subject, ends, copies_of_it in (("unheard", lambda c: None, 1), ("heard", lambda c: c.say("NOOP"), 2)):
            name = "%032x" % random.getrandbits(128)
            with self.subTest(subject):
                with self.talk(subject, name) as c:
                    ends(c)
                self.p.wait_mail_with(BOB, subject, 1)
                pickup = self.p.pids("pickup")[0]
                os.kill(pickup, signal.SIGSTOP)
                self.leave_as(subject, name)
                os.kill(pickup, signal.SIGCONT)
                self.assertTrue(wait_for(lambda: os.listdir(folder(self.p)) == [], 20), self.p.log_tail())
                self.p.wait_queue_empty()
                self.p.wait_mail_with(BOB, subject, copies_of_it)
            self.p.restart()  # leave() removed submit.sock


class Alone(unittest.TestCase):
    """sendmail with something else in the server's place."""

    def setUp(self):
        self.p = Instance()
        self.addCleanup(self.p.close)
        for name in ("run", "spool", "spool/drop"):
            os.mkdir(os.path.join(self.p.base, name))
        self.socket = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.socket.close)
        here = os.open(os.path.join(self.p.base, "run"), os.O_PATH)
        self.addCleanup(os.close, here)
        self.name = "/proc/self/fd/%d/submit.sock" % here
        self.socket.bind(self.name)
        self.socket.listen(0)

    def sendmail(self, *rcpts):
        return subprocess.Popen(["sendmail", "--base", self.p.base, "-f", BOB, *rcpts], text=True, stdin=subprocess.DEVNULL,
                                executable=os.path.join(BUILD, "ctl", "sendmail"), stderr=subprocess.PIPE)

    def test_nobody_accepts(self):
        """The socket is there and full of connections that wait: the folder is used after a few seconds."""
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket(socket.AF_UNIX))
            waiting[-1].setblocking(False)
            try:
                waiting[-1].connect(self.name)
            except BlockingIOError:
                break
        else:
            self.fail("there is room")
        running = self.sendmail(BOB)
        self.addCleanup(running.kill)
        self.assertEqual(running.communicate(timeout=20 * SLOW)[1], "")
        self.assertEqual(running.returncode, 0)
        self.assertEqual(len(os.listdir(folder(self.p))), 1)
        for s in waiting:
            s.close()

    def test_refused_in_part(self):
        """Who is refused was told of, and is not in the file that is left when the rest fails later."""
        running = self.sendmail("no@local.test", BOB, "never@local.test", "ann@local.test")
        self.addCleanup(running.kill)
        self.socket.settimeout(20 * SLOW)
        c = Talk(self.socket.accept()[0])
        c.send(b"220 x\r\n")
        for reply in (b"250-x\r\n250 DSN", b"250 ok", b"550 5.1.1 no", b"250 ok", b"550 5.1.1 no", b"250 ok", b"452 4.3.1 full"):
            c.line()
            c.send(reply + b"\r\n")
        c.close()
        said = running.communicate(timeout=20 * SLOW)[1]
        self.assertEqual(running.returncode, 67, said)
        self.assertIn("no@local.test: 550", said)
        name, = os.listdir(folder(self.p))
        octets = Path(folder(self.p), name).read_bytes()
        self.assertEqual([a in octets for a in (b"no@local", b"never@local", b"ann@local.test")], [False, False, True])


class Files(unittest.TestCase):
    @unittest.skipUnless(os.getuid() == 0, "needs another user")
    def test_an_ordinary_user(self):
        """Neither owner nor group of the folder (03733): may create, and give a file of its own its name."""
        with Instance() as p:
            p.start()
            p.stop()
            self.assertEqual(os.stat(folder(p)).st_mode & 0o7777, 0o3733)
            try:
                subprocess.run(["test", "-x", os.path.join(BUILD, "ctl", "sendmail")], check=True, user=NOBODY, group=NOBODY)
            except subprocess.CalledProcessError:
                self.skipTest("others may not run what was built")
            name = leave(p, "by nobody", user=NOBODY, group=NOBODY, extra_groups=[])
            self.assertRegex(name, "^[0-9a-f]{32}$")
            self.assertEqual(os.stat(os.path.join(folder(p), name)).st_uid, NOBODY)
            listing = subprocess.run(["ls", folder(p)], capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[])
            self.assertNotEqual(listing.returncode, 0)
            p.start()
            self.assertIn("(local user %d)" % NOBODY, p.wait_mail(BOB, 1)[0])
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == [], 20))

    def test_returned(self):
        """To somebody who is not there: what nobody could refuse is returned with what it was, also many at a time."""
        with Instance(config=QUICK) as p:
            p.start()
            p.stop()
            copies(p, leave(p, "to nobody", to="nobody@local.test"), 200)
            p.start()
            texts = p.wait_mail(BOB, 200, 30)
            self.assertEqual([t for t in texts if "\nSubject: to nobody\n" not in t], [])
            self.assertNotIn("text-unreadable", p.log())

    def test_given_back(self):
        """What the server refuses of others goes back, whole and once; of nobody it is kept."""
        with Instance(config=QUICK + "\nreceive { hops = 5 }") as p:
            with open(os.path.join(p.base, "other.conf"), "w") as f:  # as who may not read the server's
                f.write(p.config.replace("hops = 5", "hops = 40"))
            p.start()
            p.stop()
            text = "Received: x\n" * 20 + "Subject: around\n\nx\n"
            for sender in (BOB, "<>"):
                r = subprocess.run([os.path.join(BUILD, "ctl", "sendmail"), "--base", p.base, "-C",
                                    os.path.join(p.base, "other.conf"), "-f", sender, "-V", "4711", "x@far.test", BOB], input=text,
                                   capture_output=True, text=True, timeout=60 * SLOW)
                self.assertEqual((r.returncode, r.stderr), (0, ""))
            p.start()
            back = p.wait_mail(BOB, 1, 30)[0]
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == ["corrupt"], 20), os.listdir(folder(p)))
            for words in ("\n    554 5.4.6 the message is in a loop\n", "\n    x@far.test\n    %s\n" % BOB,
                          "\nFinal-Recipient: rfc822; x@far.test\nAction: failed\nStatus: 5.4.6\n", text, "Return-Path: <>"):
                self.assertIn(words, back)
            self.assertEqual(len(os.listdir(os.path.join(folder(p), "corrupt"))), 1)
            p.wait_queue_empty()
            p.wait_mail(BOB, 1)
            self.assertEqual((p.log().count("given-back"), p.log().count("drop-aside")), (1, 1), p.log_tail())

    def test_given_back_once(self):
        """The report was sent, and the file cannot be removed while pickup and the queue die."""
        with Instance(config=QUICK + "\nreceive { hops = 5 }") as p:
            other = os.path.join(p.base, "other.conf")
            with open(other, "w") as f:
                f.write(p.config.replace("hops = 5", "hops = 40"))
            p.start()
            pickup = p.pids("pickup")[0]
            os.kill(pickup, signal.SIGSTOP)
            leave(p, "around" + "\nReceived: x" * 20, words=("-C", other))
            os.chmod(folder(p), 0o500)
            os.kill(pickup, signal.SIGCONT)
            p.wait_mail(BOB, 1, 20)
            self.assertTrue(wait_for(lambda: "drop-stays" in p.log(), 20), p.log_tail())
            for n, programs in enumerate((("pickup",), ("qmgr", "pickup"))):
                for program in programs:
                    p.kill(program)
                self.assertTrue(wait_for(lambda: p.log().count("accepted-before") > n, 20), p.log_tail())
            p.restart()
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == [], 20), os.listdir(folder(p)))
            p.wait_queue_empty()
            p.wait_mail(BOB, 1)

    def test_given_back_in_part(self):
        """Larger than any message may be: its header goes back, the file stays."""
        with Instance(config=QUICK + "\nreceive { message = 64KiB }") as p:
            with open(os.path.join(p.base, "other.conf"), "w") as f:
                f.write(p.config.replace("64KiB", "1MiB"))
            p.start()
            p.stop()
            r = subprocess.run([os.path.join(BUILD, "ctl", "sendmail"), "--base", p.base, "-C", os.path.join(p.base, "other.conf"),
                                "-f", BOB, BOB], input="Subject: large\n\n" + "some words\n" * 10000, capture_output=True, text=True,
                               timeout=60 * SLOW)
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            p.start()
            back = p.wait_mail(BOB, 1, 30)[0]
            self.assertIn("\n    552 5.3.4 the message is too large\n", back)
            self.assertIn("\nSubject: large\n", back)
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == ["corrupt"], 20), os.listdir(folder(p)))
            name, = os.listdir(os.path.join(folder(p), "corrupt"))
            self.assertIn(b"some words", Path(folder(p), "corrupt", name).read_bytes())

    def test_given_back_far_away(self):
        """To a server that takes seven bits only: the report has no more.  An address that it does not take: it is kept."""
        with Sink(extensions=("PIPELINING", "SIZE 10000000")) as sink, \
             Instance(config=QUICK + "\nreceive { hops = 5 }\nroute \"old.test\" { via = \"%s\" tls = none }" % sink.via) as p:
            other = os.path.join(p.base, "other.conf")
            with open(other, "w") as f:
                f.write(p.config.replace("hops = 5", "hops = 40"))
            p.start()
            p.stop()
            for sender in ("ann@old.test", "j\u00f6rg@old.test"):
                r = subprocess.run([os.path.join(BUILD, "ctl", "sendmail"), "--base", p.base, "-C", other, "-f", sender,
                                    "b\u00e4r@far.test"], input="Received: x\n" * 20 + "Subject: around \u00e4\n\nB\u00e4r\n",
                                   capture_output=True, text=True, timeout=60 * SLOW)
                self.assertEqual((r.returncode, r.stderr), (0, ""))
            p.start()
            self.assertTrue(wait_for(lambda: sink.mails, 20), p.log_tail())
            text = sink.mails[0].text
            self.assertTrue(text.isascii())
            for words in ("b=C3=A4r@far.test", "Subject: around =C3=A4", "B=C3=A4r"):
                self.assertIn(words, text)
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == ["corrupt"], 20), os.listdir(folder(p)))
            name, = os.listdir(os.path.join(folder(p), "corrupt"))
            self.assertIn("j\u00f6rg@old.test".encode(), Path(folder(p), "corrupt", name).read_bytes())
            p.wait_queue_empty()
            self.assertEqual((p.log().count("given-back"), len(sink.mails)), (2, 1), p.log_tail())

    def in_part(self, p):
        """Only its header can go back."""
        other = os.path.join(p.base, "other.conf")
        with open(other, "w") as f:
            f.write(p.config.replace("64KiB", "1MiB"))
        return leave(p, "large\n\n" + "some words\n" * 10000, words=("-C", other))

    def test_given_back_and_kept(self):
        """The only whole copy cannot be put aside: it stays, whoever dies, and is put aside as soon as that can be."""
        with Instance(config=QUICK + "\nreceive { message = 64KiB }") as p:
            p.start()
            pickup = p.pids("pickup")[0]
            os.kill(pickup, signal.SIGSTOP)
            name = self.in_part(p)
            Path(folder(p), "corrupt").write_text("in the way")
            os.kill(pickup, signal.SIGCONT)
            self.assertIn("all of it is with the administrator", p.wait_mail(BOB, 1, 20)[0])
            self.assertTrue(wait_for(lambda: "drop-stays" in p.log(), 20), p.log_tail())
            time.sleep(0.5 * SLOW)  # looks
            self.assertTrue(Path(folder(p), name).exists(), p.log_tail())
            p.kill("pickup")
            self.assertTrue(wait_for(lambda: "accepted-before" in p.log(), 20), p.log_tail())
            time.sleep(0.5 * SLOW)
            self.assertTrue(Path(folder(p), name).exists(), p.log_tail())
            os.unlink(os.path.join(folder(p), "corrupt"))
            kept = Path(folder(p), "corrupt", name)
            self.assertTrue(wait_for(kept.exists, 20), p.log_tail())
            self.assertIn(b"some words", kept.read_bytes())
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == ["corrupt"], 20), os.listdir(folder(p)))
            p.wait_queue_empty()
            p.wait_mail(BOB, 1)

    def test_given_back_then_taken(self):
        """Reported in part and not put aside; a larger message is taken now: then it goes to its recipients."""
        with Instance(config=QUICK + "\nreceive { message = 64KiB }") as p:
            p.start()
            pickup = p.pids("pickup")[0]
            os.kill(pickup, signal.SIGSTOP)
            self.in_part(p)
            Path(folder(p), "corrupt").write_text("in the way")
            os.kill(pickup, signal.SIGCONT)
            p.wait_mail(BOB, 1, 20)
            self.assertTrue(wait_for(lambda: "drop-stays" in p.log(), 20), p.log_tail())
            p.write_config(p.config.replace("64KiB", "1MiB"))
            p.restart()
            self.assertIn("some words", p.wait_mail(BOB, 2, 20)[1])
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == ["corrupt"], 20), os.listdir(folder(p)))
            p.wait_queue_empty()

    def test_given_back_bare(self):
        """Too much for a report: it has the reason and some of those it was for."""
        with Instance(config=QUICK + "\nreceive { message = 64KiB }") as p:
            other = os.path.join(p.base, "other.conf")
            with open(other, "w") as f:
                f.write(p.config.replace("64KiB", "1MiB"))
            p.start()
            p.stop()
            rcpts = ["somebody.%04d@far-away.test" % i for i in range(2000)]
            r = subprocess.run([os.path.join(BUILD, "ctl", "sendmail"), "--base", p.base, "-C", other, "-f", BOB, *rcpts],
                               input="Subject: large\n" + "X: %s\n" % ("y" * 990) * 62 + "\n" + "some words\n" * 10000,
                               capture_output=True, text=True, timeout=60 * SLOW)
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            p.start()
            back = p.wait_mail(BOB, 1, 30)[0]
            self.assertLess(len(back), 30000)
            for words in ("\n    552 5.3.4 the message is too large\n", "\n    and 1900 more\n", "in drop/corrupt"):
                self.assertIn(words, back)
            self.assertTrue(wait_for(lambda: os.listdir(folder(p)) == ["corrupt"], 20), os.listdir(folder(p)))
            self.assertEqual(len(os.listdir(os.path.join(folder(p), "corrupt"))), 1)

    def test_orphans(self):
        """Its writer died: what is whole is taken after a minute, what is not is put aside after an hour."""
        with Instance(config=QUICK) as p:
            p.start()
            p.stop()
            names = {}
            for what, age in (("whole old", 120), ("whole new", 0), ("cut old", 120), ("cut very old", 4000)):
                name = leave(p, what)
                path = os.path.join(folder(p), "." + name)
                os.rename(os.path.join(folder(p), name), path)
                if what.startswith("cut"):
                    os.truncate(path, os.stat(path).st_size // 2)
                os.utime(path, (time.time() - age,) * 2)
                names[what] = "." + name
            p.start()
            p.wait_mail_with(BOB, "whole old")
            left = ["corrupt", names["cut old"], names["whole new"]]
            self.assertTrue(wait_for(lambda: sorted(os.listdir(folder(p))) == sorted(left), 20), os.listdir(folder(p)))
            self.assertEqual(os.listdir(os.path.join(folder(p), "corrupt")), [names["cut very old"]])
            self.assertIn("never finished", p.log())
            # A minute later, at the file's count.
            os.utime(os.path.join(folder(p), names["whole new"]), (time.time() - 120,) * 2)
            p.wait_mail_with(BOB, "whole new")
            p.wait_mail(BOB, 2)


if __name__ == "__main__":
    unittest.main()
