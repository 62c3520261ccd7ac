"""Text of people → names that are safe as a folder, a file, a tmux argument. Never back again."""

import re
import unicodedata

_LENGTH = 64
_SUFFIX = 7  # "-" and six hex digits


def safe_name(text: str) -> str:
    """A name of [A-Za-z0-9._-]{1,64} that is not `.`, `..`, or led by `-` or `.`.

    A text that already has this form is returned as it is; any other gets a short hash of itself
    at the end, so that two texts never share a name by being made safe.

    >>> safe_name("lr-sweep")
    'lr-sweep'
    >>> safe_name("imbal_prop/leq0.1")
    'imbal_prop-leq0.1-ff4ebb'
    """
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", text) and not text.endswith("."):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")[: _LENGTH - _SUFFIX].strip("-.")
    import hashlib  # brings a library of its own, and few ask

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{stem or 'sweep'}-{digest}"
