"""The Hugging Face Trainer's `trainer_state.json`: all that was logged until a checkpoint.

It is written whole with each checkpoint, in the checkpoint's directory. So what is in it is as old
as that checkpoint: a script that wants to be seen live uses a callback.
"""

from typing import ClassVar

from tuiswp.metrics.rows import PROGRESS, BadRow, parse, read
from tuiswp.metrics.sources.base import Sink

ENTRIES_MAX = 1_000_000  # all of it is read anew with each checkpoint


class TrainerState:
    """See `sources.base.Source`."""

    whole: ClassVar[bool] = True

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def restart(self) -> None:
        """Nothing is kept from one version to the next."""

    def feed(self, data: bytes) -> None:
        try:
            state = parse(data) or {}
        except BadRow as reason:
            self._sink.bad(1, str(reason))
            return
        history = state.get("log_history")
        if not isinstance(history, list):
            self._sink.bad(1, "not a trainer_state.json: it has no log_history")
            return
        if len(history) > ENTRIES_MAX:
            self._sink.bad(ENTRIES_MAX, f"log_history has more than {ENTRIES_MAX:,} entries")
            del history[ENTRIES_MAX:]
        total = _count(state.get("max_steps"))
        for number, entry in enumerate(history, 1):
            if not isinstance(entry, dict):
                self._sink.bad(number, f"entry {number} of log_history is no object")
                continue
            try:
                row = read(entry)
            except BadRow as reason:
                self._sink.bad(number, f"entry {number} of log_history: {reason}")
                continue
            if row.step is not None and row.progress is None and total > 0:
                at = min(1.0, row.step / total)
                row = row._replace(progress=at, beside={**row.beside, PROGRESS: at})
            self._sink.take_row(row)

    def end(self) -> None:
        """Nothing waits: a file that is not whole was told."""


def _count(found: object) -> float:
    """A number of steps; 0 if it is none."""
    return float(found) if isinstance(found, int | float) and 0 < found < 1e15 else 0.0
