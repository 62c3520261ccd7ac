"""What a person has dealt with: a GPU whose reported faults up to now no longer keep it from work.

One small file a GPU in the runtime directory of this user, good for one boot. The driver's own word
that a GPU cannot be used is not to be released from.
"""

import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc
from tuiswp.errors import TuiswpError
from tuiswp.gpu.inventory import GpuReading
from tuiswp.gpu.leases import safe_name

_MAX_FILE = 4096
_NONE_SAID = -1


class Release(msgspec.Struct, frozen=True):
    """`seq`: of the kernel log, through which all is dealt with. The rest: as it was then."""

    uuid: str
    boot_id: str
    seq: int
    memory_errors: int | None = None
    remapped: int | None = None
    memory: bool = False
    action: int | None = None
    at: float = 0.0
    v: int = 1


class Releases:
    """The files in `directory`. What cannot be read releases nothing."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory

    def _place(self) -> Path:
        return self._directory or proc.runtime_dir() / "released"

    def all(self) -> Mapping[str, Release]:
        """By UUID, those of this boot. Changes nothing."""
        found: dict[str, Release] = {}
        with suppress(OSError, TuiswpError):
            for path in sorted(self._place().iterdir()):
                release = _read(path)
                if release is not None and release.boot_id == proc.boot_id():
                    found[release.uuid] = release
        return found

    def put(self, gpu: GpuReading, seq: int | None) -> None:
        """From now on `gpu` is used as it is. Raises OSError."""
        health = gpu.health
        uuid = gpu.share_of or gpu.uuid
        release = Release(
            uuid,
            proc.boot_id(),
            _NONE_SAID if seq is None else seq,
            health.memory_errors,
            health.remapped,
            bool(health.remap_pending or health.remap_failed or health.pages_pending),
            health.action,
            time.time(),
        )
        place = self._place()
        place.mkdir(mode=0o700, exist_ok=True)
        path = place / safe_name(uuid)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.unlink(missing_ok=True)
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(fd, "wb") as out:
                out.write(msgspec.json.encode(release))
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


def _read(path: Path) -> Release | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            return None
        content = os.read(fd, _MAX_FILE + 1)
        if len(content) > _MAX_FILE:
            return None
        return msgspec.json.decode(content, type=Release)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    finally:
        os.close(fd)
