"""Tokens → tree, by precedence climbing. Whether names and functions exist is asked in `checks`.

From loosest to tightest: or; and; not; < <= > >= == != in; + -; * / // %; unary -; ** (or ^, from
the right, so that -2 ** 2 is -4 and 2 ** -1 is 0.5). Comparisons do not chain.
"""

import math
from collections.abc import Sequence
from typing import cast

from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.lexer import Token, tokens
from tuiswp.expression.tree import Binary, BinaryOp, Call, Constant, Expression, Member, Name, Unary
from tuiswp.text import visible

PARTS_MAX = 200
_DEPTH_MAX = 40

_NOT, _COMPARE, _SUM, _MINUS, _POWER = 3, 4, 5, 7, 8
_LEVEL = {
    "or": 1, "and": 2,
    "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "in": 4, "not": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "**": 8,
}  # fmt: skip
_WORDS: dict[str, bool | float | None] = {
    "true": True, "True": True, "false": False, "False": False,
    "null": None, "none": None, "None": None,
    "pi": math.pi, "inf": math.inf,
}  # fmt: skip
_KEYWORDS = frozenset({"and", "or", "not", "in"})


def parse(text: str) -> Expression:
    """The tree of `text`. Raises ExpressionError at the first thing that cannot be."""
    parser = _Parser(tokens(text))
    if parser.is_over():
        raise ExpressionError("is empty", 1)
    tree = parser.expression(1)
    if not parser.is_over():
        raise parser.unexpected("an operator")
    return tree


class _Parser:
    def __init__(self, found: Sequence[Token]) -> None:
        self._tokens = found
        self._place = 0
        self._parts = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._place]

    def is_over(self) -> bool:
        return self.next.kind == "end"

    def take(self) -> Token:
        token = self.next
        self._place += 1
        return token

    def expression(self, level: int) -> Expression:
        """Everything from here that binds at least as tightly as `level`."""
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise ExpressionError(f"is nested deeper than {_DEPTH_MAX}", self.next.at)
        left = self.operand(level)
        while (binding := self.binding()) >= level:
            left = self.continued(left, binding)
            if binding == _COMPARE == self.binding():
                hint = "write a < b and b < c"
                raise ExpressionError("comparisons do not chain", self.next.at, hint)
        self._depth -= 1
        return left

    def binding(self) -> int:
        """How tightly the operator that comes next binds; 0 if none does."""
        token = self.next
        if token.kind == "operator" or (token.kind == "name" and token.text in _KEYWORDS):
            return _LEVEL.get(token.text, 0)
        return 0

    def continued(self, left: Expression, binding: int) -> Expression:
        operator = self.take()
        self.count(operator)
        if operator.text in ("in", "not"):
            if operator.text == "not":
                self.expect("in")
            return Member(left, self.options(), operator.text == "not", operator.at)
        # The right side of ** may be a power again, that of any other only what binds tighter.
        right = self.expression(_POWER if binding == _POWER else binding + 1)
        return Binary(cast(BinaryOp, operator.text), left, right, operator.at)

    def count(self, token: Token) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise ExpressionError(f"has more than {PARTS_MAX} parts", token.at)

    def operand(self, level: int) -> Expression:
        token = self.next
        self.count(token)
        if token.kind == "number":
            return self.number(self.take())
        if token.kind == "text":
            return Constant(self.take().text, token.at)
        if token.kind == "quoted":
            return Name(self.take().text, token.at, quoted=True)
        if token.kind == "name" and token.text not in _KEYWORDS:
            return self.word(self.take())
        if token.text == "(" and token.kind == "operator":
            self.take()
            inner = self.expression(1)
            self.expect(")")
            return inner
        if token.text == "-" and token.kind == "operator":
            self.take()
            return Unary("-", self.expression(_MINUS), token.at)
        if token.text == "+" and token.kind == "operator":
            self.take()
            return self.expression(_MINUS)
        if token.text == "not" and token.kind == "name":
            if level > _NOT:
                raise ExpressionError("not stands after an operator", token.at, "write (not …)")
            self.take()
            return Unary("not", self.expression(_NOT), token.at)
        raise self.unexpected("a number, a name or a bracket")

    def number(self, token: Token) -> Constant:
        whole = token.text.isdecimal()
        value = int(token.text) if whole else float(token.text)
        if not math.isfinite(value):
            raise ExpressionError(f"{token.text} is beyond the largest number", token.at)
        return Constant(value, token.at)

    def word(self, token: Token) -> Expression:
        if self.next.text == "(" and self.next.kind == "operator":
            self.take()
            return Call(token.text, self.listed(")"), token.at)
        if token.text in _WORDS:
            return Constant(_WORDS[token.text], token.at)
        return Name(token.text, token.at)

    def options(self) -> tuple[Expression, ...]:
        self.expect("[")
        return self.listed("]")

    def listed(self, end: str) -> tuple[Expression, ...]:
        """What stands between commas up to `end`."""
        found: list[Expression] = []
        if self.next.text == end and self.next.kind == "operator":
            self.take()
            return ()
        while True:
            found.append(self.expression(1))
            if self.next.text == "," and self.next.kind == "operator":
                self.take()
                continue
            self.expect(end)
            return tuple(found)

    def expect(self, text: str) -> None:
        token = self.next
        if token.text != text or token.kind not in ("operator", "name"):
            raise self.unexpected(text)
        self.take()

    def unexpected(self, wanted: str) -> ExpressionError:
        token = self.next
        if token.kind == "end":
            return ExpressionError(f"ends where {wanted} is missing", token.at)
        shown = visible(token.text, limit=40)
        word = token.text.lower()
        hint = f"write {word}" if word != token.text and word in _KEYWORDS else None
        return ExpressionError(f"{shown} stands where {wanted} is missing", token.at, hint)
