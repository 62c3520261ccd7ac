"""`tuiswp logs`: what a trial printed, safe to look at; `-f` goes on until the attempt ends.

Reads output.log (and output.log.1, its older part); never writes, never signals.
"""

import argparse
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.controller.client import SweepReader
from tuiswp.errors import EnvironmentFault, ExitCode, UsageError
from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import Attempt, Trial
from tuiswp.text import visible

LINES = 200
FOLLOW_S = 0.2
_BLOCK = 1 << 16
_ALL = 1 << 62
# What colours and moves: well-formed CSI and OSC sequences say nothing to a reader.
_CONTROL = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]"
)


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    args.add_targets(parser, "TRIAL")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the attempt ends")
    parser.add_argument(
        "-n", "--lines", type=_count, default=LINES, help=f"last lines: a number or `all` ({LINES})"
    )
    parser.add_argument("--attempt", type=int, help="which launch (default: the newest)")
    parser.add_argument("--raw", action="store_true", help="bytes as they were printed")


def run(arguments: argparse.Namespace) -> int:
    word, numbers = args.split(arguments.targets)
    if len(numbers) != 1:
        raise UsageError("logs takes one trial", hint="write `tuiswp logs [SWEEP] TRIAL`")
    reader = SweepReader(args.find_sweep(word))
    view = reader.refresh(with_metrics=False)
    trial = args.one_trial(view.state.trials, numbers[0])
    if view.foreign:
        raise UsageError(f"something else launched {trial.id}: its output is not kept here")
    attempt = _attempt(trial, arguments.attempt)
    folder = reader.directory.attempt(trial.number, attempt.number)
    offset = _show_tail(folder, arguments.lines, raw=arguments.raw)
    if arguments.follow:
        _follow(reader, trial.number, attempt.number, offset, raw=arguments.raw)
    elif offset == 0:
        name = attempt_id(trial.number, attempt.number)
        output.warn(f"{name} has printed nothing" + ("" if attempt.ended_at else " yet"))
    return ExitCode.OK


def _count(text: str) -> int:
    if text == "all":
        return _ALL
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError("give a number of lines, or `all`")
    return int(text)


def _attempt(trial: Trial, wanted: int | None) -> Attempt:
    if not trial.attempts:
        raise UsageError(f"{trial.id} has not been launched ({trial.state}): it printed nothing")
    if wanted is None:
        return trial.attempts[-1]
    for attempt in trial.attempts:
        if attempt.number == wanted:
            return attempt
    have = ", ".join(str(attempt.number) for attempt in trial.attempts)
    raise UsageError(f"{trial.id} has no attempt {wanted}", hint=f"it has {have}")


def _open(path: Path) -> IO[bytes] | None:
    """A regular file to read, None if there is none: the training can put anything there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EnvironmentFault(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise EnvironmentFault("is not a regular file", where=str(path))
    return os.fdopen(fd, "rb")


def _show_tail(folder: Path, lines: int, *, raw: bool) -> int:
    """Print the last `lines`; returns the offset in output.log up to which was printed."""
    log = _open(folder / "output.log")
    if log is None:
        return 0
    with log:
        end = log.seek(0, os.SEEK_END)
        start, missing = _start_of(log, end, lines)
        if missing > 0 and (older := _open(folder / "output.log.1")) is not None:
            with older:
                size = older.seek(0, os.SEEK_END)
                begin, _ = _start_of(older, size, missing)
                _print(_chunks(older, begin, size), raw=raw)
        _print(_chunks(log, start, end), raw=raw)
    return end


def _start_of(file: IO[bytes], end: int, lines: int) -> tuple[int, int]:
    """Where the last `lines` lines before `end` begin, and how many lines are missing."""
    if lines == 0:
        return end, 0
    if lines == _ALL:
        return 0, _ALL
    wanted, position, seen_end = lines, end, False
    while position > 0:
        size = min(_BLOCK, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        if not seen_end:
            seen_end = True
            if block.endswith(b"\n"):
                wanted += 1
        found = block.count(b"\n")
        if found < wanted:
            wanted -= found
            continue
        at = len(block)
        for _ in range(wanted):
            at = block.rfind(b"\n", 0, at)
        return position + at + 1, 0
    return 0, max(0, wanted - 1)


def _chunks(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    while start < end and (block := file.read(min(_BLOCK, end - start))):
        start += len(block)
        yield block


def _print(chunks: Iterator[bytes], *, raw: bool) -> None:
    if raw:
        for chunk in chunks:
            output.write_bytes(chunk)
        return
    rest = b""
    for chunk in chunks:
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            output.say(*map(readable, whole.split(b"\n")))
        elif len(rest) > 16 * _BLOCK:  # a line without an end: show it in pieces
            output.say(readable(rest))
            rest = b""
    if rest:
        output.say(readable(rest))


def readable(line: bytes) -> str:
    """One line as a person wants it: the last state of a progress bar, no colours, inert.

    >>> readable(b"10%\\r50%\\r100%\\r")
    '100%'
    """
    states = [part for part in line.split(b"\r") if part.strip()]
    text = _CONTROL.sub(b"", states[-1] if states else b"")
    return visible(text.decode("utf-8", "replace").expandtabs(8))


def _follow(reader: SweepReader, number: int, attempt: int, offset: int, *, raw: bool) -> None:
    """Print what is added until the attempt has ended. Ctrl-C ends it, and only it."""
    path = reader.directory.attempt(number, attempt) / "output.log"
    while True:
        trial = reader.refresh(with_metrics=False).state.trials[number]
        over = any(a.number == attempt and a.ended_at is not None for a in trial.attempts)
        log = _open(path)
        if log is not None:
            with log:
                end = log.seek(0, os.SEEK_END)
                if end < offset:  # rotated
                    offset = 0
                if not over and not raw:
                    end = _whole_lines(log, offset, end)
                _print(_chunks(log, offset, end), raw=raw)
                offset = end
        if over:
            return
        time.sleep(FOLLOW_S)  # a poll: files on network disks tell nobody that they grew


def _whole_lines(log: IO[bytes], offset: int, end: int) -> int:
    """The end of the last whole line in [offset, end), or `end` if the line is endless."""
    log.seek(max(offset, end - 16 * _BLOCK))
    base = log.tell()
    found = log.read(end - base).rfind(b"\n")
    if found >= 0:
        return base + found + 1
    return end if end - offset > 16 * _BLOCK else offset
