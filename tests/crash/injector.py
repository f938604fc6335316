"""The other side of inject.c: what is to go wrong, in a page that all programs of an instance share.

    with Injector(build) as i:                  from here on, every Instance is started with it
        i.arm("qmgr", ACTIONS["kill"], at=3)
        ...
        i.hits, i.count, i.what(base)
"""
import errno
import mmap
import os
import struct

from lib import scratch

OPEN, WRITE, SYNC, TRUNCATE, RENAME, LINK, UNLINK, MKDIR, CLOSE, SEND, READ = (1 << n for n in range(11))
DISK = OPEN | WRITE | SYNC | TRUNCATE | RENAME | LINK | UNLINK | MKDIR | CLOSE
NOTHING, BEFORE, AFTER, TORN, FAIL, SHORT, LOSE = range(7)  # as in inject.c
LAYOUT, CLOCK, STARTS = "=10IQ16s64s", 128, 136  # and where the others stand
NOT, FULL, ALL = range(3)  # as in inject.c, whether a fault stays
NAMES = {257: "openat", 437: "openat2", 1: "write", 18: "pwrite64", 20: "writev", 46: "sendmsg", 44: "sendto", 75: "fdatasync",
         74: "fsync", 306: "syncfs", 77: "ftruncate", 285: "fallocate", 264: "renameat", 265: "linkat", 263: "unlinkat",
         258: "mkdirat", 3: "close", 0: "read", 17: "pread64", 217: "readdir"}  # of x86-64, for reports only


class Action:
    def __init__(self, action, kinds, error=0, stays=NOT):
        self.action, self.kinds, self.error, self.stays = action, kinds, error, stays
        self.kills = action in (BEFORE, AFTER, TORN)


ACTIONS = {
    "count": Action(NOTHING + FAIL, DISK),  # with a call that never comes
    "kill": Action(BEFORE, DISK),
    "kill-after": Action(AFTER, DISK),
    "torn": Action(TORN, WRITE),
    "kill-send": Action(BEFORE, SEND),
    "kill-sent": Action(AFTER, SEND),
    "EIO": Action(FAIL, DISK, errno.EIO),
    "ENOSPC": Action(FAIL, OPEN | WRITE | SYNC | TRUNCATE | RENAME | LINK | MKDIR | CLOSE, errno.ENOSPC),
    "EMFILE": Action(FAIL, OPEN, errno.EMFILE),
    "EINTR": Action(FAIL, OPEN | WRITE | SYNC | TRUNCATE | CLOSE, errno.EINTR),
    "short": Action(SHORT, WRITE),
    "lost": Action(LOSE, SYNC, errno.EIO),
    # Octets of a mapped file (mmap) come without a call: those reads cannot be struck.
    "EIO-read": Action(FAIL, READ, errno.EIO),
    "stuck": Action(FAIL, SYNC | RENAME | LINK | UNLINK, errno.EROFS, stays=ALL),
    # A disk that goes bad and, somehow, comes back.
    "bad-write": Action(FAIL, WRITE | TRUNCATE, errno.EIO, stays=ALL),
    "bad-sync": Action(LOSE, SYNC, errno.EIO, stays=ALL),
    "bad-read": Action(FAIL, READ, errno.EIO, stays=ALL),
    "full": Action(FAIL, WRITE | TRUNCATE, errno.ENOSPC, stays=FULL),
}


class Injector:
    def __init__(self, build):
        library = os.path.join(build, "tests", "crash", "inject.so")
        if not os.path.exists(library):
            raise OSError("no %s: make it first" % library)
        self.path = os.path.join(scratch(), "inject")
        with open(self.path, "wb") as f:
            f.write(bytes(4096))
        os.chmod(self.path, 0o666)  # every user of the suite maps it
        self.file = open(self.path, "r+b")
        self.page = mmap.mmap(self.file.fileno(), 4096)
        self.variables = {"INJECT_PAGE": self.path, "LD_PRELOAD": library}

    def __enter__(self):
        os.environ.update(self.variables)
        return self

    def __exit__(self, *exc):
        for name in self.variables:
            os.environ.pop(name, None)

    def arm(self, program, action, at):
        self.disarm()
        size = struct.calcsize(LAYOUT)
        self.page[4:size] = struct.pack(LAYOUT, 0, action.kinds, at, action.error, action.stays, 0, 0, 0, 0, 0, 0,
                                        program.encode(), b"")[4:]
        self.page[STARTS:STARTS + 4] = bytes(4)
        self.page[0:4] = struct.pack("=I", action.action)  # last: now it counts

    def step_clock(self, seconds):
        """From now on the calendar of all programs is so far ahead of ours."""
        self.page[CLOCK:CLOCK + 8] = struct.pack("=q", seconds)

    def disarm(self):
        self.page[0:4] = struct.pack("=I", NOTHING)

    def fields(self):
        return struct.unpack_from(LAYOUT, self.page)

    @property
    def count(self):
        return self.fields()[5]

    @property
    def hits(self):
        return self.fields()[6]

    @property
    def starts(self):
        """How often the program was started since."""
        return struct.unpack_from("=I", self.page, STARTS)[0]

    @property
    def pid(self):
        """Of the process that was struck."""
        return self.fields()[8]

    @property
    def again(self):
        """How often a file was synced after its sync had failed, by the same process."""
        return self.fields()[9]

    def what(self, base):
        """The call that was hit, for people."""
        fields = self.fields()
        name = fields[12].split(b"\0")[0].decode("latin-1") or find_inode(base, fields[10])
        return "%s %s" % (NAMES.get(fields[7], fields[7]), name)


def find_inode(base, inode):
    for folder, names, files in os.walk(base):
        for name in [folder] + [os.path.join(folder, f) for f in files]:
            try:
                if os.lstat(name).st_ino == inode:
                    return os.path.relpath(name, base)
            except OSError:
                pass
    return ""
