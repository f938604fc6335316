"""File systems of the tests' own, in files: to be cut off, filled, made read-only.  As root only."""
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile

from lib import scratch, wait_for

GOINGDOWN, NO_LOG_FLUSH = 0x8004587D, 2
LOOP_MAJOR = 7
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 1 << 18


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True)


def own_mounts():
    """Mounts of this process are seen by its children only, and end with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "no mount namespace")


class Disk:
    """A file system of so many octets in a file (in that folder); options are of mkfs."""

    def __init__(self, kind, place, size=1 << 30, options=(), folder=None):
        self.place = place
        # Not beside the place: that may be on another disk of ours.
        fd, self.image = tempfile.mkstemp(suffix="." + kind, dir=folder or scratch())
        os.ftruncate(fd, size)
        os.close(fd)
        try:
            run("mkfs." + kind, "-q", *(["-F"] if kind == "ext4" else []), *options, self.image)
            os.makedirs(place, exist_ok=True)
            self.mount()
            os.chmod(place, 0o755)
        except BaseException:
            self.remove()
            raise

    def mount(self):
        run("mount", "-o", "loop", self.image, self.place)
        self.device = os.stat(self.place).st_dev
        if os.major(self.device) != LOOP_MAJOR:
            raise OSError(self.place + " is not on a loop device")

    def unmount(self):
        def gone():
            return subprocess.run(["umount", self.place], capture_output=True).returncode == 0
        if not wait_for(gone, 20, 0.1):
            raise OSError("cannot unmount " + self.place)

    def cut(self):
        fd = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Never any other file system than this one.
            if os.fstat(fd).st_dev != self.device:
                raise OSError(self.place + " is another file system")
            fcntl.ioctl(fd, GOINGDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def remove(self):
        subprocess.run(["umount", "-l", self.place], capture_output=True)
        if os.path.exists(self.image):
            os.unlink(self.image)


def missing(kinds):
    """Why it cannot be done here, or None."""
    if os.geteuid() != 0:
        return "only root may mount"
    if not os.path.exists("/dev/loop-control"):
        return "no loop devices"
    absent = [k for k in kinds if not shutil.which("mkfs." + k)]
    if absent:
        return "no mkfs." + absent[0]
    try:
        for kind in sorted(kinds):
            Disk(kind, os.path.join(scratch(), "try-" + kind)).remove()
    except (OSError, subprocess.CalledProcessError) as e:
        return "no loop-mounted %s: %s" % (kind, getattr(e, "stderr", None) or e)
    return None
