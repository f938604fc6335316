"""Delivery reports in the admin's words."""
import email
import email.policy

from lib import Case, certificate, message, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
WORDS = """
report failed {
    subject = "Zur\u00fcck an {sender}"
    text = ["Hier ist {hostname}. F\u00fcr Fragen: {admin}.", "Nicht angekommen ist Ihre Nachricht {id} bei"]
    end = "{attached}"
}
report delivered { subject = "Arrived" }
"""


class Words(Case):
    options = {"name": "report", "config": WORDS}

    @classmethod
    def setUpClass(cls):
        cls.sink = Sink(certificate=certificate(), reply={"RCPT": "550 5.1.1 unknown here"})
        cls.addClassCleanup(cls.sink.close)
        cls.options = dict(cls.options, config=WORDS + 'route "far.test" { via = "%s" tls = none }' % cls.sink.via)
        super().setUpClass()

    def report(self, subject, to, options=()):
        with self.p.smtp("submission", BOB) as c:
            c.ehlo()
            c.mail(BOB)
            self.assertEqual(c.rcpt(to, options)[0], 250)
            self.assertEqual(c.data(message(subject, sender=BOB, to=to).encode())[0], 250)
        found = wait_for(lambda: [t for t in self.p.stored(BOB) if "report-type=delivery-status" in t and subject in t])
        self.assertEqual(len(found or []), 1, self.p.log_tail())
        return email.message_from_string(found[0], policy=email.policy.default)

    def test_failed(self):
        report = self.report("first words", "nobody@far.test")
        self.assertEqual(report["Subject"], "Zur\u00fcck an " + BOB)
        self.assertEqual(report["Auto-Submitted"], "auto-replied")
        text, status, original = report.iter_parts()
        words = text.get_content()
        self.assertEqual(text["Content-Transfer-Encoding"], "base64")
        self.assertTrue(words.startswith("Hier ist mx.local.test. F\u00fcr Fragen: postmaster"), words)
        self.assertIn("bei\n\n  nobody@far.test\n    The server 127.0.0.1 [127.0.0.1] said:\n      550 5.1.1", words)
        self.assertTrue(words.endswith("The header of your message is attached.\n"), words)
        self.assertNotIn("Sorry", words)
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        self.assertIn("first words", original.get_content())

    def test_one_word_of_ours(self):
        report = self.report("second words", BOB, ["NOTIFY=SUCCESS"])
        self.assertEqual(report["Subject"], "Arrived")
        text = next(report.iter_parts())
        self.assertIn("your message was delivered to\n\n  " + BOB, text.get_content())
