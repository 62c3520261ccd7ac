"""`tuiswp verify`: whether a sweep's files and its journal say the same. Reads; changes nothing.

Leaves with 0 if they do, with 3 if something does not agree.
"""

from argparse import ArgumentParser, Namespace

import msgspec

from tuiswp.analysis import words
from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.verifying import Finding, Verified, verify
from tuiswp.errors import ExitCode, UsageError
from tuiswp.model.ids import trial_id
from tuiswp.text import visible

_SHOWN = 40


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.epilog = "leaves with 0 if everything agrees, with 3 if something does not"


def run(arguments: Namespace) -> int:
    directory = SweepDirectory(args.find_sweep(arguments.sweep))
    if not directory.exists():
        raise UsageError(
            "holds runs that something else launched, and no journal to hold them against",
            where=visible(str(directory.root)),
            hint="give the directory of a sweep",
        )
    found = verify(directory)
    if arguments.json:
        output.show_json(_as_json(directory, found))
    else:
        output.say(*_lines(found))
    return ExitCode.OK if found.ok else ExitCode.SOME_FAILED


def _as_json(directory: SweepDirectory, found: Verified) -> dict[str, object]:
    return {
        "sweep": found.name,
        "dir": str(directory.root),
        "ok": found.ok,
        "facts": found.facts,
        "trials": found.trials,
        "attempts": found.attempts,
        "optimum": _pair(found.optimum),
        "recorded": _pair(found.recorded),
        "compared": found.compared,
        "left_out": found.left_out,
        "findings": [msgspec.to_builtins(one) for one in found.findings],
    }


def _pair(best: tuple[int, float] | None) -> dict[str, object] | None:
    return None if best is None else {"trial": trial_id(best[0]), "value": best[1]}


def _lines(found: Verified) -> list[str]:
    wrong = [one for one in found.findings if one.grade == "wrong"]
    notes = [one for one in found.findings if one.grade == "note"]
    lines: list[str] = []
    advised: str | None = None
    for one in (*wrong[:_SHOWN], *notes[:_SHOWN]):
        lines += _told(one, advised)
        advised = one.next
    hidden = max(0, len(wrong) - _SHOWN) + max(0, len(notes) - _SHOWN)
    if hidden:
        lines.append(f"       and {hidden} more; --json has all")
    size = (
        f"{words.several(found.facts, 'fact')}, {words.several(found.trials, 'trial')}, "
        f"{words.several(found.attempts, 'attempt')}"
    )
    if wrong:
        things = words.several(len(wrong), "thing")
        return [*lines, output.paint(f"{size}: {things} not as it should be", "bad")]
    return [*lines, f"{size}: journal and files agree", _best(found)]


def _best(found: Verified) -> str:
    if found.left_out is not None:
        return visible(found.left_out)
    if found.optimum is None:
        return "no trial may win yet, by the files as by the journal"
    number, value = found.optimum
    return f"recomputed from the files, the best is {trial_id(number)} with {value:g}: the same"


def _told(one: Finding, advised: str | None) -> list[str]:
    """What was found, and what to do unless that was said just before."""
    grade = output.paint(f"{one.grade:5}", "bad" if one.grade == "wrong" else "note")
    where = f"{visible(one.where)}: " if one.where else ""
    lines = [f"{grade}  {where}{visible(one.text)}"]
    if one.next is not None and one.next != advised:
        lines.append(f"       {visible(one.next)}")
    return lines
