"""The framing of a TensorBoard event file: TFRecord. Bytes in, records out.

A record is its length (8 bytes), a CRC of that, the bytes, and a CRC of them: CRC32C, masked.
Nothing marks where a record begins: behind damage the next place is looked for that could be one.
"""

import re
from collections.abc import Callable
from struct import pack, unpack_from

RECORD_MAX = 256 << 20
CHECKED_MAX = 64 << 10  # a longer record holds an image or a histogram, and is not even looked at

_HEAD, _FOOT = 12, 4
_ZEROS = b"\0\0\0\0"  # of the upper half of every length there is
_FILLED = re.compile(rb"[^\0]")


def _table() -> tuple[int, ...]:
    table: list[int] = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def masked_crc(data: bytes) -> int:
    """CRC32C of `data`, turned and shifted as TFRecord wants it."""
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


class TfRecords:
    """Feed it; `record` gets each whole record, `torn` the byte and the reason of each damage."""

    def __init__(self, record: Callable[[bytes], None], torn: Callable[[int, str], None]) -> None:
        self._record, self._torn = record, torn
        self.restart()

    def restart(self) -> None:
        self._at = 0  # where in the file `_waiting` begins
        self._waiting = b""
        self._to_skip = 0  # bytes of a record that nobody wants
        self._is_lost = False  # behind damage, no record found yet
        self.is_foreign = False  # it does not begin as such files do

    def feed(self, data: bytes) -> None:
        if self.is_foreign:
            return
        if self._to_skip:
            step = min(self._to_skip, len(data))
            self._to_skip -= step
            self._at += step
            data = data[step:]
        data = self._waiting + data if self._waiting else data
        start = self._records(data)
        self._waiting = data[start:]
        self._at += start

    def end(self) -> None:
        """Nobody writes any more: less than the head of a first record is no such file."""
        if self._at == 0 and self._waiting and len(self._waiting) < _HEAD:
            self._foreign()

    def _foreign(self) -> None:
        if not self.is_foreign:
            self.is_foreign, self._waiting = True, b""
            self._torn(0, "not a TensorBoard event file")

    def _records(self, data: bytes) -> int:
        """Take the whole records of `data`; how much of it was used."""
        start, end = 0, len(data)
        while end - start >= _HEAD:
            if self._is_lost:
                start = _next_head(data, start)
                if end - start < _HEAD:
                    return start
            size, checksum = unpack_from("<QI", data, start)
            if size > RECORD_MAX or masked_crc(data[start : start + 8]) != checksum:
                at = self._at + start
                if at == 0:
                    self._foreign()
                    return end
                self._torn(at, f"torn at byte {at}: no record where one should be")
                self._is_lost = True
                start += 1
                continue
            self._is_lost = False
            whole = _HEAD + size + _FOOT
            if size > CHECKED_MAX:
                start += whole
                self._to_skip = max(0, start - end)
                if self._to_skip:
                    return end
                continue
            if end - start < whole:
                return start
            body = data[start + _HEAD : start + _HEAD + size]
            if masked_crc(body) == unpack_from("<I", data, start + _HEAD + size)[0]:
                self._record(body)
            else:
                at = self._at + start
                self._torn(at, f"torn at byte {at}: a checksum that does not agree")
            start += whole
        return start


def _next_head(data: bytes, start: int) -> int:
    """Where the next record may begin; the last places that can still become one otherwise."""
    while True:
        found = data.find(_ZEROS, start + 4)
        if found < 0 or found + 8 > len(data):
            return max(start, len(data) - _HEAD + 1) if found < 0 else max(start, found - 4)
        head = found - 4
        size, checksum = unpack_from("<QI", data, head)
        if size == 0:  # no event is empty, and holes of a file system are long: on behind them
            filled = _FILLED.search(data, head + 8)
            if filled is None:
                return max(head, len(data) - _HEAD + 1)
            start = max(head + 1, filled.start() - 3)
            continue
        if size <= RECORD_MAX and masked_crc(pack("<Q", size)) == checksum:
            return head
        start = head + 1
