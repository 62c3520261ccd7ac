"""`tuiswp`: read the command line, hand over to one command, turn errors into exit codes.

Every command is a module of its own, imported when it is used: `--help` pays for none of them.
"""

import argparse
import difflib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Protocol, cast

import tuiswp
from tuiswp.cli import once, otherwise, output
from tuiswp.errors import ExitCode, TuiswpError, UsageError
from tuiswp.text import visible


class Command(Protocol):
    """What a command's module has. `name` is the word that was typed: one module may serve many."""

    def add_arguments(self, parser: argparse.ArgumentParser, name: str) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


# word → (module, one line of help). The order is the order of `tuiswp --help`.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "make a sweep file from a training script: its options, its metrics"),
    "advise": ("advise", "what to tune first, which method, how many trials, hours, GPU-hours"),
    "check": ("check", "read a sweep file: parameters, plan, exact commands, warnings"),
    "status": ("status", "where every trial stands"),
    "results": ("results", "the table, the optimum, its curve and what it means"),
    "explain": ("explain", "why a trial waits, why it ended, why it won"),
    "attach": ("attach", "go to the tmux window of a running trial"),
    "logs": ("logs", "what a trial printed"),
    "kill": ("requests", "end trials"),
    "interrupt": ("requests", "send trials a ctrl-c: they may save, end, or go on"),
    "restart": ("requests", "run trials again, in the same directory"),
    "clone": ("editing", "run a trial's point again as a new trial, with other values if named"),
    "pin": ("requests", "protect trials from being pruned"),
    "unpin": ("requests", "let trials be pruned again"),
    "front": ("requests", "let waiting trials run next, in the order given"),
    "pause": ("requests", "start no new trials; or stop some trials and keep their place"),
    "resume": ("requests", "go on with the sweep, or with paused trials"),
    "stop": ("requests", "end the sweep; running trials finish, unless --now"),
    "add": ("editing", "add points to try"),
    "extend": ("editing", "extend or narrow a range, add or remove values, more trials"),
    "set": ("editing", "change max_parallel, run_cap, retries, timeout, hang_after"),
    "replicate": ("replicate", "repeat the best with other seeds until first beats second"),
    "diagnose": ("diagnose", "overfit, underfit, unstable? what a training log says, what to do"),
    "report": ("report", "write report.html, sweep.png and trials.csv"),
    "export": ("export", "write its best configuration, or the sweep as an Optuna study"),
    "replay": ("replay", "whom an early-stopping rule would have stopped, and what that costs"),
    "clean": ("clean", "list, or remove, checkpoints of trials that are not among the best"),
    "verify": ("verify", "whether journal, files and the optimum agree"),
    "gpus": ("gpus", "every GPU: who is on it, and whether it can be used"),
    "doctor": ("doctor", "what works on this machine and what does not"),
}
_HIDDEN = {"_controller": ("controller_process", "")}
_UNKNOWN = re.compile(r"unrecognized arguments: (.*)", re.DOTALL)
_EXAMPLES = """\
  tuiswp                      the sweeps found here, to look into
  tuiswp sweep.yaml           start or resume a sweep and follow it (ctrl-c leaves it running)
  tuiswp --batch sweep.yaml   the same to the end, without a terminal
"""


class Parser(argparse.ArgumentParser):
    """argparse whose faults are errors like all others, and whose help leaves by `output`."""

    def error(self, message: str) -> NoReturn:
        hint = f"see `{self.prog} --help`"
        unknown = _UNKNOWN.fullmatch(message)
        if unknown is not None:
            word = unknown[1].split(" ")[0].split("=")[0]
            known = [option for action in self._actions for option in action.option_strings]
            near = difflib.get_close_matches(word, known, n=1)
            message = f"{visible(unknown[1], limit=200)!r} is not understood"
            if near:
                hint = f"did you mean {near[0]}? See `{self.prog} --help`"
        raise UsageError(visible(message), hint=hint)

    def _print_message(self, message: str, file: object = None) -> None:
        if message:
            output.say(message.rstrip("\n"))


_GONE = UsageError("the working directory was removed", hint="`cd` to one that is there")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever went wrong has been said by then."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return int(_dispatch(words))
    except output.Closed:
        return _quietly(ExitCode.OK)
    except TuiswpError as error:
        return _said(error)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except SystemExit as end:  # argparse, after --help and --version
        return end.code if isinstance(end.code, int) else int(ExitCode.OK)
    except FileNotFoundError as fault:
        return _fault(fault) if _stands_somewhere() else _said(_GONE)
    except Exception as fault:
        return _fault(fault)


def _stands_somewhere() -> bool:
    """Whether the working directory still exists; no relative path means anything without it."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _dispatch(words: list[str]) -> int:
    name = words[0] if words else ""
    if name in COMMANDS or name in _HIDDEN:
        module, text = (COMMANDS | _HIDDEN)[name]
        command = cast(Command, importlib.import_module(f"tuiswp.cli.{module}"))
        parser = Parser(prog=f"tuiswp {name}", description=text or None, allow_abbrev=False)
        command.add_arguments(parser, name)
        arguments = parser.parse_args(words[1:])
        arguments.command = name
        return command.run(arguments)
    return _sweep(words)


def _sweep(words: list[str]) -> int:
    _no_such_command(words)
    parser = _top_parser()
    arguments = parser.parse_args(words)
    if arguments.help_keys:
        from tuiswp.cli import keys

        return keys.run()
    given: str | None = arguments.sweep
    if once.is_meant(arguments):
        return once.run(arguments)
    if given is None:
        named = arguments.name or arguments.dir or arguments.host_is_down
        if arguments.batch or named or otherwise.given(arguments):
            raise UsageError("no SWEEP is named", hint="write `tuiswp --batch sweep.yaml`")
        from tuiswp.cli import listing

        return listing.run(
            lines=arguments.lines,
            json=arguments.json,
            ascii=arguments.ascii,
            reset_view=arguments.reset_view,
        )
    if arguments.json:
        raise UsageError(
            "--json lists the sweeps found here", hint="for one sweep: `tuiswp status --json SWEEP`"
        )
    from tuiswp.cli import run

    return run.run(
        given,
        batch=arguments.batch,
        name=arguments.name,
        directory=arguments.dir,
        lines=arguments.lines,
        ascii=arguments.ascii,
        reset_view=arguments.reset_view,
        overrides=otherwise.given(arguments),
        host_is_down=arguments.host_is_down,
    )


def _no_such_command(words: list[str]) -> None:
    """Raise UsageError where the first word can only have been meant as a command."""
    word = words[0] if words else ""
    if not word or word.startswith("-") or os.path.lexists(word):
        return
    if os.path.lexists(os.path.join("sweeps", word)):  # noqa: PTH118  as typed
        return
    near = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.7)
    if near:
        raise UsageError(
            f"no sweep and no command {visible(word)!r}", hint=f"did you mean `{near[0]}`?"
        )
    if len(words) > 1 and not words[1].startswith("-"):
        raise UsageError(f"no sweep and no command {visible(word)!r}", hint="see `tuiswp --help`")


def _top_parser() -> Parser:
    wide = max(map(len, COMMANDS)) + 2
    table = "\n".join(f"  {name:{wide}}{text}" for name, (_, text) in COMMANDS.items())
    parser = Parser(
        prog="tuiswp",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="tuiswp [--batch | --lines] [--name NAME] [--dir DIR] [--fix NAME=VALUE …] [SWEEP]\n"
        "       tuiswp --once [--screen NAME] [--size 120x35] [--format text|svg|json] [SWEEP]\n"
        "       tuiswp COMMAND …",
        description="Hyperparameter sweeps in your terminal: tmux windows, pinned GPUs, "
        f"a judged optimum.\n\n{_EXAMPLES.rstrip()}",
        epilog=f"commands (each has --help):\n{table}\n\n"
        "exit codes of --batch: 0 finished with an optimum, 3 some trials failed, 4 no valid "
        "result,\n2 the sweep file or the call is wrong, 5 another controller holds the sweep,\n"
        "130 interrupted (trials go on), 1 a fault of tuiswp",
    )
    parser.add_argument("sweep", nargs="?", metavar="SWEEP", help="a sweep file, or a directory")
    parser.add_argument("--batch", action="store_true", help="run to the end in the foreground")
    parser.add_argument("--name", help="name of the sweep, and of its directory under ./sweeps")
    parser.add_argument("--dir", help="directory of the sweep (default: ./sweeps/NAME)")
    otherwise.add_arguments(parser)
    parser.add_argument(
        "--lines", action="store_true", help="follow with live lines instead of the full screen"
    )
    parser.add_argument("--json", action="store_true", help="without SWEEP: the list as JSON")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters alone")
    parser.add_argument(
        "--reset-view", action="store_true", help="forget how you left the full screen of the sweep"
    )
    parser.add_argument(
        "--host-is-down", metavar="HOST",
        help="a controller or trials were on HOST, which will not come back: take over from it",
    )  # fmt: skip
    parser.add_argument(
        "--help-keys", action="store_true", help="every key of the full screen, and leave"
    )
    once.add_arguments(parser)
    parser.add_argument("--version", action="version", version=f"tuiswp {tuiswp.__version__}")
    return parser


def _said(error: TuiswpError) -> int:
    try:
        output.fail(error)
    except (output.Closed, TuiswpError):
        return _quietly(error.exit_code)
    return int(error.exit_code)


def _fault(fault: Exception) -> int:
    """A fault of ours keeps its traceback; whoever knows where more is said left a note in it."""
    try:
        output.trouble("".join(traceback.format_exception(fault)))
        output.warn("this is a fault of tuiswp itself; please report it with the lines above")
    except (output.Closed, TuiswpError):
        pass
    return int(ExitCode.FAULT)


def _quietly(code: ExitCode) -> int:
    output.drop_stdout()
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
