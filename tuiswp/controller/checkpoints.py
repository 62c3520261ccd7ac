"""Which files of a trial are checkpoints, and how they are removed. It follows no link.

A checkpoint is what a pattern names: `checkpoint-*/` a directory with everything in it, `*.pt` a
file. Whatever the patterns say, metrics, logs and records stay (`_KEPT`), also inside a checkpoint,
and nothing outside the trial's own directory is looked at.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

PATTERNS = ("checkpoint-*/", "*.pt", "*.pth", "*.ckpt", "*.safetensors", "*.bin")

# Metrics, of every kind that is read, and what was printed: wherever they lie.
_KEPT = re.compile(
    r"metrics.*\.(?:jsonl|csv)|trainer_state\.json|.*\.wandb|.*\.tfevents\..*|.*\.log(?:\.\d+)?"
)
# What a trial is known by, in its own directory; a model's checkpoint has a config.json as well.
_OWN = re.compile(r"(?:params|config|args|metrics_from)\.json|wandb-params\.yaml|hparams\.yaml")
_RECORDS, _SET_ASIDE = "attempts", "files"


class Checkpoint(msgspec.Struct, frozen=True):
    """One file. `path` is below the trial's directory; `size`: the bytes that removing it frees."""

    path: str
    size: int


class Removal(msgspec.Struct, frozen=True):
    """What was removed, and what could not be: a sentence each."""

    gone: tuple[Checkpoint, ...]
    failed: tuple[str, ...]


def find(trial_dir: Path, patterns: Sequence[str] = PATTERNS) -> tuple[Checkpoint, ...]:
    """The checkpoints of one trial, by path."""
    return tuple(one for _, _, one in sorted(_walk(trial_dir, patterns, None), key=_by_path))


def remove(trial_dir: Path, patterns: Sequence[str] = PATTERNS) -> Removal:
    """Remove what `find` finds, file by file, and checkpoint directories that are then empty."""
    gone, failed = [], []
    emptied: set[str] = set()
    for fd, name, one in _walk(trial_dir, patterns, emptied):
        try:
            os.unlink(name, dir_fd=fd)
            gone.append(one)
        except OSError as fault:
            failed.append(f"{one.path}: {fault.strerror}")
    for folder in sorted(emptied, key=len, reverse=True):
        try:
            _rmdir(trial_dir, folder)
        except OSError:  # something that stays is in it
            continue
    return Removal(tuple(gone), tuple(failed))


def _by_path(found: tuple[int, str, Checkpoint]) -> str:
    return found[2].path


def _walk(
    trial_dir: Path, patterns: Sequence[str], folders: set[str] | None
) -> Iterator[tuple[int, str, Checkpoint]]:
    """(descriptor of its directory, name, checkpoint) of each file. `folders`: takes the
    directories that are checkpoints as a whole, and those inside them.
    """
    whole = [pattern.rstrip("/") for pattern in patterns if pattern.endswith("/")]
    single = [pattern for pattern in patterns if not pattern.endswith("/")]
    try:
        for top, below, names, fd in os.fwalk(trial_dir, follow_symlinks=False):
            inside = Path(top).relative_to(trial_dir)
            parts = inside.parts
            _stay_out(parts, below)
            if parts[:1] == (_RECORDS,) and (len(parts) < 3 or parts[2] != _SET_ASIDE):
                continue  # records of an attempt; only what `restart --fresh` set aside is in reach
            of_whole = any(fnmatchcase(part, pattern) for part in parts for pattern in whole)
            if of_whole and folders is not None:
                folders.add(str(inside))
            for name in names:
                matched = of_whole or any(fnmatchcase(name, pattern) for pattern in single)
                kept = _KEPT.fullmatch(name) or (not parts and _OWN.fullmatch(name))
                if matched and not kept:
                    size = _size(name, fd)
                    if size is not None:
                        yield fd, name, Checkpoint(str(inside / name), size)
    except OSError:  # the directory is not there, or is a link
        return


def _stay_out(parts: Sequence[str], below: list[str]) -> None:
    """Do not go where a run of W&B lies, nor into anything that is hidden."""
    below[:] = [name for name in below if name != "wandb" and not name.startswith(".")]
    if parts[:1] == (_RECORDS,) and len(parts) == 2:
        below[:] = [name for name in below if name == _SET_ASIDE]


def _size(name: str, fd: int) -> int | None:
    """Bytes that are freed; None if it is not a plain file, or is gone."""
    try:
        found = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_size if found.st_nlink == 1 else 0


def _rmdir(trial_dir: Path, folder: str) -> None:
    """Remove an empty directory, going down from the trial's through no link."""
    parts = Path(folder).parts
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(trial_dir, flags)
    try:
        for part in parts[:-1]:
            inner = os.open(part, flags, dir_fd=fd)
            os.close(fd)
            fd = inner
        os.rmdir(parts[-1], dir_fd=fd)
    finally:
        os.close(fd)
