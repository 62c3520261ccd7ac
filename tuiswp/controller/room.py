"""Whether a sweep's disk takes anything more, as the disk itself says. Writes nothing.

Asked before a launch, so that a full disk stops launching before it fails, and by whoever reads,
since a controller on a full disk cannot write down that it is full.
"""

import os
from pathlib import Path

LEAST_KIB = 256  # less than one trial's own files, and the facts about it, could need
LEAST_FILES = 32


def trouble(folder: Path) -> str | None:
    """Why nothing more can be written there, in a few words; None if it can or nobody knows.

    A quota, and a disk that only fails, say nothing here: they are met in writing.
    """
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    if found.f_flag & os.ST_RDONLY:
        return "the disk is read-only"
    free = found.f_bavail * found.f_frsize // 1024
    if found.f_blocks and free < LEAST_KIB:
        return f"the disk is full ({free} KiB free)"
    if found.f_files and found.f_favail < LEAST_FILES:
        return f"the disk takes no more files ({found.f_favail} inodes free)"
    return None
