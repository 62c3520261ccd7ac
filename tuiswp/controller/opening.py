"""From a path a person gives to a sweep that can be run: find it, freeze its file, start it.

The file is copied when the sweep starts and never read again: editing the source changes nothing
that runs.
"""

import hashlib
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NamedTuple

import tuiswp
from tuiswp import proc, trust
from tuiswp.controller import elsewhere, logout, priors, provenance, range_test
from tuiswp.controller.directory import Lock, SweepDirectory, write_atomically
from tuiswp.controller.frozen import change_of, current_sweep, frozen_sweep
from tuiswp.controller.journal import JournalReader, read
from tuiswp.controller.loop import Controller, exit_code
from tuiswp.controller.places import Places
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.controller.secrets import CleanFormatter, Secrets, take
from tuiswp.errors import EnvironmentFault, ExitCode, JournalError, SweepHeld, UsageError
from tuiswp.gpu.probe import read_once
from tuiswp.launchers.tmux import TmuxLauncher, launch_path
from tuiswp.model.sweep import Sweep
from tuiswp.plain import read_plain
from tuiswp.search.stoppers.words import never_fires
from tuiswp.spec import load as spec_load
from tuiswp.spec.edits import as_word
from tuiswp.spec.environment import unset, unset_problem
from tuiswp.spec.names import safe_name
from tuiswp.spec.params import same_space
from tuiswp.spec.phased import nothing_allowed, whole
from tuiswp.spec.program import program_problem
from tuiswp.text import visible

SWEEPS = Path("sweeps")
START_S = 20.0
HELD_S = 3.0  # for whoever holds the sweep to say its first words, or to leave
_LOG_BYTES = 10 * 1024 * 1024


class SweepText(NamedTuple):
    """What a sweep file says and where it comes from: a file, or the script that said it.

    `data` None: as the file at `source` has it.
    """

    source: Path
    data: bytes | None = None

    def bytes(self) -> bytes:
        return spec_load.read_file(self.source) if self.data is None else self.data

    def sweep(self) -> Sweep:
        """Raises SpecErrors."""
        return spec_load.load_bytes(
            self.bytes(),
            shown_as=visible(str(self.source), limit=200),
            name=self.source.stem,
            cwd=Path.cwd(),
            beside=self.source.parent,
        )


def preflight(sweep: Sweep) -> None:
    """Raise what can be known to fail, before a directory is made."""
    launch_path()
    problem = program_problem(sweep, {**os.environ, **sweep.run.env})
    problem = problem or never_fires(sweep) or nothing_allowed(sweep)
    if problem is not None:
        raise problem


def place_for(source: Path, *, name: str | None, directory: Path | None) -> SweepDirectory:
    """The directory a sweep file's sweep lives in, whether or not it exists yet."""
    if directory is not None:
        return SweepDirectory(directory)
    return SweepDirectory(SWEEPS / safe_name(name or spec_load.load(source).name))


def open_or_create(
    source: Path | SweepText, *, name: str | None = None, directory: Path | None = None
) -> tuple[SweepDirectory, Sweep, list[str]]:
    """The sweep of a sweep file, created if it does not exist; and notes for the person.

    Raises UsageError when the directory holds a sweep over another search space or can hold none.
    """
    text = SweepText(source) if isinstance(source, Path) else source
    given = whole(text.sweep())
    place = SweepDirectory(directory or SWEEPS / safe_name(name or given.name))
    try:
        exists = place.exists()
    except OSError as error:
        raise UsageError(
            f"cannot be looked into: {error.strerror}",
            where=str(place.root),
            hint="choose another place with --dir",
        ) from error
    if not exists:
        problem = unset_problem(given, os.environ)
        if problem is not None:
            raise problem
        prior = priors.gather(given) if given.priors else None
        tested = range_test.gather(given) if given.points_from is not None else None
        notes = root_note(place)
        create(place, text, name=name)
        if prior is not None:
            priors.keep(place, prior)
            notes += prior.notes
        if tested is not None:
            range_test.keep(place, given, *tested)
            notes.append(range_test.note(given, tested[0]))
        return place, whole(frozen_sweep(place)), notes
    place.check()
    frozen, sweep = whole(frozen_sweep(place)), current_sweep(place)
    differences = same_space(sweep, given)
    if differences and same_space(frozen, given):
        raise UsageError(
            f"{place.root} already holds a sweep over another search space "
            f"({'; '.join(differences[:3])})",
            where=str(text.source),
            hint=_way_on(place, sweep, given),
        )
    notes = []
    if differences:
        made = "; ".join(same_space(given, sweep)[:3])
        notes.append(f"it was edited since it started ({made})")
    if text.bytes() != read_plain(place.sweep_file):
        notes.append(_changed(place, text))
    return place, sweep, notes


def _changed(place: SweepDirectory, text: SweepText) -> str:
    goes_on = f"since this sweep started; it goes on as {place.sweep_file} says"
    if text.data is not None:
        return f"what is asked for has changed {goes_on}"
    return f"{text.source} has changed {goes_on} (`diff {place.sweep_file} {text.source}`)"


def _way_on(place: SweepDirectory, sweep: Sweep, given: Sweep) -> str:
    """What to type when a file's space is not the one of its sweep."""
    apart = "give this one a name of its own with --name NAME"
    now = {parameter.path: parameter for parameter in sweep.parameters}
    new = [
        p for p in given.parameters if p.path in now and p.distribution != now[p.path].distribution
    ]
    words = [as_word(now[parameter.path], parameter) for parameter in new]
    if not words or len(words) != len(same_space(sweep, given)) or None in words:
        return apart
    typed = " ".join(shlex.quote(word) for word in words if word is not None)
    command = f"tuiswp extend {visible(place.root.name)} {visible(typed)}"
    return f"carry it over with `{command}`, or {apart}"


def create(place: SweepDirectory, source: Path | SweepText, *, name: str | None = None) -> None:
    """Make the sweep's directory with the frozen file and where it comes from.

    `name`: what the sweep is called, if not as its file says.
    """
    text = SweepText(source) if isinstance(source, Path) else source
    data = text.bytes()
    found = read_once()
    gpus = tuple(
        f"{gpu.label} {gpu.name or 'unnamed'} {gpu.memory_total_mib or '?'} MiB {gpu.uuid}"
        for gpu in found.gpus
    )
    origin = provenance.collect(
        text.source.absolute(),
        Path.cwd(),
        version=tuiswp.__version__,
        gpus=gpus,
        driver=found.driver,
        name=name,
    )
    # Last, and at once: until the file is there, whoever opens it too finds no sweep here.
    place.create()
    try:
        provenance.write(place, origin, Secrets.of(text.sweep().run, os.environ))
        write_atomically(place.sweep_file, data, durable=True)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be written: {error.strerror}",
            where=str(place.root),
            hint="make room, or choose another place with --dir; `tuiswp doctor` looks at the disk",
        ) from error


def session_name(directory: SweepDirectory) -> str:
    """The tmux session of a sweep: its directory's safe name and id, nothing a person typed."""
    return f"{safe_name(directory.root.name)[:40].replace('.', '_')}-{directory.id[:6]}"


def launcher_for(directory: SweepDirectory) -> TmuxLauncher:
    return TmuxLauncher(session_name(directory))


def run_controller(directory: SweepDirectory, *, batch: bool) -> ExitCode:
    """Be the controller of a sweep, in this process, until it is over or asked to leave.

    Raises SweepHeld if another one is, LauncherError if nothing could be launched.
    """
    umask = os.umask(0o077)
    lock = Lock(directory)
    try:
        _see_file(directory)
        sweep = frozen_sweep(directory)
        environ = take(os.environ, sweep.run)
        _log_to(directory, Secrets.of(sweep.run, environ))
        known = replay(read(directory.journal).records)
        elsewhere.check(directory, known)
        _see_facts(directory, known)
        launcher = launcher_for(directory)
        launcher.check()
        kind = directory.filesystem()
        places = Places(directory, sweep.resources)
        controller = Controller(
            directory, sweep, launcher, places, batch=batch, umask=umask, environ=environ
        )
        controller.stays_in(lock.home)
        controller.install_signals()
        sha = hashlib.sha256(read_plain(directory.sweep_file)).hexdigest()
        controller.open(spec_sha256=sha)
        if (changed := change_of(directory, controller.core.state)) is not None:
            controller.core.warn("sweep-file-changed", changed)
        if kind is not None:
            controller.core.warn(
                "network-disk",
                f"{directory.root} lies on {kind}: locks and durability are only as good as it is",
            )
        if (ends := logout.ends_what_runs()) is not None:
            controller.core.warn("logout", f"{ends}; {logout.REMEDY}")
        _see_parents(controller, directory)
        left = controller.run()
        return exit_code(controller.core.sweep, controller.core.state, left)
    finally:
        lock.release()


def _see_file(directory: SweepDirectory) -> None:
    """Run nothing by a file that others could have written. Raises EnvironmentFault."""
    file = directory.sweep_file
    try:
        why = trust.flaw(file.lstat())
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    if why is not None:
        raise EnvironmentFault(why, where=str(file), hint=trust.mend(file))


def _see_facts(directory: SweepDirectory, known: SweepState) -> None:
    """Launch nothing over trials that the journal has forgotten. Raises JournalError.

    What a new trial reported would be joined to what one of other parameters did under its name.
    """
    told = {
        (trial.id, str(one.number)) for trial in known.trials.values() for one in trial.attempts
    }
    found = directory.trials.glob("t*/attempts/*/start.json")
    ran = {(path.parents[2].name, path.parent.name) for path in found}
    if forgotten := sorted({trial for trial, _ in ran - told}):
        raise JournalError(
            f"knows nothing of what ran as {visible(', '.join(forgotten[:5]))}"
            f"{', …' * (len(forgotten) > 5)}: it was cut, emptied or replaced by an older one",
            where=str(directory.journal),
            hint="put it back; or keep these trials elsewhere, and start anew with --name",
        )


def _see_parents(controller: Controller, directory: SweepDirectory) -> None:
    """Say who else could put another directory in the place of this one."""
    shared = trust.shared_parent(directory.root)
    if shared is not None:
        what = f"others of its group may rename what lies in {shared}, and this sweep with it"
        controller.core.warn("shared-parent", what)


def root_note(place: SweepDirectory) -> list[str]:
    """What root should know before it leaves files of its own in a person's directory."""
    whose = trust.as_root_for(place.root)
    if whose is None:
        return []
    return [
        f"this is root, and {place.root.parent} belongs to {whose}: what the sweep makes is root's,"
        f" and {whose} can neither resume nor remove it; `sudo -u {whose} tuiswp …` avoids that"
    ]


def _log_to(directory: SweepDirectory, secrets: Secrets) -> None:
    handler = RotatingFileHandler(
        directory.log, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8"
    )
    handler.setFormatter(CleanFormatter("%(asctime)s %(levelname)s %(message)s", secrets))
    logger = logging.getLogger("tuiswp")
    logger.setLevel(logging.INFO)
    logger.handlers[:] = [handler]
    logger.propagate = False


def is_controlled(directory: SweepDirectory) -> bool:
    """Whether a controller of this sweep lives, or may on another host, by the journal."""
    return elsewhere.holder(directory, replay(read(directory.journal).records)) is not None


def start_in_background(directory: SweepDirectory) -> int:
    """Start a controller of its own session; its pid once it is at work.

    One that somebody else starts at the same time is as good: then its pid. Raises SweepHeld if
    something that is no controller here keeps the sweep, EnvironmentFault with the controller's
    last words if it ends at once.
    """
    reader = JournalReader(directory.journal)
    state = replay(reader.poll())
    elsewhere.check(directory, state)
    directory.log.touch(mode=0o600)
    size_before = directory.log.stat().st_size
    child = _spawn(directory)
    begun = time.monotonic()
    while time.monotonic() < begun + START_S:
        state = replay(reader.poll(), state)
        holder = state.controller
        code = child.poll()
        if holder is not None and proc.is_alive(holder) and (holder.pid == child.pid or code):
            # Who started it may live longer, a notebook for one: its end is to leave no zombie.
            threading.Thread(target=child.wait, name="controller", daemon=True).start()
            return holder.pid
        if code == ExitCode.HELD:
            if time.monotonic() > begun + HELD_S:
                raise SweepHeld("another controller holds this sweep", where=str(directory.root))
            time.sleep(0.1)  # a request without a controller holds it for an instant
            child = _spawn(directory)
        elif code is not None:
            words = directory.log.read_bytes()[size_before:].decode("utf-8", "replace").strip()
            raise EnvironmentFault(
                f"the controller ended at once ({words.splitlines()[-1] if words else code})",
                where=str(directory.log),
            )
        time.sleep(0.01)  # a poll for an outcome, bounded by the deadline
    raise EnvironmentFault(
        f"the controller did not start within {START_S:g} s", where=str(directory.log)
    )


def hand_over(directory: SweepDirectory, *, only_missing: bool = False) -> int | None:
    """Have a controller with this shell's values of `env_from` in the place of one with others.

    Its pid; None if there is nothing to hand over. `only_missing`: only one that waits for some.
    Trials that run go on. Raises EnvironmentFault if the one that is there does not leave.
    """
    run = frozen_sweep(directory).run
    if not run.env_from or unset(run, os.environ):
        return None
    state = replay(read(directory.journal).records)
    holder = state.controller
    if holder is None or not proc.is_alive(holder):
        return None
    if only_missing and (state.paused is None or not state.paused.missing):
        return None
    theirs = proc.environment_of(holder.pid)
    if all(theirs.get(name) == os.environ[name] for name in run.env_from.values()):
        return None
    proc.send(holder, signal.SIGTERM)
    deadline = time.monotonic() + START_S
    while proc.is_alive(holder):
        if time.monotonic() > deadline:
            raise EnvironmentFault(
                f"its controller (pid {holder.pid}) does not leave", where=str(directory.root)
            )
        time.sleep(0.01)  # a poll for an outcome, bounded by the deadline
    return start_in_background(directory)


def _spawn(directory: SweepDirectory) -> subprocess.Popen[bytes]:
    with directory.log.open("ab") as output:
        # -P: a random.py or queue.py beside the sweep file must not stand in for Python's own.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tuiswp.cli.main", "_controller", str(directory.root)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Started from inside a training's shell, it must not count as one of its processes.
            env={k: v for k, v in os.environ.items() if k != proc.TOKEN_VARIABLE},
        )
