"""What early stopping adds to the controller: 64 trials report ten times a second, 1,000 ended.

The part of a round that judges, on real metric files: new lines are read, curves go on, the rule
looks at all there are. Nobody is hopeless here, so that all 64 are judged to the last round. What
the controller costs without a rule is in `bench_controller`.
"""

import random
import selectors
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.rows import Row, at_most
from tuiswp.controller.core import Core
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import Journal
from tuiswp.controller.pruning import Pruner
from tuiswp.controller.reducer import SweepState
from tuiswp.controller.watching import Watcher
from tuiswp.launchers.fake import FakeLauncher
from tuiswp.model.stopper import Hyperband, Percentile, Rule
from tuiswp.model.sweep import Objective, Resources, Run, Sweep
from tuiswp.model.trial import Attempt, Ended, Process, Running, Trial

LIVE, DONE = 64, 1_000
REPORTS = 300  # of each trial that ended
LINES, ROUNDS_A_SECOND = 5, 2  # new in each round of a trial that runs
WARM, ROUNDS = 40, 40  # the files of ended trials are read in the first ones
RULES: dict[str, Rule] = {
    "hyperband": Hyperband(3.0),
    "median": Percentile(50.0),
}


def main() -> list[Row]:
    return [
        at_most(
            f"pruning: CPU of {name}, {LIVE} trials x 10 lines/s, {DONE} ended, of one core",
            100 * share(rule),
            5,
            "%",
        )
        for name, rule in RULES.items()
    ]


def share(rule: Rule) -> float:
    """Seconds of CPU for each second of the sweep."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        core = core_of(Path(folder), rule)
        watcher = Watcher(core, selectors.DefaultSelector())
        pruner = Pruner(core, watcher)
        live = range(DONE, DONE + LIVE)
        for number in live:
            watcher.curves.add(number, core.directory.metrics(number), only=["loss"])
        took = 0.0
        for round_ in range(WARM + ROUNDS):
            for number in live:
                report(core.directory.metrics(number), number, round_ * LINES, LINES)
            watcher.curves.poll()
            began = time.process_time()
            pruner.look(set(live))
            if round_ >= WARM:
                took += time.process_time() - began
        core.journal.close()
    return took / ROUNDS * ROUNDS_A_SECOND


def core_of(root: Path, rule: Rule) -> Core:
    """A controller's core over a sweep in mid-flight, all files written."""
    sweep = Sweep(
        "pruning",
        "random",
        (),
        Objective("loss"),
        Resources(),
        Run(command=(), program=None, cwd="/"),
        stopper=rule,
    )
    directory = SweepDirectory(root)
    core = Core(directory, sweep, FakeLauncher(), Journal(directory.journal))
    process = Process("boot", 1, 1)
    running = Running(0.0, "token", (), process, process)
    ended = Ended(1.0, "done", "done", "exit 0")
    trials = {}
    for number in range(DONE + LIVE):
        directory.trial(number).mkdir(parents=True)
        if number < DONE:
            report(directory.metrics(number), number, 0, REPORTS)
        status = ended if number < DONE else running
        attempts = (Attempt(1, 0.0),)
        trials[number] = Trial(number, {}, str(number), "random", status, attempts, value=1.0)
    core.state = msgspec.structs.replace(SweepState(), trials=trials)
    return core


def report(path: Path, number: int, since: int, count: int) -> None:
    """Append reports; those who run are better than those who ended."""
    draw = random.Random(number * 1_000 + since)
    level = 2.0 if number < DONE else 1.0
    lines = [
        f'{{"step": {since + k}, "loss": {level + 1 / (since + k + 1) + draw.random():.4f}}}\n'
        for k in range(count)
    ]
    with path.open("a") as file:
        file.write("".join(lines))
