"""`tuiswp clean`: checkpoints of trials that are not among the best: a list, or with --yes gone.

It removes nothing itself: it asks, trial by trial, so that no trial can begin in between.
"""

from argparse import ArgumentParser, Namespace

import msgspec

from tuiswp.analysis import tables
from tuiswp.analysis.words import bytes_size, several
from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.cli.requests import ours
from tuiswp.controller import checkpoints
from tuiswp.controller.cleaning import KEEP, spared
from tuiswp.controller.client import SweepReader, SweepView, ask
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.requests import new_request
from tuiswp.errors import ExitCode, NoResult, UsageError
from tuiswp.model.ids import trial_id
from tuiswp.text import shell_line, visible

_WAIT_S = 120.0  # for one trial's files: a network disk takes its time
_SHOWN = 3


class Listed(msgspec.Struct, frozen=True):
    """What one trial has that can go."""

    trial: int
    found: tuple[checkpoints.Checkpoint, ...]

    @property
    def size(self) -> int:
        return sum(one.size for one in self.found)


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.epilog = (
        f"A checkpoint is what is named like {' '.join(checkpoints.PATTERNS)} in a trial's own "
        "directory; --pattern says otherwise (with / at its end: a directory). Metrics, logs and "
        "the journal stay, and so do trials that run, wait or are paused, the baseline and those "
        "that are pinned. Exit codes: 0 listed or removed, 1 something could not be removed, 4 no "
        "trial is ranked."
    )
    parser.add_argument(
        "--keep", type=int, default=KEEP, metavar="K",
        help=f"the best K keep their checkpoints ({KEEP})",
    )  # fmt: skip
    parser.add_argument(
        "--pattern", action="append", default=[], metavar="GLOB",
        help="what a checkpoint is named like, instead of the usual; may be repeated",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="remove them; without it: a list")
    parser.add_argument("--json", action="store_true", help="print one object")


def run(arguments: Namespace) -> int:
    if not 0 <= arguments.keep < 10**6:
        raise UsageError(f"--keep {arguments.keep} is no number of trials")
    patterns = tuple(arguments.pattern) or checkpoints.PATTERNS
    for pattern in patterns:
        if not pattern.strip("/*.?") or "/" in pattern.rstrip("/"):
            raise UsageError(
                f"--pattern {visible(pattern)!r} names no kind of file",
                hint="write a name such as '*.pt', or 'checkpoint-*/' for directories",
            )
    path = args.find_sweep(arguments.sweep)
    directory = ours(path, "clean")
    view = SweepReader(path).refresh(with_metrics=False)
    stays = spared(view.sweep, view.trials, arguments.keep)
    if not stays:
        raise NoResult(
            "no trial is ranked: none is known to be worse than another",
            where=visible(str(path)),
            hint="clean it when trials have finished",
        )
    listed = _listed(directory, view, set(stays), patterns)
    outcomes: list[tuple[bool, str]] = []
    if arguments.yes:
        outcomes = [_removed(directory, one, arguments.keep, patterns) for one in listed]
    if arguments.json:
        output.show_json(_as_json(listed, stays, outcomes, removed=arguments.yes))
    else:
        again = ["tuiswp", "clean", str(path), "--keep", str(arguments.keep)]
        again += [word for one in arguments.pattern for word in ("--pattern", one)]
        _say(listed, stays, outcomes, again=shell_line([*again, "--yes"]), removed=arguments.yes)
    return ExitCode.OK if all(ok for ok, _ in outcomes) else ExitCode.FAULT


def _listed(
    directory: SweepDirectory, view: SweepView, stays: set[int], patterns: tuple[str, ...]
) -> list[Listed]:
    """What can go, trial by trial; trials that have nothing are not in it."""
    every = (
        Listed(trial.number, checkpoints.find(directory.trial(trial.number), patterns))
        for trial in view.trials
        if trial.number not in stays
    )
    return [one for one in every if one.found]


def _removed(
    directory: SweepDirectory, one: Listed, keep: int, patterns: tuple[str, ...]
) -> tuple[bool, str]:
    request = new_request("clean", (one.trial,), top=keep, patterns=patterns)
    applied = ask(directory, request, wait_s=_WAIT_S)
    return applied.ok, applied.outcome


def _say(
    listed: list[Listed],
    stays: dict[int, str],
    outcomes: list[tuple[bool, str]],
    *,
    again: str,
    removed: bool,
) -> None:
    if not listed:
        output.say("nothing to remove: no checkpoints but those that are kept")
        return
    if removed:
        for ok, outcome in outcomes:
            output.say(output.paint(visible(outcome, limit=1000), "plain" if ok else "bad"))
        return
    rows = [
        (
            trial_id(one.trial),
            bytes_size(one.size),
            str(len(one.found)),
            ", ".join(visible(found.path, limit=60) for found in one.found[:_SHOWN])
            + (", …" if len(one.found) > _SHOWN else ""),
        )
        for one in listed
    ]
    headers = ("trial", "size", "files", "checkpoints")
    output.say(*tables.table(headers, rows, width=output.width(), right=range(1, 3)))
    kept = ", ".join(f"{trial_id(number)} ({why})" for number, why in sorted(stays.items())[:12])
    whole = bytes_size(sum(one.size for one in listed))
    output.say(
        "",
        f"{whole} in {several(len(listed), 'trial')}; nothing was removed yet",
        output.prose(f"kept: {kept}{', …' if len(stays) > 12 else ''}", indent="  "),
        f"remove them: {again}",
    )


def _as_json(
    listed: list[Listed],
    stays: dict[int, str],
    outcomes: list[tuple[bool, str]],
    *,
    removed: bool,
) -> dict[str, object]:
    told = outcomes or [(True, "")] * len(listed)
    return {
        "removed": removed,
        "bytes": sum(one.size for one in listed),
        "kept": {trial_id(number): why for number, why in sorted(stays.items())},
        "trials": [
            {
                "id": trial_id(one.trial),
                "bytes": one.size,
                "checkpoints": [msgspec.structs.asdict(found) for found in one.found],
                **({"ok": ok, "outcome": outcome} if removed else {}),
            }
            for one, (ok, outcome) in zip(listed, told, strict=True)
        ],
    }
