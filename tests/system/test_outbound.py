"""Mail that leaves: MX, fallback, retries, reports, TLS; with a name server and mail servers of the tests."""
import email
import email.policy
import socket
import unittest

from dns_server import DnsServer
from lib import Instance, certificate, message, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")

ZONE = {
    "one.test": {"MX": [(10, "mx1.test")]},
    "two.test": {"MX": [(20, "mx2.test"), (10, "mx1.test")]},
    "alias.test": {"CNAME": ["one.test"]},
    "null.test": {"MX": [(0, ".")]},
    "bare.test": {"A": ["127.0.0.1"]},
    "empty.test": {"TXT": ["nothing here"]},
    "broken.test": "SERVFAIL",
    "loop.test": {"MX": [(10, "mx.local.test")]},
    "mx1.test": {"A": ["127.0.0.1"]},
    "mx2.test": {"A": ["127.0.0.2"]},
    "mx3.test": {"A": ["127.0.0.3"]},
}


def sinks():
    """Three servers on 127.0.0.1, .2 and .3, all on one port."""
    for _ in range(20):
        made = [Sink(HOSTS[0], certificate=certificate())]
        try:
            for host in HOSTS[1:]:
                made.append(Sink(host, made[0].port, certificate=certificate()))
            return made
        except OSError:
            for s in made:
                s.close()
    raise AssertionError("no port is free on all of %s" % (HOSTS,))


class Outbound(unittest.TestCase):
    """One instance; each test takes the servers for itself."""

    @classmethod
    def setUpClass(cls):
        cls.dns = DnsServer(dict(ZONE))
        cls.sinks = sinks()
        cls.p = Instance(dns=cls.dns.address, config="""
            queue { retry_min = 300ms retry_max = 1s lifetime = 1h }
            daemon smtp { port = %d reuse = 400ms connect_timeout = 2s greeting_timeout = 3s command_timeout = 5s }
            route "smart.test" { via = "%s" tls = none }
            route "secure.test" { via = "%s" tls = verify }
            route "lmtp.test" { via = "lmtp:%s" }
            """ % (cls.sinks[0].port, cls.sinks[2].via, cls.sinks[2].via, cls.sinks[2].via))
        try:
            cls.p.start()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.p.close()
        for s in cls.sinks:
            s.close()
        cls.dns.close()

    def setUp(self):
        # Idle connections of the test before have ended, so that this one sees its own.
        self.assertTrue(wait_for(lambda: not any(s.open for s in self.sinks), 10))
        for s in self.sinks:
            s.again()

    def send(self, to, subject, sender=BOB, body="hello\r\n", options=(), rcpt_options=()):
        to = [to] if isinstance(to, str) else to
        with self.p.smtp("submission", BOB) as c:
            c.sendmail(sender, to, message(subject, body, sender=sender, to=to[0]).encode("utf-8", "surrogateescape"),
                       options, rcpt_options)

    def wait_sent(self, sink, subject, count=1, seconds=15):
        def found():
            mails = [m for m in sink.mails if "\r\nSubject: %s\r\n" % subject in m.text]
            return mails if len(mails) >= count else None
        mails = wait_for(found, seconds, 0.05)
        self.assertTrue(mails, "%s never came\n%s" % (subject, self.p.log_tail()))
        self.assertEqual(len(mails), count)
        return mails

    def wait_report(self, words, seconds=15):
        """The delivery report on the message with this subject: (report, list of recipients' fields)."""
        def found():
            for text in self.p.stored(BOB):
                if "multipart/report" in text and "Subject: " + words in text:
                    return text
            return None
        text = wait_for(found, seconds, 0.2)
        self.assertTrue(text, "no report on %s\n%s" % (words, self.p.log_tail()))
        m = email.message_from_string(text, policy=email.policy.default)
        self.assertEqual(m.get_content_type(), "multipart/report")
        self.assertEqual(m.get_param("report-type"), "delivery-status")
        words_part, status, original = m.get_payload()
        self.assertEqual(words_part.get_content_type(), "text/plain")
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        return m, status.get_payload()[1:]

    # --- where to

    def test_mx(self):
        self.send("x@one.test", "by mx", body="a\r\n.\r\n..b\r\n\xe4\r\n".encode("latin-1").decode("utf-8", "surrogateescape"))
        mail = self.wait_sent(self.sinks[0], "by mx")[0]
        self.assertEqual((mail.sender, mail.rcpts), (BOB, ["x@one.test"]))
        self.assertTrue(mail.text.endswith("\r\n\r\na\r\n.\r\n..b\r\n\udce4\r\n"), repr(mail.text))
        self.p.wait_queue_empty()

    def test_best_mx_first(self):
        self.send("x@two.test", "best first")
        self.wait_sent(self.sinks[0], "best first")
        self.assertEqual(self.sinks[1].connections, 0)

    def test_next_mx_after_busy_greeting(self):
        self.sinks[0].again(reply={"connect": "421 4.3.2 busy"})
        self.send("x@two.test", "busy first")
        self.wait_sent(self.sinks[1], "busy first")

    def test_next_mx_without_connection(self):
        self.dns.zone["half.test"] = {"MX": [(10, "dead.test"), (20, "mx2.test")]}
        self.dns.zone["dead.test"] = {"A": ["127.0.0.9"]}
        self.send("x@half.test", "dead first")
        self.wait_sent(self.sinks[1], "dead first")

    def test_domain_without_mx(self):
        self.send("x@bare.test", "no mx")
        self.wait_sent(self.sinks[0], "no mx")

    def test_alias_domain(self):
        self.send("x@alias.test", "by cname")
        self.wait_sent(self.sinks[0], "by cname")

    def test_null_mx(self):
        self.send("x@null.test", "null mx")
        report, rcpts = self.wait_report("null mx")
        self.assertEqual(rcpts[0]["Status"], "5.1.10")

    def test_no_such_domain(self):
        self.send("x@nowhere.test", "nowhere")
        report, rcpts = self.wait_report("nowhere")
        self.assertEqual(rcpts[0]["Status"], "5.1.2")
        self.assertEqual(report["To"], BOB)

    def test_we_are_the_mx(self):
        self.send("x@loop.test", "looping")
        self.assertEqual(self.wait_report("looping")[1][0]["Status"], "5.4.6")

    def test_server_with_our_name(self):
        """Found by MX it is ourselves; what an administrator names, as a filter beside us, may have our name."""
        greeting = "220 mx.local.test ESMTP"
        self.sinks[0].again(reply={"connect": greeting})
        self.send("x@one.test", "our own name")
        fields = self.wait_report("our own name")[1][0]
        self.assertEqual(fields["Status"], "5.4.6")
        self.assertEqual(fields["Diagnostic-Code"], "X-Postern; mx1.test [127.0.0.1]: mail loops back to this server")
        self.sinks[2].again(reply={"connect": greeting})
        self.send("x@smart.test", "by a filter")
        self.wait_sent(self.sinks[2], "by a filter")

    def test_route_to_ourselves(self):
        """It goes round until receive.hops ends it."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = """
            receive { hops = 10 }
            relay { allow_from = 127.0.0.1 }
            listen smtp 127.0.0.1:%d
            route "round.test" { via = "[127.0.0.1]:%d" tls = none }""" % (port, port)
        with Instance(name="round", config=config) as p:
            p.start()
            with p.smtp("submission", BOB) as c:
                c.sendmail(BOB, ["x@round.test"], message("and round", sender=BOB, to="x@round.test").encode())
            report = p.wait_mail_with(BOB, "Your message could not be delivered", 1, 20)[0]
            p.wait_queue_empty()
            self.assertIn("\nStatus: 5.4.6\n", report)
            self.assertEqual(report.count("\nReceived: from "), 11)

    def test_names_fail_then_work(self):
        self.dns.zone["later.test"] = "SERVFAIL"
        self.send("x@later.test", "names later")
        wait_for(lambda: "4.4.3" in self.p.log(), 10)
        self.dns.zone["later.test"] = {"MX": [(10, "mx1.test")]}
        self.wait_sent(self.sinks[0], "names later", seconds=30)

    def test_route(self):
        self.send("x@smart.test", "smart host")
        self.wait_sent(self.sinks[2], "smart host")

    def test_lmtp_answers_for_each(self):
        self.sinks[2].again(reply={"dot": lambda rcpt: "550 5.2.1 closed" if rcpt == "no@lmtp.test" else None})
        self.sinks[2].lmtp = True
        try:
            self.send(["yes@lmtp.test", "no@lmtp.test"], "over lmtp")
            self.wait_sent(self.sinks[2], "over lmtp")
            report, rcpts = self.wait_report("over lmtp")
        finally:
            self.sinks[2].lmtp = False
        self.assertEqual([r["Final-Recipient"] for r in rcpts], ["rfc822; no@lmtp.test"])

    # --- what servers say

    def test_4xx_is_tried_again(self):
        seen = []

        def twice(line):
            seen.append(line)
            return "451 4.7.1 greylisted" if len(seen) < 3 else None
        self.sinks[0].again(reply={"RCPT": twice})
        self.send("x@one.test", "grey")
        self.wait_sent(self.sinks[0], "grey", seconds=30)
        self.assertEqual(len(seen), 3)
        self.p.wait_queue_empty()

    def test_5xx_is_reported(self):
        self.sinks[0].again(reply={"RCPT": lambda line: "550 5.1.1 no such user" if "no@" in line else None})
        self.send(["no@one.test", "yes@one.test"], "half refused")
        self.assertEqual(self.wait_sent(self.sinks[0], "half refused")[0].rcpts, ["yes@one.test"])
        report, rcpts = self.wait_report("half refused")
        self.assertEqual(len(rcpts), 1)
        self.assertEqual(rcpts[0]["Final-Recipient"], "rfc822; no@one.test")
        self.assertEqual(rcpts[0]["Action"], "failed")
        self.assertEqual(rcpts[0]["Status"], "5.1.1")
        self.assertIn("no such user", rcpts[0]["Diagnostic-Code"])
        self.assertIn("mx1.test", rcpts[0]["Remote-MTA"])
        self.assertIn("no such user", report.get_payload()[0].get_content())

    def test_refused_text(self):
        self.sinks[0].again(reply={"dot": "554 5.7.1 smells"})
        self.send("x@one.test", "refused text")
        self.assertEqual(self.wait_report("refused text")[1][0]["Status"], "5.7.1")

    def dies(self, step, subject):
        self.sinks[0].again(die=step)
        self.send("x@one.test", subject)
        self.assertTrue(wait_for(lambda: self.sinks[0].connections >= 2, 15), self.p.log_tail())
        self.assertEqual(self.sinks[0].mails, [])
        self.sinks[0].again()
        self.wait_sent(self.sinks[0], subject, seconds=30)
        self.p.wait_queue_empty()

    def test_dies_in_data(self):
        self.dies("DATA", "dies in data")

    def test_dies_in_text(self):
        self.dies("text", "dies in text")

    def test_dies_after_dot(self):
        self.dies("dot", "dies after dot")
        self.assertIn("maybe-duplicate=yes", self.p.log())

    def test_early_250_is_not_sent(self):
        """I57"""
        self.sinks[0].again(reply={"DATA": "354 go\r\n250 2.0.0 taken"})
        self.send("x@one.test", "early")
        self.assertTrue(wait_for(lambda: self.sinks[0].connections >= 2, 15))
        self.assertEqual([m for m in self.sinks[0].mails if "early" in m.text], [])
        self.sinks[0].again()
        self.wait_sent(self.sinks[0], "early", seconds=30)

    def test_hostile_replies(self):
        """I03: the session ends, the mail stays, the program lives."""
        pids = self.p.pids("smtp")
        for n, words in enumerate(("550-", "220-x\r\n" * 100000, "x" * 1000000, "\0\0\0", "220 a\n220 b", "999 x")):
            self.sinks[0].again(reply={"connect": words}, die="EHLO")
            self.send("x@one.test", "hostile %d" % n)
            self.assertTrue(wait_for(lambda: self.sinks[0].connections >= 1, 15), words[:20])
        self.assertEqual(self.p.pids("smtp"), pids)
        self.sinks[0].again()
        for n in range(6):
            self.wait_sent(self.sinks[0], "hostile %d" % n, seconds=30)

    # --- TLS

    def test_opportunistic_tls(self):
        self.sinks[0].again(tls="good")
        self.send("x@one.test", "encrypted")
        self.assertTrue(self.wait_sent(self.sinks[0], "encrypted")[0].tls)

    def test_broken_tls_then_clear(self):
        self.sinks[0].again(tls="bad")
        self.send("x@one.test", "in clear")
        self.assertFalse(self.wait_sent(self.sinks[0], "in clear")[0].tls)

    def test_starttls_injection(self):
        """I11: nothing is sent in clear or encrypted."""
        self.sinks[0].again(tls="good", reply={"STARTTLS": "220 go\r\n250-AUTH PLAIN\r\n250 PIPELINING"})
        self.send("x@one.test", "injected")
        self.assertTrue(wait_for(lambda: self.sinks[0].connections >= 2, 15))
        self.assertFalse([line for line in self.sinks[0].lines if line.startswith("MAIL")])
        self.sinks[0].again()
        self.wait_sent(self.sinks[0], "injected", seconds=30)

    def test_verify_refuses_unknown_certificate(self):
        self.sinks[2].again(tls="good")
        self.send("x@secure.test", "verified")
        self.assertTrue(wait_for(lambda: self.sinks[2].connections >= 2, 15))
        self.assertFalse([line for line in self.sinks[2].lines if line.startswith("MAIL")])
        self.p.ctl("queue", "drop", "--all", check=False)

    # --- more

    def test_connection_is_used_again(self):
        for n in range(5):
            self.send("x@one.test", "again %d" % n)
            self.wait_sent(self.sinks[0], "again %d" % n)
        self.assertEqual(self.sinks[0].connections, 1)

    def test_large_message(self):
        body = "".join("%06d %s\r\n" % (n, "x" * 60) for n in range(20000))
        self.send("x@one.test", "large", body=body)
        mail = self.wait_sent(self.sinks[0], "large", seconds=60)[0]
        self.assertTrue(mail.text.endswith("\r\n\r\n" + body))


class SmartHost(unittest.TestCase):
    def test_everything_goes_there(self):
        with Sink(certificate=certificate()) as smart, DnsServer({}) as dns, Instance(dns=dns.address, config="""
                route "*" { via = "%s" }""" % smart.via) as p:
            p.start()
            with p.smtp("submission", BOB) as c:
                c.sendmail(BOB, ["a@x.test", "b@y.test", BOB], message("smart", sender=BOB).encode())
            self.assertTrue(wait_for(lambda: sorted(r for m in smart.mails for r in m.rcpts) == ["a@x.test", "b@y.test"], 15),
                            p.log_tail())
            self.assertEqual(len(p.wait_mail(BOB, 1)), 1)
