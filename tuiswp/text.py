"""One display filter for text that others wrote: trials, files, people.

Every line the command line prints and every cell a table shows goes through `visible`. It never
goes into files that keep data: raw bytes stay raw on disk.
"""

import shlex
import unicodedata
from collections.abc import Iterable

_LIMIT = 4096
_MAX_COMBINING = 4
_REGIONAL = range(0x1F1E6, 0x1F200)
_VARIATION, _SUPPLEMENT = range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
_SKIN = range(0x1F3FB, 0x1F400)


def visible(text: str, *, limit: int = _LIMIT, keep_newlines: bool = False) -> str:
    """Return `text` with everything a terminal could act on made visible.

    C0 controls become their Unicode pictures; C1, bidirectional, zero-width, separators,
    surrogates, tags, enclosing marks and private use become ``⟨hex⟩``; runs of combining marks are
    cut after four.
    What terminals give different widths is told plainly: flags as letters, emoji without variants.

    >>> visible("a\\x1b]52;c;x\\x07")
    'a␛]52;c;x␇'
    """
    if text.isascii() and text.isprintable():
        return text if len(text) <= limit else text[: limit - 1] + "…"
    out: list[str] = []
    combining = 0
    for char in text[: limit + 1]:
        code = ord(char)
        if code < 0x20:
            out.append(char if keep_newlines and char == "\n" else chr(0x2400 + code))
            continue
        if code == 0x7F:
            out.append("␡")
            continue
        if code < 0x7F:
            out.append(char)
            combining = 0
            continue
        if code in _REGIONAL:  # two are a flag here, letters there, and as wide as somebody likes
            out.append(chr(ord("A") + code - _REGIONAL.start))
            combining = 0
            continue
        if code in _VARIATION or code in _SUPPLEMENT or code in _SKIN:
            continue  # another picture of the same character, and in some terminals another width
        category = unicodedata.category(char)
        if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me"):
            out.append(f"⟨{code:x}⟩")
            continue
        if category in ("Mn", "Mc"):
            combining += 1
            if combining > _MAX_COMBINING:
                continue
        else:
            combining = 0
        out.append(char)
    shown = "".join(out)
    return shown if len(text) <= limit else shown[: limit - 1] + "…"


def shell_line(argv: Iterable[str]) -> str:
    """A command line to show, to copy and to run: `shell_word` of each part."""
    return " ".join(map(shell_word, argv))


def shell_word(text: str) -> str:
    """`text` as one word for a shell, exact, and without anything a terminal could act on.

    What cannot be shown becomes escapes inside ``$'…'``, which bash, zsh and ksh read.

    >>> print(shell_word("a b"), shell_word("a\\x1b[31m"))
    'a b' $'a\\033[31m'
    """
    if text.isprintable() and visible(text, limit=len(text) + 1) == text:
        return shlex.quote(text)
    out = []
    for char in text:
        if char in "\\'":
            out.append("\\" + char)
        elif char.isprintable() and visible(char) == char and unicodedata.category(char)[0] != "M":
            out.append(char)
        else:
            # What came as bytes that are no UTF-8, in a path, goes back to these bytes.
            escaped = 0xDC80 <= ord(char) <= 0xDCFF
            data = char.encode("utf-8", "surrogateescape" if escaped else "surrogatepass")
            # Octal has at most three digits: what follows cannot be taken for one more.
            out += [f"\\{byte:03o}" for byte in data]
    return f"$'{''.join(out)}'"
