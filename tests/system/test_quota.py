"""A full mailbox: mail for it waits, is returned after the grace, and arrives once there is room."""
from lib import Case, message, wait_for

BOB, ALICE, CAROL, INFO = "bob@local.test", "alice@local.test", "carol@local.test", "info@local.test"


class Quota(Case):
    options = {"accounts": {BOB: "secret-bob", ALICE: "secret-alice"},
               "config": "queue { retry_min = 200ms retry_max = 300ms min_free = 1MiB min_free_disk = none }\n"
                         "quota { grace = 6s }\n"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.p.ctl("account", "quota", BOB, "64KiB")

    def big(self, subject):
        self.p.send(subject, body=("x" * 70 + "\r\n") * 700, sender=ALICE)

    def test_waits_then_room(self):
        self.big("fits")
        self.p.wait_mail_with(BOB, "fits")
        self.big("waits")
        self.assertTrue(wait_for(lambda: any("full" in (r.get("reason") or "") for r in self.p.queue()), 5), self.p.queue())
        c = self.p.imap(BOB)
        c.select()
        c.store("1:*", "+FLAGS", "\\Deleted")
        c.expunge()
        c.logout()
        self.p.wait_mail_with(BOB, "waits")
        # Full again: returned to its sender when the grace is over.
        self.big("returned")
        report = self.p.wait_mail_with(ALICE, "", seconds=20)[0]
        self.assertIn("returned", report)
        self.assertIn("5.4.7", report)
        self.p.wait_queue_empty()


class SameMailbox(Case):
    """Two names of one mailbox in a message: one copy, and each has its own fate."""
    options = {"name": "same-mailbox", "accounts": {BOB: "secret-bob", ALICE: "secret-alice", CAROL: "secret-carol"},
               "config": "queue { retry_min = 1h retry_max = 1h min_free = 1MiB min_free_disk = none }\n"
                         "maildir { plus_folders = yes }\n"}

    def setUp(self):
        self.p.ctl("account", "quota", BOB, "64KiB")
        self.p.ctl("alias", "add", INFO, BOB, "--replace")

    def send(self, subject, rcpts):
        with self.p.smtp() as c:
            c.ehlo("far.test")
            c.mail(ALICE)
            for to, options in rcpts:
                self.assertEqual(c.rcpt(to, options)[0], 250)
            self.assertEqual(c.data(message(subject, body=("x" * 70 + "\r\n") * 1000, sender=ALICE).encode())[0], 250)

    def waiting(self, n):
        ready = wait_for(lambda: sum(r["status"] == "deferred" for m in self.p.queue() for r in m["recipients"]) == n, 5)
        self.assertTrue(ready, self.p.queue())

    def report(self, subject):
        texts = wait_for(lambda: [t for t in self.p.stored(ALICE) if "Subject: " + subject in t])
        self.assertEqual(len(texts), 1, self.p.log_tail())
        return texts[0]

    def go(self):
        self.p.ctl("account", "quota", BOB, "none")
        self.p.ctl("queue", "retry", "--all", "--yes")
        self.p.wait_queue_empty()

    def test_one_copy(self):
        self.p.ctl("account", "quota", BOB, "none")
        self.send("one copy", [(INFO, ["NOTIFY=SUCCESS"]), ("bob+x@local.test", []), (BOB, ["NOTIFY=SUCCESS"])])
        self.assertEqual(self.report("one copy").count("Action: delivered"), 2)
        self.p.wait_queue_empty()
        self.assertEqual(self.p.subjects(BOB).count("one copy"), 1)

    def test_alias_leads_elsewhere(self):
        self.send("elsewhere", [(INFO, []), (BOB, [])])
        self.waiting(2)
        self.p.ctl("alias", "add", INFO, CAROL, "--replace")
        self.go()
        self.assertEqual([self.p.subjects(a).count("elsewhere") for a in (BOB, CAROL)], [1, 1])

    def test_one_is_dropped(self):
        self.send("dropped", [(INFO, []), (BOB, [])])
        self.waiting(2)
        self.p.ctl("queue", "drop", "--to", INFO, "--yes")
        self.go()
        self.assertEqual(self.p.subjects(BOB).count("dropped"), 1)

    def test_each_is_reported(self):
        self.send("returned", [(INFO, ["NOTIFY=NEVER"]), (BOB, ["NOTIFY=FAILURE"])])
        self.waiting(2)
        self.p.ctl("queue", "bounce", "--all", "--yes")
        report = self.report("returned")
        self.assertIn("Final-Recipient: rfc822; " + BOB, report)
        self.assertNotIn("Final-Recipient: rfc822; " + INFO, report)
