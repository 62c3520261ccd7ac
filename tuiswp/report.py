"""What a training script imports to report to a sweep: standard library only, and never in the way.

    from tuiswp import report

    report.log(step=10, loss=loss, progress=10 / steps)

Outside a sweep the same script works: the metrics go to `metrics.jsonl` in the current directory.
A disk that is full or a directory that is gone is said once on stderr, and the training goes on.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

timestamps = True  # False: `log` adds no `_timestamp`

_whole: set[str] = set()  # files known to end with a line feed
_warned: set[str] = set()


def trial_dir() -> Path:
    """The directory of this trial, the same after a restart; outside a sweep the current one."""
    return Path(os.environ.get("TUISWP_TRIAL_DIR") or ".")


def metrics_path() -> Path:
    """The file `log` appends to."""
    named = os.environ.get("TUISWP_METRICS")
    return Path(named) if named else trial_dir() / "metrics.jsonl"


def config() -> dict[str, Any]:
    """The parameters of this trial; {} outside a sweep.

    Raises OSError or ValueError if there are some and they cannot be read: training with the
    defaults instead would be worse.
    """
    named = os.environ.get("TUISWP_CONFIG")
    if not named:
        return {}
    found = json.loads(Path(named).read_text("utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{named} holds no JSON object")
    return found


def log(
    metrics: Mapping[str, Any] | None = None,
    *,
    step: Any = None,
    progress: Any = None,
    **values: Any,
) -> None:
    """Append one line of metrics, readable by others when this returns.

    `step` counts up; a step logged again replaces what was logged before. `progress` is in 0..1.
    Numbers of numpy and torch are taken as numbers; NaN and Infinity are written as they are. Safe
    to call from several threads and after a fork.

    `_timestamp`, the wall clock in seconds, is added so that curves can be seen over time: give it
    yourself, or None to leave it out, or set `report.timestamps = False`.
    """
    row: dict[str, Any] = {} if step is None else {"step": step}
    for given in (metrics or {}, values):
        row.update((str(name), value) for name, value in given.items())
    if progress is not None:
        row["progress"] = progress
    if timestamps:
        row.setdefault("_timestamp", round(time.time(), 3))
    if row.get("_timestamp", 0) is None:
        del row["_timestamp"]
    path = metrics_path()
    try:
        _append(path, json.dumps(row, default=_plain).encode() + b"\n")
    except (OSError, TypeError, ValueError, RecursionError) as error:
        _warn(path, error)


def _append(path: Path, line: bytes) -> None:
    """Add `line` to the file by a single write, so that the lines of two writers never mix.

    Opened anew each time: nothing is shared over a fork, and a network file system shows the line
    to other machines.
    """
    name = str(path)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if name not in _whole and _ends_torn(path):
            line = b"\n" + line
        _whole.discard(name)
        if os.write(fd, line) == len(line):
            _whole.add(name)
    finally:
        os.close(fd)


def _ends_torn(path: Path) -> bool:
    """True if the last line has no end: its writer was killed, or the disk was full."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _plain(value: Any) -> Any:
    """What json does not know: a numpy or torch scalar as a number, an array as a list."""
    for method in ("item", "tolist"):
        try:
            plain = getattr(value, method)()
        except (AttributeError, TypeError, ValueError, RuntimeError):
            continue
        if isinstance(plain, int | float | str | list):
            return plain
    return str(value)


def _warn(path: Path, error: Exception) -> None:
    text = f"tuiswp: cannot write metrics to {path!s:.200}: {error!s:.200}; the training goes on"
    if text not in _warned:
        _warned.add(text)
        print(text.encode("ascii", "backslashreplace").decode(), file=sys.stderr, flush=True)
