"""Every process holds what its row of master/services.c says, as its own user, and nothing else."""
import os
import re
import unittest

from lib import TOP, Case, Instance, wait_for

BOB = "bob@local.test"
ROOT = os.geteuid() == 0
ANON = ("[eventpoll]", "[eventfd]", "[timerfd]", "inotify")
FILES = {  # where files a role may hold lie, below the base; programs not named hold none
    "eventd": ["log"], "routerd": ["lib/routerd"], "authd": ["lib/authd"], "keyd": ["lib/keyd"], "qmgr": ["spool"],
    "pickup": ["spool/drop"], "deliver": ["mail"], "imap": ["mail"], "pop3": ["mail"],
}
OUTSIDE = {"nssd": re.compile(r"^/(etc|usr|run)(/|$)"), "imap": re.compile(r"^/usr/lib(/|.*gconv)")}


def table():
    """(role -> flags, fences, gives), [(a, b, channels)] as the source has them."""
    with open(os.path.join(TOP, "master", "services.c")) as f:
        text = f.read()
    rows = re.findall(r"\{ ROLE_(\w+), +\"[^\"]+\", *(?:\"(\w+)\"|NULL), +SERVICE_(\w+), +([^,]+?), +([^,]+?), +([^}]+?) \}", text)
    pairs = re.findall(r"\{ ROLE_(\w+), +ROLE_(\w+), +(\d) \}", text)
    return ({r[0].lower(): r[1:] for r in rows}, [(a.lower(), b.lower(), int(n)) for a, b, n in pairs])


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def descriptors(pid):
    return {int(n): os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid)}


class Confined(Case):
    options = {"config": "daemon smtpd { processes = 1 }\ndaemon imapd { processes = 1 }\ndaemon pop3d { processes = 1 }\n"
                         "daemon smtp { processes = 1 }\ndaemon keyd { processes = 1 }\n"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.p.send("so that deliver runs")
        cls.p.wait_mail(BOB, 1)
        cls.imap = cls.p.imap(BOB)  # and a worker of each kind
        cls.pop3 = cls.p.pop3(BOB)
        cls.services, cls.pairs = table()

    @classmethod
    def tearDownClass(cls):
        cls.imap.logout()
        cls.pop3.quit()
        super().tearDownClass()

    def each(self):
        """(program, pid) of all but master; every row of the table must be there."""
        found = [(name, pid) for pid, name in self.p.processes() if name != "master"]
        self.assertEqual(sorted(self.services), sorted({name for name, pid in found}))
        return found

    def test_users_and_privileges(self):
        uids = {}
        for name, pid in self.each():
            with self.subTest(name):
                s = status(pid)
                self.assertEqual(s["NoNewPrivs"], "1")
                self.assertEqual(s["Seccomp"], "2")
                for caps in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                    self.assertEqual(int(s[caps], 16), 0, caps)
                uid = {int(u) for u in s["Uid"].split()}
                self.assertEqual(len(uid), 1)
                uids[name] = uid.pop()
                if ROOT:
                    self.assertNotEqual(uids[name], 0)
                    self.assertNotIn("0", s["Gid"].split() + s["Groups"].split())
        if ROOT:
            self.assertEqual(status(self.p.master_pid())["Uid"].split()[0], "0")
            alone = [name for name in uids if self.services[name][0] and self.services[name][0] != "login"]
            self.assertEqual(len({uids[name] for name in alone}), len(alone), uids)
            self.assertEqual(len({uids[n] for n in ("deliver", "imap", "pop3")}), 1)
            self.assertNotIn(uids["imap"], [uids[n] for n in alone])
        else:
            self.assertEqual(set(uids.values()), {os.geteuid()})

    def test_root_folders(self):
        if not ROOT:
            self.skipTest("only root may look, and only root can chroot")
        for name, pid in self.each():
            with self.subTest(name):
                root = os.readlink("/proc/%d/root" % pid)
                wanted = self.p.base + "/run/empty" if "SERVICE_ROOTLESS" in self.services[name][2] else "/"
                self.assertEqual(root, wanted)
                if wanted != "/":
                    self.assertEqual(os.listdir("/proc/%d/root" % pid), [])

    def links(self, name):
        """Sockets that a program has by the table: to master, to eventd, to its peers."""
        n = 2
        for a, b, channels in self.pairs:
            n += channels if name in (a, b) else 0
        return n

    def test_descriptors(self):
        if not ROOT:
            self.skipTest("only root may look at processes that are not dumpable")
        listeners = {"smtpd": 5, "imapd": 2, "pop3d": 2}
        for name, pid in self.each():
            with self.subTest(name):
                sockets, others, pipes = 0, [], []
                for number, target in descriptors(pid).items():
                    if target.startswith("socket:"):
                        sockets += 1
                    elif target.startswith("anon_inode:"):
                        self.assertIn(target[11:], ANON)
                    elif target.startswith("pipe:"):
                        pipes.append(target)
                    elif number > 2:
                        others.append(target)
                    else:
                        self.assertIn(target, ("/dev/null", self.p.base + "/log/start.log"))
                if name not in ("eventd", "dnsd"):  # one note link a program; resolver sockets that come and go
                    extra = listeners.get(name, 0)
                    if name in ("imapd", "pop3d"):
                        extra += 2  # the client and the worker's socket
                    if name in ("imap", "pop3"):
                        extra += 1
                    if name == "smtpd":
                        extra += 0
                    self.assertEqual(sockets, self.links(name) + extra, others)
                # The event loop wakes itself by a pipe, whose ends nobody else has.
                self.assertEqual(len(pipes), 2 * len(set(pipes)), pipes)
                for path in others:
                    inside = any(path.startswith(os.path.join(self.p.base, f)) for f in FILES.get(name, []))
                    if name == "keyd":
                        inside = inside or path.startswith(os.path.dirname(self.p.base))
                    allowed = inside or (name in OUTSIDE and OUTSIDE[name].match(path))
                    self.assertTrue(allowed, "%s holds %s" % (name, path))

    def test_nothing_is_setuid(self):
        build = os.environ["POSTERN_BUILD"]
        for folder, _, names in os.walk(build):
            for name in names:
                self.assertFalse(os.lstat(os.path.join(folder, name)).st_mode & 0o6000, name)


class Neighbours(unittest.TestCase):
    def test_two_instances_side_by_side(self):
        with Instance(name="one") as one, Instance(name="two") as two:
            one.start()
            two.start()
            one.send("for one")
            two.send("for two")
            self.assertIn("Subject: for one", one.wait_mail(BOB, 1)[0])
            self.assertIn("Subject: for two", two.wait_mail(BOB, 1)[0])
            one.stop()
            two.send("again for two")
            two.wait_mail(BOB, 2)

    def test_a_second_start_is_refused(self):
        with Instance() as p:
            p.start()
            r = p.ctl("start", check=False)
            self.assertIn("running", r.stdout + r.stderr)
            p.send("still served")
            p.wait_mail(BOB, 1)

    def test_every_program_comes_back(self):
        with Instance() as p:
            p.start()
            p.send("before")
            p.wait_mail(BOB, 1)
            for pid, name in p.processes():
                if name in ("master", "imap", "pop3"):
                    continue
                with self.subTest(name):
                    p.kill(name)
                    self.assertTrue(wait_for(lambda: any(r.get("ready") for r in p.rows("status")), 5))
            p.send("after")
            p.wait_mail(BOB, 2)
