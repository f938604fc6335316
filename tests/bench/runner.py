"""Runs workloads on targets in turn and keeps what they found."""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

from disk import Disk
from measure import Flushes, Noise, file_system
from sink import Failed, Sink
from targets import Postern, Postfix

UNKNOWN = "-"


class Bench:
    """One run of the program: its scratch folder, what is alive in it, and the results."""

    def __init__(self, build, scale=1.0, peer=None, scratch=None, pipelining=False, any_disk=False, out=None,
                 gigabytes=0):
        self.build, self.scale, self.peer, self.pipelining, self.out = os.path.abspath(build), scale, peer, pipelining, out
        for program in ("tests/bench/smtpload", "tests/bench/smtpsink", "ctl/postern"):
            if not os.access(os.path.join(self.build, program), os.X_OK):
                raise Failed("no %s in %s: build it first (make)" % (program, self.build))
        scratch = os.path.abspath(scratch or self.build)
        if not any_disk and file_system(scratch) in ("tmpfs", "ramfs"):
            raise Failed("%s is memory, not a disk: flushes would cost nothing (--scratch DIR)" % scratch)
        self.folder = tempfile.mkdtemp(prefix="bench.", dir=scratch)
        os.chmod(self.folder, 0o755)
        self.sink = self.target = self.disk = None
        if gigabytes:
            self.disk = Disk(self.folder, gigabytes)
        self.clients, self.rows, self.title = [], [], ""
        self.failed = 0

    def progress(self, text=""):
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K%s" % ("%s: %s" % (self.title, text) if text else ""))
            sys.stderr.flush()

    def client(self, process):
        self.clients.append(process)
        return process

    def pids(self):
        return self.sink.pids() + [p.pid for p in self.clients if p.returncode is None]

    def make(self, kind, workload):
        folder = os.path.join(self.disk.fresh() if self.disk else self.folder, kind)
        if kind == "postfix":
            return Postfix(folder, self.peer, self.sink.port)
        return Postern(folder, self.build, self.sink.port, workload.queue)

    def cell(self, workload, kind, rep, flushes=False):
        """One fresh target, one workload; the row, also kept."""
        self.title = "%s %s %s" % (workload.name, kind, "flushes" if flushes else "rep %d" % (rep + 1))
        self.progress("starting")
        row = {"workload": workload.name, "target": kind, "rep": rep, "scale": self.scale}
        try:
            self.sink = Sink(self.build, self.folder).start(delay_ms=workload.delay_ms)
            self.target = self.make(kind, workload)
            tracer = Flushes(self.folder) if flushes else None
            self.target.start(tracer)
            if tracer:
                row.update(workload.run_flushes(self, self.target, tracer))
            else:
                noise = Noise(self.target, self.pids)
                row.update(workload.run(self, self.target))
                row["CPU of others %"] = noise.percent()
        except (Failed, OSError, subprocess.SubprocessError) as e:
            row["error"] = str(e)
            self.failed += kind == "postern"
        finally:
            self.clean()
        self.rows.append(row)
        if self.out:
            self.out.write(json.dumps(row) + "\n")
            self.out.flush()
        return row

    def clean(self):
        """Ends everything that is alive."""
        clients, target, sink = self.clients, self.target, self.sink
        self.clients, self.target, self.sink = [], None, None
        try:
            for process in clients:
                if process.poll() is None:
                    process.kill()
                    process.communicate()
        finally:
            try:
                if target:
                    target.close()
            finally:
                if sink:
                    sink.stop()
                if self.disk:
                    self.disk.end()
        self.progress()

    def close(self):
        # A second interrupt shall not leave servers behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            self.clean()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kinds(self, workload):
        return ["postern"] + ["postfix"] * (workload.peer and self.peer is not None)

    def run(self, workload, reps):
        for rep in range(reps):
            for kind in self.kinds(workload):
                self.cell(workload, kind, rep)
        if workload.flushes and shutil.which("strace"):
            for kind in self.kinds(workload):
                self.cell(workload, kind, 0, flushes=True)

    # --- what came out

    def medians(self, workload, kind):
        """{metric: (median, least, most)}."""
        found = {}
        for row in self.rows:
            if row["workload"] == workload.name and row["target"] == kind:
                for metric, value in row.items():
                    if metric not in ("workload", "target", "rep", "scale", "error", "calls"):
                        found.setdefault(metric, []).append(value)
        return {metric: (statistics.median(all_), min(all_), max(all_)) for metric, all_ in found.items()}

    def table(self, workload, reps):
        ours, peer = self.medians(workload, "postern"), self.medians(workload, "postfix")
        goals = {goal[0]: goal for goal in workload.goals}
        lines = ["%s (scale %g, medians of %d, least to most)" % (workload.name, self.scale, reps)]
        lines.append("  %-22s %-28s %-28s %-8s %s" % ("", "postern", "postfix", "ratio", "goal"))
        for metric in ours:
            ratio = ours[metric][0] / peer[metric][0] if peer.get(metric, (0,))[0] and "%" not in metric else None
            lines.append(("  %-22s %-28s %-28s %-8s %s" % (
                metric, spread(ours[metric]), spread(peer.get(metric)), number(ratio) + "x" if ratio else UNKNOWN,
                judge(goals.get(metric), ours[metric][0], ratio))).rstrip())
        for row in self.rows:
            if row["workload"] == workload.name and "calls" in row:
                lines.append("  flushes of %s: %s" % (row["target"], ", ".join(
                    "%s %d" % call for call in sorted(row["calls"].items(), key=lambda call: -call[1]))))
            if row["workload"] == workload.name and "error" in row:
                lines.append("  FAILED %s rep %d: %s" % (row["target"], row["rep"] + 1, row["error"]))
        return "\n".join(lines)


def number(value):
    return UNKNOWN if value is None else "%.0f" % value if value >= 100 else "%.3g" % value


def spread(found):
    if not found:
        return UNKNOWN
    return number(found[0]) + ("" if found[1] == found[2] else " (%s to %s)" % (number(found[1]), number(found[2])))


def judge(goal, value, ratio):
    if goal is None:
        return ""
    _, direction, limit, unit = goal
    have = ratio if unit == "x" else value
    text = "%s %s%s" % (direction, number(limit), unit if unit == "x" else " " + unit if unit else "")
    if have is None:
        return text + "  no peer"
    reached = {"<": have < limit, "<=": have <= limit, ">=": have >= limit}[direction]
    return text + ("  reached" if reached else "  MISSED")


def on_terminate(sig, frame):
    raise KeyboardInterrupt
