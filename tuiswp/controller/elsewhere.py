"""What of a sweep cannot be seen from here, or is not its own: another host, container, directory.

A process of another host is neither alive nor dead to this one, so nothing is concluded about it:
no second controller takes its sweep, no trial of it is launched again. Only a person can say that
the host is down. Containers on one kernel see each other's locks, which end with their holders.
"""

import shlex
import time
from pathlib import Path

from tuiswp import proc
from tuiswp.controller.directory import Lock, SweepDirectory
from tuiswp.controller.journal import Journal
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.errors import SweepHeld, UsageError
from tuiswp.launchers.attempt import copied_from, find, read_exit, read_start
from tuiswp.model.events import AttemptEnded, ControllerStopped, Event
from tuiswp.model.trial import Launching, Process, Running, Trial


def holder(directory: SweepDirectory, state: SweepState) -> Process | None:
    """The controller that is at work, or may be on another host; None if none is."""
    found = state.controller
    if found is None or proc.is_alive(found) or host_of_holder(state) is not None:
        return found
    if found.boot_id != proc.boot_id() or proc.is_of_this_namespace(found):
        return None
    return found if proc.is_locked(directory.root) else None  # in another container


def host_of_holder(state: SweepState) -> str | None:
    """The other host that a controller started on and, as far as is known, still is."""
    if state.controller is None:
        return None
    return _other(state.controller_host, state.controller_machine, state.controller)


def trials(directory: SweepDirectory, state: SweepState) -> dict[str, list[Trial]]:
    """Live trials that this machine cannot tell of, by the host they run on.

    Those of another container stand under this host's name, as long as their supervisors live.
    """
    found: dict[str, list[Trial]] = {}
    for trial in state.live():
        where = _where(directory, state, trial)
        if where is not None:
            found.setdefault(where, []).append(trial)
    return found


def check(directory: SweepDirectory, state: SweepState) -> None:
    """Raise SweepHeld if the sweep, or a trial of it, is in hands that cannot be seen from here.

    Or if this is a copy of a sweep whose trials run: it has their tokens, and no say over them.
    """
    host = host_of_holder(state)
    if host is not None and state.controller is not None:
        raise SweepHeld(
            f"a controller on {host} holds this sweep (pid {state.controller.pid}), "
            "and cannot be seen from here",
            where=str(directory.root),
            hint=f"end it there; {_if_down(directory, host)}",
        )
    for name, running in trials(directory, state).items():
        which = ", ".join(trial.id for trial in running[:5]) + (", …" if len(running) > 5 else "")
        if name == proc.hostname():
            raise SweepHeld(
                f"{which} may run in another container, and cannot be seen from this one",
                where=str(directory.root),
                hint="run tuiswp where they run, or end them there first",
            )
        raise SweepHeld(
            f"{which} may still run on {name}, and cannot be seen from here",
            where=str(directory.root),
            hint=f"run tuiswp there; {_if_down(directory, name)}",
        )
    for trial, home in _copied(directory, state):
        raise SweepHeld(
            f"{trial.id} runs in {home}, of which this is a copy",
            where=str(directory.root),
            hint="end it there, or let it end, before this copy goes on",
        )


def _copied(directory: SweepDirectory, state: SweepState) -> list[tuple[Trial, Path]]:
    """Live trials that were started in a directory which this one is a copy of, and that one."""
    found: dict[str, tuple[Trial, Path]] = {}
    for trial in state.live():
        assert isinstance(trial.status, Launching | Running)
        token = trial.status.token
        home = copied_from(directory.attempt(trial.number, trial.attempts[-1].number), token)
        if home is not None:
            found[token] = (trial, home.parent.parent)
    return [found[token] for token in sorted(find(found))] if found else []


def _if_down(directory: SweepDirectory, host: str) -> str:
    word = shlex.quote(str(directory.root))
    return f"if it is down for good: `tuiswp --host-is-down {shlex.quote(host)} {word}`"


def give_up(directory: SweepDirectory, host: str, *, by: str) -> int:
    """Close what was on `host`, of which a person says that it is down: how many trials.

    They wait to run again, at no cost to them. Raises UsageError if nothing is known to be there,
    SweepHeld, JournalError.
    """
    lock = Lock(directory)
    try:
        journal = Journal(directory.journal)
        try:
            state = replay(journal.records)
            there = trials(directory, state)
            lost = there.get(host, []) if host != proc.hostname() else []
            was_holder = host_of_holder(state)
            if not lost and was_holder != host:
                known = sorted({*there, *([was_holder] if was_holder else [])} - {proc.hostname()})
                raise UsageError(
                    f"nothing of this sweep is known to be on {host}",
                    where=str(directory.root),
                    hint=f"it is on {', '.join(known)}" if known else "nothing is in its way",
                )
            why = f"{host} is down, said {by}"
            facts: list[Event] = [ControllerStopped(why)] if was_holder == host else []
            journal.append([*facts, *(_lost(trial, why) for trial in lost)], at=time.time())
            return len(lost)
        finally:
            journal.close()
    finally:
        lock.release()


def _lost(trial: Trial, why: str) -> AttemptEnded:
    attempt = trial.attempts[-1].number
    if trial.kill is not None:  # what was asked for stays promised
        return AttemptEnded(trial.number, attempt, "killed-by-user", why, "killed")
    return AttemptEnded(trial.number, attempt, "reboot", why, "queued")


def _where(directory: SweepDirectory, state: SweepState, trial: Trial) -> str | None:
    assert isinstance(trial.status, Launching | Running)
    attempt, token = trial.attempts[-1], trial.status.token
    folder = directory.attempt(trial.number, attempt.number)
    if read_exit(folder, token) is not None:
        return None  # it is over, wherever it was
    process: Process | None
    if isinstance(trial.status, Running):
        process = trial.status.supervisor
    else:
        start = read_start(folder, token)
        # Without a record of its own it began, if it did, in the boot of whoever launched it.
        process = state.controller if start is None else start.supervisor
    other = _other(attempt.host, attempt.machine, process)
    if other is not None or process is None or process.boot_id != proc.boot_id():
        return other
    hidden = not proc.is_of_this_namespace(process) and proc.is_locked(folder)
    return proc.hostname() if hidden else None


def _other(host: str, machine: str, process: Process | None) -> str | None:
    """`host`, if it is another one: by its boot, and by its name or, of the same name, its machine.

    Names change, and so do boots. Two machines of one name are told apart by what is behind it.
    """
    if not host or (process is not None and process.boot_id == proc.boot_id()):
        return None
    if host != proc.hostname():
        return host
    here = proc.machine() if machine else ""
    return f"{host}/{machine}" if here and machine != here else None
