"""Plain questions with a default, on any terminal: a line out, a line in, no cursor, no history.

An empty line takes the default, and so does the end of input from there on.
"""

import sys

from tuiswp.cli import output
from tuiswp.errors import UsageError


def are_possible() -> bool:
    """Whether somebody is there to answer."""
    return output.is_tty(sys.stdin) and output.is_tty(sys.stdout)


def ask(question: str, default: str) -> str:
    """The answer, without blanks around it."""
    output.ask(f"{question} [{default}] ")
    line = sys.stdin.readline()
    if not line:  # ctrl-d
        output.say("")
    return line.strip() or default


def yes(question: str, *, default: bool = True) -> bool:
    """A yes or a no; what is neither is asked again."""
    shown = "Y/n" if default else "y/N"
    for _ in range(3):
        answer = ask(question, shown).lower()
        if answer == shown.lower():
            return default
        if answer in ("y", "yes", "n", "no"):
            return answer.startswith("y")
        output.say("please answer y or n")
    raise UsageError("no answer was understood", hint="--yes takes what is proposed")


def some_of(question: str, count: int, default: list[int]) -> list[int]:
    """Numbers of a list from 1 to `count`, as `1 3` or `1,3`; they come in its order."""
    shown = " ".join(map(str, default)) or "none"
    for _ in range(3):
        answer = ask(question, shown)
        if answer == shown:
            return default
        if answer == "none":
            return []
        words = answer.replace(",", " ").split()
        if all(word.isdecimal() and 1 <= int(word) <= count for word in words):
            return sorted({int(word) for word in words})
        output.say(f"please name numbers from 1 to {count}, or none")
    raise UsageError("no answer was understood", hint="--yes takes what is proposed")


def one_of(question: str, known: list[str], default: str) -> str:
    """One of `known`; asked again otherwise."""
    for _ in range(3):
        answer = ask(question, default)
        if answer in known:
            return answer
        output.say(f"please write one of: {', '.join(known)}")
    raise UsageError("no answer was understood", hint="--yes takes what is proposed")


def whole_number(question: str, default: int) -> int:
    """A number from 1 on."""
    for _ in range(3):
        answer = ask(question, str(default))
        if answer.isdecimal() and 1 <= int(answer) < 10**6:
            return int(answer)
        output.say("please write a number from 1 on")
    raise UsageError("no answer was understood", hint="--yes takes what is proposed")
