"""What is done to a target, and what is measured: each run(bench, target) gives {metric: number}.

A goal is (metric, direction, number, of what): "x" compares ours with the peer's as a ratio, else the unit of the number.
The numbers are those that the project set itself.
"""
import statistics
import subprocess
import time

from measure import wait_for
from sink import Failed, finish, load, send_one

MB = 1e6


class Workload:
    peer = True      # also done to Postfix
    flushes = False  # also counted under strace
    goals = ()
    queue = ""       # more of Postern's section of that name
    delay_ms = 0     # of the sink's last answer

    def __init__(self, name, **settings):
        self.name = name
        self.__dict__.update(settings)


def settle(bench, target, what, goal, seconds):
    """Waits for what() to be goal, with a progress line; asks seldom while that is far away."""
    began = time.monotonic()
    last, moved = -1, began
    while True:
        asked = time.monotonic()
        now = what()
        if now == goal:
            return
        at = time.monotonic()
        if now != last:
            last, moved = now, at
        if at - moved > seconds:
            raise Failed("%s: %d of %d after %.0f s without a change\n%s" % (target.name, now, goal, seconds,
                                                                         target.log_tail()))
        bench.progress("%d of %d" % (now, goal))
        rate = now / (at - began) if now > 0 and at > began else 0
        left = (goal - now) / rate if rate and goal > now else 0
        time.sleep(max(0.01, 10 * (at - asked), min(0.2, left / 2)))


class Deliver(Workload):
    """Accepted, in the Maildirs, and out of the queue."""

    flushes = True

    def count(self, bench):
        return max(self.sessions * 2, round(self.messages * bench.scale))

    def send(self, bench, target, count):
        before = target.delivered()
        client = bench.client(load(bench.build, target.port, count, self.sessions, self.octets, self.keep,
                                   bench.pipelining))
        finish(client, count)
        accepted = time.monotonic()
        settle(bench, target, target.delivered, before + count, 60)
        settle(bench, target, target.queued, 0, 60)
        return accepted

    def run(self, bench, target):
        count = self.count(bench)
        self.send(bench, target, 2 * self.sessions)  # the processes that it takes are there
        cpu, began = target.cpu(), time.monotonic()
        accepted = self.send(bench, target, count)
        took = time.monotonic() - began
        return {"messages/s": count / took, "accepted/s": count / (accepted - began),
                "CPU ms/message": (target.cpu() - cpu) / count * 1e3, "MB": target.memory()[0] / MB}

    def run_flushes(self, bench, target, flushes):
        count = self.count(bench)
        self.send(bench, target, 2 * self.sessions)
        began = time.time()
        self.send(bench, target, count)
        ended = time.time()
        target.stop()
        calls = flushes.count(began, ended)
        return {"flushes/message": sum(calls.values()) / count, "calls": calls}


class Drain(Workload):
    """A destination that says 4xx for a while."""

    goals = (("messages/s", ">=", 2.5, "x"), ("CPU ms/message", "<=", 0.2, "x"), ("MB while deep", "<=", 1 / 3, "x"))

    def run(self, bench, target):
        count = max(20, round(10000 * bench.scale))
        sink = bench.sink
        sink.refuse(True)
        finish(bench.client(load(bench.build, target.port, count, 20, 4096, True, bench.pipelining, 1, 1000,
                                 "r%d@relay.test")), count)
        settle(bench, target, target.deferred, count, 60)
        whole, manager = target.memory()
        sink.refuse(False)
        had, cpu, began = sink.messages, target.cpu(), time.monotonic()
        target.flush()
        settle(bench, target, lambda: sink.messages - had, count, 60)
        settle(bench, target, target.queued, 0, 60)
        took = time.monotonic() - began
        if sink.messages - had != count:
            raise Failed("%d messages became %d" % (count, sink.messages - had))
        return {"messages/s": count / took, "CPU ms/message": (target.cpu() - cpu) / count * 1e3,
                "MB while deep": whole / MB, "qmgr MB while deep": manager / MB}


class Deep(Workload):
    """Very many messages that wait: what they cost, and how long a restart and a listing take."""

    peer = False
    queue = "messages = 20000000"

    @staticmethod
    def goals_at(count):
        million = count > 100000
        return (("qmgr MB", "<", 400 if million else 60, "MB"), ("start s", "<", 30 if million else 3, "s"),
                ("start after kill -9 s", "<", 30 if million else 3, "s"), ("list s", "<", 1, "s"))

    def run(self, bench, target):
        count = max(100, round(100000 * bench.scale))
        self.goals = self.goals_at(count)
        bench.sink.refuse(True)
        began = time.monotonic()
        # In parts, so that nothing else than the sink's 4xx slows it down.
        for done in range(0, count, 50000):
            part = min(50000, count - done)
            bench.progress("%d of %d sent" % (done, count))
            finish(bench.client(load(bench.build, target.port, part, 20, 1024, True, True, 1, 1000,
                                     "r%d@relay.test")), part)
        filled = time.monotonic() - began
        settle(bench, target, target.deferred, count, 120)
        found = {"filled/s": count / filled, "qmgr MB": target.memory()[1] / MB, "all MB": target.memory()[0] / MB}
        found["list s"] = self.list(target, count)
        for metric, end in (("start s", target.stop), ("start after kill -9 s", target.kill)):
            end()
            began = time.monotonic()
            target.start()
            found[metric] = time.monotonic() - began
            if target.queued() != count:
                raise Failed("%d messages are %d after a restart" % (count, target.queued()))
        return found

    @staticmethod
    def list(target, count):
        began = time.monotonic()
        tool = subprocess.Popen([*target.tool, "queue", "list", "--json"], stdout=subprocess.PIPE)
        lines = subprocess.run(["wc", "-l"], stdin=tool.stdout, capture_output=True, text=True, check=True).stdout
        took = time.monotonic() - began
        tool.stdout.close()
        if tool.wait() != 0 or int(lines) != count:
            raise Failed("queue list says %s lines for %d messages, exit %d" % (lines.strip(), count, tool.wait()))
        return took


class List(Workload):
    """One single message while a long list is on its way to a slow site: to the same site, and to a mailbox here."""

    PER_MESSAGE = 100000  # the most recipients that a client may name in one message
    delay_ms = 200         # a message waits for a free connection about as long as the site takes to answer
    goals = (("delay, same site s", "<", 0.5, "s"), ("delay, mailbox s", "<", 0.5, "s"))

    def probe(self, bench, target):
        """Seconds until one message each is at the sink, and in a mailbox."""
        had, stored = bench.sink.probes, target.delivered()
        began = send_one(target.port, "probe@relay.test")
        if not wait_for(lambda: bench.sink.probes > had, 60, 0.001):
            raise Failed("a single message to the slow site took over a minute")
        remote = (bench.sink.probe_ns - began) / 1e9
        began = send_one(target.port, "u1@bench.test")
        if not wait_for(lambda: target.delivered() > stored, 60, 0.001):
            raise Failed("a single message to a mailbox took over a minute")
        return remote, (time.monotonic_ns() - began) / 1e9

    def run(self, bench, target):
        sink, count = bench.sink, max(2000, round(100000 * bench.scale))
        empty = [self.probe(bench, target) for _ in range(5)]
        had, started = sink.recipients, sink.started
        each = min(count, self.PER_MESSAGE)
        finish(bench.client(load(bench.build, target.port, count // each, 1, 4096, True, True, each, count,
                                 "list%d@relay.test")), count // each)
        wait_for(lambda: sink.started > started, 60)
        behind = [self.probe(bench, target)]
        while len(behind) < 5 and sink.recipients - had < count // each * each:
            behind.append(self.probe(bench, target))
            bench.progress("%d probes, %d of %d recipients done" % (len(behind), sink.recipients - had, count))
        # The whole list is waited for: nobody is forgotten, nobody served twice.
        wanted = count // each * each + len(behind)
        settle(bench, target, lambda: sink.recipients - had, wanted, 60)
        settle(bench, target, target.queued, 0, 60)
        if sink.recipients - had != wanted or sink.probes != 5 + len(behind):
            raise Failed("%d recipients became %d" % (wanted, sink.recipients - had))

        def delay(i):
            return max(p[i] for p in behind) - statistics.median(p[i] for p in empty)
        return {"delay, same site s": delay(0), "delay, mailbox s": delay(1), "probes": len(behind)}


def deliver(name, messages, sessions, octets, keep, rate, cpu):
    return Deliver(name, messages=messages, sessions=sessions, octets=octets, keep=keep, goals=(
        *(() if rate is None else (("messages/s", ">=", rate, "x"),)), *(() if cpu is None else (("CPU ms/message", "<=", cpu, "x"),)),
        *(() if sessions == 1 else (("flushes/message", "<", 0.1, ""),))))


ALL = [
    deliver("deliver-1", 3000, 1, 4096, False, 2.5, None),
    deliver("deliver-10", 5000, 10, 4096, False, None, None),
    deliver("deliver-100", 10000, 100, 4096, False, 4, 1 / 8),
    deliver("deliver-10-kept", 10000, 10, 4096, True, 4, 1 / 8),
    deliver("deliver-10-64k", 2000, 10, 65536, False, 3, 1 / 4),
    deliver("deliver-100-64k", 3000, 100, 65536, False, 3, 1 / 4),
    deliver("deliver-10-kept-64k", 3000, 10, 65536, True, 3, 1 / 4),
    Drain("drain"),
    Deep("deep"),
    List("list"),
]
