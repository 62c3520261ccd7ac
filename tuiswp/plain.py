"""Read a file that somebody else may have put there: a plain one or none. Writes nothing.

A FIFO would be waited for, a device has no end, a link leads elsewhere; none of them is followed.
"""

import errno
import os
import stat
from pathlib import Path

LIMIT = 256 << 20


def read_plain(path: Path, limit: int = LIMIT) -> bytes:
    """The bytes of the regular file at `path`.

    Raises OSError, without waiting, if it is anything else or holds more than `limit` bytes.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        if found.st_size > limit:
            raise OSError(errno.EFBIG, f"is larger than {limit} bytes", str(path))
        pieces = []
        while piece := os.read(fd, 1 << 20):  # all of it, also while it grows
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(fd)
