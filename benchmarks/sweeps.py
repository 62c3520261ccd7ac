"""Sweep directories of many trials that ended, as a long search leaves them, written at once."""

import json
import random
import time
from pathlib import Path

from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import encode_line
from tuiswp.model.events import (
    JOURNAL_VERSION,
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    BestChanged,
    ControllerStarted,
    ControllerStopped,
    Event,
    Record,
    SweepCreated,
    SweepFinished,
    TrialSuggested,
)
from tuiswp.model.space import Params
from tuiswp.model.trial import Lease, Process
from tuiswp.search.keys import point_key

_FILE = """\
name: many
method: random
metric: {name: loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  width: {values: [64, 128, 256]}
  seed: {values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}
command: ["true", "${args}"]
"""
_NOBODY = Process("00000000-0000-0000-0000-000000000000", 999999, 1)  # of another boot
_TOOK_S = 17.0


def finished(root: Path, count: int, *, steps: int = 50) -> Path:
    """A sweep of `count` trials, one after the other until a minute ago; each fiftieth failed."""
    place = SweepDirectory(root)
    place.create()
    place.sweep_file.write_text(_FILE)
    chance = random.Random(count)
    at = time.time() - 60.0 - _TOOK_S * count
    facts: list[tuple[float, Event]] = [
        (at, SweepCreated("many", "", "0.1.0", "host")),
        (at, ControllerStarted(_NOBODY, "host", "0.1.0")),
    ]
    best = float("inf")
    for number in range(count):
        params: Params = {
            "lr": 10.0 ** -chance.uniform(1, 5),
            "width": chance.choice((64, 128, 256)),
            "seed": number % 10,
        }
        value = 1.0 + chance.random()
        facts += [(at, event) for event in _began(number, params)]
        at += _TOOK_S
        facts.append((at, _ended(number, at, value, steps)))
        if number % 50 != 7 and value < best:
            best = value
            facts.append((at, BestChanged(number, value)))
        place.attempt(number, 1).mkdir(parents=True)
        place.metrics(number).write_text(
            "".join(
                json.dumps({"step": n, "loss": value + 2 / (1 + n), "progress": (n + 1) / steps})
                + "\n"
                for n in range(steps)
            )
        )
    facts += [(at, SweepFinished("every point was tried")), (at, ControllerStopped("finished"))]
    place.journal.write_bytes(
        b"".join(
            encode_line(Record(JOURNAL_VERSION, seq, when, event))
            for seq, (when, event) in enumerate(facts, 1)
        )
    )
    return root


def _began(number: int, params: Params) -> tuple[Event, ...]:
    token = f"{number:016x}{1:016x}"
    lease = Lease("cpu", 0, "cpu0")
    return (
        TrialSuggested(number, params, point_key(params), "random", number),
        AttemptLaunching(number, 1, token, (lease,), "host"),
        AttemptStarted(number, 1, _NOBODY, _NOBODY),
    )


def _ended(number: int, at: float, value: float, steps: int) -> AttemptEnded:
    if number % 50 == 7:
        return AttemptEnded(number, 1, "exit-code", "exit 1: boom", "failed", code=1, ended_at=at)
    return AttemptEnded(
        number, 1, "done", "exit 0", "done",
        code=0, ended_at=at, value=value, progress=1.0, step=float(steps - 1), complete=True,
    )  # fmt: skip
