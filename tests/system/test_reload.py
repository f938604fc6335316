"""SIGHUP and `postern reload`: a right configuration takes effect, a wrong one changes nothing."""
import os
import signal
import smtplib

from lib import Case, message, wait_for

BOB = "bob@local.test"


class Reload(Case):
    def ready(self):
        return any(row.get("ready") for row in self.p.rows("status"))

    def address(self, name):
        return self.p.rows("address", "test", name)[-1]["kind"]

    def test_right_and_wrong(self):
        before = self.p.config
        self.assertEqual(self.address("anybody@local.test"), "reject")
        talk = self.p.talk("smtp")  # a session from before goes on
        self.assertEqual(talk.reply(), 220)
        self.assertEqual(talk.say("EHLO x"), 250)
        self.p.write_config(before.replace("domain local.test { ", "domain local.test { catch_all = %s " % BOB))
        self.p.ctl("reload")
        self.assertTrue(wait_for(self.ready, 10))
        self.assertTrue(wait_for(lambda: self.address("anybody@local.test") == "local", 5))
        self.p.send("after the reload", to="anybody@local.test")
        self.p.wait_mail_with(BOB, "after the reload")
        self.assertIn(talk.say("NOOP"), (250, 421))
        talk.close()
        # Wrong: said, with its place, and nothing changes.
        pids = sorted(self.p.pids())
        good = self.p.config
        self.p.write_config(good + "domian x { }\n")
        r = self.p.ctl("reload", check=False)
        self.assertEqual(r.returncode, 78)
        self.assertIn('did you mean "domain"', r.stderr)
        os.kill(self.p.master_pid(), signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "the running configuration stays" in self.p.log(), 5))
        self.assertEqual([p for p in pids if p not in self.p.pids()], [])
        self.p.send("still served", to="anybody@local.test")
        self.p.wait_mail_with(BOB, "still served")
        # Back: the catch-all is gone.
        self.p.write_config(before)
        os.kill(self.p.master_pid(), signal.SIGHUP)
        self.assertTrue(wait_for(lambda: self.ready() and self.address("anybody@local.test") == "reject", 10))
        with self.p.smtp() as c, self.assertRaises(smtplib.SMTPRecipientsRefused):
            c.sendmail("eve@far.test", ["anybody@local.test"], message("x").encode())
