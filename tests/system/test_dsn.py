"""RFC 3461: who tells the sender what, with next hops that know it and that do not."""
import email
import email.policy
import quopri
import re
import time
import unittest

from lib import Case, Instance, certificate, message, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
PLAIN = ("PIPELINING", "8BITMIME", "SIZE 10000000", "SMTPUTF8")
EVERYONE = ["member%04d%s@plain.test" % (n, "x" * 50) for n in range(1000)]
OLD = ("PIPELINING", "SIZE 10000000")


class Reports(Case):
    @classmethod
    def setUpClass(cls):
        cls.knows, cls.plain = Sink(certificate=certificate()), Sink(certificate=certificate(), extensions=PLAIN)
        cls.lmtp = Sink(certificate=certificate(), extensions=PLAIN, lmtp=True)
        cls.old = Sink(certificate=certificate(), extensions=OLD)
        for sink in (cls.knows, cls.plain, cls.lmtp, cls.old):
            cls.addClassCleanup(sink.close)
        cls.options = {"name": "dsn", "domain_config": "aliases { everyone = [%s] }" % ", ".join(EVERYONE), "config": """
            queue { retry_min = 300ms retry_max = 500ms lifetime = 1h warn_sender_after = 2s dsn_size = 4KiB
                    min_free_disk = 0%% min_free = 1MiB }
            route "knows.test" { via = "%s" tls = none }
            route "plain.test" { via = "%s" tls = none }
            route "lmtp.test" { via = "lmtp:%s" tls = none }
            route "old.test" { via = "%s" tls = none }
            submit { from_must_match = no }""" % (cls.knows.via, cls.plain.via, cls.lmtp.via, cls.old.via)}
        super().setUpClass()

    def setUp(self):
        for sink in (self.knows, self.plain, self.lmtp, self.old):
            sink.again()

    def send(self, subject, rcpts, mail_options=(), sender=BOB, body="hello\r\n", **fields):
        """rcpts: pairs of address and options."""
        with self.p.smtp("submission", BOB) as c:
            c.ehlo()
            options = " ".join([""] + list(mail_options))
            c.send(("MAIL FROM:<%s>%s\r\n" % (sender, options)).encode())
            self.assertEqual(c.getreply()[0], 250)
            for to, rcpt_options in rcpts:
                c.send(("RCPT TO:<%s>%s\r\n" % (to, " ".join([""] + list(rcpt_options)))).encode())
                self.assertEqual(c.getreply()[0], 250)
            self.assertEqual(c.data(message(subject, body, sender=sender, to="x@far.test", **fields).encode())[0], 250)

    def reports(self, subject):
        texts = [t.encode("latin-1").decode("utf-8", "surrogateescape") for t in self.p.stored(BOB)]
        found = [t for t in texts if "report-type=delivery-status" in t and "Subject: " + subject + "\n" in t]
        return [email.message_from_string(t, policy=email.policy.default) for t in found]

    def report(self, subject):
        """The one report on it: (message, fields of the message, list of fields of recipients)."""
        self.assertTrue(wait_for(lambda: self.reports(subject), 20), self.p.log_tail())
        self.p.wait_queue_empty()
        reports = self.reports(subject)
        self.assertEqual(len(reports), 1)
        parts = reports[0].get_payload()
        self.assertEqual(len(parts), 3)
        if parts[1].get_content_type() == "message/delivery-status":
            fields = parts[1].get_payload()
        else:
            blocks = parts[1].get_payload()
            blocks = blocks if isinstance(blocks, str) else "\n\n".join(b.as_string() for b in blocks)
            fields = [email.message_from_string(b, policy=email.policy.default)
                      for b in blocks.strip().replace("\r\n", "\n").split("\n\n")]
        return reports[0], fields[0], fields[1:]

    def no_report(self, subject):
        self.p.wait_queue_empty(20)
        self.assertEqual(self.reports(subject), [])

    def line(self, sink, verb):
        return wait_for(lambda: [line for line in sink.lines if line.startswith(verb)], 10)[-1]

    # --- success

    def test_relayed(self):
        self.send("was relayed", [("a@plain.test", ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Ann+2BX@far.test"])],
                  ["RET=FULL", "ENVID=my+2Did+3D7"])
        report, whole, rcpts = self.report("was relayed")
        self.assertEqual(whole["Original-Envelope-Id"], "my-id=7")
        self.assertEqual(len(rcpts), 1)
        self.assertEqual((rcpts[0]["Action"], rcpts[0]["Status"][:2]), ("relayed", "2."))
        self.assertEqual(rcpts[0]["Original-Recipient"], "rfc822; Ann+X@far.test")
        self.assertEqual(rcpts[0]["Final-Recipient"], "rfc822; a@plain.test")
        self.assertIn("127.0.0.1", rcpts[0]["Remote-MTA"])
        # RFC 3461 4.3: nothing failed, so the header alone goes back.
        self.assertEqual(report.get_payload()[2].get_content_type(), "text/rfc822-headers")
        self.assertEqual(self.line(self.plain, "MAIL").split(" ")[1:2], ["FROM:<%s>" % BOB])
        self.assertNotIn("ENVID", self.line(self.plain, "MAIL"))
        self.assertEqual(self.line(self.plain, "RCPT"), "RCPT TO:<a@plain.test>")

    def test_passed_on(self):
        self.send("was passed", [("a@knows.test", ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;Ann+2BX@far.test"])],
                  ["RET=HDRS", "ENVID=my+2Did+3D7"])
        self.no_report("was passed")
        mail = self.line(self.knows, "MAIL")
        self.assertIn(" RET=HDRS", mail)
        self.assertIn(" ENVID=my-id+3D7", mail)
        self.assertEqual(self.line(self.knows, "RCPT"),
                         "RCPT TO:<a@knows.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Ann+2BX@far.test")

    def test_delivered(self):
        self.send("was delivered", [(BOB, ["NOTIFY=SUCCESS", "ORCPT=rfc822;old@far.test"])], ["ENVID=e1"])
        report, whole, rcpts = self.report("was delivered")
        self.assertEqual((rcpts[0]["Action"], rcpts[0]["Status"][:2]), ("delivered", "2."))
        self.assertEqual(rcpts[0]["Original-Recipient"], "rfc822; old@far.test")
        self.assertEqual(whole["Original-Envelope-Id"], "e1")

    def test_delivered_by_lmtp(self):
        self.send("by lmtp", [("a@lmtp.test", ["NOTIFY=SUCCESS"])])
        self.assertEqual(self.report("by lmtp")[2][0]["Action"], "delivered")

    def test_success_not_asked_for(self):
        for n, options in enumerate(([], ["NOTIFY=FAILURE,DELAY"], ["NOTIFY=NEVER"])):
            self.send("not asked %d" % n, [("a@plain.test", options), (BOB, options)])
        for n in range(3):
            self.no_report("not asked %d" % n)

    def test_kinds_are_reports_of_their_own(self):
        self.send("two kinds", [("a@plain.test", ["NOTIFY=SUCCESS"]), ("b@plain.test", ["NOTIFY=SUCCESS"]),
                                (BOB, ["NOTIFY=SUCCESS"])])
        self.assertTrue(wait_for(lambda: len(self.reports("two kinds")) == 2, 20), self.p.log_tail())
        self.p.wait_queue_empty()
        actions = sorted(sorted(f["Action"] for f in r.get_payload()[1].get_payload()[1:])
                         for r in self.reports("two kinds"))
        self.assertEqual(actions, [["delivered"], ["relayed", "relayed"]])

    # --- aliases (RFC 3461 5.2.7)

    def alias(self, name, members):
        self.p.ctl("alias", "add", name, *members)
        return name

    def test_expanded(self):
        """A list of more than one frame: one report of success; of failure each member's own."""
        names = EVERYONE
        self.plain.again(reply={"RCPT": lambda line: "550 5.1.1 unknown" if "member0007" in line else None})
        self.send("to a list", [("everyone@local.test", ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;All@far.test"])])
        self.assertTrue(wait_for(lambda: len(self.reports("to a list")) == 2, 60), self.p.log_tail())
        self.p.wait_queue_empty(20)
        self.assertEqual(sorted(r for m in self.plain.mails for r in m.rcpts), names[:7] + names[8:])
        self.assertEqual([line for line in self.plain.lines if "NOTIFY" in line], [])
        reports = {r.get_payload()[1].get_payload()[1]["Action"]: r for r in self.reports("to a list")}
        self.assertEqual(sorted(reports), ["expanded", "failed"])
        fields = reports["expanded"].get_payload()[1].get_payload()[1:]
        self.assertEqual(len(fields), 1)
        self.assertEqual(fields[0]["Final-Recipient"], "rfc822; everyone@local.test")
        self.assertEqual(fields[0]["Original-Recipient"], "rfc822; All@far.test")
        self.assertEqual(fields[0]["Status"], "2.0.0")
        self.assertIsNone(fields[0]["Diagnostic-Code"])
        self.assertEqual(reports["expanded"].get_payload()[2].get_content_type(), "text/rfc822-headers")
        fields = reports["failed"].get_payload()[1].get_payload()[1:]
        self.assertEqual([f["Final-Recipient"] for f in fields], ["rfc822; " + names[7]])

    def test_expanded_passes_the_rest_on(self):
        name = self.alias("two@local.test", ["a@knows.test", BOB])
        for n, (asked, passed) in enumerate((("SUCCESS", "NEVER"), ("SUCCESS,DELAY", "DELAY"), ("FAILURE", "FAILURE"))):
            subject = "rest %d" % n
            self.knows.again()
            self.send(subject, [(name, ["NOTIFY=" + asked])])
            self.assertEqual(self.line(self.knows, "RCPT"), "RCPT TO:<a@knows.test> NOTIFY=" + passed)
            if "SUCCESS" in asked:
                self.assertEqual([f["Action"] for f in self.report(subject)[2]], ["expanded"])
            else:
                self.no_report(subject)

    def test_expanded_to_those_who_have_it(self):
        """Whom the list stands for were named beside it: they are reported by themselves."""
        name = self.alias("both@local.test", ["a@plain.test", BOB])
        self.send("named twice", [("a@plain.test", []), (BOB, []), (name, ["NOTIFY=SUCCESS"])])
        self.assertEqual([f["Action"] for f in self.report("named twice")[2]], ["expanded"])

    def test_alias_of_one(self):
        """It is but another name: what was asked of it is asked of the one."""
        name = self.alias("one@local.test", ["a@knows.test"])
        self.send("one name", [(name, ["NOTIFY=SUCCESS", "ORCPT=rfc822;one@far.test"])])
        self.no_report("one name")
        self.assertIn("TO:<a@knows.test>", self.line(self.knows, "RCPT"))
        self.assertIn(" NOTIFY=SUCCESS ORCPT=rfc822;one@far.test", self.line(self.knows, "RCPT"))

    # --- failure

    def test_failures_are_one_report(self):
        refuse = {"RCPT": lambda line: "550 5.1.1 unknown" if "no" in line.split("@")[0] else None}
        self.plain.again(reply=refuse)
        self.knows.again(reply=refuse)
        self.send("three failed", [("no1@plain.test", []), ("yes@plain.test", []), ("no2@knows.test", []),
                                   ("no3@plain.test", ["NOTIFY=FAILURE"]), ("no4@plain.test", ["NOTIFY=NEVER"]),
                                   ("no5@plain.test", ["NOTIFY=SUCCESS,DELAY"])])
        report, whole, rcpts = self.report("three failed")
        self.assertEqual(sorted(r["Final-Recipient"] for r in rcpts),
                         ["rfc822; no1@plain.test", "rfc822; no2@knows.test", "rfc822; no3@plain.test"])
        self.assertEqual({r["Status"] for r in rcpts}, {"5.1.1"})
        self.assertEqual(report["Auto-Submitted"], "auto-replied")

    def test_never(self):
        self.plain.again(reply={"RCPT": "550 5.1.1 unknown"})
        self.send("never told", [("a@plain.test", ["NOTIFY=NEVER"])])
        self.no_report("never told")
        self.dropped("a@plain.test", "NOTIFY does not ask for it")

    def dropped(self, to, why):
        """The log says that there was no report, and why."""
        line = 'report-dropped id=[0-9A-Z]+ to=%s why="%s"' % (to, why)
        self.assertTrue(wait_for(lambda: re.search(line, self.p.log()), 5), self.p.log_tail())

    def test_from_nobody(self):
        self.plain.again(reply={"RCPT": "550 5.1.1 unknown"})
        self.send("from nobody", [("b@plain.test", [])], sender="")
        self.no_report("from nobody")
        self.dropped("b@plain.test", "the message has no sender to tell")

    def test_bounced_by_the_administrator(self):
        """Who is not to be told of a failure is not told of this one, and the log says so."""
        self.plain.again(reply={"RCPT": "451 4.3.0 not yet"})
        for sender, options, to, why in (("", [], "c@plain.test", "the message has no sender to tell"),
                                         (BOB, ["NOTIFY=NEVER"], "d@plain.test", "NOTIFY does not ask for it")):
            self.send("sent back", [(to, options)], sender=sender)
            row = wait_for(lambda: [r for r in self.p.queue() if r["attempts"] and r["status"] == "deferred"])[0]
            self.p.ctl("queue", "bounce", "--yes", row["id"])
            self.no_report("sent back")
            self.dropped(to, why)
        self.send("told of it", [("e@plain.test", [])])
        self.assertTrue(wait_for(lambda: [r for r in self.p.queue() if r["attempts"]]), self.p.log_tail())
        self.p.ctl("queue", "bounce", "--yes", "--to", "e@plain.test")
        fields = self.report("told of it")[2][0]
        self.assertEqual(fields["Diagnostic-Code"], "X-Postern; returned by the administrator")
        self.assertIsNone(fields["Last-Attempt-Date"])

    def test_never_is_passed_on(self):
        self.send("never passed", [("a@knows.test", ["NOTIFY=NEVER"])])
        self.assertEqual(self.line(self.knows, "RCPT"), "RCPT TO:<a@knows.test> NOTIFY=NEVER")
        self.no_report("never passed")

    def test_ret(self):
        self.plain.again(reply={"RCPT": "550 5.1.1 unknown"})
        for ret, size, kind in (("FULL", 100, "message/rfc822"), ("HDRS", 100, "text/rfc822-headers"),
                                ("FULL", 9000, "text/rfc822-headers")):
            subject = "ret %s %d" % (ret, size)
            self.send(subject, [("a@plain.test", [])], ["RET=" + ret], body="the body\r\n" + "x" * 70 + "\r\n" +
                      ("y" * 70 + "\r\n") * (size // 72))
            part = self.report(subject)[0].get_payload()[2]
            self.assertEqual(part.get_content_type(), kind)
            self.assertEqual("the body" in part.as_string(), kind == "message/rfc822")
            self.assertIn(subject, part.as_string())

    def test_large_header(self):
        """queue.dsn_size is the limit of the header too; the report says what it left out."""
        self.plain.again(reply={"RCPT": "550 5.1.1 unknown"})
        fields = {"X_Field_%03d" % n: "z" * 80 for n in range(280)}
        self.send("large header", [("a@plain.test", [])], X_Long="\r\n ".join(["y" * 70] * 800), **fields)
        report = self.report("large header")[0]
        self.assertLess(len(report.as_string()), 4096 + 3000)
        words, status, original = report.get_payload()
        self.assertRegex(words.get_content().replace("\n", " "), r"header of your message is attached, without the fields "
                         r"X-Long, X-Field-\d+, X-Field-\d+, .* and others \(\d+ octets\), for which")
        self.assertIn("\nSubject: large header\n", original.get_payload())
        self.assertNotIn("yyyy", original.get_payload())
        self.assertIn("X-Field-000: zzz", original.get_payload())

    def test_class_of_the_status(self):
        self.plain.again(reply={"RCPT": "550 4.2.1 odd"})
        self.send("odd class", [("a@plain.test", [])])
        self.assertEqual(self.report("odd class")[2][0]["Status"][:2], "5.")

    # --- delay

    def test_delay(self):
        seen = []

        def later(line):
            seen.append(line)
            return "451 4.3.0 not yet" if time.monotonic() < end else None
        end = time.monotonic() + 5
        self.plain.again(reply={"RCPT": later})
        self.send("was late", [("a@plain.test", ["NOTIFY=DELAY"]), ("b@plain.test", ["NOTIFY=FAILURE"]),
                               ("c@plain.test", []), ("d@plain.test", ["NOTIFY=NEVER"])])
        report, whole, rcpts = self.report("was late")
        self.assertEqual(sorted(r["Final-Recipient"] for r in rcpts), ["rfc822; a@plain.test", "rfc822; c@plain.test"])
        for r in rcpts:
            self.assertEqual((r["Action"], r["Status"]), ("delayed", "4.3.0"))
            self.assertTrue(r["Will-Retry-Until"])

    # --- SMTPUTF8

    def fails_utf8(self, subject, sender=BOB, **kw):
        self.plain.again(reply={"RCPT": "550 5.1.1 unknown"})
        self.send(subject, [("j\u00f6rg@plain.test", ["ORCPT=utf-8;j\\x{F6}rg@plain.test"])],
                  ["SMTPUTF8"] + kw.pop("options", []), sender=sender, **kw)

    def at_sink(self, sink):
        """The one report that came there."""
        self.assertTrue(wait_for(lambda: sink.mails, 20), self.p.log_tail())
        self.p.wait_queue_empty()
        self.assertEqual(len(sink.mails), 1)
        self.assertEqual(sink.mails[0].sender, "")
        octets = sink.mails[0].text.encode("utf-8", "surrogateescape")
        return octets, email.message_from_bytes(octets, policy=email.policy.default)

    def test_utf8_report(self):
        """All in ASCII, though a header is UTF-8: no server on the way back has to know SMTPUTF8."""
        self.fails_utf8("f\u00fcr niemand", sender="ann@old.test")
        octets, report = self.at_sink(self.old)
        self.assertTrue(octets.isascii())
        mail = self.line(self.old, "MAIL")
        self.assertFalse("UTF8" in mail or "BODY" in mail, mail)
        words, status, original = report.get_payload()
        self.assertIn("j\u00f6rg@plain.test", words.get_content())
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        fields = status.get_payload()[1]
        self.assertEqual(fields["Final-Recipient"], "utf-8; j\\x{F6}rg@plain.test")
        self.assertEqual(fields["Original-Recipient"], "utf-8; j\\x{F6}rg@plain.test")
        self.assertEqual((fields["Action"], fields["Status"]), ("failed", "5.1.1"))
        self.assertEqual(original.get_content_type(), "message/global-headers")
        self.assertEqual(original["Content-Transfer-Encoding"], "quoted-printable")
        self.assertIn("Subject: f=C3=BCr niemand", octets.decode())

    def test_utf8_report_full(self):
        self.fails_utf8("f\u00fcr alle", sender="ann@old.test", options=["RET=FULL", "BODY=8BITMIME"], body="B\u00e4r\r\n")
        octets, report = self.at_sink(self.old)
        self.assertTrue(octets.isascii())
        self.assertEqual(report.get_payload()[2].get_content_type(), "message/global")
        part = octets.decode().replace("\r\n", "\n").split("quoted-printable\n\n")[1].split("\n\n--=_report")[0]
        original = email.message_from_bytes(quopri.decodestring(part.encode()), policy=email.policy.SMTPUTF8)
        self.assertEqual(original["Subject"], "f\u00fcr alle")
        self.assertEqual(quopri.decodestring(part.encode()).decode().split("\n\n")[1], "B\u00e4r")

    def test_eight_bit_original(self):
        """The server on the way back takes seven bits only; the original is readable all the same."""
        self.plain.again(reply={"RCPT": "550 5.1.1 unknown"})
        body = ("This is the text before the parts.\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: 8bit\r\n\r\nB\u00e4r und K\u00f6nig\r\n--b\r\n\r\nplain\r\n--b--\r\n")
        self.send("eight bits", [("nobody@plain.test", [])], ["RET=FULL", "BODY=8BITMIME"], sender="ann@old.test", body=body,
                  MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b")
        octets, report = self.at_sink(self.old)
        self.assertTrue(octets.isascii())
        self.assertNotIn("BODY", self.line(self.old, "MAIL"))
        whole = report.get_payload()[2]
        self.assertEqual(whole.get_content_type(), "message/rfc822")
        original = whole.get_payload()[0]
        self.assertEqual(original["Subject"], "eight bits")
        one, two = original.get_payload()
        self.assertEqual(one["Content-Transfer-Encoding"], "quoted-printable")
        self.assertEqual(one.get_content().strip(), "B\u00e4r und K\u00f6nig")
        self.assertEqual(two.get_content().strip(), "plain")

    def test_utf8_report_here(self):
        self.fails_utf8("f\u00fcr daheim")
        subject = "f=C3=BCr daheim"
        report, whole, rcpts = self.report(subject)
        self.assertEqual(rcpts[0]["Final-Recipient"], "utf-8; j\\x{F6}rg@plain.test")

    def test_utf8_sender(self):
        """Only who has such an address himself is told in UTF-8."""
        self.fails_utf8("f\u00fcr dich", sender="\u00e4nn@knows.test")
        octets, report = self.at_sink(self.knows)
        self.assertIn(" SMTPUTF8", self.line(self.knows, "MAIL"))
        parts = report.get_payload()
        self.assertEqual(parts[1].get_content_type(), "message/global-delivery-status")
        self.assertEqual(parts[2].get_content_type(), "message/global-headers")
        self.assertIn("Final-Recipient: utf-8; j\u00f6rg@plain.test\r\n", octets.decode())
        self.assertIn("\r\nSubject: f\u00fcr dich\r\n", octets.decode())

    def test_utf8_is_passed_on(self):
        self.send("utf8 passed", [("j\u00f6rg@knows.test", ["NOTIFY=SUCCESS", "ORCPT=utf-8;j\u00f6rg@far.test"])], ["SMTPUTF8"])
        self.assertEqual(self.line(self.knows, "RCPT"),
                         "RCPT TO:<j\u00f6rg@knows.test> NOTIFY=SUCCESS ORCPT=utf-8;j\u00f6rg@far.test")
        self.no_report("utf8 passed")


class Said(unittest.TestCase):
    """RFC 3464 2.3.6: only what a server said is given as its reply; what we say of it is ours."""
    LATER = "451 4.7.1 come back for tea"

    @classmethod
    def setUpClass(cls):
        cls.grey, cls.rude = Sink(reply={"RCPT": cls.LATER}), Sink(reply={"connect": "554 5.3.2 no service"})
        cls.old = Sink(extensions=OLD)
        for sink in (cls.grey, cls.rude, cls.old):
            cls.addClassCleanup(sink.close)
        cls.p = Instance(name="said", config="""
            queue { retry_min = 300ms retry_max = 500ms lifetime = 8s min_free_disk = 0%% min_free = 1MiB }
            route "dead.test" { via = "[127.0.0.1]:1" tls = none }
            route "grey.test" { via = "%s" tls = none }
            route "rude.test" { via = "%s" tls = none }
            route "old.test" { via = "%s" tls = none }""" % (cls.grey.via, cls.rude.via, cls.old.via))
        cls.addClassCleanup(cls.p.close)
        cls.p.start()

    def send(self, subject, to, sender=BOB, body="hello\r\n", options=()):
        with self.p.smtp("submission", BOB) as c:
            c.sendmail(sender, [to], message(subject, body, sender=sender, to="x@far.test").encode(), options)

    def report(self, subject):
        """(words, fields of the one recipient)"""
        found = wait_for(lambda: [t for t in self.p.stored(BOB) if "\nSubject: %s\n" % subject in t], 40)
        self.assertEqual(len(found or []), 1, self.p.log_tail())
        parts = email.message_from_string(found[0], policy=email.policy.default).get_payload()
        return parts[0].get_content(), parts[1].get_payload()[1]

    def ours(self, words, fields, status, text):
        self.assertEqual(fields["Status"], status)
        self.assertEqual(fields["Diagnostic-Code"], "X-Postern; " + text)
        self.assertIsNone(fields["Remote-MTA"])
        self.assertNotIn(" said", words)
        self.assertIn(text.split(" ")[0], words)

    def test_no_connection(self):
        self.send("to the dead", "x@dead.test")
        self.assertTrue(wait_for(lambda: [r for r in self.p.queue() if "no connection" in r["reason"]]), self.p.log_tail())
        row = self.p.queue()[0]
        shown = self.p.ctl("queue", "show", row["id"]).stdout
        self.assertIn("451 4.4.2 127.0.0.1 [127.0.0.1]: no connection: Connection refused", shown)
        self.assertNotIn(" said", shown)
        self.assertIn("127.0.0.1 [127.0.0.1]: no connection", self.p.ctl("site", "show", "[127.0.0.1]:1").stdout)
        self.assertIn('relay="127.0.0.1 [127.0.0.1]"', self.p.log())
        self.p.restart()
        self.ours(*self.report("to the dead"), "5.4.7",
                  "not delivered in time; last: 127.0.0.1 [127.0.0.1]: no connection: Connection refused")

    def test_last_reply(self):
        self.send("to the grey", "x@grey.test")
        self.assertTrue(wait_for(lambda: [r for r in self.p.queue() if "tea" in r["reason"]]), self.p.log_tail())
        shown = self.p.ctl("queue", "show", self.p.queue()[0]["id"]).stdout
        self.assertIn(self.LATER + ", said 127.0.0.1 [127.0.0.1]", shown)
        self.p.restart()
        words, fields = self.report("to the grey")
        self.assertEqual((fields["Action"], fields["Status"]), ("failed", "5.4.7"))
        self.assertEqual(fields["Remote-MTA"], "dns; 127.0.0.1")
        self.assertEqual(fields["Diagnostic-Code"], "smtp; " + self.LATER)
        self.assertIn("The server 127.0.0.1 [127.0.0.1] said last:\n      %s\n    It was tried until" % self.LATER, words)
        self.assertIn('why="not delivered in time"', self.p.log())

    def test_refused_and_tried_again(self):
        """Its code is that of a refusal, yet it is not one of this mail."""
        self.send("to the rude", "x@rude.test")
        words, fields = self.report("to the rude")
        self.ours(words.replace(" said", ""), fields, "5.4.7",
                  "not delivered in time; last from 127.0.0.1 [127.0.0.1]: 554 4.3.2 no service")

    def test_what_it_lacks(self):
        self.send("in all tongues", "j\u00f6rg@old.test", options=["SMTPUTF8"])
        self.ours(*self.report("in all tongues"), "5.6.7",
                  "127.0.0.1 [127.0.0.1]: the server does not take internationalized mail")
        self.send("too large", "x@old.test", body=("y" * 78 + "\r\n") * 130000)
        self.ours(*self.report("too large"), "5.3.4",
                  "127.0.0.1 [127.0.0.1]: the message is larger than the server takes")


class Past(unittest.TestCase):
    """What is refused to others when it is too much is never refused to the queue's own reports: they would wait for good."""

    def setUp(self):
        self.sink = Sink(certificate=certificate(), reply={"RCPT": "550 5.1.1 " + "nobody of that name is here, " * 10})
        self.addCleanup(self.sink.close)
        self.p = Instance(name="limits", config="""
            queue { retry_min = 300ms retry_max = 500ms messages = 100 min_free_disk = 0%% min_free = 1MiB }
            receive { message = 20KiB }
            route "far.test" { via = "%s" tls = none }""" % self.sink.via)
        self.addCleanup(self.p.close)
        self.p.start()

    def submit(self, c, subject, rcpts):
        c.mail(BOB)
        for to in rcpts:
            self.assertEqual(c.rcpt(to)[0], 250)
        return c.data(message(subject, sender=BOB, to="x@far.test").encode())[0]

    def test_larger_than_a_message_may_be(self):
        with self.p.smtp("submission", BOB) as c:
            self.assertEqual(self.submit(c, "to many", ["m%d@far.test" % n for n in range(100)]), 250)
        self.assertGreater(len(self.p.wait_mail(BOB, 1, 20)[0]), 20480)
        self.p.wait_queue_empty()

    def test_full_queue(self):
        self.sink.again(reply={"RCPT": "451 4.2.1 later"})
        with self.p.smtp("submission", BOB) as c:
            codes = [self.submit(c, "number %d" % n, ["a@far.test"]) for n in range(101)]
        self.assertEqual(codes, [250] * 100 + [452])
        self.sink.again(reply={"RCPT": "550 5.1.1 nobody"})
        self.p.wait_queue_empty(30)
        self.p.wait_mail(BOB, 100, 30)
