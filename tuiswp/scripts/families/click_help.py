"""The help of click: `  -l, --lr FLOAT   text  [default: 0.001; 0<=x<=1]`, and of plain typer."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from tuiswp.scripts.options import NAME, Interface, ScriptOption, tidy, typed

_ENTRY = re.compile(r"  (-\S.*)")
_LONG, _SHORT = re.compile(rf"--({NAME})"), re.compile(r"(?<![\w-])-[A-Za-z](?![\w-])")
_EXTRA = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_ABOVE = re.compile(rf"({_NUMBER})\s*<=?\s*x|x\s*>=?\s*({_NUMBER})")
_BELOW = re.compile(rf"x\s*<=?\s*({_NUMBER})")
_MORE = 20


class Click:
    """See `families.base.Family`."""

    name: ClassVar[str] = "click"
    asks: ClassVar[tuple[str, ...]] = ()

    def recognises(self, help_text: str) -> bool:
        _, usage, below = f"\n{help_text}".partition("\nUsage: ")
        return bool(usage) and "\nOptions:\n" in below

    def read(self, text: str) -> Interface:
        rows = (option(invocation, metavar, told) for invocation, metavar, told in _entries(text))
        return Interface(self.name, tuple(one for one in rows if one is not None))


def option(invocation: str, metavar: str, told: str) -> ScriptOption | None:
    """The option of one row; None for `--help` and for what is no option."""
    long = [name for name in _LONG.findall(invocation) if not name.startswith(("no-", "no_"))]
    if not long or long[0] == "help":
        return None
    facts = [fact.strip() for one in _EXTRA.findall(f"{metavar} {told}") for fact in one.split(";")]
    default = next((one[8:].strip() for one in facts if one.startswith("default:")), None)
    low, high = _ends(facts)
    flag = not metavar or metavar == "<bool>"
    value = typed(default)
    if flag and isinstance(value, str):
        value = not value.startswith(("no-", "no_"))
    return ScriptOption(
        long[0],
        default=value,
        choices=_choices(metavar),
        low=low,
        high=high,
        flag=flag,
        required="required" in facts,
        short=tuple(_SHORT.findall(invocation)),
        also=tuple(long[1:]),
        help=tidy(_EXTRA.sub("", told)),
    )


def _ends(facts: Iterable[str]) -> tuple[float | None, float | None]:
    """What `1<=x<=1024` or `x>=0` says."""
    low = high = None
    for fact in facts:
        above, below = _ABOVE.search(fact), _BELOW.search(fact)
        low = float(above[1] or above[2]) if above else low
        high = float(below[1]) if below else high
    return low, high


def _choices(metavar: str) -> tuple[str, ...]:
    inner = metavar.strip("[]<>")
    return tuple(inner.split("|")[:_MORE]) if "|" in inner else ()


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """(names, metavar, help) of each option, wrapped lines joined."""
    current: tuple[str, list[str]] | None = None
    for line in text.splitlines():
        found = _ENTRY.fullmatch(line)
        if found or (current is not None and not line.startswith("   ")):
            if current is not None:
                yield (*_parted(current[0]), " ".join(current[1]))
            current = None
        if found:
            head, _, first = found[1].partition("  ")
            current = (head, [first.strip()])
        elif current is not None:
            current[1].append(line.strip())
    if current is not None:
        yield (*_parted(current[0]), " ".join(current[1]))


def _parted(head: str) -> tuple[str, str]:
    """`-l, --lr FLOAT RANGE` → the names and the metavar."""
    found = re.match(r"(?:--?[\w.-]+(?:, | / |/|; )?)+", head)
    end = found.end() if found else 0
    return head[:end], head[end:].strip()
