"""A file system that is made anew for each run: no run finds what others left behind."""
import os
import subprocess

from sink import Failed


def call(*words):
    r = subprocess.run(words, capture_output=True, text=True)
    if r.returncode != 0:
        raise Failed("%s: %s" % (" ".join(words), (r.stderr or r.stdout).strip()))


class Disk:
    """ext4 as mkfs makes it, in a file below folder; its flushes reach the disk below.  Needs root."""

    def __init__(self, folder, gigabytes):
        self.image, self.place, self.mounted = os.path.join(folder, "disk.image"), os.path.join(folder, "disk"), False
        os.mkdir(self.place)
        with open(self.image, "wb") as f:
            os.posix_fallocate(f.fileno(), 0, int(gigabytes * (1 << 30)))

    def fresh(self):
        """The folder to use, empty."""
        self.end()
        call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
        call("mount", "-o", "loop", self.image, self.place)
        self.mounted = True
        os.chmod(self.place, 0o755)
        return self.place

    def end(self):
        if self.mounted:
            call("umount", self.place)
            self.mounted = False
