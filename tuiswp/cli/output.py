"""The one place that prints: answers to stdout, troubles to stderr, JSON, colour where wanted.

It decides how a line leaves, never what it says. What others wrote has gone through
`tuiswp.text.visible` before it comes here.
"""

import errno
import json
import math
import os
import shutil
import sys
import textwrap
from typing import Literal, TextIO, TypeAlias

from tuiswp.errors import EnvironmentFault, SpecErrors, TuiswpError
from tuiswp.text import visible

Tone: TypeAlias = Literal["plain", "strong", "good", "bad", "note", "dim"]

_SGR: dict[Tone, str] = {
    "plain": "", "strong": "1", "good": "32", "bad": "31", "note": "33", "dim": "2",
}  # fmt: skip
_FALLBACK_WIDTH = 80
_GONE = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ECONNRESET)


class Closed(Exception):
    """Nobody reads any more: the pipe is broken, or the terminal is gone."""


def say(*lines: str) -> None:
    """Print `lines`; one empty line if there are none. Raises Closed."""
    _write(sys.stdout, "\n".join(lines) + "\n")


def warn(text: str) -> None:
    """A trouble that does not end the command."""
    _write(sys.stderr, f"tuiswp: {text}\n")


def fail(error: TuiswpError) -> None:
    """Say what went wrong, every fault on a line of its own."""
    faults = error.faults if isinstance(error, SpecErrors) else (error,)
    _write(
        sys.stderr,
        "".join(f"tuiswp: error: {visible(str(one), keep_newlines=True)}\n" for one in faults),
    )


def trouble(text: str) -> None:
    """A traceback, as it is but for what a terminal would act on."""
    _write(sys.stderr, visible(text, limit=100_000, keep_newlines=True))


def show_json(content: object) -> None:
    """Print one object, in ASCII, with nothing in it that is not JSON."""
    say(json.dumps(_plain(content), ensure_ascii=True, allow_nan=False, indent=2))


def write_bytes(data: bytes) -> None:
    """Pass bytes on untouched. Raises Closed."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        _cannot(error)


def paint(text: str, tone: Tone, *, stream: TextIO | None = None) -> str:
    """`text` in a colour, where a terminal reads it and NO_COLOR is not set."""
    code = _SGR[tone]
    return f"\x1b[{code}m{text}\x1b[0m" if code and text and has_colour(stream) else text


def has_colour(stream: TextIO | None = None) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether lines can be drawn over: a terminal that is not dumb."""
    stream = stream or sys.stdout
    try:
        there = stream is not None and stream.isatty()
    except ValueError:  # closed
        there = False
    return there and os.environ.get("TERM", "") not in ("", "dumb")


def speaks_unicode(stream: TextIO | None = None) -> bool:
    """Whether braille and bars arrive as what they are."""
    stream = stream or sys.stdout
    encoding = getattr(stream, "encoding", None) or ""
    return encoding.lower().replace("-", "").replace("_", "") in ("utf8", "utf16", "utf32")


def width() -> int:
    """Columns to fill: the terminal's, else COLUMNS, else 80."""
    if not is_terminal() and not os.environ.get("COLUMNS"):
        return _FALLBACK_WIDTH
    return max(40, shutil.get_terminal_size((_FALLBACK_WIDTH, 24)).columns)


def prose(text: str, *, indent: str = "") -> str:
    """A sentence broken between words where a terminal would break it inside one; else one line.

    `indent` stands before every line but the first. Not for what is copied: commands, paths.
    """
    if not is_terminal() or len(text) < width():
        return text
    bare = text.lstrip()
    lines = textwrap.wrap(
        bare, width() - 1, initial_indent=text.removesuffix(bare), subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines)


def drop_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter's end stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
    finally:
        os.close(nowhere)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # started with a closed descriptor
        return
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (OSError, ValueError) as error:
        _cannot(error)


def _cannot(error: OSError | ValueError) -> None:
    if isinstance(error, ValueError) or error.errno in _GONE:
        raise Closed from error
    raise EnvironmentFault(f"the answer cannot be written: {error.strerror}") from error


def _plain(content: object) -> object:
    """`content` with numbers JSON does not have written as text: NaN, Infinity."""
    match content:
        case float() if not math.isfinite(content):
            return "NaN" if math.isnan(content) else "Infinity" if content > 0 else "-Infinity"
        case dict():
            return {str(key): _plain(value) for key, value in content.items()}
        case list() | tuple():
            return [_plain(value) for value in content]
        case _:
            return content
