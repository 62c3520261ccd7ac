"""Sweep directories made by hand: a sweep file, a journal, metrics files. Nothing is launched."""

import json
import os
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tuiswp import proc
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import Journal
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    BestChanged,
    ControllerStarted,
    ControllerStopped,
    Event,
    SweepCreated,
    SweepFinished,
    TrialSuggested,
)
from tuiswp.model.space import Params
from tuiswp.model.trial import Lease, Origin, Process
from tuiswp.search.keys import point_key

BOOT = "00000000-0000-0000-0000-000000000000"
NOBODY = Process(BOOT, 999999, 1)  # of another boot: provably dead

SPEC = """\
name: lr
method: grid
metric: {name: loss, goal: minimize}
parameters:
  lr: {values: [1e-4, 1e-3, 1e-2]}
command: ["sh", "-c", "true", "${args}"]
tuiswp: {baseline: {lr: 3e-4}, max_parallel: 2}
"""
VALUES = {0: (3e-4, 2.5), 1: (1e-4, 3.0), 2: (1e-3, 2.0), 3: (1e-2, 4.0)}


class World:
    """One sweep directory; every method adds facts, as a controller would."""

    def __init__(self, root: Path, spec: str = SPEC) -> None:
        self.directory = SweepDirectory(root)
        self.directory.create()
        self.directory.sweep_file.write_text(spec)
        self.journal = Journal(self.directory.journal)
        self.at = time.time() - 1000
        self.add(SweepCreated("lr", sha256(spec.encode()).hexdigest(), "0.1.0", "host"))

    def add(self, *events: Event) -> None:
        self.at += 1
        self.journal.append(events, at=self.at)

    def close(self) -> "World":
        self.journal.close()
        return self

    def controller(self, process: Process = NOBODY) -> None:
        self.add(ControllerStarted(process, proc.hostname(), "0.1.0"))

    def over(self, why: str = "every point has been tried") -> None:
        self.add(SweepFinished(why), ControllerStopped("finished"))

    def suggest(self, number: int, lr: float) -> None:
        params: Params = {"lr": lr}
        origin: Origin = "baseline" if number == 0 else "grid"
        index = None if number == 0 else number - 1
        self.add(TrialSuggested(number, params, point_key(params), origin, index))

    def launch(
        self,
        number: int,
        attempt: int = 1,
        *,
        lease: Lease = Lease("cpu", 0, "cpu0"),  # noqa: B008  frozen
        started: bool = True,
        process: Process = NOBODY,
    ) -> Path:
        """A launched attempt with an empty directory; returns that directory."""
        token = f"{number:016x}{attempt:016x}"
        self.add(AttemptLaunching(number, attempt, token, (lease,), "host"))
        if started:
            self.add(AttemptStarted(number, attempt, process, process))
        folder = self.directory.attempt(number, attempt)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def metrics(self, number: int, values: Sequence[float], name: str = "loss") -> None:
        self.directory.trial(number).mkdir(parents=True, exist_ok=True, mode=0o700)
        steps = len(values)
        self.directory.metrics(number).write_text(
            "".join(
                json.dumps({"step": n, name: value, "progress": n / steps}) + "\n"
                for n, value in enumerate(values, 1)
            )
        )

    def end(self, number: int, value: float | None, attempt: int = 1) -> None:
        self.add(
            AttemptEnded(
                number, attempt, "done", "exit 0", "done",
                code=0, ended_at=self.at + 18.2, value=value, progress=1.0, step=3.0, complete=True,
            )
        )  # fmt: skip

    def fail(self, number: int, attempt: int = 1) -> None:
        self.add(
            AttemptEnded(
                number, attempt, "exit-code", "exit 1: boom \x1b]52;c;x\x07", "failed",
                code=1, ended_at=self.at + 3,
            )
        )  # fmt: skip

    def run_all(self) -> None:
        """All four trials of SPEC to their end; the best is t0002."""
        for number, (lr, value) in VALUES.items():
            self.suggest(number, lr)
            self.launch(number)
            self.metrics(number, [value + 1, value + 0.5, value])
            self.end(number, value)
        self.add(BestChanged(2, 2.0))


def myself_as_holder(world: World) -> Process:
    """Make this test process look like the sweep's live controller."""

    me = proc.identify(os.getpid())
    assert me is not None
    world.controller(me)
    return me


def finished(root: Path) -> World:
    world = World(root)
    world.controller()
    world.run_all()
    world.over()
    return world.close()


def run_folder(root: Path) -> Path:
    """Three runs that something else launched, all finished."""
    for number, (lr, value) in enumerate([(1e-4, 3.0), (1e-3, 2.0), (1e-2, 4.0)]):
        run = root / f"run-{number}"
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps({"learning_rate": lr, "batch": 8}))
        rows = [{"step": n, "train_loss": value + 3 - n, "progress": n / 3} for n in range(1, 4)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root
