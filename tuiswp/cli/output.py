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
from contextlib import suppress
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


def ask(prompt: str) -> None:
    """Print a prompt and stay on its line. Raises Closed."""
    _write(sys.stdout, prompt)


def warn(text: str) -> None:
    """A trouble that does not end the command, nor does a stderr that takes nothing more."""
    with suppress(EnvironmentFault):
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
    say(as_json(content))


def as_json(content: object) -> str:
    """One object as `show_json` prints it."""
    return json.dumps(_plain(content), ensure_ascii=True, allow_nan=False, indent=2)


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
    return is_tty(stream or sys.stdout) and can_draw()


def is_tty(stream: TextIO | None) -> bool:
    """Whether `stream` is there, open, and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def can_draw() -> bool:
    """Whether TERM names a terminal with a cursor. A name that is not known here may well be one:
    what is drawn with needs no terminfo, and new terminals come over SSH without theirs.
    """
    return os.environ.get("TERM", "").lower() not in ("", "dumb", "unknown")


def no_full_screen() -> str | None:
    """Why the full screen cannot be shown here; None if it can."""
    for stream, name, use in ((sys.stdin, "stdin", "keys"), (sys.stdout, "stdout", "the screen")):
        if not is_tty(stream):
            return f"{name} is no terminal, and {use} would go there"
    if not can_draw():
        term = os.environ.get("TERM", "")
        return f"TERM is {visible(term, limit=40)}: nothing can be drawn" if term else "no TERM set"
    return None


def speaks_unicode(stream: TextIO | None = None) -> bool:
    """Whether braille and bars arrive as what they are: by the stream and by the locale.

    Python writes UTF-8 under a C locale as well, which the terminal does not know.
    """
    stream = stream or sys.stdout
    encoding = _squeezed(getattr(stream, "encoding", None) or "")
    return encoding in ("utf8", "utf16", "utf32") and _locale_may_be_unicode()


def _locale_may_be_unicode() -> bool:
    """No only if the environment names another encoding; in a container it often names nothing."""
    # In UTF-8 mode LC_CTYPE is what Python itself has put there in place of a C locale.
    names = ("LC_ALL", "LANG") if sys.flags.utf8_mode else ("LC_ALL", "LC_CTYPE", "LANG")
    name = next((value for name in names if (value := os.environ.get(name))), "")
    _, dot, charset = name.partition("@")[0].partition(".")
    return _squeezed(charset) == "utf8" if dot else name not in ("C", "POSIX")


def _squeezed(charset: str) -> str:
    return charset.lower().replace("-", "").replace("_", "")


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
