"""Carry out one request while no controller runs: under the lock, launching nothing."""

import os
import selectors
import time

from tuiswp.controller import elsewhere
from tuiswp.controller.applying import Applier
from tuiswp.controller.core import Core
from tuiswp.controller.directory import Lock, SweepDirectory, write_atomically
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.journal import Journal
from tuiswp.controller.opening import launcher_for
from tuiswp.controller.requests import Request
from tuiswp.controller.watching import Watcher
from tuiswp.errors import JournalError
from tuiswp.model.events import RequestApplied

MARGIN_S = 10.0
ROOM_S = 0.5  # between two looks whether what is waited for can be written at all
_ROOM_BYTES = 64 << 10


def apply_offline(directory: SweepDirectory, request: Request) -> RequestApplied:
    """Apply `request`, wait until what it ends has ended, and return the outcome.

    Raises SweepHeld if a controller took the sweep meanwhile, JournalError if the disk has no room.
    """
    lock = Lock(directory)
    try:
        sweep = frozen_sweep(directory)
        journal = Journal(directory.journal)
        for record in journal.records:  # by a controller that died before it could be seen
            if isinstance(record.event, RequestApplied) and record.event.id == request.id:
                journal.close()
                return record.event
        core = Core(directory, sweep, launcher_for(directory), journal)
        selector = selectors.DefaultSelector()
        watcher = Watcher(core, selector)
        try:
            elsewhere.check(directory, core.state)
            _see_room(directory)
            watcher.settle()
            applier = Applier(core, watcher)
            ok, outcome = applier.apply(request)
            look = time.monotonic() + ROOM_S
            deadline = time.monotonic() + sweep.run.grace_s + MARGIN_S
            while _asked(core) and time.monotonic() < deadline:
                if time.monotonic() > look:
                    _see_room(directory)
                    look = time.monotonic() + ROOM_S
                for key, _ in selector.select(0.05):
                    watcher.pidfd_ready(key.fd)
                applier.apply_all()  # whoever asks meanwhile cannot have the lock
                watcher.sync()
                watcher.check()
            applier.apply_all()
        finally:
            watcher.close()
            selector.close()
            journal.close()
        return RequestApplied(request.id, request.verb, request.by, ok, outcome)
    finally:
        lock.release()


def _see_room(directory: SweepDirectory) -> None:
    """Refuse a full disk at once: the journal's last block may have room where nothing else has.

    An end is only seen in a file its supervisor writes, and it waits for room as long as it takes.
    """
    draft = directory.root / f".room.{os.getpid()}"
    try:
        try:
            write_atomically(draft, bytes(_ROOM_BYTES))
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(
            f"nothing can be written beside it: {error.strerror}",
            where=str(directory.journal),
            hint="make room and ask again",
        ) from error


def _asked(core: Core) -> bool:
    return any(trial.kill is not None for trial in core.state.live())
