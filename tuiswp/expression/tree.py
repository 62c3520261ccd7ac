"""An expression as a tree. Data only; `at` is the character a node begins or acts at, from 1."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

UnaryOp: TypeAlias = Literal["-", "not"]
BinaryOp: TypeAlias = Literal[
    "or", "and", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "//", "%", "**"
]


class Constant(msgspec.Struct, frozen=True, tag="constant"):
    """A number, text, true, false or null as written."""

    value: bool | int | float | str | None
    at: int


class Name(msgspec.Struct, frozen=True, tag="name"):
    """A column of a metrics file, or a parameter; `quoted`: it stood in backquotes."""

    name: str
    at: int
    quoted: bool = False


class Unary(msgspec.Struct, frozen=True, tag="unary"):
    op: UnaryOp
    operand: "Expression"
    at: int


class Binary(msgspec.Struct, frozen=True, tag="binary"):
    op: BinaryOp
    left: "Expression"
    right: "Expression"
    at: int


class Member(msgspec.Struct, frozen=True, tag="member"):
    """`item in [options]`, or `not in`."""

    item: "Expression"
    options: tuple["Expression", ...]
    negated: bool
    at: int


class Call(msgspec.Struct, frozen=True, tag="call"):
    function: str
    args: tuple["Expression", ...]
    at: int


Expression: TypeAlias = Constant | Name | Unary | Binary | Member | Call


def parts(node: Expression) -> tuple[Expression, ...]:
    """The nodes right below, from left to right."""
    match node:
        case Constant() | Name():
            return ()
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Member(item=item, options=options):
            return (item, *options)
        case Call(args=args):
            return args


def walk(node: Expression) -> Iterator[Expression]:
    """Every node, left to right, what is below before what is above."""
    for part in parts(node):
        yield from walk(part)
    yield node


def names(node: Expression) -> tuple[str, ...]:
    """The different names in it, in order of appearance."""
    return tuple(dict.fromkeys(one.name for one in walk(node) if isinstance(one, Name)))
