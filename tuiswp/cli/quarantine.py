"""Which sweeps have set which GPUs aside, and asking them to take one back. Decides nothing.

A quarantine is of one sweep, for what its trials met there; a fault that the driver reports is of
the machine (`gpu.health`).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.cli.requests import ours
from tuiswp.controller.client import SweepReader, SweepView, ask
from tuiswp.controller.requests import new_request
from tuiswp.controller.steered import quarantines
from tuiswp.errors import TuiswpError
from tuiswp.gpu.leases import HeldLease
from tuiswp.text import visible

SWEEPS = 20  # that are looked at, the newest first


def quarantining(named: Path | None, leases: Sequence[HeldLease]) -> list[SweepView]:
    """The sweep that is named, else those that lie here or hold a GPU, if it has set one aside."""
    return list(_those([named] if named is not None else _there(leases)))


def _there(leases: Sequence[HeldLease]) -> list[Path]:
    there = {directory.root.resolve() for directory in args.sweeps_here()}
    there |= {Path(lease.sweep_dir) for lease in leases if lease.sweep_dir}
    written: list[tuple[float, Path]] = []
    for path in there:
        with suppress(OSError):
            written.append(((path / "journal.jsonl").stat().st_mtime, path))
    return [path for _, path in sorted(written, reverse=True)[:SWEEPS]]


def _those(paths: Sequence[Path]) -> Iterator[SweepView]:
    for path in paths:
        with suppress(TuiswpError, OSError, ValueError, RecursionError):
            view = SweepReader(path).refresh(with_metrics=False)
            if view.state.health.quarantined:
                yield view


def as_lines(views: Sequence[SweepView]) -> list[str]:
    return [
        output.paint(f"in {visible(view.sweep.name)} ({view.word}): {line}", "bad")
        for view in views
        for line in quarantines(view.state, args.spoken(view.directory))
    ]


def as_json(view: SweepView) -> list[dict[str, object]]:
    """The GPUs that a sweep has set aside, as `gpus --json` and `status --json` show them."""
    return [
        {
            "gpu": gpu.name,
            "uuid": gpu.uuid,
            "sweep_dir": str(view.directory),
            "since": gpu.quarantine.at,
            "by": gpu.quarantine.by,
            "why": gpu.quarantine.why,
            "failed_since": gpu.quarantine.probes,
        }
        for gpu in view.state.health.quarantined.values()
        if gpu.quarantine is not None
    ]


def release(names: set[str], views: Sequence[SweepView]) -> list[str]:
    """Ask each of these sweeps to use the GPU of these names again; what came of it."""
    told = []
    for view in views:
        for gpu in view.state.health.quarantined.values():
            if names & {gpu.name.lower(), gpu.uuid.lower()}:
                request = new_request("release", gpus=(gpu.uuid,))
                applied = ask(ours(view.directory, "gpus --release"), request)
                told.append(f"{visible(view.sweep.name)}: {visible(applied.outcome)}")
    return told
