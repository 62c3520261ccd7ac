"""How large a model is, by a text that says so. Opens no model and asks nobody."""

import re

from tuiswp.spec.scalars import as_number

_SUFFIXES = {"M": 1e-3, "B": 1.0, "T": 1e3}  # in billions of parameters
_SIZE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,4})?)\s*([MBT])", re.IGNORECASE)
_IN_A_NAME = re.compile(
    r"(?<![A-Za-z0-9.])([0-9]{1,4}(?:\.[0-9]{1,4})?)([MBT])(?![A-Za-z0-9])", re.I
)
_EXPERTS = re.compile(r"\d+x\d|[-_]a\d+(\.\d+)?b(?![a-z0-9])|moe", re.IGNORECASE)
_LEAST, _MOST = 1e-4, 1e5  # 100 thousand to 100 trillion parameters


def billions(text: str) -> float | None:
    """Billions of parameters of `7B`, `350M`, `7e9`; None if the text is no size.

    A bare `7` may be anything, so a number is a count of parameters and must be large enough.

    >>> billions("7B"), billions("350m"), billions("7e9"), billions("7")
    (7.0, 0.35, 7.0, None)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is not None:
        return _sensible(float(found[1]) * _SUFFIXES[found[2].upper()])
    count = as_number(text.strip())
    try:
        return None if count is None or count < 1e6 else _sensible(float(count) / 1e9)
    except OverflowError:
        return None


def named_size(name: str) -> float | None:
    """The size a model's name holds; None if none, several, or a mixture of experts.

    >>> named_size("meta-llama/Llama-2-7b-hf"), named_size("Qwen3-30B-A3B"), named_size("gpt2")
    (7.0, None, None)
    """
    last = name[-400:].rstrip("/").rpartition("/")[2]
    if _EXPERTS.search(last):
        return None
    sizes = {_sensible(float(n) * _SUFFIXES[s.upper()]) for n, s in _IN_A_NAME.findall(last)}
    return sizes.pop() if len(sizes) == 1 else None


def shown_size(size: float) -> str:
    """`7B`, `350M`: as people say it."""
    return f"{size:g}B" if size >= 1 else f"{size * 1000:g}M"


def _sensible(size: float) -> float | None:
    return round(size, 9) if _LEAST <= size <= _MOST else None
