"""The framing of a `.wandb` file: LevelDB's log, as W&B writes it. Bytes in, records out.

Blocks of 32 KiB; a record is one FULL chunk or FIRST, MIDDLE…, LAST; a chunk has a header of seven
bytes (CRC, length, type) and never runs over the end of its block. W&B puts seven bytes of its own
before it all, which belong to the first block, and its CRC is the plain one of zlib, over the type
and the bytes. Where something is damaged, reading goes on with the next block.
"""

import zlib
from collections.abc import Callable
from struct import unpack_from

BLOCK = 32 << 10
MAGIC = b":W&B\xe1\xbe"  # a version byte follows
RECORD_MAX = 16 << 20

_HEADER = 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


class LevelDbLog:
    """Feed it; `record` gets each whole record, `torn` the byte and the reason of each damage."""

    def __init__(self, record: Callable[[bytes], None], torn: Callable[[int, str], None]) -> None:
        self._record, self._torn = record, torn
        self.restart()

    def restart(self) -> None:
        self._at = 0  # where in the file `_waiting` begins
        self._waiting = b""
        self._parts: list[bytes] | None = None  # of a record that is not whole yet
        self._size = 0
        self._skip_to = 0  # nothing before this byte is looked at
        self.is_foreign = False  # it does not begin as W&B's files do

    def feed(self, data: bytes) -> None:
        if self.is_foreign:
            return
        data = self._waiting + data if self._waiting else data
        start, at = 0, self._at
        if at == 0:
            if len(data) < _HEADER and MAGIC.startswith(data[: len(MAGIC)]):
                self._waiting = data
                return
            if not data.startswith(MAGIC):
                self.is_foreign = True
                self._torn(0, "not a W&B run file")
                return
            start = at = _HEADER
        start, at = self._chunks(data, start, at)
        self._waiting, self._at = data[start:], at

    def _chunks(self, data: bytes, start: int, at: int) -> tuple[int, int]:
        """Take whole chunks from `data[start:]`, which is at `at` in the file; where it ended."""
        end = len(data)
        while True:
            if at < self._skip_to:
                step = min(self._skip_to - at, end - start)
                start, at = start + step, at + step
                if at < self._skip_to:
                    return start, at
            left = BLOCK - at % BLOCK
            if left < _HEADER:  # too little for a chunk: never used
                self._skip_to = at + left
                continue
            if end - start < _HEADER:
                return start, at
            checksum, size, kind = unpack_from("<IHB", data, start)
            if not 0 < kind <= _LAST or _HEADER + size > left:
                if kind or size or checksum:
                    self._damage(at, left, "no chunk where one should be")
                else:  # room that was made and not used
                    self._skip_to = at + left
                continue
            if end - start < _HEADER + size:
                return start, at
            body = data[start + _HEADER : start + _HEADER + size]
            if zlib.crc32(body, zlib.crc32(data[start + 6 : start + 7])) != checksum:
                self._damage(at, left, "a checksum that does not agree")
                continue
            self._chunk(kind, body, at)
            start, at = start + _HEADER + size, at + _HEADER + size

    def _damage(self, at: int, left: int, reason: str) -> None:
        self._parts = None
        self._skip_to = at + left
        self._torn(at, f"torn at byte {at}: {reason}; read on at byte {at + left}")

    def _chunk(self, kind: int, body: bytes, at: int) -> None:
        begins = kind in (_FULL, _FIRST)
        if self._parts is not None and begins:
            self._parts = None
            self._torn(at, f"torn before byte {at}: a record has no end")
        elif self._parts is None and not begins:
            # The rest of a record whose beginning was damaged, and told.
            return
        if kind == _FULL:
            self._record(body)
            return
        if self._parts is None:
            self._parts, self._size = [], 0
        self._size += len(body)
        if self._size <= RECORD_MAX:
            self._parts.append(body)
        if kind == _LAST:
            whole, self._parts = b"".join(self._parts), None
            if self._size <= RECORD_MAX:
                self._record(whole)
            else:
                self._torn(at, f"a record longer than {RECORD_MAX >> 20} MiB before byte {at}")
