"""What a training script imports to report to a sweep: standard library only, and never in the way.

    from tuiswp import report

    report.log(step=10, loss=loss, progress=10 / steps)
    if report.should_stop():
        save()
        raise SystemExit(report.STOPPED)

Outside a sweep the same script works: the metrics go to `metrics.jsonl` in the current directory,
and nobody asks it to stop. A disk that is full or a directory that is gone is said once on stderr,
and the training goes on.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

STOPPED = 128 + signal.SIGTERM  # the exit code of a training that was asked to stop, and did

timestamps = True  # False: `log` adds no `_timestamp`

_whole: set[str] = set()  # files known to end with a line feed
_warned: set[str] = set()
_steps: dict[str, Any] = {}  # of W&B runs by their id: the step of what is logged next


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


def should_stop() -> bool:
    """True once this trial is asked to end (paused, killed, pruned, stopped): save, and leave.

    The sweep asks by a TERM and waits for `grace_s` (30 seconds) before it kills. The first call,
    by the main thread, begins to listen for it; until then a TERM ends the training at once, as it
    does without this. Cheap enough for every step. A ctrl-c stays a KeyboardInterrupt. Outside a
    sweep it is False, and nothing is changed.
    """
    if not _stop.listens and os.environ.get("TUISWP_TRIAL_DIR"):
        _stop.listen()
    return _stop.asked


class _Stop:
    """Whether a TERM came. What handled it before, if anything did, still does."""

    def __init__(self) -> None:
        self.asked = self.listens = self._hooked = False
        self._before: Any = None

    def listen(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # Python lets only the main thread; its next call will
        self.listens = True
        self._before = signal.signal(signal.SIGTERM, self._remember)
        if not self._hooked:
            os.register_at_fork(after_in_child=self._in_child)
            self._hooked = True

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if callable(self._before):
            self._before(number, frame)

    def _in_child(self) -> None:
        """A forked helper, a loader of data for one, is not asked: whoever forked it ends it.

        The TERM goes to the whole process group. A loader that it killed would be an error in the
        training, before anything was saved; so the helper leaves the group.
        """
        if not self.listens:
            return
        self.asked = self.listens = False
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            os.setpgid(0, 0)
        except OSError:  # it leads a session of its own already
            pass


_stop = _Stop()


def wandb_live() -> None:
    """From now on, what `wandb.log` gets in this process is also logged here, at once.

    W&B writes its file in blocks, so its values are seen late; see docs/sources.md. Each number
    keeps the step that W&B gives it. Outside a sweep nothing changes. Harmless twice.
    """
    if not os.environ.get("TUISWP_METRICS"):
        return
    import wandb

    run_type = wandb.Run
    theirs = run_type.log
    if getattr(theirs, "tuiswp", False):
        return

    @wraps(theirs)
    def both(run: Any, data: Mapping[str, Any], step: Any = None, commit: Any = None) -> None:
        theirs(run, data, step=step, commit=commit)
        if step is None:
            step = _steps.get(run.id, getattr(run, "starting_step", 0))
            ends = commit is not False
        else:
            ends = commit is True
        _steps[run.id] = step + 1 if ends else step
        log({"_step": step, **_by_path(data)})

    both.tuiswp = True  # type: ignore[attr-defined]  # a mark of our own
    run_type.log = both


def _by_path(data: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested values under the names that W&B gives them, `val.acc`, without media and text."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, Mapping):
            found.update(_by_path(value, f"{before}{name}."))
        elif type(value).__module__.partition(".")[0] != "wandb" and not isinstance(value, str):
            found[f"{before}{name}"] = value
    return found


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
    """True if the last line has no end: its writer was killed, or the disk was full.

    A line that somebody is just writing grows page by page, so an end that is missing is looked at
    again until the file stands still.
    """
    size = -1
    with path.open("rb") as file:
        while (now := file.seek(0, os.SEEK_END)) != size:
            if now == 0:
                return False
            file.seek(-1, os.SEEK_END)
            if file.read(1) == b"\n":
                return False
            size = now
            time.sleep(0.002)
    return True


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
