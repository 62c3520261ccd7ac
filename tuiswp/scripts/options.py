"""The options of a training script: data, and how a text of its help becomes a value. Pure."""

import ast
import re
from typing import Literal, TypeAlias

import msgspec

from tuiswp.model.space import Value
from tuiswp.spec.scalars import as_number

# What stands for the parameters in a command; "": they do not come by the command line.
Macro: TypeAlias = Literal["${args}", "${args_no_hyphens}", ""]

# What an option may be called: as safe as a parameter's name in a file and in a command.
NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,79}"

_DEFAULT = re.compile(r"[(\[]default(?:s to)?\s*[:=]?\s*([^;]+?)\s*[)\]]", re.I)
# In a sentence: `default: fast`, `defaults to 32`, `default 0.1`; not `the default schedule`.
_SPOKEN_DEFAULT = re.compile(
    r"\bdefault(?:s to |s? is |\s?[:=]\s?)([^\s,;()]+?)[.,;)]?(?:\s|$)|\bdefault (-?[\d.]+\d)",
    re.IGNORECASE,
)
_NOT_GIVEN = {"none", "null", "(dynamic)", "dynamic", "", "???", "required", "factory", "<factory>"}
_HELP_LIMIT = 300


class ScriptOption(msgspec.Struct, frozen=True):
    """One option. `name`: what stands between `--` and `=`. `default`: None if it is not known.

    `low`, `high`: what the script itself accepts; `flag`: takes no value; `short`: as `-l`.
    """

    name: str
    default: Value = None
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    flag: bool = False
    required: bool = False
    short: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # further names, without `--`
    help: str = ""


class Interface(msgspec.Struct, frozen=True):
    """How a script takes its parameters. `family`: the library, as its people call it.

    `macro`: how a trial gives them; `scratch`: what to add so that it writes to the trial's
    directory, with `${trial_dir}` in it.
    """

    family: str
    options: tuple[ScriptOption, ...]
    macro: Macro = "${args}"
    scratch: tuple[str, ...] = ()
    shorter: tuple[str, ...] = ()  # makes a probe log at once and end soon

    def find(self, word: str) -> ScriptOption | None:
        """The option that `--lr`, `-l` or `lr` names."""
        bare = word.removeprefix("--")
        for one in self.options:
            if word in one.short or bare == one.name or bare in one.also:
                return one
        return None


def typed(text: str | None) -> Value:
    """A default as the help writes it: number, true or false, text; None for none.

    >>> typed("0.001"), typed("32"), typed("True"), typed("None"), typed("'adamw'"), typed("1e-3")
    (0.001, 32, True, None, 'adamw', 0.001)
    """
    if text is None or text.strip().lower() in _NOT_GIVEN:
        return None
    text = text.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    number = as_number(text)
    if number is not None:
        return number
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        try:
            return str(ast.literal_eval(text))
        except (ValueError, SyntaxError):
            return text[1:-1]
    return text


def default_in(help_text: str) -> str | None:
    """The default that a help text ends with, as the libraries write it or as people do."""
    found = _DEFAULT.findall(help_text)
    if found:
        return str(found[-1])
    spoken = _SPOKEN_DEFAULT.search(help_text)
    return None if spoken is None else spoken[1] or spoken[2]


def tidy(text: str) -> str:
    """A help text on one line, not too long."""
    return " ".join(text.split())[:_HELP_LIMIT]
