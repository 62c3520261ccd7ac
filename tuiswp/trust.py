"""Who else could have put something here: owners and modes of directories, and programs by PATH.

Nothing here opens, makes or changes a file, and no owner is ever changed for anybody.
"""

import os
import pwd
import shlex
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from grp import getgrgid
from pathlib import Path


def others_can_write(found: os.stat_result) -> bool:
    """Whether somebody but this user (and root) may put files into a directory, or change a file.

    A group that is a person's own, as user-private groups are, is nobody else.
    """
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and not _is_own_group(found.st_gid)


def flaw(found: os.stat_result) -> str | None:
    """Why a file must not decide, or be written to; None if it is this user's alone."""
    if not stat.S_ISREG(found.st_mode):
        return "is not a regular file"
    if found.st_uid not in (os.geteuid(), 0):
        return f"belongs to another user ({user_name(found.st_uid)})"
    if others_can_write(found):
        return "can be written by others"
    if found.st_nlink != 1:
        return "has a second name (a hard link), under which it can be changed"
    return None


def mend(path: Path) -> str:
    """What makes a file this user's alone, for a message."""
    name = shlex.quote(str(path))
    made = shlex.quote(f"{path}.mine")
    return f"if it says what it should, `install -m 600 {name} {made} && mv {made} {name}`"


def _is_own_group(group: int) -> bool:
    try:
        me, found = pwd.getpwuid(os.geteuid()), getgrgid(group)
    except KeyError:  # a group without a name has members that cannot be known
        return False
    return me.pw_gid == group and found.gr_name == me.pw_name and set(found.gr_mem) <= {me.pw_name}


def open_parent(path: Path) -> Path | None:
    """A directory on the way to `path` in which everybody may rename what is ours; None: none.

    A sticky one, as /tmp, is none: there only its owner renames a thing.
    """
    return _parent(path, stat.S_IWOTH)


def shared_parent(path: Path) -> Path | None:
    """Likewise one in which a group may, that has others in it."""
    return _parent(path, stat.S_IWGRP)


def _parent(path: Path, who: int) -> Path | None:
    with suppress(OSError, RuntimeError):  # a loop of links leads nowhere
        for folder in path.resolve().parents:
            with suppress(OSError):  # not made yet
                found = folder.stat()
                if found.st_mode & who and not found.st_mode & stat.S_ISVTX:
                    if who == stat.S_IWGRP and _is_own_group(found.st_gid):
                        continue
                    return folder
    return None


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def closed_by_root(path: Path) -> Path | None:
    """The directory of root on the way to `path` that this user may not enter; None: none is."""
    if os.geteuid() == 0:
        return None
    for folder in path.absolute().parents:
        with suppress(OSError):
            is_roots = folder.stat().st_uid == 0
            return folder if is_roots and not os.access(folder, os.X_OK) else None
    return None


def as_root_for(path: Path) -> str | None:
    """Whose the nearest directory is that exists, if this is root and it is not root's."""
    if os.geteuid() != 0:
        return None
    with suppress(OSError, RuntimeError):
        whole = path.resolve()
        for folder in (whole, *whole.parents):
            with suppress(FileNotFoundError, NotADirectoryError):
                uid = folder.stat().st_uid
                return None if uid == 0 else user_name(uid)
    return None


def program(name: str, environ: Mapping[str, str]) -> str | None:
    """Absolute path of a tool that tuiswp itself runs; None if no folder to be trusted has it."""
    return shutil.which(name, path=os.pathsep.join(_trusted(environ)[0]))


def left_out(environ: Mapping[str, str]) -> list[str]:
    """Entries of PATH in which tuiswp looks for none of its own tools."""
    return _trusted(environ)[1]


def _trusted(environ: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Entries of PATH that are absolute and that not everybody may write; and the others."""
    good: list[str] = []
    bad: list[str] = []
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        is_good = folder.startswith("/")
        with suppress(OSError):
            is_good = is_good and not Path(folder).stat().st_mode & stat.S_IWOTH
        (good if is_good else bad).append(folder)
    return good, bad
