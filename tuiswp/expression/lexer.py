"""Text → tokens. Knows how things are written, not what they mean."""

import re
from typing import Literal, NamedTuple, TypeAlias

from tuiswp.expression.faults import ExpressionError
from tuiswp.text import visible

LENGTH_MAX = 1_000
_DIGITS_MAX = 40

Kind: TypeAlias = Literal["number", "name", "quoted", "text", "operator", "end"]


class Token(NamedTuple):
    """`text`: as written; of a quoted name or a text, what stands between the quotes."""

    kind: Kind
    text: str
    at: int


_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>{_NAME})
    | `(?P<quoted>[^`]*)`
    | '(?P<single>[^']*)' | "(?P<double>[^"]*)"
    | (?P<operator>\*\*|//|<=|>=|==|!=|&&|\|\||[-+*/%^<>()\[\],=!&|])""",
    re.VERBOSE,
)
_FOREIGN = {
    "=": "write == to compare", "&&": "write and", "||": "write or", "!": "write not",
    "&": "write and", "|": "write or",
}  # fmt: skip
_OPEN = {"`": "backquote", "'": "quote", '"': "quote"}


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, with an `end` behind the last. Raises ExpressionError."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"is longer than {LENGTH_MAX:,} characters", LENGTH_MAX + 1)
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _unreadable(text, place)
        kind = match.lastgroup or "space"
        if kind != "space":
            found.append(_token(kind, match, found))
        place = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def _token(kind: str, match: re.Match[str], before: list[Token]) -> Token:
    at, text = match.start() + 1, match[kind]
    match kind:
        case "number":
            if sum(char.isdigit() for char in text) > _DIGITS_MAX:
                raise ExpressionError(f"a number of more than {_DIGITS_MAX} digits", at)
            return Token("number", text, at)
        case "name":
            if before and before[-1].kind == "number" and _touches(before[-1], at):
                shown = visible(f"{before[-1].text}{text}", limit=40)
                hint = (
                    f"write {before[-1].text} * {visible(text, limit=40)}, or a name in backquotes"
                )
                raise ExpressionError(f"{shown} is neither a number nor a name", at, hint)
            return Token("name", text, at)
        case "quoted":
            if not text:
                raise ExpressionError("a name without a letter", at)
            return Token("quoted", text, at)
        case "single" | "double":
            return Token("text", text, at)
    if text in _FOREIGN:
        raise ExpressionError(f"{text} is not known here", at, _FOREIGN[text])
    return Token("operator", "**" if text == "^" else text, at)


def _touches(token: Token, at: int) -> bool:
    return token.at + len(token.text) == at


def _unreadable(text: str, place: int) -> ExpressionError:
    char = text[place]
    if char in _OPEN:
        return ExpressionError(f"this {_OPEN[char]} is never closed", place + 1)
    return ExpressionError(f"{visible(char)} is not known here", place + 1)
