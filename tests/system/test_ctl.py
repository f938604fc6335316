"""postern(8) and sendmail(8) against a whole server, up and down."""
import json
import os
import shutil
import subprocess
import unittest

from lib import BUILD, Instance, SLOW, wait_for


def run(p, program, *words, stdin="", env=None):
    """A program of ctl/ by one of its names."""
    return subprocess.run([program, "--base", p.base, *words], executable=os.path.join(BUILD, "ctl", "sendmail"), input=stdin,
                          capture_output=True, text=True, timeout=60 * SLOW, env=env or os.environ)


class Words(unittest.TestCase):
    """What is wrong is said, with the right code, before anything is asked."""

    def test_codes(self):
        with Instance() as p:
            for words, code, says in (
                    (("accout", "list"), 64, 'did you mean "account"'),
                    (("account", "lst"), 64, 'did you mean "list"'),
                    (("account", "show"), 64, "usage:"),
                    (("queue", "drop"), 64, "--all"),
                    (("queue", "drop", "--all"), 64, "--yes"),
                    (("account", "add", "a@local.test"), 64, "--password-stdin"),
                    (("account", "import", "/nowhere"), 66, "/nowhere"),
                    (("status",), 69, "not running"),
                    (("explain", "lifetim"), 2, 'did you mean "lifetime"'),
                    (("config", "get", "queue.nothing"), 2, "no key"),
            ):
                r = p.ctl(*words, check=False)
                self.assertEqual(r.returncode, code, (words, r.stderr))
                self.assertIn(says, r.stderr, words)

    def test_help(self):
        """Whatever else is said, nothing is done."""
        with Instance() as p:
            for words, has, lacks in (
                    (("--help",), ("queue drop FILTER", "account add", "The manual"), ()),
                    (("queue", "--help"), ("queue drop FILTER", "--reason TEXT"), ("account",)),
                    (("help", "queue", "show"), ("queue show ID",), ("queue drop", "FILTER")),
                    (("queue", "drop", "--all", "--yes", "--help"), ("queue drop FILTER", "--reason TEXT"), ("queue list",)),
                    (("explain", "queue.lifetime", "--help"), ("explain KEY",), ("queue",)),
            ):
                r = p.ctl(*words)
                for text in has:
                    self.assertIn(text, r.stdout, words)
                for text in lacks:
                    self.assertNotIn(text, r.stdout, words)
            r = p.ctl("queue", "lst", "--help", check=False)
            self.assertEqual((r.returncode, r.stdout), (64, ""))
            self.assertIn("fix: postern help queue", r.stderr)

    def test_stop_when_down(self):
        with Instance() as p:
            self.assertEqual(p.ctl("stop").returncode, 0)

    def test_bad_configuration_does_not_start(self):
        with Instance(config="relay { allow_from = 0.0.0.0/0 }\nqeue { }") as p:
            r = p.ctl("start", check=False)
            self.assertEqual(r.returncode, 78)
            self.assertIn("open relay", r.stderr)
            self.assertIn('did you mean "queue"', r.stderr)
            rows = [json.loads(line) for line in p.ctl("--json", "config", "check", check=False).stdout.splitlines()]
            self.assertEqual(len([row for row in rows if row["severity"] == "error"]), 2)

    def test_lmtp_by_path(self):
        """What sends has an empty root folder when root started it, so it could never connect."""
        with Instance(config='route "x.test" { via = "lmtp:/run/x/lmtp" }') as p:
            r = p.ctl("config", "check", check=False)
            if os.geteuid() == 0:
                self.assertEqual(r.returncode, 78, r.stderr)
                self.assertIn("cannot reach a socket by its path", r.stderr)
            else:
                self.assertEqual(r.returncode, 0, r.stderr)

    def test_explain_and_get(self):
        with Instance() as p:
            self.assertEqual(p.ctl("config", "get", "queue.lifetime").stdout, "5d\n")
            self.assertEqual(p.ctl("config", "get", "queue.min_free").stdout, "1MiB\n")
            self.assertEqual(p.rows("explain", "queue.min_free")[0]["now"], "1MiB")
            self.assertGreater(len(p.rows("explain", "all")), 80)


class Directory(unittest.TestCase):
    """Domains, accounts and aliases, with the server down and up."""

    def manage(self, p):
        p.ctl("domain", "add", "more.test")
        self.assertIn("more.test", [row["domain"] for row in p.rows("domain", "list")])
        self.assertEqual(p.ctl("domain", "add", "more.test", check=False).returncode, 73)
        p.ctl("account", "add", "carl@more.test", "--password-stdin", stdin="secret-carl\n")
        self.assertEqual(p.ctl("account", "add", "carl@more.test", "--password-stdin", stdin="x\n", check=False).returncode, 73)
        self.assertEqual(p.ctl("account", "add", "x@nowhere.test", "--password-stdin", stdin="x\n", check=False).returncode, 65)
        self.assertEqual(p.ctl("account", "check", "carl@more.test", "--password-stdin", stdin="secret-carl\n").returncode, 0)
        self.assertEqual(p.ctl("account", "check", "carl@more.test", "--password-stdin", stdin="wrong\n", check=False).returncode, 1)
        p.ctl("account", "password", "carl@more.test", "--password-stdin", stdin="new\n")
        self.assertEqual(p.ctl("account", "check", "carl@more.test", "--password-stdin", stdin="new\n").returncode, 0)
        self.assertEqual(p.ctl("account", "show", "nobody@more.test", check=False).returncode, 67)
        p.ctl("account", "quota", "carl@more.test", "5MiB")
        self.assertEqual(p.rows("account", "show", "carl@more.test")[0]["quota"], 5 << 20)
        p.ctl("alias", "add", "team@more.test", "carl@more.test", "eve@far.test")
        rows = p.rows("alias", "expand", "team@more.test")
        self.assertEqual(sorted((row["address"], row["kind"]) for row in rows), [("carl@more.test", "local"), ("eve@far.test", "remote")])
        self.assertEqual(p.ctl("alias", "add", "team@more.test", "x@far.test", check=False).returncode, 73)
        p.ctl("alias", "add", "team@more.test", "x@far.test", "--replace")
        p.ctl("alias", "remove", "team@more.test")
        self.assertEqual(p.ctl("alias", "remove", "team@more.test", check=False).returncode, 2)
        self.assertEqual(p.ctl("domain", "remove", "more.test", "--yes", check=False).returncode, 75)
        p.ctl("account", "remove", "carl@more.test", "--yes")
        self.assertEqual(p.ctl("account", "remove", "carl@more.test", "--yes", check=False).returncode, 67)
        self.assertEqual(p.ctl("account", "check", "carl@more.test", "--password-stdin", stdin="new\n", check=False).returncode, 67)
        p.ctl("domain", "remove", "more.test", "--yes")

    def test_down(self):
        with Instance() as p:
            self.manage(p)
            self.assertEqual(p.pids(), [])

    def test_up(self):
        with Instance() as p:
            p.start()
            self.manage(p)

    def test_pipe_and_json_have_the_same(self):
        with Instance() as p:
            p.ctl("domain", "add", "more.test")
            rows = {row["domain"]: str(row["accounts"]) for row in p.rows("domain", "list")}
            lines = [line.split("\t") for line in p.ctl("domain", "list").stdout.splitlines()]
            self.assertEqual({line[0]: line[1] for line in lines}, rows)

    def test_import(self):
        good = "$6$abcdefgh$TtuZ5MV0wZhHn7MwkkpvlMXlP3mNYNvA8T3xT1kmMN4X0u2Qj2cDnd6jbnNq7sEoqsHFn.3Uu8eQJXk3nYDCr0"
        text = "".join("user%d@local.test\t{SHA512-CRYPT}%s\n" % (i, good) for i in range(300))
        text += "no tab here\nx@nowhere.test\t{SHA512-CRYPT}%s\ny@local.test\t{NOSUCH}x\n" % good
        for up in (False, True):
            with self.subTest(up=up), Instance() as p:
                if up:
                    p.start()
                r = p.ctl("account", "import", "-", stdin=text, check=False)
                self.assertEqual(r.returncode, 65, r.stderr)
                self.assertIn("stdin:301:", r.stderr)
                self.assertIn("stdin:303:", r.stderr)
                self.assertIn("300 accounts imported, 3 lines failed", r.stderr)
                names = [row["account"] for row in p.rows("account", "list", "--like", "user*")]
                self.assertEqual(len(names), 300)
                self.assertEqual(names, sorted(names))

    def test_lock(self):
        with Instance() as p:
            p.start()
            p.ctl("account", "lock", "bob@local.test")
            with self.assertRaises(Exception):
                p.imap("bob@local.test")
            p.send("while locked")
            p.ctl("account", "unlock", "bob@local.test")
            p.wait_mail("bob@local.test", 1)


class Queue(unittest.TestCase):
    def test_verbs(self):
        # Nothing answers there: what goes away waits.
        with Instance(config='route "*" { via = "[127.0.0.1]:1" tls = none }\nrelay { allow_from = 127.0.0.1 }') as p:
            p.start()
            for i in range(3):
                p.send("q%d" % i, to="x%d@far%d.test" % (i, i % 2))
            wait_for(lambda: all(row["status"] == "deferred" for row in p.queue()), 10)
            rows = p.queue()
            self.assertEqual(len(rows), 3)
            ids = [row["id"] for row in rows]
            self.assertEqual(p.rows("queue", "show", ids[0])[0]["id"], ids[0])
            self.assertIn("Subject: q", p.ctl("queue", "cat", ids[0]).stdout)
            self.assertEqual(len(p.rows("queue", "list", "--domain", "far0.test")), 2)
            self.assertEqual(len(p.rows("queue", "list", "--to", "x1*")), 1)
            self.assertEqual(len(p.rows("queue", "list", "--limit", "2")), 2)
            total = [row for row in p.rows("queue", "summary") if row.get("total")][0]
            self.assertEqual(total["messages"], 3)
            self.assertEqual(p.rows("queue", "hold", "--domain", "far0.test"), [{"changed": 2}])
            self.assertEqual(len(p.rows("queue", "list", "--status", "hold")), 2)
            self.assertEqual(p.rows("queue", "release", "--all")[0]["changed"], 2)
            self.assertEqual(p.ctl("queue", "retry", "--all").stdout.strip(), "3")
            r = subprocess.run(p.command("queue", "drop", "-", "--yes", "--json"), input="\n".join(ids[:2]) + "\n",
                               capture_output=True, text=True)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual([row["id"] for row in p.queue()], [ids[2]])
            self.assertEqual(p.ctl("queue", "show", ids[0], check=False).returncode, 2)
            p.stop()
            r = p.ctl("queue", "list", "--json")
            self.assertIn("not running", r.stderr)
            self.assertEqual([json.loads(line)["id"] for line in r.stdout.splitlines()], [ids[2]])


class Sendmail(unittest.TestCase):
    def test_up(self):
        with Instance(config="submit { from_must_match = no }") as p:
            p.start()
            r = run(p, "sendmail", "-ti", "-f", "bob@local.test",
                    stdin="To: Bob <bob@local.test>\nBcc: bob@local.test\nSubject: one\n\nbody\n.\n..end\n")
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            text = p.wait_mail("bob@local.test", 1)[0]
            self.assertTrue(text.endswith("\n\nbody\n.\n..end\n"), text)
            self.assertNotIn("Bcc", text)
            for name in ("From", "Date", "Message-ID", "Received"):
                self.assertIn("\n%s: " % name, "\n" + text)
            r = run(p, "sendmail", "nobody@local.test", stdin="Subject: x\n\nx\n")
            self.assertEqual(r.returncode, 67, r.stderr)
            self.assertIn("nobody@local.test", r.stderr)

    def test_codes(self):
        """The same words, and codes as the manual has them, whether the server is there or not."""
        with Instance(config="submit { from_must_match = no }") as p:
            nowhere = dict(os.environ, HOME="/nonexistent")
            home = dict(os.environ, HOME=p.base)
            letter = os.path.join(p.base, "dead.letter")
            p.start()
            r = run(p, "sendmail", "-oee", "nobody@local.test", stdin="Subject: x\n\nx\n", env=nowhere)
            self.assertEqual(r.returncode, 67, r.stderr)
            self.assertIn("/nonexistent/dead.letter: No such file", r.stderr)
            r = run(p, "sendmail", "-oee", "-f", "bob@local.test", "nobody@local.test", "bob@local.test", "never@local.test",
                    stdin="Subject: to some\n\nx\n", env=home)
            self.assertEqual(r.returncode, 0, r.stderr)
            p.wait_mail_with("bob@local.test", "to some")
            with open(letter) as f:
                self.assertIn("\nX-Envelope-From: <bob@local.test>\nX-Envelope-To: <nobody@local.test>\n"
                              "X-Envelope-To: <never@local.test>\nFrom: ", f.read())
            for up in (True, False):
                if not up:
                    p.stop()
                for words, text, code in ((("-V", "a \x01"), "x\n", 64), ((), "TO : x@local.test\n\nx\n", 65),
                                          ((), "Received: x\n" * 60 + "\nx\n", 65), ((), "From: a@b.test\n" * 2 + "\nx\n", 65),
                                          ((), ("X: %s\n" % ("x" * 990)) * 560 + "\nx\n", 65), (("-f", "x y@@z"), "x\n", 65)):
                    with self.subTest(up=up, words=words, text=text[:40]):
                        r = run(p, "sendmail", *words, "bob@local.test", stdin=text, env=home)
                        self.assertEqual((r.returncode, r.stderr.count("\n")), (code, 1), r.stderr)
            self.assertEqual(os.listdir(os.path.join(p.base, "spool", "drop")), [])

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_verify(self):
        """-bv is for administrators, also where the others may not read the configuration."""
        with Instance() as p:
            p.start()
            r = run(p, "sendmail", "-bv", "bob@local.test")
            self.assertEqual(r.returncode, 0, r.stderr)
            for up in (True, False):
                if not up:
                    p.stop()
                r = subprocess.run([os.path.join(BUILD, "ctl", "sendmail"), "--base", p.base, "-bv", "bob@local.test"],
                                   capture_output=True, text=True, user=65534, group=65534, extra_groups=[])
                self.assertEqual((r.returncode, r.stdout, r.stderr),
                                 (77, "", "sendmail: -bv: only root and the server's own user may do that\n"))

    def test_smtp_over_stdin(self):
        with Instance(config="submit { from_must_match = no }") as p:
            p.start()
            r = run(p, "sendmail", "-bs", stdin="EHLO x\nMAIL FROM:<bob@local.test>\nRCPT TO:<bob@local.test>\nDATA\n"
                    "Subject: bs\n\nx\n.\nQUIT\n")
            self.assertEqual(r.returncode, 0)
            self.assertIn("\n221", r.stdout)
            p.wait_mail_with("bob@local.test", "bs")

    def test_down_then_up(self):
        with Instance() as p:
            p.start()
            p.stop()
            r = run(p, "sendmail", "-f", "bob@local.test", "bob@local.test", stdin="Subject: while down\n\nx\n")
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            drop = os.path.join(p.base, "spool", "drop")
            self.assertEqual(len(os.listdir(drop)), 1)
            # What is none of ours is put aside and never sent.
            with open(os.path.join(drop, "garbage"), "w") as f:
                f.write("no message\n")
            os.symlink("/etc/passwd", os.path.join(drop, "link"))
            os.mkfifo(os.path.join(drop, "pipe"))
            name = [n for n in os.listdir(drop) if len(n) == 32][0]
            with open(os.path.join(drop, "x"), "wb") as f:
                f.write(open(os.path.join(drop, name), "rb").read())
            os.link(os.path.join(drop, "x"), os.path.join(p.base, "second-name"))
            p.start()
            text = p.wait_mail_with("bob@local.test", "while down")[0]
            self.assertIn("(local user %d)" % os.getuid(), text)
            self.assertTrue(wait_for(lambda: os.listdir(drop) == ["corrupt"], 20))
            self.assertEqual(sorted(os.listdir(os.path.join(drop, "corrupt"))), ["garbage", "link", "pipe", "x"])

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_gone_before_its_name(self):
        """It sleeps before it gives the file its name: pickup takes that as left by a crash, or puts it aside."""
        def whole(drop):
            names = [n for n in os.listdir(drop) if n[0] == "."]
            if not names:
                return None
            with open(os.path.join(drop, names[0]), "rb") as f:
                return names[0] if b"END\n" in f.read() else None

        with Instance() as p:
            p.start()
            p.stop()
            drop = os.path.join(p.base, "spool", "drop")
            for away, code in ((os.unlink, 0), (lambda path: os.rename(path, os.path.join(p.base, "aside")), 75)):
                sender = subprocess.Popen(
                    ["strace", "-o", "/dev/null", "-e", "inject=renameat,renameat2:delay_enter=3000000",
                     os.path.join(BUILD, "ctl", "sendmail"), "--base", p.base, "-f", "bob@local.test", "bob@local.test"],
                    stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, HOME=p.base))
                sender.stdin.write(b"Subject: slow\n\nx\n")
                sender.stdin.close()
                away(os.path.join(drop, wait_for(lambda: whole(drop), 20, 0.02)))
                self.assertEqual(sender.wait(timeout=60 * SLOW), code)
                self.assertEqual(os.listdir(drop), [])

    def test_names(self):
        with Instance() as p:
            p.start()
            r = run(p, "mailq", "--json")
            self.assertEqual((r.returncode, r.stdout), (0, ""))
            self.assertEqual(run(p, "newaliases").returncode, 0)
            self.assertEqual(run(p, "sendmail", "-q").returncode, 0)


class Try(unittest.TestCase):
    def test_try(self):
        with Instance() as p:
            os.unlink(os.path.join(p.base, "postern.conf"))
            out = p.ctl("try", timeout=90).stdout
            p.running = True
            self.assertIn("alice@try.test", out)
            out = p.ctl("try", "send").stdout
            self.assertIn("ok: the mail system works", out)
            self.assertEqual(out.count("the text is the same"), 2)
            self.assertIn("IMAP", p.ctl("try", "client-settings", "bob").stdout)
            p.ctl("try", "stop")
            p.ctl("try", "start")
            self.assertIn("ok:", p.ctl("try", "send").stdout)


if __name__ == "__main__":
    unittest.main()
