"""`tuiswp` alone: the sweeps found under ./sweeps and how to go on. Reads, never writes."""

from tuiswp.analysis import tables, words
from tuiswp.analysis.axes import measured
from tuiswp.analysis.optimum import best_so_far
from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.controller.client import SweepReader
from tuiswp.controller.directory import SweepDirectory
from tuiswp.errors import ExitCode, TuiswpError
from tuiswp.text import visible


def run() -> int:
    sweeps = list(args.sweeps_here())
    if not sweeps:
        output.say(
            "no sweep under ./sweeps",
            "",
            "  tuiswp check sweep.yaml   read a sweep file and show what it would run",
            "  tuiswp sweep.yaml         start it, and follow it",
            "  tuiswp doctor             what works on this machine",
            "  tuiswp --help             all commands",
        )
        return ExitCode.OK
    rows = [_row(directory) for directory in sweeps]
    name = visible(sweeps[0].root.name)
    output.say(
        *tables.table(("sweep", "state", "best", "trials", "last"), rows, width=output.width()),
        "",
        f"  tuiswp {name}           go on with it, or look at it",
        f"  tuiswp status {name}    where every trial stands",
        f"  tuiswp results {name}   the optimum and what it means",
    )
    return ExitCode.OK


def _row(directory: SweepDirectory) -> tuple[str, ...]:
    name = visible(directory.root.name, limit=60)
    try:
        view = SweepReader(directory.root).refresh(with_metrics=False)
    except TuiswpError as error:
        return name, "unreadable", "", visible(str(error).splitlines()[0], limit=100), ""
    best = best_so_far(view.sweep, view.trials)
    return (
        name,
        view.word,
        "" if best is None or best.value is None else f"{measured(best.value)} ({best.id})",
        words.tally(words.counts(view.trials)),
        words.ago(view.state.at) if view.state.at else "",
    )
