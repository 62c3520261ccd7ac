"""One short run of a script, to see what it logs, how fast, and how much memory it takes.

It runs where a trial would run and with the environment of one, but for its directory, which is a
scratch one. What it wrote elsewhere stays: it is the person's own command.
"""

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tuiswp.controller.directory import write_atomically
from tuiswp.controller.environment import for_tuiswp, for_wandb, metrics_note
from tuiswp.gpu.inventory import Inventory
from tuiswp.gpu.probe import GpuWatch
from tuiswp.metrics.file import MetricFile, read_whole
from tuiswp.metrics.sources.note import FILE as NOTE
from tuiswp.scripts.given import TRIAL_DIR
from tuiswp.scripts.reading import last_line
from tuiswp.scripts.running import run_bounded

_LOOK_S = 0.5


class Probed(msgspec.Struct, frozen=True):
    """What was seen. Unknown is None. `kind`: what file the metrics are in; None: metrics.jsonl."""

    seconds: float
    metrics: tuple[str, ...] = ()
    kind: str | None = None
    step_s: float | None = None  # of one step
    minutes: float | None = None  # of a whole run, by the progress it reports
    peak_bytes: int | None = None
    gpu_mib: int | None = None  # at the most that was seen, on all GPUs together
    steps: float | None = None
    ended: bool = False  # by itself, not by us
    trouble: str | None = None


def probe(
    argv: Sequence[str],
    scratch: Path,
    *,
    cwd: Path,
    seconds: float,
    params: Mapping[str, object],
    whole: bool,
) -> Probed:
    """Run `argv`, in which `${trial_dir}` stands for `scratch`, at most `seconds`.

    `whole`: it is not made shorter than a trial, so that its end says how long one is.
    """
    environment = for_wandb(dict(os.environ), scratch, "tuiswp-init", "tuiswp-init-probe")
    write_atomically(scratch / "params.json", msgspec.json.encode(dict(params)))
    # No sampled values: the script's own hold.
    environment.pop("WANDB_SWEEP_PARAM_PATH")
    environment.pop("WANDB_SWEEP_ID")
    note = metrics_note(environment, str(cwd), None)
    write_atomically(scratch / NOTE, msgspec.json.encode(note))
    environment |= for_tuiswp(scratch, "tuiswp-init", "probe", 1)
    token = secrets.token_hex(16)
    seen = _Seen(scratch, token)
    words = [word.replace(TRIAL_DIR, str(scratch)) for word in argv]
    try:
        ran = run_bounded(
            words, seconds=seconds, cwd=cwd, env=environment, watch=seen.look, token=token
        )
    finally:
        seen.close()
    trouble = None
    if ran.missing is not None:
        trouble = f"it cannot be started: {ran.missing}"
    elif not ran.overran and ran.code != 0:
        trouble = f"it ended with exit code {ran.code}{last_line(ran)}"
    probed = seen.told(ran.seconds, ran.peak_bytes, trouble, ended=ran.code == 0)
    if probed.ended:
        minutes = ran.seconds / 60 if whole else None
        return msgspec.structs.replace(probed, minutes=minutes)
    return probed


def gpu_memory(inventory: Inventory | None, token: str) -> int | None:
    """MiB that the processes of this token hold on all GPUs; None if none is seen there."""
    if inventory is None:
        return None
    held = {
        (gpu.uuid, process.pid): process.memory_mib
        for gpu in inventory.gpus
        for process in gpu.processes or ()
        if process.token == token
    }
    known = [mib for mib in held.values() if mib is not None]
    return sum(known) if known else None


class _Seen:
    """Follows the metrics while it runs: the first and the newest step, and when they came."""

    def __init__(self, scratch: Path, token: str) -> None:
        self._token = token
        self._gpus = GpuWatch(period_s=1.0)
        self._gpu_mib: int | None = None
        self._file = MetricFile(scratch / "metrics.jsonl")
        self._first: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None
        self._started = self._next = time.monotonic()

    def look(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _LOOK_S
        self._file.poll()
        self._note(now)
        used = gpu_memory(self._gpus.latest(), self._token)
        if used is not None:
            self._gpu_mib = max(used, self._gpu_mib or 0)

    def close(self) -> None:
        self._gpus.close()

    def _note(self, now: float) -> None:
        step = self._file.last_step
        if step is None:
            return
        if self._first is None:
            self._first = (step, now)
        if self._last is None or step != self._last[0]:
            self._last = (step, now)

    def told(self, seconds: float, peak: int | None, trouble: str | None, *, ended: bool) -> Probed:
        read_whole(self._file)
        self._note(time.monotonic())
        step_s, progress = None, self._file.progress
        if self._first is not None and self._last is not None:
            steps, took = (new - old for new, old in zip(self._last, self._first, strict=True))
            step_s = took / steps if steps > 0 and took >= _LOOK_S else None
        minutes = None
        if progress and 0 < progress < 1 and self._last is not None:
            minutes = (self._last[1] - self._started) / progress / 60
        return Probed(
            seconds,
            metrics=tuple(self._file.metrics),
            kind=self._file.kind,
            step_s=step_s,
            minutes=minutes,
            peak_bytes=peak,
            gpu_mib=self._gpu_mib,
            steps=self._file.last_step,
            ended=ended,
            trouble=trouble,
        )
