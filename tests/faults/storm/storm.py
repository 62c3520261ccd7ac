"""One storm from its first blow to the verdict: a real sweep, real tmux, real supervisors.

`rage` gives the whole story as a `Report`; `python -m benchmarks storm` and the tests print it.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.end_to_end.harness import wait_for
from tests.faults.storm import training
from tests.faults.storm.evidence import Evidence, read_evidence
from tests.faults.storm.invariants import Claims, Told, broken, unexplained, worst_gaps
from tests.faults.storm.weather import CANARY, Weather, Witness
from tests.leftovers import end_tmux_server
from tuiswp import proc
from tuiswp.controller import requests
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import read
from tuiswp.controller.opening import create
from tuiswp.controller.reducer import replay
from tuiswp.controller.verifying import verify
from tuiswp.gpu.leases import LeaseBook
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    InterruptRequested,
    KillRequested,
    Record,
    RequestApplied,
)

AT_ONCE = 6
POINTS = 5000
END_S = 120.0
SWEEP = """\
name: storm
program: {program}
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{values: [{values}]}}
command: [{python}, "-I", "-S", "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: {at_once}, env: {{BEATS: "{beats}"}}, grace_s: 1}}
"""


class Report(msgspec.Struct, frozen=True):
    """What a storm did, what was seen, and which promises it broke. Gaps in seconds."""

    seed: int
    seconds: float
    blows: dict[str, int]
    facts: int
    requests: int
    trials: int
    launches: int
    ends: dict[str, int]
    worst_gap: float
    worst_gap_of_machine: float
    gaps_of_ours: int
    broken: tuple[str, ...]

    def text(self) -> str:
        lines = [
            f"seed {self.seed}, {self.seconds:.0f} s, {sum(self.blows.values())} blows:",
            *(f"  {count:5} {name}" for name, count in sorted(self.blows.items())),
            f"{self.facts} facts acknowledged, {self.requests} requests, {self.trials} trials, "
            f"{self.launches} launches",
            "ends: " + ", ".join(f"{count} {name}" for name, count in sorted(self.ends.items())),
            f"longest silence of a training {self.worst_gap:.2f} s, of the machine itself "
            f"{self.worst_gap_of_machine:.2f} s; {self.gaps_of_ours} over 1 s were ours",
            "all promises held" if not self.broken else "BROKEN:",
            *(f"  {one}" for one in self.broken),
        ]
        return "\n".join(lines)


def make(folder: Path, beats: int) -> SweepDirectory:
    """The sweep, created and not begun."""
    source = folder / "sweep.yaml"
    values = ", ".join(map(str, range(1, POINTS + 1)))
    source.write_text(
        SWEEP.format(
            program=training.__file__,
            values=values,
            python=sys.executable,
            at_once=AT_ONCE,
            beats=beats,
        )
    )
    place = SweepDirectory(folder / "sweeps" / "storm")
    create(place, source)
    return place


def rage(folder: Path, seconds: float, seed: int, *, beats: int = 10) -> Report:
    """Let it storm over a sweep in `folder` for `seconds`, then end the sweep, then judge.

    The caller sets TUISWP_TMUX_SOCKET, TUISWP_RUNTIME_DIR and TUISWP_GPUS of this process, which
    nobody else uses.
    """
    socket = os.environ["TUISWP_TMUX_SOCKET"]
    place = make(folder, beats)
    weather, witness = Weather(place, socket, seed), Witness(place.journal)
    weather.controllers.start()
    try:
        with beating(folder / "control"):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(weather.dice.uniform(0.02, 0.5))  # the moment is the experiment
                witness.look()
                weather.blow()
            weather.calm()
            _end(weather, witness, place)
        evidence = read_evidence(place.trials, folder / "control")
        claims = _claims(weather, witness, place, _left(place, socket, evidence))
    finally:
        weather.calm()
        weather.controllers.end(9)
        _clear(place)
        end_tmux_server(socket)
    gap, machine = worst_gaps(evidence)
    return Report(
        seed=seed,
        seconds=seconds,
        blows=dict(weather.blows),
        facts=len(witness.lines),
        requests=len(weather.asked),
        trials=len(claims.states),
        launches=len(evidence.lives),
        ends=dict(Counter(told.cause or "none" for told in claims.attempts)),
        worst_gap=gap,
        worst_gap_of_machine=machine,
        gaps_of_ours=len(unexplained(evidence)),
        broken=(*broken(evidence, claims), *_disagreements(place)),
    )


@contextmanager
def beating(path: Path) -> Iterator[None]:
    """Beside everything, a process that beats as a training does and is nobody's."""
    words = [sys.executable, "-I", "-S", training.__file__, "control", str(path)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as control:
        try:
            yield
        finally:
            control.kill()


def _end(weather: Weather, witness: Witness, place: SweepDirectory) -> None:
    """Have the sweep end by itself: no new trials, and those that run come to their end."""
    weather.put(requests.new_request("resume"))
    weather.put(requests.new_request("stop"))
    weather.controllers.end(15)

    def over() -> bool:
        witness.look()
        if weather.controllers.alive:
            return False
        if weather.state().finished is None:
            weather.controllers.start()
        return weather.state().finished is not None and not list(place.requests.glob("*.json"))

    wait_for(over, timeout=END_S, what="the sweep did not come to its end")


def _claims(
    weather: Weather, witness: Witness, place: SweepDirectory, left: tuple[str, ...]
) -> Claims:
    records = read(place.journal).records
    state = replay(records)
    return Claims(
        acked=tuple(witness.lines),
        journal=tuple(place.journal.read_bytes().splitlines(keepends=True)),
        asked=tuple(weather.asked),
        applied=tuple(r.event.id for r in records if isinstance(r.event, RequestApplied)),
        attempts=tuple(_told(records)),
        states={number: trial.state for number, trial in state.trials.items()},
        points={
            number: int(str(trial.params["x"]))
            for number, trial in state.trials.items()
            if trial.origin == "grid"
        },
        optimum=None if state.best is None else (state.best.trial, state.best.value),
        unseen=frozenset(weather.supervisors),
        bereft=frozenset(weather.supervisors & weather.relays),
        left=left,
    )


def _told(records: tuple[Record, ...]) -> Iterator[Told]:
    """Every attempt the journal knows, as its facts have it; two ends of one are told as two."""
    events = [record.event for record in records]
    asked = {
        (event.trial, event.attempt)
        for event in events
        if isinstance(event, KillRequested | InterruptRequested)
    }
    ends: dict[tuple[int, int], list[AttemptEnded]] = {}
    for event in events:
        if isinstance(event, AttemptEnded):
            ends.setdefault((event.trial, event.attempt), []).append(event)
    for event in events:
        if isinstance(event, AttemptLaunching):
            key = event.trial, event.attempt
            told = Told(*key, event.token, None, asked=key in asked)
            for end in ends.get(key, []):
                yield msgspec.structs.replace(
                    told, cause=end.cause, code=end.code, signal=end.signal
                )
            if key not in ends:
                yield told


def _left(place: SweepDirectory, socket: str, evidence: Evidence) -> tuple[str, ...]:
    """What is still there of a sweep that is over, after the time that a process needs to go."""

    def found() -> tuple[str, ...]:
        tokens = {
            record.event.token
            for record in read(place.journal).records
            if isinstance(record.event, AttemptLaunching)
        }
        running = [p for token, ps in proc.with_tokens().items() if token in tokens for p in ps]
        running += [p for p in evidence.processes(proc.boot_id()) if proc.is_alive(p)]
        runtime = proc.runtime_dir()
        return (
            *(f"a process still runs: {process}" for process in running),
            *(f"a lease is left: {lease}" for lease in LeaseBook(runtime / "leases").held()),
            *(f"a launch file is left: {path.name}" for path in (runtime / "launch").glob("*")),
            *(f"tmux still has {line}" for line in _sessions(socket)),
            *(
                f"an environment is kept: {path}"
                for path in place.trials.glob("*/attempts/*/spec.json")
                if CANARY in path.read_text()
            ),
        )

    for _ in range(50):
        if not found():
            return ()
        time.sleep(0.2)
    return found()


def _sessions(socket: str) -> list[str]:
    done = subprocess.run(
        ["tmux", "-L", socket, "list-windows", "-a"], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()


def _disagreements(place: SweepDirectory) -> list[str]:
    """What `tuiswp verify` finds, by its own way from the files to the optimum."""
    verified = verify(place)
    return [
        f"verify: {one.code} {one.where}: {one.text}"
        for one in verified.findings
        if one.grade == "wrong"
    ] + ([] if verified.optimum == verified.recorded else ["verify has another optimum"])


def _clear(place: SweepDirectory) -> None:
    """End what carries a token of this sweep, if a broken promise left something."""
    tokens = {
        record.event.token
        for record in read(place.journal).records
        if isinstance(record.event, AttemptLaunching)
    }
    for token, processes in proc.with_tokens().items():
        for process in processes if token in tokens else ():
            proc.send(process, 9)
