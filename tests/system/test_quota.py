"""A full mailbox: mail for it waits, is returned after the grace, and arrives once there is room."""
from lib import Case, wait_for

BOB, ALICE = "bob@local.test", "alice@local.test"


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
