"""Unmodified programs that fetch mail: mbsync, getmail, fetchmail."""
import hashlib
import mailbox
import os
import re
import socket

from clients import ACCOUNTS, BOB, ODD, ODD_BODIES, Clients, body_of, odd
from lib import certificate


class Mbsync(Clients):
    """isync: the local Maildirs and the account are made equal."""

    def setUp(self):
        super().setUp()
        self.dir = self.home()
        self.mail = os.path.join(self.dir, "mail")
        os.mkdir(self.mail)
        self.write(os.path.join(self.dir, ".mbsyncrc"), """
            IMAPAccount a
            Host localhost
            Port %d
            User %s
            Pass %s
            SSLType IMAPS
            SystemCertificates no
            CertificateFile %s

            IMAPStore far
            Account a

            MaildirStore near
            Path %s/
            Inbox %s/INBOX
            SubFolders Verbatim

            Channel c
            Far :far:
            Near :near:
            Patterns *
            Create Both
            Remove Both
            Expunge Both
            Sync All
            CopyArrivalDate yes
            SyncState *
            """ % (self.p.ports["imaps"], BOB, ACCOUNTS[BOB], certificate()[0], self.mail, self.mail))

    def sync(self):
        return self.run_program(["mbsync", "-V", "-a"], self.dir)

    def near(self, name="INBOX"):
        return mailbox.Maildir(os.path.join(self.mail, name), factory=None, create=False)

    def near_texts(self, name="INBOX"):
        """Octets with CRLF, without the line mbsync adds."""
        texts = []
        box = self.near(name)
        for key in box.keys():
            text = re.sub(rb"^X-TUID: .*\n", b"", box.get_bytes(key), count=1, flags=re.M)
            texts.append(text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        return texts

    def same(self, got, sent):
        """Digests first: nobody wants to read a difference in megabytes."""
        names = {hashlib.sha256(text).hexdigest(): text[:150] for text in [*got, *sent]}
        got, sent = (sorted(hashlib.sha256(text).hexdigest() for text in texts) for texts in (got, sent))
        self.assertEqual([names[x] for x in got], [names[x] for x in sent])
        self.assertEqual(got, sent)

    def tree(self):
        """Every message below the local folder and a digest of its octets."""
        found = {}
        for top, _, names in os.walk(self.mail):
            for name in names:
                if not name.startswith("."):  # mbsync's own notes
                    with open(os.path.join(top, name), "rb") as f:
                        found[os.path.join(top, name)] = hashlib.sha256(f.read()).hexdigest()
        return found

    def far(self):
        """Everything IMAP tells about the account."""
        c, found = self.imap(select=None), []
        for line in sorted(c.list()[1]):
            name = line.split(b' "/" ')[1].decode()
            found.append((line, c.status(name, "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)")[1]))
            c.select(name, readonly=True)
            found.append([re.sub(rb"\\Recent ?", b"", x) for x in c.fetch("1:*", "(UID FLAGS)")[1] if x])
        c.logout()
        return found

    def mark(self, subject, flags):
        box = self.near()
        for key, m in list(box.items()):
            if m["Subject"] == subject:
                m.set_subdir("cur")
                m.set_flags(flags)
                box[key] = m
                return
        self.fail("no %s here" % subject)

    def settled(self):
        """Another run changes nothing on either side."""
        before = self.tree(), self.far()
        self.sync()
        self.assertEqual((self.tree(), self.far()), before)

    def test_pull_odd_contents(self):
        texts = self.append_odd()
        self.sync()
        self.same(self.near_texts(), texts.values())
        self.settled()

    def test_push_odd_contents(self):
        self.sync()
        texts = [odd(name, body) for name, body in ODD_BODIES]
        for text in texts:
            self.near().add(text.replace(b"\r\n", b"\n"))
        self.sync()
        got = [re.sub(rb"^X-TUID: .*\r\n", b"", text, count=1, flags=re.M) for text in self.inbox()]
        self.same(got, texts)
        self.settled()

    def test_flags_both_ways(self):
        for name, flags in (("a", None), ("b", "\\Flagged"), ("c", "\\Seen \\Answered")):
            self.append(odd(name, b"x\r\n"), flags=flags)
        self.sync()
        self.assertEqual({m["Subject"]: m.get_flags() for m in self.near()}, {"a": "", "b": "F", "c": "RS"})
        self.mark("a", "FS")
        self.mark("b", "")
        self.sync()
        self.assertEqual(self.flags(), {"a": {"\\Flagged", "\\Seen"}, "b": set(), "c": {"\\Seen", "\\Answered"}})
        c = self.imap()
        c.store("1:*", "FLAGS.SILENT", "(\\Draft)")
        c.logout()
        self.sync()
        self.assertEqual({m["Subject"]: m.get_flags() for m in self.near()}, {"a": "D", "b": "D", "c": "D"})
        self.settled()

    def test_expunge_both_ways(self):
        for name in "abcd":
            self.append(odd(name, b"x\r\n"))
        self.sync()
        self.mark("b", "T")
        box = self.near()
        for key in [key for key, m in box.items() if m["Subject"] == "c"]:
            box.remove(key)
        c = self.imap()
        c.store("1", "+FLAGS.SILENT", "\\Deleted")
        c.expunge()
        c.logout()
        self.sync()
        self.assertEqual([m["Subject"] for m in self.near()], ["d"])
        self.assertEqual(list(self.flags()), ["d"])
        self.settled()

    def test_new_on_both_sides_at_once(self):
        self.sync()
        self.append(odd("from there", b"x\r\n"), flags="\\Seen")
        self.p.send("delivered")
        self.p.wait_mail_with(BOB, "delivered")
        m = mailbox.MaildirMessage(odd("from here", b"y\r\n").replace(b"\r\n", b"\n"))
        m.set_subdir("cur")
        m.set_flags("FS")
        self.near().add(m)
        self.sync()
        self.assertEqual({m["Subject"]: m.get_flags() for m in self.near()},
                         {"from there": "S", "delivered": "", "from here": "FS"})
        self.assertEqual(self.flags(), {"from there": {"\\Seen"}, "delivered": set(),
                                        "from here": {"\\Flagged", "\\Seen"}})
        self.settled()

    def test_folders(self):
        """Made here and made there, nested, with names beyond ASCII (mbsync shows them in UTF-7 as IMAP does)."""
        there, here = "Entw&APw-rfe", "&ZeVnLIqe-"
        c = self.imap(select=None)
        for name in (there, there + "/&BBAEMQ-", "A &- B"):
            self.assertEqual(c.create('"%s"' % name)[0], "OK")
            self.append(odd("in " + name, b"x\r\n"), where='"%s"' % name)
        c.logout()
        self.sync()
        for name in (there, there + "/&BBAEMQ-", "A &- B"):
            self.assertEqual([m["Subject"] for m in self.near(name)], ["in " + name])
        mailbox.Maildir(os.path.join(self.mail, here)).add(odd("from here", b"y\r\n").replace(b"\r\n", b"\n"))
        self.sync()
        self.assertEqual(list(self.flags(where=here)), ["from here"])
        self.settled()
        c = self.imap(select=None)
        # On the server's disk and for a client with UTF-8 these are the names.
        self.assertEqual(c.status(here, "(MESSAGES)")[1], [here.encode() + b" (MESSAGES 1)"])

    def test_many(self):
        """Some hundred messages in one go, then all of them read."""
        c = self.imap()
        # imaplib sends a literal and the line's end apart, and waits 40 ms between them.
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(300):
            self.assertEqual(c.append("INBOX", None, None, odd("n %d" % n, b"%d\r\n" % n))[0], "OK")
        self.sync()
        self.assertEqual(sorted(m["Subject"] for m in self.near()), sorted("n %d" % n for n in range(300)))
        c.store("1:*", "+FLAGS.SILENT", "\\Seen")
        c.logout()
        self.sync()
        self.assertEqual({m.get_flags() for m in self.near()}, {"S"})
        self.settled()


class Getmail(Clients):
    def rc(self, kind, **options):
        self.dir = self.home()
        self.out = os.path.join(self.dir, "out")
        os.mkdir(self.out)
        retriever = "SimplePOP3SSLRetriever" if kind == "pop3s" else "SimpleIMAPSSLRetriever"
        lines = ["[retriever]", "type = " + retriever, "server = localhost", "port = %d" % self.p.ports[kind],
                 "username = " + BOB, "password = " + ACCOUNTS[BOB], "ca_certs = " + certificate()[0],
                 "[destination]", "type = MDA_external", "path = /bin/sh", "allow_root_commands = true",
                 # getmail forks first and asks to hear of the end then: who ends at once is waited for in vain.
                 "arguments = (\"-c\", \"cat >%s/$$; sleep 0.5\")" % self.out,
                 "[options]", "delivered_to = false", "received = false"]
        lines += ["%s = %s" % (name, str(value).lower()) for name, value in options.items()]
        self.write(os.path.join(self.dir, "rc"), "\n".join(lines) + "\n")

    def fetched(self):
        """Runs it; the messages it brought this time, CRLF."""
        for name in os.listdir(self.out):
            os.unlink(os.path.join(self.out, name))
        self.run_program(["getmail", "--getmaildir", self.dir, "--rcfile", os.path.join(self.dir, "rc")], self.dir)
        texts = []
        for name in os.listdir(self.out):
            with open(os.path.join(self.out, name), "rb") as f:
                texts.append(f.read().replace(b"\n", b"\r\n"))
        return sorted(texts)

    def keep_then_delete(self, kind):
        # poplib below it takes no line over 2048 octets.
        names = [name for name in ODD if not (kind == "pop3s" and name.startswith("long line"))]
        texts = self.append_odd(*names)
        self.rc(kind, read_all=False, delete=False)
        # It reads with Python's e-mail parser, which rewrites some white space: words are what counts here.
        subjects = [re.search(rb"^Subject: (.*)\r$", t, re.M)[1].decode() for t in self.fetched()]
        self.assertEqual(sorted(subjects), sorted(texts))
        self.assertEqual(self.fetched(), [])
        self.assertEqual(len(self.inbox()), len(texts))
        late = odd("late", ODD["dots"])
        self.append(late)
        self.assertEqual([body_of(t) for t in self.fetched()], [body_of(late)])
        self.rc(kind, read_all=True, delete=True)
        got = self.fetched()
        self.assertEqual(len(got), len(texts) + 1)
        bodies = {body_of(t) for t in got}
        for name in set(names) & {"5 MB", "dots", "commands", "literals", "boundaries", "long line", "eight bits"}:
            self.assertIn(ODD[name], bodies, name)
        self.assertEqual(self.inbox(), [])
        self.assertEqual(self.fetched(), [])

    def test_pop3s(self):
        self.keep_then_delete("pop3s")

    def test_imaps(self):
        self.keep_then_delete("imaps")


class Fetchmail(Clients):
    def rc(self, kind, proto, options):
        self.dir = self.home()
        self.out = os.path.join(self.dir, "out")
        os.mkdir(self.out)
        self.write(os.path.join(self.dir, ".fetchmailrc"),
                   "set invisible\nset no syslog\npoll localhost service %d proto %s %s user \"%s\" password \"%s\" %s "
                   "sslcertck sslcertfile %s no rewrite %s mda \"cat >%s/$$\"\n" % (
                       self.p.ports[kind], proto, "uidl" if proto == "pop3" else "", BOB, ACCOUNTS[BOB],
                       "ssl" if kind.endswith("s") else "sslproto TLS1.2+", certificate()[0], options, self.out))

    def fetched(self, codes):
        for name in os.listdir(self.out):
            os.unlink(os.path.join(self.out, name))
        self.run_program(["fetchmail", "-v", "-f", os.path.join(self.dir, ".fetchmailrc")], self.dir, codes=codes)
        texts = []
        for name in os.listdir(self.out):
            with open(os.path.join(self.out, name), "rb") as f:
                texts.append(f.read().replace(b"\n", b"\r\n"))
        return sorted(texts)

    def keep_then_delete(self, kind, proto):
        # It breaks lines after 2048 octets itself.
        texts = self.append_odd(*[name for name in ODD if not name.startswith("long line")])
        self.rc(kind, proto, "keep")
        self.same(self.fetched((0,)), texts.values())
        self.assertEqual(self.fetched((1,)), [])
        self.assertEqual(len(self.inbox()), len(texts))
        late = odd("late", ODD["dots"])
        self.append(late)
        self.same(self.fetched((0,)), [late])
        self.rc(kind, proto, "fetchall nokeep")
        self.same(self.fetched((0,)), [*texts.values(), late])
        self.assertEqual(self.inbox(), [])
        self.assertEqual(self.fetched((1,)), [])

    def same(self, got, sent):
        got, sent = sorted(map(body_of, got)), sorted(map(body_of, sent))
        self.assertEqual([len(x) for x in got], [len(x) for x in sent])
        self.assertEqual(got, sent)

    def test_pop3s(self):
        self.keep_then_delete("pop3s", "pop3")

    def test_imaps(self):
        self.keep_then_delete("imaps", "imap")

    def test_starttls(self):
        for kind in ("pop3", "imap"):
            with self.subTest(kind):
                text = odd("by starttls", ODD["utf-8"])
                self.append(text)
                self.rc(kind, kind, "nokeep")
                self.same(self.fetched((0,)), [text])
                self.assertEqual(self.inbox(), [])
