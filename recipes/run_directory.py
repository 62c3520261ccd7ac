"""The directory of one run: whose it is, its metrics file, and the request to stop. No torch.

Never overwrites what another configuration has begun, and deletes nothing.
"""

import hashlib
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from recipes.arguments import fail


def opened(log_path: str) -> Path:
    """The directory to write into, made if need be; "" is the trial's when a sweep started us.

    Leaves with exit code 2 if there is none or it cannot be made.
    """
    named = log_path or os.environ.get("TUISWP_TRIAL_DIR", "")
    if not named:
        fail("log_path=DIR is missing: where should config.json and metrics.jsonl go?")
    directory = Path(named).expanduser()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        fail(f"{fault.filename}: {fault.strerror}")
    return directory


def claim(directory: Path, config: Mapping[str, Any]) -> None:
    """Write `config.json`; leave with exit code 2 if another configuration has begun in here.

    The path itself does not count: a directory may be moved.
    """
    file = directory / "config.json"
    metrics = directory / "metrics.jsonl"
    if not metrics.exists() or metrics.stat().st_size == 0:
        file.write_text(json.dumps(config, indent=2) + "\n")
        return
    try:
        before = dict(json.loads(file.read_text()))
    except (FileNotFoundError, TypeError, ValueError):
        fail(f"{directory} holds metrics of something else; use another log_path")
    keys = [
        key
        for key in {**config, **before}
        if key != "log_path" and before.get(key) != config.get(key)
    ]
    if keys:
        changed = ", ".join(f"{key} {before.get(key)!r} → {config.get(key)!r}" for key in keys)
        fail(f"{directory} holds a run of another configuration ({changed}); use another log_path")


def begin(
    directory: Path, config: Mapping[str, Any], files: Mapping[str, Path | None], result: str
) -> bool:
    """Claim `directory` for this configuration; False if its `result` is there: nothing to do.

    `files` are what stands behind names in the configuration. Metrics go to the directory from here
    on, unless a sweep has said where. Leaves with exit code 2 as `claim` does.
    """
    try:
        claim(directory, {**config, **sums(files)})
    except OSError as fault:
        fail(f"{fault.filename}: {fault.strerror}")
    os.environ.setdefault("TUISWP_METRICS", str(directory / "metrics.jsonl"))
    if (directory / result).exists():
        print(f"{directory / result} is there: the run is done; nothing to do")
        return False
    return True


def sums(files: Mapping[str, Path | None]) -> dict[str, str]:
    """What stands behind the names, for `config.json`: it must not change between restarts."""
    return {
        f"{name}_sha256": digest(file).hex() for name, file in files.items() if file is not None
    }


def digest(file: Path) -> bytes:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def open_to_append(file: Path) -> TextIO:
    """Open a JSONL file to append; a last line that a crash has cut is closed first."""
    with file.open("ab+") as handle:
        if handle.tell():
            handle.seek(-1, os.SEEK_END)
            if handle.read() != b"\n":
                handle.write(b"\n")
    return file.open("a", encoding="utf-8")


class StopRequest:
    """Remembers the first TERM or INT, to be obeyed after the step; a second one acts at once.

    A forked helper, a loader of data for one, is not asked: a loader that died of the TERM which
    goes to the whole group would be an error in the training, before anything is saved.
    """

    asked: int = 0

    def __init__(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)
        os.register_at_fork(after_in_child=_leave_the_group)

    def _remember(self, number: int, frame: object) -> None:
        self.asked = number
        signal.signal(number, signal.SIG_DFL)


def _leave_the_group() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):  # it leads a session of its own already
        os.setpgid(0, 0)
