"""What a person waits for at the prompt: `tuiswp --help`, and `tuiswp status` of 1,000 trials."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from benchmarks.rows import Row, at_most, exactly, noted
from benchmarks.world import command, private_world, write_sweep
from tuiswp import proc
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import Journal
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    BestChanged,
    ControllerStarted,
    Event,
    SweepCreated,
    TrialSuggested,
)
from tuiswp.model.trial import Lease, Process

TRIALS = 1000
RUNNING = 4
RUNS = 15
HEAVY = ("torch", "optuna", "pandas", "textual")


def main() -> list[Row]:
    """Median wall time of fresh processes, with a bare interpreter beside them."""
    with private_world() as place:
        sweep = thousand_trials(place)
        bare_s, help_s, status_s = in_turn(
            [sys.executable, "-c", "pass"], command("--help"), command("status", sweep)
        )
        loaded = heavy_modules("--help") | heavy_modules("status", str(sweep))
    return [
        noted("a bare `python -c pass`", f"{bare_s * 1e3:.0f} ms"),
        at_most("tuiswp --help", help_s * 1e3, 150, "ms", places=0),
        at_most(f"tuiswp status of {TRIALS:,} trials", status_s * 1e3, 500, "ms", places=0),
        exactly(f"of {', '.join(HEAVY)} they load", ", ".join(sorted(loaded)) or "none", "none"),
    ]


def in_turn(*commands: list[str]) -> list[float]:
    """Median seconds of each command, run one after the other so that noise hits all alike."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(RUNS):
        for which, argv in enumerate(commands):
            started = time.perf_counter()
            subprocess.run(argv, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
            times[which].append(time.perf_counter() - started)
    return [statistics.median(each) for each in times]


def heavy_modules(*arguments: str) -> set[str]:
    """Which heavy libraries a run of the command line loads."""
    code = (
        "import contextlib, sys\n"
        "from tuiswp.cli.main import main\n"
        f"sys.argv = ['tuiswp', *{arguments!r}]\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "print()\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    return set(HEAVY) & set(done.stdout.splitlines()[-1].split())


def thousand_trials(place: Path) -> Path:
    """A sweep directory in mid-sweep: most trials ended, some run, some failed and were retried."""
    directory = SweepDirectory(place / "sweep")
    directory.create()
    write_sweep(
        directory.sweep_file,
        name="thousand",
        method="random",
        run_cap=TRIALS * 2,
        metric={"name": "loss", "goal": "minimize"},
        parameters={
            "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1},
            "batch_size": {"values": [8, 16, 32, 64]},
            "optimizer": {"parameters": {"name": {"values": ["adamw", "lion"]}}},
        },
        command=["true", "${args}"],
        tuiswp={"max_parallel": RUNNING},
    )
    me = proc.myself()
    journal = Journal(directory.journal)
    journal.append(
        (
            SweepCreated("thousand", "", "0.1.0", "a-host"),
            ControllerStarted(me, "a-host", "0.1.0"),
        ),
        at=time.time(),
    )
    for number in range(TRIALS):
        runs = number >= TRIALS - RUNNING
        journal.append(facts(number, me, runs=runs), at=time.time())
        if runs:
            write_metrics(directory, number)
    journal.close()
    return directory.root


def facts(number: int, me: Process, *, runs: bool) -> list[Event]:
    """The life of one trial, as the controller would have written it."""
    token = f"{number:032x}"
    events: list[Event] = [
        TrialSuggested(
            number,
            {"lr": 1e-5 * (number + 1), "batch_size": 8, "optimizer": {"name": "adamw"}},
            f"key-{number}",
            "random",
            number,
        )
    ]
    attempts = 2 if number % 20 == 0 and not runs else 1
    for attempt in range(1, attempts + 1):
        events += [
            AttemptLaunching(number, attempt, token, (Lease("cpu", 0, "cpu0"),), "a-host"),
            AttemptStarted(number, attempt, me, me),
        ]
        if attempt < attempts:
            events.append(
                AttemptEnded(
                    number,
                    attempt,
                    "signal",
                    "SIGKILL, not sent by tuiswp",
                    "queued",
                    signal=9,
                    ended_at=time.time(),
                    retry=True,
                )
            )
    if not runs:
        events.append(
            AttemptEnded(
                number,
                attempts,
                "done",
                "exit 0",
                "done",
                code=0,
                ended_at=time.time(),
                value=2.0 - number * 1e-4,
                progress=1.0,
                step=500.0,
                complete=True,
            )
        )
    if number % 50 == 0:
        events.append(BestChanged(number, 2.0 - number * 1e-4))
    return events


def write_metrics(directory: SweepDirectory, number: int) -> None:
    directory.attempt(number, 1).mkdir(parents=True)
    with directory.metrics(number).open("wb") as file:
        for step in range(1000):
            line = {"step": step, "loss": 3.0 - step * 1e-3, "progress": step / 1000}
            file.write(msgspec.json.encode(line) + b"\n")
