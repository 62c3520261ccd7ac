"""The sweep as it was when it started, and as edits made it since. Reads its directory only."""

from pathlib import Path

import msgspec

from tuiswp.controller import provenance
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.model.sweep import Sweep
from tuiswp.plain import read_plain
from tuiswp.spec import load as spec_load
from tuiswp.spec.edits import effective
from tuiswp.spec.phased import whole

PUT_BACK = "put the old text back; what is to change is said by `tuiswp extend` and `set`"


def frozen_sweep(directory: SweepDirectory) -> Sweep:
    """The sweep as it was when it started. Raises SpecErrors or EnvironmentFault."""
    known = provenance.load(directory)
    cwd = Path(known.cwd) if known is not None else Path.cwd()
    sweep = spec_load.load(
        directory.sweep_file,
        cwd=cwd,
        shown_as=str(directory.sweep_file),
        unnamed=Path(known.source).stem if known is not None else directory.root.name,
    )
    if known is None or known.name is None:
        return sweep
    return msgspec.structs.replace(sweep, name=known.name)


def change_of(directory: SweepDirectory, state: SweepState) -> str | None:
    """How the frozen file differs from what the journal knows of it; None if it does not."""
    import hashlib  # brings a library of its own, and few ask

    try:
        is_now = hashlib.sha256(read_plain(directory.sweep_file)).hexdigest()
    except OSError as error:
        return f"{directory.sweep_file.name} cannot be read: {error.strerror}"
    if len(state.spec_sha256) != len(is_now) or state.spec_sha256 == is_now:
        return None
    return f"{directory.sweep_file.name} is not as it was when the sweep started; {PUT_BACK}"


def current_sweep(directory: SweepDirectory, state: SweepState | None = None) -> Sweep:
    """The sweep with the edits made since it started. Raises SpecErrors or EnvironmentFault."""
    known = replay(read(directory.journal).records) if state is None else state
    return as_seen(frozen_sweep(directory), known)


def as_seen(frozen: Sweep, state: SweepState) -> Sweep:
    """The sweep with its edits, and with every value that any of its phases can try."""
    return whole(effective(frozen, (one.change for one in state.changes)))
