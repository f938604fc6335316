"""postern queue: its words: each part of a FILTER, what is said when something is wrong, and where the answer goes."""
import json
import os
import subprocess
import time
import unittest

from lib import BUILD, wait_for
from test_queue import Waiting

MISSING = "0000000000000"


class Words(Waiting):
    def said(self, *words, stdin=""):
        """Exit code, stdout, stderr."""
        r = self.p.ctl("queue", *words, check=False, stdin=stdin)
        return r.returncode, r.stdout, r.stderr

    def test_filters(self):
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 60))
        utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        with self.p.smtp() as c:
            c.ehlo()
            c.docmd("MAIL", "FROM:<>")
            c.docmd("RCPT", "TO:<x9@far1.test>")
            self.assertEqual(c.data(b"Subject: x\r\n\r\nhello\r\n")[0], 250)
        self.wait(7)
        one = sorted(self.ids())[0]
        for words, n in ((("--client", "127.0.0.1"), 7), (("--client", "192.0.2.*"), 0), (("--from", "<>"), 1), (("--from=<>",), 1),
                         (("--from", "<s1@here1.test>"), 1), (("--from=s1@here1.test",), 1), (("--age=-1h", "--limit=2"), 2),
                         (("--id", one), 1), (("--reason", "MAILBOX is"), 7), (("--reason", "4.2.1"), 7), (("--reason", "451 4.2.1 m"), 7),
                         (("--reason", "4.2.* busy"), 7), (("--reason", "4.7.*"), 0), (("--reason", "busy?"), 0), (("--since", "1h"), 7),
                         (("--until", "1h"), 0), (("--until", now), 7), (("--since", now), 0), (("--until", utc), 7), (("--since", utc), 0),
                         (("--since", "2020-02-29", "--until", "2020-03-01"), 0), (("--since", "1h", "--until", "0s"), 7),
                         (("--size", "+10k"), 1), (("--size", "10KiB"), 1), (("--age", "1h"), 0), (("--age", "0s"), 7), (("--status", "Deferred, hold"), 7), ((one, one), 1)):
            with self.subTest(filter=words):
                self.assertEqual(len(self.p.rows("queue", "list", *words)), n)
                self.assertEqual(self.p.rows("queue", "hold", *words, "--dry-run") if n else 0,
                                 [{"changed": n, "dry_run": True}] if n else 0)

    WRONG = ((("--form", "x"), "--form", "--from"), (("--from",), "--from", ""), (("--age", "2"), '"2"', "+2h"), (("--age", "2x"), '"2x"', "min"),
             (("--size", "9XB"), '"9XB"', "MiB"), (("--status", "defered"), '"defered"', "deferred"), (("--limit", "many"), '"many"', "number"),
             (("--since", "soon"), '"soon"', "2h"), (("--since", "26-11-29"), "26-11-29", "2h"), (("--until", "2026-02-31"), "2026-02-31", "2h"),
             (("--since", "0026-11-29T00:00:00Z"), "0026", "2h"), (("--id", "7"), '"7"', "13"), (("bob@far.test",), "bob@far.test", "--to"), (("-x",), "-x", "help"),
             (("--from", "a", "--from", "b"), "--from stands twice", ""), (("--all", "--dryrun"), "--dryrun", "--dry-run"),
             (("--all", "--text"), "--text", ""), (("--age", "-"), "--age", "+2h"), (("--size=-",), "--size", "MiB"), (("--size=+",), "--size", "MiB"),
             (("--to", "<>"), "--to", "")) + tuple((("--%s=" % name,), "--" + name, fix) for name, fix in (
                 ("from", "<>"), ("to", "*"), ("domain", "*"), ("client", "*"), ("login", "*"), ("reason", "*"), ("status", "active"), ("age", "+2h"),
                 ("since", "2h"), ("until", "2h"), ("size", "MiB"), ("limit", "number"), ("id", "13")))

    def test_what_is_wrong_is_named(self):
        """By the server and by the reader of the spool, and nothing is done."""
        for stop in (False, True):
            if stop:
                self.p.stop()
            for words, what, fix in self.WRONG:
                for verb in ("list", "summary") if stop else ("list", "summary", "drop"):
                    with self.subTest(verb=verb, words=words, stop=stop):
                        code, out, err = self.said(verb, *words, "--yes")
                        self.assertEqual((code, out), (64, ""))
                        self.assertIn(what, err)
                        self.assertIn(fix, err)
        self.assertEqual(len(self.ids()), 6)

    def test_missing(self):
        """Who is named and not there is told; the others are done."""
        one = sorted(self.ids())[0]
        self.assertEqual(self.said("hold", MISSING)[::2], (2, "postern: %s is not in the queue\n" % MISSING))
        code, out, err = self.said("hold", one, MISSING)
        self.assertEqual((code, out), (2, "1\n"))
        self.assertIn("queue hold: 1 message\n", err)
        self.assertEqual(err.count("1 of 2 are not in the queue: " + MISSING), 1)
        self.assertEqual(self.ids("--status", "hold"), {one})
        self.assertIn("the rest of the filter does not fit", self.said("list", one, "--status", "deferred")[2])
        self.assertEqual(self.said("list", "--to", "nobody@*")[::2], (0, "no messages match (6 in the queue)\n"))
        self.p.stop()
        code, out, err = self.said("list", one, MISSING, "--json")
        self.assertEqual((code, [json.loads(line)["id"] for line in out.splitlines()]), (2, [one]))
        self.assertIn("1 of 2 are not in the queue: " + MISSING, err)

    def test_ids_from_stdin(self):
        ids = sorted(self.ids())
        self.assertEqual(self.said("hold", "-", "--dry-run", "--json", stdin="\n".join(ids))[1], '{"changed":6,"dry_run":true}\n')
        code, out, err = self.said("hold", "-", stdin="%s\nnonsense\n\n%s \r\n" % (ids[0], ids[1]))
        self.assertEqual((code, out), (65, "2\n"))
        self.assertIn('line 2: "nonsense"', err)
        self.assertEqual(self.ids("--status", "hold"), set(ids[:2]))
        self.assertEqual(self.said("cat", "-", stdin="\n".join(ids))[1].count("Subject: q"), 6)
        for words in ("--limit", "1"), (ids[0],):
            code, out, err = self.said("hold", "-", *words, stdin="\n".join(ids))
            self.assertEqual((code, out), (64, ""))
            self.assertIn("ids from stdin go with no others", err)
        self.assertEqual(self.said("hold", "-", "--statsu", "hold", stdin="\n".join(ids))[0], 64)

    def test_asks_first(self):
        for verb in ("drop", "bounce"):
            code, out, err = self.said(verb, "--all")
            self.assertEqual((code, out), (64, ""))
            self.assertIn("queue " + verb, err)
            self.assertIn("--yes", err)

    def test_summary(self):
        def by(what, *filter):
            rows = self.p.rows("queue", "summary", "--by", what, *filter)
            self.assertTrue(rows[-1]["total"])
            return [(row[what], row["recipients"]) for row in rows[:-1]]
        self.change("hold", "--to", "x0@*")
        self.p.send("both", to=["x7@far0.test", "y7@far1.test"], sender="s0@here0.test")
        self.wait(6)
        for _ in range(2):
            self.assertEqual(by("site"), [(self.sink.via, 8)])
            self.assertEqual(by("domain"), [("far0.test", 4), ("far1.test", 4)])
            self.assertEqual(by("domain", "--to", "y7@*"), [("far1.test", 1)])
            self.assertEqual(by("reason"), [("451 4.2.1 mailbox is busy", 8)])
            self.assertEqual(by("age"), [("under 10min", 8)])
            self.assertEqual(by("sender")[0], ("s0@here0.test", 3))
            self.assertEqual(by("client"), [("127.0.0.1", 8)])
            self.assertEqual(by("sender", "--status", "hold"), [("s0@here0.test", 1)])
            code, out, err = self.said("summary", "--by", "colour")
            self.assertEqual((code, out), (64, ""))
            self.assertIn("reason", err)
            text = self.p.ctl("queue", "summary", "--by", "domain").stdout.splitlines()
            self.assertEqual([line.split("\t")[:3] for line in text], [["far0.test", "4", "4"], ["far1.test", "4", "4"], ["total", "7", "8"]])
            self.p.stop()

    def test_show(self):
        self.p.send("both", to=["x7@far0.test", "y7@far1.test"], sender="s7@here0.test")
        self.wait(7)
        ident = self.ids("--from", "s7@*").pop()
        text = self.p.ctl("queue", "show", ident).stdout
        self.assertTrue(text.startswith(ident + "\n"))
        for words in ("s7@here0.test", "x7@far0.test  deferred, 1 try, next ", "y7@far1.test", "451 4.2.1 mailbox is busy", self.sink.via):
            self.assertIn(words, text)

    def test_long_list_at_a_terminal(self):
        """One message to many does not make every line as long as all of them."""
        self.p.send("many", to=["m%d@far0.test" % i for i in range(150)], sender="s9@here0.test")
        self.wait(7)
        lines = self.p.at_terminal(b"", "queue", "list")[1].splitlines()
        self.assertEqual(len(lines), 8)
        self.assertLess(max(map(len, lines)), 200)
        self.assertIn("m0@far0.test, m1@far0.test and 148 more", lines[-1])
        self.assertIn("m99@far0.test and 50 more", self.p.ctl("queue", "list", "--from", "s9@*").stdout)

    def test_output_that_goes_nowhere(self):
        """Told, with 74; a pipe that was closed ends it without a word."""
        one = sorted(self.ids())[0]
        for words in (("list",), ("list", "--json"), ("summary",), ("show", one), ("cat", one), ("export", "--all", "--mbox", "-")):
            with self.subTest(words=words), open("/dev/full", "w") as full:
                r = subprocess.run(self.p.command("queue", *words), stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(r.returncode, 74)
                self.assertIn("No space left on device", r.stderr)
                read, write = os.pipe()
                os.close(read)
                r = subprocess.run(self.p.command("queue", *words), stdout=write, stderr=subprocess.PIPE, text=True)
                os.close(write)
                self.assertEqual((r.returncode, r.stderr), (74, ""))

    def test_export_of_wrong_words(self):
        """No folder or file is left by what was not begun."""
        for option, name in (("--into", "out"), ("--mbox", "box")):
            path = os.path.join(self.p.base, name)
            code, out, err = self.said("export", "--form", "x", option, path)
            self.assertEqual((code, out), (64, ""))
            self.assertNotIn("exported", err)
            self.assertFalse(os.path.exists(path))

    def test_completion(self):
        script = self.p.ctl("completion", "bash").stdout
        ids = self.ids()

        def complete(*words):
            r = subprocess.run(["bash", "-c", script + '\nCOMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _postern; echo "${COMPREPLY[*]}"',
                                "bash", *self.p.command(*words)], capture_output=True, text=True)
            self.assertEqual((r.returncode, r.stderr), (0, ""))
            return set(r.stdout.split())
        self.assertEqual(complete("queue", "re"), {"retry", "release", "reroute"})
        self.assertEqual(complete("queue", "list", "--s"), {"--status", "--since", "--size"})
        self.assertEqual(complete("queue", "bounce", "--te"), {"--text"})
        self.assertEqual(complete("queue", "hold", "--all", ""), ids)
        self.assertEqual(complete("site", "pause", "x", "--"), {"--for"})

    def test_why_it_was_not_tried(self):
        """It waits because of its site: what that said is its reason."""
        site = self.sink.via
        self.p.ctl("site", "pause", site)
        self.p.send("late", to="late@far0.test")
        self.wait(7)
        row = self.p.rows("queue", "list", "--to", "late@*")[0]
        self.assertEqual((row["attempts"], row["reason"], row["recipients"][0]["text"]), (0, "its site is paused", "its site is paused"))
        self.p.ctl("site", "resume", site)
        self.wait(7)
        self.sink.again(reply={"RCPT": "450 4.3.2 not now, too busy"})
        self.change("retry", "--to", "x0@*")
        self.p.send("too much, too", to="much@far0.test")
        self.assertTrue(wait_for(lambda: self.p.rows("site", "show", site)[0]["state"] == "slow", 10), self.p.rows("site", "list"))
        self.p.send("later", to="later@far0.test")
        self.wait(9)
        row = self.p.rows("queue", "list", "--to", "later@*")[0]
        self.assertEqual((row["attempts"], row["reason"]), (0, "not now, too busy"))
        rows = self.p.rows("queue", "summary", "--by", "reason", "--to", "later@*")
        self.assertEqual([r.get("reason") for r in rows], ["450 4.3.2 not now, too busy", None])


class Top(Waiting):
    def test_growth(self):
        top = subprocess.Popen(self.p.command("queue", "top", "--json", "--every", "1", "--count", "5"), stdout=subprocess.PIPE, text=True)
        first = json.loads(top.stdout.readline())
        self.assertEqual((first["site"], first["messages"], first["growth"]), (self.sink.via, 6, 0))
        self.p.ctl("queue", "reroute", "--to", "x1@*", "--via", "[127.0.0.1]:1")
        rows = [json.loads(line) for line in top.communicate()[0].splitlines()]
        self.assertEqual(top.returncode, 0)
        self.assertEqual([r["growth"] for r in rows if r["site"] == "[127.0.0.1]:1"][0], 1)
        self.assertIn((self.sink.via, 5, -1), [(r["site"], r["messages"], r["growth"]) for r in rows])
        self.p.stop()
        self.assertIn(self.sink.via, self.p.ctl("queue", "top").stdout)
        self.assertEqual(self.p.ctl("queue", "top", "--every", "never", check=False).returncode, 64)

    def about_others(self, until):
        """What is said of a site that answered with an address up to that character."""
        site = self.sink.via
        self.sink.again(reply={"RCPT": lambda line: "450 4.3.2 too busy for " + line.split("<")[1].split(until)[0]})
        self.change("retry", "--to", "x0@*")
        self.p.send("too much, too", to="secret@far0.test")
        self.assertTrue(wait_for(lambda: self.p.rows("site", "show", site)[0]["state"] == "slow", 10), self.p.rows("site", "list"))
        self.p.send("later", to="later@far0.test")
        self.wait(8)
        row = self.p.rows("queue", "list", "--to", "later@*")[0]
        self.assertNotIn("secret", self.p.ctl("queue", "show", row["id"]).stdout)
        return row["attempts"], row["reason"]

    def test_words_about_others(self):
        """Why a site is left alone is told to all who have mail for it, but not about whom it spoke."""
        self.assertEqual(self.about_others(">"), (0, "127.0.0.1 [127.0.0.1]: refused other mail"))

    def test_words_about_others_in_short(self):
        self.assertEqual(self.about_others("@"), (0, "127.0.0.1 [127.0.0.1]: refused other mail"))


@unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
class Others(Waiting):
    """Who is no administrator sees what he sent himself, and can change nothing."""
    UID = 65534

    def other(self, *words, program="postern", uid=UID, stdin=""):
        return subprocess.run([os.path.join(BUILD, "ctl", program), "--base", self.p.base, *words], input=stdin, capture_output=True, text=True,
                              user=uid, group=uid, extra_groups=[])

    def test_mailq(self):
        r = self.other("late@far0.test", program="sendmail", stdin="Subject: mine\n\nhello\n")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.wait(7)
        mine = self.ids("--login", "unix:%d" % self.UID)
        self.assertEqual(len(mine), 1)
        theirs = sorted(self.ids() - mine)
        for program, words in (("postern", ("queue", "list", "--json")), ("sendmail", ("-bp", "--json"))):
            r = self.other(*words, program=program)
            self.assertEqual((r.returncode, [json.loads(line)["id"] for line in r.stdout.splitlines()]), (0, list(mine)), r.stderr)
        self.assertEqual(self.other("queue", "list", theirs[0]).stderr, "postern: %s is not in the queue\n" % theirs[0])
        self.assertEqual(json.loads(self.other("--json", "queue", "summary", "--login", "*").stdout.splitlines()[-1])["messages"], 1)
        self.assertEqual(self.other("queue", "list", uid=65533).stdout, "")
        for words in (("queue", "hold", "--all"), ("queue", "show", *mine), ("queue", "cat", *mine), ("queue", "drop", *mine, "--yes"),
                      ("queue", "export", "--all", "--mbox", "-"), ("queue", "check"), ("site", "list"), ("status",), ("stop",)):
            r = self.other(*words)
            self.assertEqual((r.returncode, r.stdout), (77, ""), (words, r.stderr))
            self.assertRegex(r.stderr, "only")
        self.p.stop()
        self.assertEqual(self.other("queue", "list").returncode, 77)


if __name__ == "__main__":
    unittest.main()
