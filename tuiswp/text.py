"""One display filter for text that others wrote: trials, files, people.

Every line the command line prints and every cell a table shows goes through `visible`. It never
goes into files that keep data: raw bytes stay raw on disk.
"""

import unicodedata

_LIMIT = 4096
_MAX_COMBINING = 4


def visible(text: str, *, limit: int = _LIMIT, keep_newlines: bool = False) -> str:
    """Return `text` with everything a terminal could act on made visible.

    C0 controls become their Unicode pictures; C1, bidirectional, zero-width, separators,
    surrogates, tags and private use become ``⟨hex⟩``; runs of combining marks are cut after four.

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
        category = unicodedata.category(char)
        if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            out.append(f"⟨{code:x}⟩")
            continue
        if category in ("Mn", "Me", "Mc"):
            combining += 1
            if combining > _MAX_COMBINING:
                continue
        else:
            combining = 0
        out.append(char)
    shown = "".join(out)
    return shown if len(text) <= limit else shown[: limit - 1] + "…"
