"""What every part of the controller holds in common: the sweep, its journal, its state.

`record` is the only way a fact comes to be: durable first, then true.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tuiswp import proc
from tuiswp.controller.directory import SweepDirectory, write_atomically
from tuiswp.controller.journal import Journal
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.controller.secrets import Secrets
from tuiswp.launchers.base import Launcher
from tuiswp.model.events import Event, Record, Warned
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.edits import deciding, effective
from tuiswp.spec.environment import unset, unset_words

log = logging.getLogger("tuiswp.controller")


class Core:
    """One sweep in the hands of its controller. Hold the sweep's lock while this exists."""

    def __init__(
        self,
        directory: SweepDirectory,
        sweep: Sweep,
        launcher: Launcher,
        journal: Journal,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        # Of whoever started this controller; its secrets are nobody's but the trainings'.
        self.environ = dict(os.environ) if environ is None else environ
        self.secrets = Secrets.of(sweep.run, self.environ)
        self.directory = directory
        self._frozen = sweep
        self._known: tuple[int, Sweep, Sweep] = (0, sweep, sweep)
        self.launcher = launcher
        self.journal = journal
        self.state: SweepState = replay(journal.records)
        self.host = proc.hostname()
        self._listeners: list[Callable[[Sequence[Record]], None]] = []

    @property
    def sweep(self) -> Sweep:
        """The sweep as its file, the edits made since and the phase it is in say."""
        return self._now()[0]

    @property
    def whole(self) -> Sweep:
        """The same, whatever its phase searches."""
        return self._now()[1]

    def _now(self) -> tuple[Sweep, Sweep]:
        changes = [one.change for one in self.state.changes]
        if self._known[0] != len(changes):
            now, whole = deciding(self._frozen, changes), effective(self._frozen, changes)
            self._known = (len(changes), now, whole)
        return self._known[1:]

    @staticmethod
    def wall() -> float:
        return time.time()

    def record(self, *events: Event) -> None:
        """Make facts durable, then true. Raises JournalError with nothing changed."""
        if not events:
            return
        records = self.journal.append(self.secrets.events(events), at=self.wall())
        self.state = replay(records, self.state)
        for listener in self._listeners:
            listener(records)
        for record in records:
            log.info("%d %s", record.seq, msgspec.json.encode(record.event).decode())

    def unset(self) -> tuple[str, ...]:
        """Variables that trainings must have and this controller does not."""
        return unset(self._frozen.run, self.environ)

    def unset_words(self) -> str:
        return unset_words(self.unset(), host=self.host, spoken=self.directory.root.name)

    def listen(self, listener: Callable[[Sequence[Record]], None]) -> None:
        """Have every fact from now on, once it is true. A listener records nothing itself."""
        self._listeners.append(listener)

    def warn(self, code: str, message: str) -> None:
        """Record a warning once in the life of the sweep."""
        if code not in self.state.warned:
            self.record(Warned(code, message))

    def trial(self, number: int) -> Trial:
        return self.state.trials[number]

    def write_best(self, content: Mapping[str, object]) -> None:
        write_atomically(
            self.directory.best, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
        )
