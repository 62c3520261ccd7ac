"""`clone add extend set`: new trials and changed ranges for a living sweep, from what is typed.

Reads the words by the sweep as it is now, puts a request, prints its outcome. The controller
decides; where none runs, the request takes effect at once and one is started if there is work.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.cli.points import read_points
from tuiswp.cli.requests import OUTCOME, add_why, ensure_controller, ours
from tuiswp.controller.client import SweepReader, SweepView, ask
from tuiswp.controller.requests import Request, new_request
from tuiswp.errors import ExitCode, UsageError
from tuiswp.model.edits import SETTINGS
from tuiswp.spec.early import rule_of
from tuiswp.spec.edits import parse_edit, parse_settings
from tuiswp.spec.values import parse_point
from tuiswp.text import visible

_WORDS = {
    "clone": (
        "[SWEEP] TRIAL… [name=value…]",
        "the trials to clone, then what is to differ: lr=1e-3 bs=32 (nothing: the same point)",
    ),
    "add": (
        "[SWEEP] name=value,…",
        "points to try: lr=1e-3,bs=32 lr=3e-3,bs=32; what one leaves out comes from the baseline, "
        "else from the best trial",
    ),
    "extend": (
        "[SWEEP] CHANGE…",
        "lr=1e-6..1e-1 (a range; an end left out stays), bs+=64,128 (more values), bs-=8 (fewer), "
        "opt=adam,sgd (these)",
    ),
    "set": (
        "[SWEEP] NAME=VALUE…",
        f"{', '.join(SETTINGS)} (none: no limit); early_stop=asha:min_resource=3 or none",
    ),
}


def add_arguments(parser: ArgumentParser, name: str) -> None:
    words, text = _WORDS[name]
    parser.add_argument("words", nargs="*", metavar=words, help=text)
    if name == "add":
        parser.add_argument(
            "--from", dest="file", metavar="FILE", help="points from FILE.csv or FILE.jsonl"
        )
    if name == "extend":
        parser.add_argument(
            "--count", metavar="N", help="how many trials the search may bring forth (run_cap)"
        )
    add_why(parser)


def run(arguments: Namespace) -> int:
    name = arguments.command
    first = [word for word in arguments.words if "=" not in word]
    changes = [word for word in arguments.words if "=" in word]
    word, numbers = args.split(first)
    if numbers and name != "clone":
        raise UsageError(f"{name} takes no trial", hint=f"write `tuiswp {name} {_WORDS[name][0]}`")
    _refuse_nothing(arguments, numbers, changes)
    path = args.find_sweep(word)
    directory = ours(path, name)
    view = SweepReader(path).refresh(with_metrics=False)
    request = _request(arguments, view, numbers, changes)
    applied = ask(directory, request)
    output.say(visible(applied.outcome, limit=OUTCOME))
    if applied.ok and _has_work(path, name, was_over=view.state.finished is not None):
        ensure_controller(directory)
    return ExitCode.OK if applied.ok else ExitCode.USAGE


def _refuse_nothing(arguments: Namespace, numbers: list[int], changes: list[str]) -> None:
    """Raise UsageError for a call that names nothing to do."""
    name = arguments.command
    named: dict[str, object] = {
        "clone": numbers,
        "add": changes or arguments.__dict__.get("file"),
        "extend": changes or arguments.__dict__.get("count"),
        "set": changes,
    }
    if not named[name]:
        what = {"clone": "trial", "add": "point", "extend": "change", "set": "setting"}[name]
        raise UsageError(
            f"no {what} is named", hint=f"write `tuiswp {name} {_WORDS[name][0]}`; see --help"
        )


def _request(
    arguments: Namespace, view: SweepView, numbers: list[int], changes: list[str]
) -> Request:
    parameters, why = view.sweep.parameters, arguments.why or ""
    match arguments.command:
        case "clone":
            for number in numbers:
                args.one_trial(view.state.trials, number)
            point = parse_point(parameters, changes)
            return new_request("clone", tuple(numbers), points=(point,) if point else (), why=why)
        case "add":
            points = tuple(parse_point(parameters, [word]) for word in changes)
            if arguments.file is not None:
                points += tuple(read_points(Path(arguments.file), parameters))
            return new_request("add", points=points, why=why)
        case "extend":
            edits = tuple(parse_edit(parameters, word) for word in changes)
            settings = parse_settings([f"run_cap={arguments.count}"] if arguments.count else [])
            return new_request("extend", edits=edits, settings=settings, why=why)
        case _:
            rules = [word for word in changes if word.partition("=")[0].strip() == "early_stop"]
            settings = parse_settings([word for word in changes if word not in rules])
            if not rules:
                return new_request("set", settings=settings, why=why)
            rule = rule_of(rules[-1].partition("=")[2])
            return new_request("set", settings=settings, stopper=rule or "none", why=why)


def _has_work(path: Path, name: str, *, was_over: bool) -> bool:
    """Whether the request gave a controller something to do that is not merely to wait."""
    state = SweepReader(path).refresh(with_metrics=False).state
    if name in ("clone", "add"):
        return True
    if state.finished is not None or state.stopping is not None or state.paused is not None:
        return False
    return name == "extend" or was_over
