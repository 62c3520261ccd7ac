"""Find the files in which a trial left its metrics, if not in `metrics.jsonl`. It opens none.

Looked through is the trial's directory; `sources.note` says where W&B runs of it may lie besides.
Of several kinds one is read, the first of `KINDS` that is there: the same training, told twice,
would give each curve twice.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from tuiswp.metrics.sources.base import Sink, Source
from tuiswp.metrics.sources.event_file import EventFile, split_of
from tuiswp.metrics.sources.lightning_csv import LightningCsv
from tuiswp.metrics.sources.note import Note, read_note
from tuiswp.metrics.sources.trainer_state import TrainerState
from tuiswp.metrics.sources.wandb_run import WandbRun

DEPTH_MAX = 6
ENTRIES_MAX = 4_096
FILES_MAX = 64
LOOK_MAX = 256

_WANDB_RUN = re.compile(r"(?:offline-)?run-(\d{8}_\d{6})-.+")
_VERSION = re.compile(r"version_(\d+)")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_EVENT_TIME = re.compile(r"\.tfevents\.(\d+)")
_NOT_LOOKED_INTO = {"attempts", "__pycache__"}


class Place(NamedTuple):
    """One file to read. `run`: files of one number complete each other, see `metrics.curves`."""

    path: str
    source: Callable[[Sink], Source]
    run: int


class Found(NamedTuple):
    """What is read, in this order, and what kind of file it is."""

    kind: str | None
    places: tuple[Place, ...]


def find(folder: str) -> Found:
    """The files of the trial in `folder` as they lie there now."""
    note = read_note(folder) or Note()
    by_kind: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for path in _files(folder):
        kind = _kind(os.path.basename(path))  # noqa: PTH119
        if kind is not None:
            by_kind[kind].append(path)
    for top, run_id in note.wandb:
        by_kind["wandb"] += _runs_of(top, run_id)
    for kind, in_order in KINDS.items():
        if by_kind[kind] and note.kind in (None, kind):
            return Found(kind, tuple(in_order(list(dict.fromkeys(by_kind[kind])))[-FILES_MAX:]))
    return Found(None, ())


def holds_run(folder: str) -> bool:
    """Whether a run of some other tool lies in this directory, as far as one look at it tells."""
    # W&B's `latest-run` is no other run, and a checkpoint is a part of one.
    if os.path.islink(folder) or _CHECKPOINT.fullmatch(os.path.basename(folder)):  # noqa: PTH114,PTH119
        return False
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, LOOK_MAX)]
    except (OSError, ValueError):
        return False
    return any(
        _kind(name) is not None
        or (_CHECKPOINT.fullmatch(name) and os.path.isfile(f"{folder}/{name}/trainer_state.json"))  # noqa: PTH113
        for name in names
    )


def _files(top: str) -> Iterator[str]:
    """Regular files below `top`, the higher ones first: not through links, nor too many."""
    waiting, seen = deque([(top, 0)]), 0
    while waiting:
        folder, depth = waiting.popleft()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    seen += 1
                    if seen > ENTRIES_MAX:
                        return
                    if entry.is_file(follow_symlinks=False):
                        yield entry.path
                    elif _is_looked_into(entry, depth):
                        waiting.append((entry.path, depth + 1))
        except (OSError, ValueError):  # not there, or not ours; a NUL in the path
            continue


def _is_looked_into(entry: os.DirEntry[str], depth: int) -> bool:
    return (
        depth < DEPTH_MAX
        and entry.is_dir(follow_symlinks=False)
        and not entry.name.startswith(".")
        and (depth > 0 or entry.name not in _NOT_LOOKED_INTO)
    )


def _kind(name: str) -> str | None:
    if name.startswith("run-") and name.endswith(".wandb"):
        return "wandb"
    if ".tfevents." in name:
        return "tensorboard"
    return {"metrics.csv": "lightning", "trainer_state.json": "trainer_state"}.get(name)


def _runs_of(top: str, run_id: str) -> list[str]:
    """The files of one W&B run in a directory that holds other people's runs too."""
    try:
        names = os.listdir(top)  # noqa: PTH208
    except (OSError, ValueError):
        return []
    paths = [
        f"{top}/{name}/run-{run_id}.wandb"
        for name in names
        if _WANDB_RUN.fullmatch(name) and name.endswith(f"-{run_id}")
    ]
    return [path for path in paths if os.path.isfile(path)]  # noqa: PTH113


def _wandb(paths: Sequence[str]) -> list[Place]:
    """Each its own run, by the time in its directory's name."""

    def order(path: str) -> tuple[str, str]:
        found = _WANDB_RUN.fullmatch(os.path.basename(os.path.dirname(path)))  # noqa: PTH119,PTH120
        return ("" if found is None else found[1], path)

    return [Place(path, WandbRun, n) for n, path in enumerate(sorted(paths, key=order), 1)]


def _tensorboard(paths: Sequence[str]) -> list[Place]:
    """By the time in their names. A run is a directory, with those inside it and beside it that
    hold a part of it: `train`, `validation` and the like.
    """
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120

    def run_of(path: str) -> str:
        folder = os.path.dirname(path)  # noqa: PTH120
        above = folder
        while (above := os.path.dirname(above)).strip("/"):  # noqa: PTH120
            if above in folders:
                folder = above
        return os.path.dirname(folder) if split_of(folder) else folder  # noqa: PTH120

    def began(path: str) -> tuple[int, str, str]:
        found = _EVENT_TIME.search(path)
        return (0 if found is None else int(found[1][:18]), os.path.basename(path), path)  # noqa: PTH119

    runs: dict[str, list[str]] = {}
    for path in sorted(paths, key=began):
        runs.setdefault(run_of(path), []).append(path)
    return [
        Place(path, EventFile.of(path), number)
        for number, files in enumerate(runs.values(), 1)
        for path in files
    ]


def _lightning(paths: Sequence[str]) -> list[Place]:
    """Each its own run, by the number of its version."""

    def order(path: str) -> tuple[str, int, str]:
        folder = os.path.dirname(path)  # noqa: PTH120
        found = _VERSION.fullmatch(os.path.basename(folder))  # noqa: PTH119
        return (os.path.dirname(folder), -1 if found is None else int(found[1][:18]), path)  # noqa: PTH120

    return [Place(path, LightningCsv, n) for n, path in enumerate(sorted(paths, key=order), 1)]


def _trainer_state(paths: Sequence[str]) -> list[Place]:
    """The newest: each holds all that was logged until then."""

    def order(path: str) -> tuple[int, int, str]:
        found = _CHECKPOINT.fullmatch(os.path.basename(os.path.dirname(path)))  # noqa: PTH119,PTH120
        try:
            written = os.stat(path).st_mtime_ns  # noqa: PTH116
        except OSError:
            written = 0
        return (written, 0 if found is None else int(found[1][:18]), path)

    return [Place(max(paths, key=order), TrainerState, 1)]


# In the order in which they are looked for.
KINDS: Mapping[str, Callable[[Sequence[str]], list[Place]]] = {
    "wandb": _wandb,
    "tensorboard": _tensorboard,
    "lightning": _lightning,
    "trainer_state": _trainer_state,
}
