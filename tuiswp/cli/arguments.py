"""What a person means by SWEEP and TRIAL. Looks at directories; opens and changes nothing.

A SWEEP is a sweep file, a sweep directory, a name under ./sweeps, or a folder of runs. Left out, it
is the sweep this directory is, the only live one under ./sweeps, or the only one.
"""

import re
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tuiswp import proc
from tuiswp.controller.directory import Owner, SweepDirectory, is_run_folder
from tuiswp.errors import EnvironmentFault, UsageError
from tuiswp.model.ids import parse_trial, trial_id
from tuiswp.model.trial import Trial
from tuiswp.plain import read_plain
from tuiswp.spec.names import safe_name
from tuiswp.text import visible

SWEEPS = Path("sweeps")
FILES = (".yaml", ".yml", ".json")
_TRIAL = re.compile(r"t?\d{1,9}")
_SHOWN = 12


def add_sweep(parser: ArgumentParser) -> None:
    parser.add_argument(
        "sweep", nargs="?", metavar="SWEEP", help="sweep directory, its name, or its sweep file"
    )


def add_targets(parser: ArgumentParser, trials: str) -> None:
    parser.add_argument(
        "targets",
        nargs="*",
        metavar=f"[SWEEP] {trials}",
        help="a sweep (left out: the only live one here), then trials as 7, t7 or t0007",
    )


def find_sweep(text: str | None) -> Path:
    """The directory of the sweep, or the folder of runs, that `text` names.

    Raises UsageError that says what was looked for, EnvironmentFault for what may not be read.
    """
    if text is None:
        return _only_sweep()
    if not text:
        raise UsageError("SWEEP is an empty text", hint="is a variable of the shell not set?")
    try:
        return _found(text)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be looked into: {error.strerror}",
            where=visible(text),
            hint="is it somebody else's? Sweeps are private to who started them",
        ) from error


def _found(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        if SweepDirectory(path).exists() or is_run_folder(path):
            return path
        if not _named(text):
            raise UsageError(
                "holds no sweep (journal.jsonl) and no runs (*/metrics.jsonl, W&B's, …)",
                where=visible(text),
                hint="give a sweep file, a sweep directory or a folder of runs",
            )
    if path.is_file():
        return _started_from(path)
    found = _named(text)
    if found is not None:
        return found
    if path.exists():
        raise UsageError(
            "is neither a file nor a directory", where=visible(text), hint="write it to a file"
        )
    raise UsageError(
        f"no sweep {visible(text)!r}: looked for a file or directory of that name, "
        f"and for {SWEEPS}/{visible(text)}",
        hint=_known(),
    )


def split(words: Sequence[str]) -> tuple[str | None, list[int]]:
    """`[SWEEP] TRIAL…` as typed → the sweep, if one is named, and the trial numbers.

    A word like `7` or `t7` is a trial even where a directory has that name; `./7` is the directory.
    """
    sweep: str | None = None
    rest = list(words)
    if rest and not _TRIAL.fullmatch(rest[0]):
        sweep = rest.pop(0)
    numbers = list(dict.fromkeys(parse_trial(word) for word in rest))
    return sweep, numbers


def one_trial(trials: Mapping[int, Trial], number: int) -> Trial:
    """The trial of that number. Raises UsageError that says which exist."""
    if number in trials:
        return trials[number]
    raise UsageError(f"{trial_id(number)} does not exist", hint=_which(trials))


def sweeps_here() -> Iterator[SweepDirectory]:
    """Every sweep directory under ./sweeps, by name."""
    with suppress(OSError):
        for path in sorted(SWEEPS.iterdir()):
            directory = SweepDirectory(path)
            with suppress(OSError):  # one that may not be read does not hide the others
                if path.is_dir() and directory.exists():
                    yield directory


def holder_lives(directory: SweepDirectory) -> bool:
    """Whether whoever last locked the sweep lives: without reading its journal."""
    try:
        owner = msgspec.json.decode(read_plain(directory.owner), type=Owner)
    except (OSError, msgspec.DecodeError):
        return False
    return owner.host == proc.hostname() and proc.is_alive(owner.process)


def spoken(directory: Path) -> str:
    """How a person names this sweep on the next command line: its name here, else its path."""
    with suppress(OSError):
        if directory.resolve().parent == SWEEPS.resolve():
            return directory.name
    with suppress(OSError, ValueError):
        return str(directory.resolve().relative_to(Path.cwd()))
    return str(directory)


def _only_sweep() -> Path:
    if SweepDirectory(Path()).exists():
        return Path()
    here = list(sweeps_here())
    if len(here) == 1:
        return SWEEPS / here[0].root.name
    live = [directory for directory in here if holder_lives(directory)]
    if len(live) == 1:
        return SWEEPS / live[0].root.name
    if not here:
        raise UsageError(
            "no sweep is named, and there is none under ./sweeps",
            hint="start one with `tuiswp SWEEP_FILE`, or name its directory",
        )
    names = [visible(directory.root.name) for directory in (live or here)]
    which = "live sweeps" if live else "sweeps"
    raise UsageError(
        f"no sweep is named, and there are {len(names)} {which} here: {_listed(names)}",
        hint="name one of them",
    )


def _started_from(path: Path) -> Path:
    """The directory of a sweep file's sweep. Raises UsageError if it was never started."""
    from tuiswp.controller.opening import place_for

    place = place_for(path, name=None, directory=None)
    if place.exists():
        return SWEEPS / place.root.name
    raise UsageError(
        f"its sweep has not been started: {SWEEPS / place.root.name} does not exist",
        where=visible(str(path)),
        hint=f"start it with `tuiswp {visible(str(path))}`",
    )


def _named(text: str) -> Path | None:
    if "/" in text or text in (".", ".."):
        return None
    for name in (text, safe_name(text)):
        path = SWEEPS / name
        if path.is_dir() and (SweepDirectory(path).exists() or is_run_folder(path)):
            return path
    return None


def _known() -> str:
    names = [visible(directory.root.name) for directory in sweeps_here()]
    return f"known here: {_listed(names)}" if names else "there is none under ./sweeps"


def _which(trials: Mapping[int, Trial]) -> str:
    numbers = sorted(trials)
    if not numbers:
        return "no trial has been started yet"
    if numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 2:
        return f"there are {trial_id(numbers[0])} to {trial_id(numbers[-1])}"
    return f"there are {_listed([trial_id(number) for number in numbers])}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
