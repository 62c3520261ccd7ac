"""`metrics.jsonl`: one JSON object a line, as `tuiswp.report` writes it, and as many others do.

Read in blocks of alike lines where that is possible (`metrics.bulk`), else line by line.
"""

from typing import ClassVar

from tuiswp.metrics.bulk import Layout
from tuiswp.metrics.rows import BadRow, parse, read
from tuiswp.metrics.sources.base import Sink

LINE_MAX = 1 << 20  # bytes; a longer line is skipped without being held in memory

_BULK_MIN = 2_048
_LEARN = 16  # lines
_EXCERPT = 80


class JsonLines:
    """See `sources.base.Source`."""

    whole: ClassVar[bool] = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._layout = Layout(sink.wanted)
        self._tail = bytearray()  # a line whose end is not there yet
        self._skipping = False  # in a line that is too long
        self._line = 0  # lines read

    def restart(self) -> None:
        self._line = 0
        self._tail.clear()
        self._skipping = False

    def end(self) -> None:
        """A last line without line feed counts as a line."""
        if self._tail:
            line = bytes(self._tail)
            self._tail.clear()
            self._read_line(line)

    def feed(self, data: bytes) -> None:
        """Whole lines are read, the rest is kept for later."""
        end = data.rfind(b"\n")
        if end < 0:
            self._keep(data)
            return
        start = 0
        if self._skipping:
            start = data.index(b"\n") + 1
            self._skipping = False
        elif self._tail:
            first = data.index(b"\n")
            if len(self._tail) + first > LINE_MAX:
                self._keep(data[:first])
                start = first + 1
                self._skipping = False
        if start <= end:
            tail = bytes(self._tail)
            self._tail.clear()
            self._read_lines(tail, memoryview(data)[start:end])
        self._keep(data[end + 1 :])

    def _keep(self, piece: bytes) -> None:
        """Keep a piece of a line, unless the line gets too long: then note it, once."""
        if self._skipping or not piece:
            return
        self._tail += piece
        if len(self._tail) > LINE_MAX:
            self._line += 1
            excerpt = bytes(self._tail[:_EXCERPT])
            self._sink.bad(self._line, "longer than 1 MiB", excerpt, too_long=True)
            self._tail.clear()
            self._skipping = True

    def _read_lines(self, head: bytes, rest: memoryview) -> None:
        """Read whole lines, without the last line feed; the first may begin in `head`."""
        if self._read_in_bulk(head, rest):
            return
        lines = b"".join((head, rest)).split(b"\n")
        # A line or two at a time are never read in bulk: there is nothing to learn them for.
        learn = len(head) + len(rest) >= _BULK_MIN
        if len(lines) > 2 * _LEARN:
            # From a few lines the bulk reader learns the keys; then it may manage the others.
            for line in lines[:_LEARN]:
                self._read_line(line, learn=learn)
            lines = lines[_LEARN:]
            if self._read_in_bulk(b"", memoryview(b"\n".join(lines))):
                return
        for line in lines:
            self._read_line(line, learn=learn)

    def _read_in_bulk(self, head: bytes, rest: memoryview) -> bool:
        if len(head) + len(rest) < _BULK_MIN:
            return False
        sink = self._sink
        block = self._layout.decode(head, rest, None if sink.stepped else sink.rows)
        if block is not None:
            self._line += block.rows
            sink.take_block(block)
        return block is not None

    def _read_line(self, line: bytes, *, learn: bool = False) -> None:
        self._line += 1
        if b"\0" in line:
            # After a power loss a file system leaves NULs where a line was; what follows is whole.
            self._sink.bad(self._line, "NUL bytes", line)
            line = line.strip(b"\0")
        try:
            found = parse(line)
            if found is None:
                return
            row = read(found)
        except BadRow as reason:
            self._sink.bad(self._line, str(reason), line)
            return
        if learn:
            self._layout.learn(found)
        self._sink.take_row(row)
