"""Build a directory once and share it between processes that start at the same moment.

What is found is whole or is built again: every file is checked against its sum. Nothing else is
kept here, and nothing is ever deleted but what carries the asked-for name.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from recipes.arguments import fail

_SUMS = "sums.json"


def cache_home() -> Path:
    """`${XDG_CACHE_HOME:-~/.cache}/tuiswp`; a relative XDG_CACHE_HOME is ignored, as XDG says."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "tuiswp"


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The directory `name` of the cache, made by `build(empty_directory)` if it is not there.

    Two processes at once: one builds, the other waits for it. A builder that dies leaves nothing
    that counts. Leaves with exit code 2 if the cache cannot be written.
    """
    home = cache_home()
    place = home / name
    if _is_whole(place):
        return place
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / f"{name}.lock").open("w")
    except OSError as fault:
        fail(f"{home}: the cache cannot be written ({fault.strerror}); set XDG_CACHE_HOME")
    with lock:  # the kernel frees it when its holder dies, however it dies
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process that builds {name}", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_whole(place):
            return place
        if place.exists():
            print(f"{place} is damaged: building it again", flush=True)
            shutil.rmtree(place)
        for leftover in home.glob(f"{name}.new-*"):  # of a builder that died: we hold its lock
            shutil.rmtree(leftover)
        fresh = Path(tempfile.mkdtemp(prefix=f"{name}.new-", dir=home))
        build(fresh)
        _seal(fresh)
        fresh.rename(place)
    return place


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _seal(directory: Path) -> None:
    sums = {file.name: _sum(file) for file in sorted(directory.iterdir())}
    (directory / _SUMS).write_text(json.dumps(sums, indent=1))


def _is_whole(directory: Path) -> bool:
    try:
        sums = json.loads((directory / _SUMS).read_text())
        return all(_sum(directory / name) == value for name, value in sums.items())
    except (OSError, ValueError, AttributeError):
        return False
