"""What is lost of a spool costs no more than what was lost."""
import glob
import os
import unittest

from lib import Instance, wait_for
from smtp_sink import Sink

BOB = "bob@local.test"
LARGE = "a line of a large letter\r\n" * 20000


class Spool(unittest.TestCase):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.sink.again(reply={"RCPT": "451 4.2.1 later"})
        self.p = Instance(kinds=("smtp",), name="spool", config="relay { allow_from = [127.0.0.1] } "
                          "route \"far.test\" { via = \"%s\" tls = none } queue { retry_min = 1h }" % self.sink.via)
        self.addCleanup(self.p.close)
        self.p.start()

    def path(self, *names):
        return os.path.join(self.p.base, "spool", *names)

    def wait_deferred(self, n):
        self.assertTrue(wait_for(lambda: [row["status"] for row in self.p.queue()] == ["deferred"] * n, 20), self.p.queue())

    def test_no_uuid(self):
        """Without it nothing can be read: no empty queue is begun over what is there."""
        self.p.send("small", to="x@far.test")
        self.p.send("large", to="x@far.test", body=LARGE)
        self.wait_deferred(2)
        ids = [row["id"] for row in self.p.queue()]
        self.p.stop()
        os.rename(self.path("uuid"), self.path("other"))
        self.assertNotEqual(self.p.ctl("start", check=False).returncode, 0)
        self.assertTrue(wait_for(lambda: "spool/uuid is missing" in self.p.log(), 10), self.p.log_tail())
        self.p.ctl("stop", check=False)
        self.assertFalse(os.path.exists(self.path("uuid")))
        os.rename(self.path("other"), self.path("uuid"))
        self.p.start()
        self.assertEqual([row["id"] for row in self.p.queue()], ids)

    def test_body_of_a_damaged_record(self):
        """The record is damaged, and a later one shows that it was on disk: its body is whole and stays."""
        self.p.send("large", to="x@far.test", body=LARGE)
        self.wait_deferred(1)
        self.p.send("small", to="x@far.test")
        self.wait_deferred(2)
        name, = os.listdir(self.path("large"))
        self.p.kill_all()
        log = max(glob.glob(self.path("log", "*.seg")), key=os.path.getmtime)
        with open(log, "r+b") as f:
            text = f.read()
            at = text.index(b"x@far.test")
            f.seek(at)
            f.write(b"y")
        self.p.start()
        self.assertTrue(wait_for(lambda: "large-kept" in self.p.log(), 10), self.p.log_tail())
        with open(self.path("corrupt", "large-" + name), "rb") as f:
            self.assertEqual(f.read().count(b"a line of a large letter"), 20000)
        self.assertEqual(len(self.p.queue()), 1)


if __name__ == "__main__":
    unittest.main()
