"""The metrics of one trial as its files grow: only new bytes are read. Nothing in them is fatal.

A trial reports in `metrics.jsonl`. One that has none may have left the files of W&B, TensorBoard,
Lightning or the Hugging Face Trainer: then those are found (`sources.finding`) and read instead.
"""

import os
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tuiswp.metrics.curves import Curves
from tuiswp.metrics.derived import DerivedFault
from tuiswp.metrics.series import Series
from tuiswp.metrics.sources.jsonl import JsonLines
from tuiswp.metrics.sources.note import read_note
from tuiswp.metrics.tail import BadLine, Flags, Tail
from tuiswp.model.sweep import DerivedMetric
from tuiswp.text import visible

__all__ = ["BadLine", "Flags", "MetricFile", "read_whole"]

POLL_BYTES = 8 << 20

_LOOK_S, _LOOK_LEAST_OFTEN_S = 1.0, 5.0  # how long until other files are looked for again


class MetricFile:
    """The metrics of one trial. Call `poll` as often as you like; it costs one stat if nothing is
    new.

    `only`: keep just these metrics (`names.same` decides), besides step and progress. A row without
    a step belongs to the last step written before it; before any step, rows are numbered from 0.
    `derived`: metrics computed from them, in the order they build on each other; they appear like
    logged ones, and what they need is kept.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        only: Collection[str] | None = None,
        derived: Sequence[DerivedMetric] = (),
    ) -> None:
        self.last_change: float | None = (
            None  # time.monotonic() at which the newest that was read had been written
        )
        self._growths = 0  # how often it was seen to grow after the first look
        self._curves = Curves(only=only, derived=derived)
        # As text: of ten thousand files, to make a Path of each takes longer than to open them.
        self._own = Tail(os.fspath(path), JsonLines, self._curves)
        self._elsewhere: _Elsewhere | None = None  # None: its own file is all there is
        self._named: str | None = None  # what a note says; None: no note was seen

    @property
    def path(self) -> Path:
        """`metrics.jsonl`, also where it is not there."""
        return Path(self._own.path)

    @property
    def read_from(self) -> tuple[str, ...]:
        """The files that are read."""
        return tuple(tail.path for tail in self._tails())

    @property
    def kind(self) -> str | None:
        """What kind of file is read instead of `metrics.jsonl`; None: that file, or nothing."""
        return None if self._elsewhere is None else self._elsewhere.kind

    @property
    def rows(self) -> int:
        """In the files as they are now."""
        return sum(tail.rows for tail in self._tails())

    @property
    def progress(self) -> float | None:
        return self._curves.progress

    @property
    def last_step(self) -> float | None:
        """Of the row written last."""
        return self._curves.last_step

    @property
    def metrics(self) -> Mapping[str, Series]:
        """The curves by name, in order of first appearance, the derived ones last.

        A live view, but for what is derived: ask again after a poll.
        """
        return self._curves.metrics

    @property
    def epoch(self) -> int:
        """Grows when a later run takes the place of all points: series got before grow no more."""
        return self._curves.epoch

    @property
    def derived_faults(self) -> tuple[DerivedFault, ...]:
        """What went wrong where metrics were derived: a division by zero, a logarithm of -1."""
        return self._curves.derived_faults

    @property
    def derived_missing(self) -> Mapping[str, tuple[str, ...]]:
        """By derived metric: the columns it needs that were not logged."""
        return self._curves.derived_missing

    @property
    def beside(self) -> Mapping[str, Series]:
        """What is no metric and says where in the run a row is, by its key in `rows.BESIDE`.

        If `only` some metrics are kept, then those that are named among them.
        """
        return self._curves.beside

    @property
    def flags(self) -> Flags:
        """Of its own file, or of all that are read instead."""
        tails = self._tails()
        return tails[0].flags if len(tails) == 1 else _together([tail.flags for tail in tails])

    @property
    def trouble(self) -> str | None:
        """What could not be read, in one line; None if all could.

        Of its own file only if none of it can be: bad lines of that are counted in `flags`.
        """
        for tail in self._tails():
            name = visible(os.path.basename(tail.path), limit=80)  # noqa: PTH119
            if tail.flags.unreadable is not None or tail.flags.not_regular:
                return f"{name}: {tail.flags.unreadable or 'is a link, or no plain file'}"
            first = tail.flags.first_bad
            if first is not None and tail is not self._own:
                more = tail.flags.bad_lines - 1
                also = f", and {more} more like it" if more else ""
                return f"{name}: {first.reason}{also}"
        return None

    @property
    def behind(self) -> bool:
        """The last poll stopped at `max_bytes`; more is there."""
        return any(tail.behind for tail in self._tails())

    @property
    def growths(self) -> int:
        """How often it was seen to grow; what was there at the first look does not count."""
        return self._growths

    def last_row(self) -> dict[str, float | None]:
        """The value written last of every metric; None where it was not finite."""
        return {name: series.latest for name, series in self.metrics.items()}

    def poll(self, *, max_bytes: int = POLL_BYTES, final: bool = False) -> bool:
        """Read what is new, at most about `max_bytes`; True if rows or flags changed.

        `final`: nobody writes any more, so a last line without line feed counts as a line.
        """
        before = self._curves.revision
        named = self._is_named_elsewhere()
        if not named:
            self._own.poll(max_bytes)
        if not named and (self._own.rows or self._own.is_there):
            if self._elsewhere is not None:  # it began to report to us: that counts, and only that
                self._elsewhere = None
                self._curves.clear()
                self._own = Tail(self._own.path, JsonLines, self._curves)
                self._own.poll(max_bytes)
        else:
            self._elsewhere = self._elsewhere or _Elsewhere(self._own.path, self._curves)
            self._elsewhere.poll(max_bytes, final=final)
        tails = self._tails()
        if final:
            for tail in tails:
                tail.end()
        self._note_growth([tail for tail in tails if tail.grew])
        return self._curves.revision != before

    def _is_named_elsewhere(self) -> bool:
        """Whether the sweep file names another kind of file, wherever `metrics.jsonl` is."""
        if self._named is None and not self._own.is_there:
            note = read_note(os.path.dirname(self._own.path))  # noqa: PTH120
            self._named = None if note is None else note.kind or ""
        return self._named not in (None, "", "metrics.jsonl")

    def _tails(self) -> Sequence[Tail]:
        found = () if self._elsewhere is None else self._elsewhere.tails
        return found or (self._own,)

    def _note_growth(self, grown: Sequence[Tail]) -> None:
        if not grown:
            return
        self.last_change = time.monotonic()
        watched = any(tail.watched for tail in grown)
        stamp = None if self._elsewhere is None else self._curves.stamp
        if stamp is not None or not watched:
            # Other tools write in blocks: what is in their files is older than they are.
            written = max(tail.written_at for tail in grown)
            at = written if stamp is None else min(written, stamp)
            self.last_change -= max(0.0, time.time() - at)
        if watched:
            self._growths += 1


class _Elsewhere:
    """The files that are read where there is no `metrics.jsonl`."""

    def __init__(self, path: str, curves: Curves) -> None:
        self.tails: tuple[Tail, ...] = ()
        self.kind: str | None = None
        self._folder = os.path.dirname(path)  # noqa: PTH120  ten thousand times
        self._curves = curves
        self._next_look = 0.0
        self._pause = _LOOK_S

    def poll(self, max_bytes: int, *, final: bool) -> None:
        now = time.monotonic()
        if final or now >= self._next_look:
            changed = self._look()
            self._pause = _LOOK_S if changed else min(_LOOK_LEAST_OFTEN_S, 1.5 * self._pause)
            self._next_look = now + self._pause
        for tail in self.tails:
            tail.poll(max_bytes)
            if tail.behind:  # runs are read in their order
                break

    def _look(self) -> bool:
        """See which files there are; True if others than before."""
        from tuiswp.metrics.sources.finding import find  # few trials need it

        found = find(self._folder)
        known = [tail.path for tail in self.tails]
        paths = [place.path for place in found.places]
        if paths == known or not paths:  # what was read of files that are gone stays
            return False
        if paths[: len(known)] != known:  # not just more of them: read all anew, in their order
            self.tails = ()
            self._curves.clear()
        self.kind = found.kind
        new = found.places[len(self.tails) :]
        self.tails += tuple(Tail(p.path, p.source, self._curves, run=p.run) for p in new)
        return True


def _together(every: Sequence[Flags]) -> Flags:
    return Flags(
        bad_lines=sum(one.bad_lines for one in every),
        too_long=sum(one.too_long for one in every),
        non_finite=sum(one.non_finite for one in every),
        dropped=sum(one.dropped for one in every),
        truncated=sum(one.truncated for one in every),
        replaced=sum(one.replaced for one in every),
        missing=all(one.missing for one in every),
        not_regular=any(one.not_regular for one in every),
        unreadable=next((one.unreadable for one in every if one.unreadable), None),
        first_bad=next((one.first_bad for one in every if one.first_bad), None),
    )


def read_whole(file: MetricFile, *, final: bool = True, size: int | None = None) -> None:
    """Read a file to where it ends now; one that grows faster than it is read has to wait.

    `size`: what it holds now, if that is known.
    """
    file.poll(final=final)
    if size is None:
        size = sum(map(_size, file.read_from))
    for _ in range(size // POLL_BYTES):
        if not file.behind:
            return
        file.poll(final=final)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except (OSError, ValueError):
        return 0
