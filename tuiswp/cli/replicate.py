"""`tuiswp replicate`: repeat the best settings until first and second are decided."""

from argparse import ArgumentParser, Namespace

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.cli.requests import OUTCOME, add_why, ensure_controller, ours
from tuiswp.controller.client import ask
from tuiswp.controller.requests import new_request
from tuiswp.errors import ExitCode
from tuiswp.text import visible


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument(
        "--top", type=int, default=2, metavar="K", help="settings to repeat (default: 2)"
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="most runs of each (default: 5)"
    )
    add_why(parser)


def run(arguments: Namespace) -> int:
    directory = ours(args.find_sweep(arguments.sweep), arguments.command)
    request = new_request(
        "replicate", top=arguments.top, seeds=arguments.seeds, why=arguments.why or ""
    )
    applied = ask(directory, request)
    output.say(visible(applied.outcome, limit=OUTCOME))
    if applied.ok:
        ensure_controller(directory)
    return ExitCode.OK if applied.ok else ExitCode.USAGE
