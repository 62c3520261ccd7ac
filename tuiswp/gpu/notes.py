"""Small private records in the runtime directory, whole or not there. Knows nothing of their sense.

Not synced: they are good for one boot, and after a power cut that boot is over.
"""

import os
import stat
from pathlib import Path
from typing import TypeVar

import msgspec

MAX_BYTES = 64 * 1024
_Record = TypeVar("_Record", bound=msgspec.Struct)


def write(path: Path, record: msgspec.Struct) -> None:
    """Put `record` at `path` in one step, readable by its owner alone. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(msgspec.json.encode(record))
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def read(path: Path, kind: type[_Record]) -> _Record | None:
    """What is at `path`; None if that is no record of this user, or no file of reasonable size."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            return None
        content = os.read(fd, MAX_BYTES + 1)
        return msgspec.json.decode(content, type=kind) if len(content) <= MAX_BYTES else None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    finally:
        os.close(fd)
