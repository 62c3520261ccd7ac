"""`tuiswp --once [SWEEP]`: one screen as text, SVG or JSON, without a terminal. Changes nothing.

For a README, a page, a job's log, a script: what a person would see now, and it ends. `--help`
loads this module, so what reads sweeps and what draws load when they are used.
"""

import difflib
import os
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from tuiswp.cli import output
from tuiswp.errors import EnvironmentFault, ExitCode, UsageError
from tuiswp.text import visible

FORMATS = ("text", "svg", "json")
_OPTIONS = ("screen", "size", "format", "trial", "output", "colour")
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")
_LEAST, _MOST = (20, 5), (1000, 500)  # columns and rows
_SUFFIXES = {".svg": "svg", ".json": "json"}


def add_arguments(parser: ArgumentParser) -> None:
    """The options of `--once`, beside those of the command line as a whole."""
    group = parser.add_argument_group("--once: a screen without a terminal")
    group.add_argument("--once", action="store_true", help="print one screen and end")
    group.add_argument(
        "--screen", metavar="NAME", help="which (default: sweep, and home where no SWEEP is named)"
    )
    group.add_argument("--size", metavar="CxR", help="columns x rows (default: 120x35)")
    group.add_argument("--format", metavar="FORMAT", help="text (default), svg or json")
    group.add_argument("--trial", metavar="T,…", help="whose, on screens of trials (t0007,t0003)")
    group.add_argument(
        "--output", metavar="FILE", help="write there; .svg and .json say the format"
    )
    group.add_argument("--colour", "--color", action="store_true", help="text with ANSI colours")


def is_meant(arguments: Namespace) -> bool:
    """Whether one screen is asked for. Raises UsageError for its options without `--once`."""
    if arguments.once:
        return True
    for name in _OPTIONS:
        if getattr(arguments, name):
            raise UsageError(f"--{name} goes with --once", hint="see `tuiswp --help`")
    return False


def run(arguments: Namespace) -> int:
    for name in ("batch", "lines", "name", "dir"):
        if getattr(arguments, name):
            raise UsageError(f"--once starts nothing, so --{name} has no meaning with it")
    wanted = _format(arguments)
    size = _size(arguments.size)
    from tuiswp.cli.arguments import find_sweep
    from tuiswp.tui import once

    screen = arguments.screen or ("sweep" if arguments.sweep is not None else once.HOME)
    screen = _one_of("screen", screen, once.SCREENS)
    if screen == once.HOME and arguments.sweep is not None:
        raise UsageError(
            "the home screen lists the sweeps of this directory, and takes no SWEEP",
            hint="leave SWEEP out, or name another screen",
        )
    trials = _trials(arguments.trial)
    if trials and screen not in once.OF_TRIALS:
        raise UsageError(
            f"--trial has no meaning for the {screen} screen",
            hint=f"it goes with {' or '.join(once.OF_TRIALS)}",
        )
    out = None if arguments.output is None else Path(arguments.output)
    ask = once.Ask(
        screen=screen,
        trials=trials,
        size=size,
        colour=not os.environ.get("NO_COLOR"),
        ascii=arguments.ascii or (wanted == "text" and out is None and not output.speaks_unicode()),
    )
    if screen == once.HOME:
        picture = once.take_home(Path(), ask)
    else:
        picture = once.take(find_sweep(arguments.sweep), ask)
    match wanted:
        case "svg":
            text = picture.svg
        case "json":
            text = output.as_json(picture.content) + "\n"
        case _:
            text = picture.ansi if arguments.colour else picture.text
    _write(text.encode("utf-8", "backslashreplace"), out)
    return ExitCode.OK


def _format(arguments: Namespace) -> str:
    """The format asked for, else what the name of the file says, else text."""
    by_name = _SUFFIXES.get(Path(arguments.output or "").suffix.lower(), "text")
    found = _one_of("format", arguments.format or by_name, FORMATS)
    if arguments.colour and found != "text":
        raise UsageError("--colour goes with --format text", hint="NO_COLOR=1 takes it from others")
    return found


def _one_of(what: str, word: str, known: Sequence[str]) -> str:
    if word in known:
        return word
    near = difflib.get_close_matches(word.casefold(), known, n=1)
    listed = f"there are {', '.join(known)}"
    raise UsageError(
        f"no {what} {visible(word, limit=60)!r}",
        hint=f"did you mean {near[0]}? ({listed})" if near else listed,
    )


def _size(text: str | None) -> tuple[int, int]:
    found = _SIZE.fullmatch(text or "120x35")
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(low <= n <= high for low, n, high in zip(_LEAST, size, _MOST, strict=True)):
        raise UsageError(
            f"--size {visible(text or '', limit=40)} is no size of a screen",
            hint="write COLUMNSxROWS, from {}x{} to {}x{}".format(*_LEAST, *_MOST),
        )
    return size


def _trials(text: str | None) -> tuple[int, ...]:
    """`t0007,3` → (7, 3), each once."""
    from tuiswp.model.ids import parse_trial

    words = [word for word in (text or "").replace(",", " ").split() if word]
    return tuple(dict.fromkeys(parse_trial(word) for word in words))


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        output.write_bytes(data)
        return
    if not out.exists() or out.is_file():
        from tuiswp.tui.writing import write_whole

        write_whole(out, data)
        return
    try:
        out.write_bytes(data)  # a pipe, a device: what stands there stays what it is
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written: {error.strerror}", where=visible(str(out))
        ) from error
