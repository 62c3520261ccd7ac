"""The error an output ends with, without what differs from one run to the next. Pure.

Two attempts that ended with the same bug have the same text here, whatever their parameters.
"""

import re

from tuiswp.text import visible

_HEAD = b"Traceback (most recent call last):"
_FRAME = re.compile(r'\s*File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<name>.+)')
_ERROR = re.compile(r"(?P<kind>[A-Za-z_][\w.]*)(?::\s*(?P<words>.*))?$")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+\b|\b[0-9a-f]{8,}\b")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\b(?:nan|inf)\b")
_FRAMES, _WORDS = 2, 160


def raised(tail: bytes, code: int | None) -> str:
    """`ValueError: lr must be positive, got # at model.py:7 in step, from train.py:41 in main`.

    Without a traceback its exit code and last words; "" if there are none.
    """
    if not code:
        return ""
    return _traceback(tail) or _last_words(tail, code)


def _traceback(tail: bytes) -> str:
    """The last traceback; of a chain it is the one that ended the program."""
    start = tail.rfind(_HEAD)
    if start < 0:
        return ""
    frames: list[str] = []
    for line in tail[start + len(_HEAD) :].decode("utf-8", "replace").splitlines()[1:]:
        frame = _FRAME.match(line)
        if frame is not None:
            path = frame["path"].rpartition("/")[2]
            frames.append(visible(f"{path}:{frame['line']} in {frame['name']}", limit=80))
        elif line and not line[0].isspace():
            error = _ERROR.match(line.strip())
            if error is None:
                return ""
            words = f": {plain(error['words'])}" if error["words"] else ""
            where = ", from ".join(reversed(frames[-_FRAMES:]))
            return f"{visible(error['kind'], limit=80)}{words}{f' at {where}' if where else ''}"
    return ""


def _last_words(tail: bytes, code: int) -> str:
    for line in reversed(tail.splitlines()):
        if line.strip():
            return f"exit {code}: {plain(line.decode('utf-8', 'replace').strip())}"
    return ""


def plain(words: str) -> str:
    """Safe to show, and without addresses and numbers."""
    return visible(_NUMBER.sub("#", _ADDRESS.sub("#", words[:4000])), limit=_WORDS)
