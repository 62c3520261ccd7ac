"""Read protobuf messages field by field, without their definitions and without a library.

W&B's and TensorBoard's own modules would cost a second and 50 MB, in each process that looks at a
curve, for the five fields that hold one. The tests hold the field numbers against theirs.
"""

from collections.abc import Iterator
from struct import unpack_from

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Malformed(ValueError):
    """The bytes are no message."""


def fields(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Each field in turn: its number, its wire type, its value if it is a varint, else its bytes.

    Raises Malformed, after the fields before the fault.
    """
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        at += 1
        if tag > 127:
            tag, at = _varint(data, at - 1)
        wire = tag & 7
        if wire == BYTES:
            size, at = _varint(data, at)
            if at + size > end:
                raise Malformed("a field runs over the end")
            yield tag >> 3, wire, 0, data[at : at + size]
            at += size
        elif wire == VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, wire, value, b""
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            if at + size > end:
                raise Malformed("a field runs over the end")
            yield tag >> 3, wire, 0, data[at : at + size]
            at += size
        else:  # groups are long gone
            raise Malformed("an unknown wire type")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends."""
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7
            if shift > 63:
                raise Malformed("a number is too long")
    except IndexError:
        raise Malformed("a number runs over the end") from None


def signed(value: int) -> int:
    """A varint as the int64 that it stands for."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def double(value: bytes) -> float:
    number: float = unpack_from("<d", value)[0]
    return number


def single(value: bytes) -> float:
    number: float = unpack_from("<f", value)[0]
    return number


def inside(data: bytes, *path: int) -> bytes:
    """The bytes of a field within a field; empty if it is not there."""
    for wanted in path:
        inner = b""
        for number, wire, _, part in fields(data):
            if number == wanted and wire == BYTES:
                inner = part
        data = inner
    return data
