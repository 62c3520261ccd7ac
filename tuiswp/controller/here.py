"""The sweeps that lie here: a few facts of each, read again only where something was written.

A directory that cannot be read is a line that says why. Writes nothing, and keeps nothing in memory
of a sweep that is over but its line.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tuiswp.analysis import words
from tuiswp.analysis.optimum import best_so_far
from tuiswp.controller.client import SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.errors import TuiswpError
from tuiswp.model.trial import State

SWEEPS = Path("sweeps")
UNREADABLE, NOT_STARTED = "unreadable", "not started"
_FILES = (".yaml", ".yml")
_FILE_LIMIT = 1 << 20
_SPACE = re.compile(rb"^parameters\s*:", re.MULTILINE)
_FAULTS = (TuiswpError, OSError, ValueError, RecursionError)


class FoundSweep(msgspec.Struct, frozen=True):
    """One sweep, a folder of runs (`word` read-only) or a file that was not started yet.

    `where`: the directory, or the file, as seen from here. `counts`: trials by state; `runs`: of a
    folder of runs. `at`: when something happened last, wall time. `fault`: why it cannot be read.
    Texts are raw.
    """

    where: Path
    name: str
    word: str
    counts: Mapping[State, int] = {}
    runs: int = 0
    best: float | None = None
    best_trial: str = ""
    metric: str = ""
    at: float | None = None
    fault: str = ""

    @property
    def is_file(self) -> bool:
        return self.word == NOT_STARTED


class Here:
    """The sweeps under `folder`/sweeps, `folder` itself if it is one, and sweep files in it."""

    def __init__(self, folder: Path = Path()) -> None:
        self._folder = folder
        self._readers: dict[Path, SweepReader] = {}
        self._known: dict[Path, tuple[object, FoundSweep]] = {}

    def look(self, *, files: bool = True) -> tuple[FoundSweep, ...]:
        """All of them as they are now, those with the newest facts first."""
        found = [self._directory(path) for path in self._directories()]
        lines = [line for line in found if line is not None]
        if files:
            taken = {line.where.name for line in lines}
            lines += [line for line in self._unstarted() if line.name not in taken]
        return tuple(sorted(lines, key=lambda line: (-(line.at or 0.0), line.name)))

    def _directories(self) -> Iterator[Path]:
        if SweepDirectory(self._folder).exists():
            yield self._folder
        yield from _inside(self._folder / SWEEPS)

    def _directory(self, path: Path) -> FoundSweep | None:
        name = path.name or path.resolve().name
        stamp: object = None
        try:
            if not path.is_dir():
                return None
            directory = SweepDirectory(path)
            if not directory.exists():
                return _runs(path, name)
            stamp = _stamp(directory.journal), _stamp(directory.sweep_file)
            return self._sweep(path, name, stamp)
        except _FAULTS as error:
            self._readers.pop(path, None)
            said = str(error).replace(f"{path.absolute()}/", "")
            line = FoundSweep(path, name, UNREADABLE, fault=said.splitlines()[0])
            if stamp is not None:  # it stays so until one of its files is another
                self._known[path] = stamp, line
            return line

    def _sweep(self, path: Path, name: str, stamp: object) -> FoundSweep:
        known = self._known.get(path)
        if known is not None and known[0] == stamp and path not in self._readers:
            return known[1]
        reader = self._readers.get(path)
        if reader is None:
            reader = self._readers[path] = SweepReader(path)
        view = reader.refresh(with_metrics=False)
        line = _told(path, name, view)
        self._known[path] = stamp, line
        if view.controller is None and not view.state.live():
            self._readers.pop(path)  # until somebody writes there again
        return line

    def _unstarted(self) -> Iterator[FoundSweep]:
        """Sweep files whose sweep has no directory yet; what cannot be read as one is none."""
        for path in _inside(self._folder):
            if path.suffix not in _FILES:
                continue
            try:
                stamp = _stamp(path)
                known = self._known.get(path)
                if known is None or known[0] != stamp:
                    known = self._known[path] = stamp, _file(path)
            except _FAULTS:
                continue
            line = known[1]
            if line.word and not (self._folder / SWEEPS / line.name).exists():
                yield line


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _told(path: Path, name: str, view: SweepView) -> FoundSweep:
    best, objective = best_so_far(view.sweep, view.trials), view.sweep.objective
    return FoundSweep(
        where=path,
        name=name,
        word=view.word,
        counts=words.counts(view.trials),
        best=None if best is None else best.value,
        best_trial="" if best is None else best.id,
        metric="" if objective is None else objective.metric,
        at=view.state.at or None,
    )


def _runs(path: Path, name: str) -> FoundSweep | None:
    """A folder of runs by its file names alone: reading them all is for who opens it."""
    times = [file.stat().st_mtime for file in path.glob("*/metrics.jsonl")]
    if not times:
        return None
    return FoundSweep(path, name, "read-only", runs=len(times), at=max(times))


def _file(path: Path) -> FoundSweep:
    """What a sweep file would start; an empty word if it is none."""
    none = FoundSweep(path, "", "")
    if not path.is_file() or path.stat().st_size > _FILE_LIMIT:
        return none
    if _SPACE.search(path.read_bytes()) is None:
        return none
    from tuiswp.spec.load import load
    from tuiswp.spec.names import safe_name

    sweep = load(path)
    metric = "" if sweep.objective is None else sweep.objective.metric
    return FoundSweep(path, safe_name(sweep.name), NOT_STARTED, metric=metric)
