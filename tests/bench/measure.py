"""What a target's processes use, and what the rest of the machine uses meanwhile."""
import os
import re
import signal
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def read(path):
    with open(path, errors="replace") as f:
        return f.read()


def wait_for(what, seconds, step=0.02):
    """The first true value of what(), or its last one after the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def file_system(path):
    return subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=True).stdout.strip()


def processes():
    """{pid: (parent, seconds of CPU with those of ended children)} of everything that runs."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = read("/proc/%s/stat" % entry)
            except OSError:
                continue
            fields = text[text.rindex(")") + 2:].split()
            found[int(entry)] = int(fields[1]), sum(map(int, fields[11:15])) / TICK
    return found


def below(root, table=None):
    """The process and all below it."""
    table = table or processes()
    children = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found = [root] if root in table else []
    for pid in found:
        found += children.get(pid, [])
    return found


class Group:
    """A control group of our own for one target, or nothing where there are none: then the process tree is asked."""

    def __init__(self, name):
        self.path = None
        try:
            own = re.search(r"^0::(.*)$", read("/proc/self/cgroup"), re.M)[1]
            mounted = re.search(r"^\S+ (\S+) cgroup2 ", read("/proc/mounts"), re.M)[1]
            path = "%s%s/postern-bench-%d-%s" % (mounted, own.rstrip("/"), os.getpid(), name)
            os.mkdir(path)
            self.path = path
        except (OSError, TypeError):
            pass

    def enter(self):
        """For a child, between fork and exec."""
        if self.path:
            with open(self.path + "/cgroup.procs", "w") as f:
                f.write("0")

    def pids(self):
        return [int(pid) for pid in read(self.path + "/cgroup.procs").split()]

    def cpu(self):
        return int(re.search(r"usage_usec (\d+)", read(self.path + "/cpu.stat"))[1]) / 1e6

    def close(self):
        """Ends what is left in it."""
        if not self.path:
            return
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_for(lambda: not self.pids(), 10)
        try:
            os.rmdir(self.path)
        except OSError:
            pass
        self.path = None


def memory(pids):
    """Octets: each page shared by n processes counts one nth. Where that may not be read, the resident set is taken."""
    total = 0
    for pid in pids:
        try:
            found = re.search(r"^Pss:\s+(\d+)", read("/proc/%d/smaps_rollup" % pid), re.M)
            total += int(found[1]) * 1024
        except (OSError, TypeError):
            try:
                total += int(read("/proc/%d/statm" % pid).split()[1]) * PAGE
            except OSError:
                pass  # gone meanwhile
    return total


class Noise:
    """The share of the machine's CPU that went neither to the target nor to this program and its children."""

    def __init__(self, target, clients):
        self.target, self.clients = target, clients
        self.began = self.now()

    def now(self):
        fields = [int(n) / TICK for n in read("/proc/stat").split("\n")[0].split()[1:9]]
        times = os.times()
        ours = self.target.cpu() + sum(times[:4])
        table = processes()
        ours += sum(table[pid][1] for pid in self.clients() if pid in table)
        return sum(fields), sum(fields) - fields[3] - fields[4], ours

    def percent(self):
        total, busy, ours = (b - a for a, b in zip(self.began, self.now()))
        return max(0.0, 100 * (busy - ours) / total) if total > 0 else 0.0


class Flushes:
    """strace around a target's start: how often it made something durable, and when. Slows it down: for counting only."""

    CALLS = "fsync,fdatasync,syncfs,sync,sync_file_range,msync"

    def __init__(self, folder):
        self.file = os.path.join(folder, "flushes")

    def command(self):
        return ["strace", "-f", "--seccomp-bpf", "-qq", "-ttt", "-Y", "-s", "0", "-e", "signal=none", "-e",
                "trace=" + self.CALLS, "-o", self.file]

    def count(self, since, until):
        """{"program call": how often} between these times of day."""
        calls = {}
        for line in read(self.file).splitlines():
            found = re.match(r"\d+<(.*)> +(\d+\.\d+) (\w+)\(", line)  # not "<... resumed>"
            if found and since <= float(found[2]) <= until:
                name = "%s %s" % (found[1], found[3])
                calls[name] = calls.get(name, 0) + 1
        return calls
