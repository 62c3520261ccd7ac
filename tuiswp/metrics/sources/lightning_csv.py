"""Lightning's `metrics.csv`: a line a call of the logger, most cells empty, one column a metric.

A new metric makes Lightning write the file anew with one more column: it is read again from its
start, and every point has its place by its step.
"""

import csv
from typing import ClassVar

from tuiswp.metrics.rows import STEP_KEYS, read
from tuiswp.metrics.sources.base import Sink

LINE_MAX = 1 << 20
_STEPS = frozenset(STEP_KEYS)


class LightningCsv:
    """See `sources.base.Source`."""

    whole: ClassVar[bool] = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.restart()

    def restart(self) -> None:
        self._tail = b""  # a line whose end is not there yet
        self._line = 0
        self._header: list[str] | None = None
        self._is_foreign = False

    def feed(self, data: bytes) -> None:
        if self._is_foreign:
            return
        *lines, self._tail = (self._tail + data).split(b"\n")
        for line in lines:
            self._read(line)
        if len(self._tail) > LINE_MAX:
            self._foreign("a line longer than 1 MiB")

    def end(self) -> None:
        """A last line without line feed may lack digits of its last number: it is none."""

    def _foreign(self, reason: str) -> None:
        self._is_foreign, self._tail = True, b""
        self._sink.bad(self._line, reason, too_long="longer" in reason)

    def _read(self, line: bytes) -> None:
        self._line += 1
        if self._is_foreign or not line.strip():
            return
        try:
            cells = next(csv.reader([line.decode("utf-8")], strict=True))
        except (UnicodeDecodeError, csv.Error, StopIteration):
            self._bad("not CSV", line)
            return
        if self._header is None:
            cells = [cell.strip().removeprefix("\ufeff") for cell in cells]
            if _STEPS.isdisjoint(cells):
                self._foreign("not Lightning's metrics.csv: no column `step` or `epoch`")
        if not _STEPS.isdisjoint(cells):  # also in the middle: of a run that was appended
            self._header = cells
        elif self._header is None:
            return
        elif len(cells) != len(self._header):
            self._bad(f"{len(cells)} cells under {len(self._header)} columns", line)
        else:
            self._sink.take_row(read(_numbers(self._header, cells)))

    def _bad(self, reason: str, line: bytes) -> None:
        if self._header is None:
            self._foreign("not Lightning's metrics.csv: no header")
        else:
            self._sink.bad(self._line, f"line {self._line}: {reason}", line)


def _numbers(names: list[str], cells: list[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, cell in zip(names, cells, strict=True):
        if cell:
            try:
                found[name] = float(cell)
            except ValueError:  # text
                continue
    return found
