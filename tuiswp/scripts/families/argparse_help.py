"""The help of argparse: `  --lr LR, --rate LR   text (default: 0.001)`, wrapped or not."""

import re
from collections.abc import Iterator
from typing import ClassVar

from tuiswp.scripts.options import NAME, Interface, ScriptOption, default_in, tidy, typed

_ENTRY = re.compile(r" {1,4}(-\S.*)")
_FLAG = re.compile(rf"(?:^|, )(--?{NAME})(?=[\s,\[]|$)")
_CHOICES = re.compile(r"\{([^{}]*)\}")
_NEGATED = re.compile(r"--no[-_]")
_MORE = 20  # choices that are kept


class Argparse:
    """See `families.base.Family`."""

    name: ClassVar[str] = "argparse"
    asks: ClassVar[tuple[str, ...]] = ()

    def recognises(self, help_text: str) -> bool:
        return re.search(r"^usage: ", help_text, re.MULTILINE) is not None

    def read(self, text: str) -> Interface:
        return Interface(self.name, tuple(options(text)))


def options(text: str) -> Iterator[ScriptOption]:
    """Every option that takes part, in the order of the help."""
    needed = _required(text)
    for invocation, told in _entries(text):
        flags = [flag for flag in _FLAG.findall(invocation) if flag not in ("-h", "--help")]
        long = [flag for flag in flags if flag.startswith("--") and not _NEGATED.match(flag)]
        if not long:
            continue
        metavar = invocation[invocation.rfind(flags[-1]) + len(flags[-1]) :].strip()
        listed = _CHOICES.search(metavar)
        value = typed(default_in(told))
        yield ScriptOption(
            long[0].removeprefix("--"),
            # `(0.9, 0.999)` and `['a']` take several words, which no one value is.
            default=None if isinstance(value, str) and value[:1] in "([{" else value,
            choices=tuple(listed[1].split(",")[:_MORE]) if listed else (),
            flag=not metavar,
            required=long[0] in needed,
            short=tuple(flag for flag in flags if not flag.startswith("--")),
            also=tuple(flag.removeprefix("--") for flag in long[1:]),
            help=tidy(told),
        )


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """(invocation, help) of each option, with the wrapped lines of the help joined."""
    invocation, open_ = "", False
    told: list[str] = []
    for line in text.splitlines():
        found = _ENTRY.match(line)
        if found:
            if open_:
                yield invocation, " ".join(told)
            invocation, _, first = found[1].partition("  ")
            told, open_ = [first.strip()], True
        elif open_ and line.startswith("      "):
            told.append(line.strip())
        elif open_:
            yield invocation, " ".join(told)
            open_ = False
    if open_:
        yield invocation, " ".join(told)


def _required(text: str) -> set[str]:
    """Options that the usage line does not put in brackets."""
    usage, _, _ = text[text.find("usage: ") :].partition("\n\n")
    depth, outside = 0, []
    for char in usage:
        depth += (char == "[") - (char == "]")
        outside.append(char if depth <= 0 else " ")
    return set(re.findall(rf"--{NAME}", "".join(outside)))
