"""The sweep file as it was when the sweep started: read from its directory, never written here."""

from pathlib import Path

import msgspec

from tuiswp.controller import provenance
from tuiswp.controller.directory import SweepDirectory
from tuiswp.model.sweep import Sweep
from tuiswp.spec import load as spec_load


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
