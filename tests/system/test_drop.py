"""The drop folder: whoever leaves a message there, it is taken once."""
import os
import random
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from lib import BUILD, Instance, SLOW, wait_for

BOB = "bob@local.test"
NOBODY = 65534
QUICK = "daemon pickup { interval = 100ms }"


def folder(p):
    return os.path.join(p.base, "spool", "drop")


def leave(p, subject, to=BOB, **options):
    """sendmail(8) while nobody takes local mail; the name of the file."""
    before = set(os.listdir(folder(p)))
    try:
        os.unlink(os.path.join(p.base, "run", "submit.sock"))
    except FileNotFoundError:
        pass
    r = subprocess.run(["sendmail", "--base", p.base, "-f", BOB, to], executable=os.path.join(BUILD, "ctl", "sendmail"),
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
            leave(p, "another")
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
            leave(p, "another")
            p.wait_mail(BOB, 2)
            put_back(p, path)
            p.wait_mail(BOB, 3)


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
