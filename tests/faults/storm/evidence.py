"""What the trainings of a sweep wrote about themselves. Reads nothing that tuiswp wrote."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from tuiswp.model.trial import Process


class Launch(msgspec.Struct, frozen=True):
    """A training's first words."""

    token: str
    attempt: int
    pid: int
    ticks: int
    t: float
    gpus: str
    x: int


class Beat(msgspec.Struct, frozen=True):
    token: str
    t: float


class Over(msgspec.Struct, frozen=True):
    """A training's last words, said just before it ends by itself; a killed one says none."""

    token: str
    t: float
    code: int
    signal: int
    loss: float


class Life(msgspec.Struct, frozen=True):
    """One process that trained: from its first word to the last sign of it.

    `daemon`: beats of what it left behind.
    """

    trial: int
    launch: Launch
    beats: tuple[float, ...] = ()
    over: Over | None = None
    daemon: tuple[float, ...] = ()

    @property
    def signs(self) -> tuple[float, ...]:
        """Every moment at which it said that it lived, in order."""
        last = () if self.over is None else (self.over.t,)
        return (self.launch.t, *self.beats, *last)

    @property
    def end(self) -> float:
        return self.signs[-1]


class Evidence(msgspec.Struct, frozen=True):
    """All lives, and the beats of a process that lived beside them and was nobody's."""

    lives: tuple[Life, ...]
    control: tuple[float, ...]

    def by_token(self) -> Mapping[str, Life]:
        return {life.launch.token: life for life in self.lives}

    def processes(self, boot_id: str) -> Sequence[Process]:
        return [Process(boot_id, one.launch.pid, one.launch.ticks) for one in self.lives]


def read_evidence(trials: Path, control: Path) -> Evidence:
    """From `trials/t0007/{launches,heartbeat,over,daemon}` and the control's own file."""
    lives: list[Life] = []
    for folder in sorted(trials.iterdir()):
        number = int(folder.name.removeprefix("t"))
        beats = _by_token(_lines(folder, "heartbeat", Beat))
        daemons = _by_token(_lines(folder, "daemon", Beat))
        overs = {over.token: over for over in _lines(folder, "over", Over)}
        for launch in _lines(folder, "launches", Launch):
            its_beats, daemon = beats.get(launch.token, ()), daemons.get(launch.token, ())
            lives.append(Life(number, launch, its_beats, overs.get(launch.token), daemon))
    return Evidence(tuple(lives), tuple(beat.t for beat in _read(control, Beat)))


_Line = TypeVar("_Line")


def _lines(trial: Path, name: str, kind: type[_Line]) -> list[_Line]:
    """Also what a fresh restart has set aside."""
    aside = sorted(trial.glob(f"attempts/*/files/{name}"))
    return [line for path in (*aside, trial / name) for line in _read(path, kind)]


def _read(path: Path, kind: type[_Line]) -> list[_Line]:
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=kind) for line in path.read_bytes().splitlines()]


def _by_token(beats: list[Beat]) -> dict[str, tuple[float, ...]]:
    found: dict[str, list[float]] = {}
    for one in beats:
        found.setdefault(one.token, []).append(one.t)
    return {token: tuple(times) for token, times in found.items()}
