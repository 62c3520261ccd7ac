"""What a person has dealt with: a GPU whose reported faults up to now no longer keep it from work.

One small file a GPU in the runtime directory of this user, good for one boot. The driver's own word
that a GPU cannot be used is not to be released from.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc
from tuiswp.errors import TuiswpError
from tuiswp.gpu import notes
from tuiswp.gpu.inventory import GpuReading
from tuiswp.gpu.leases import safe_name

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
                release = notes.read(path, Release)
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
        notes.write(place / safe_name(uuid), release)
