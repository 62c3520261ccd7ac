"""`tuiswp report`: write the report of a sweep, or of a folder of runs, and print where it is."""

import shlex
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from tuiswp.analysis import words
from tuiswp.cli import arguments as args
from tuiswp.cli import doubt, output
from tuiswp.cli.verdict import reach
from tuiswp.controller import provenance, range_test
from tuiswp.controller.client import SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import read
from tuiswp.controller.story import Story
from tuiswp.errors import ExitCode, UsageError
from tuiswp.text import visible


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to (default: its report/)")
    parser.add_argument(
        "--open", choices=("yes", "no"), default="no", help="open it in a browser (default: no)"
    )


def run(arguments: Namespace) -> int:
    path = args.find_sweep(arguments.sweep)
    view = SweepReader(path).refresh()
    doubt.tell(view)
    if not view.trials:
        raise UsageError(f"{visible(view.sweep.name)} has no trial yet: nothing to report")
    out: Path = arguments.out or (
        Path("report") if view.foreign else SweepDirectory(view.directory).report
    )
    paths = write(view, out)
    output.say(*(visible(str(one)) for one in paths))
    if arguments.open == "yes":
        _open(paths[0])
    return ExitCode.OK


def write(view: SweepView, out: Path) -> list[Path]:
    """report.html, sweep.png, sweep.svg and trials.csv in `out`; their paths, the page first.

    Raises UsageError without matplotlib, EnvironmentFault when the disk refuses.
    """
    from tuiswp.analysis.html import write_report
    from tuiswp.analysis.review import review

    verdict = reach(view)
    known = None if view.foreign else provenance.load(SweepDirectory(view.directory))
    return write_report(
        out,
        verdict.sweep,
        verdict.trials,
        verdict.judgement,
        verdict.diagnoses,
        curves=verdict.curves,
        decisions=[] if view.foreign else _decisions(view),
        provenance=None if known is None else _origin(known),
        command=None if known is None else shlex.join(known.command),
        generated=words.clock(time.time()),
        review=review(
            verdict.sweep, verdict.judgement, verdict.trials, verdict.curves, verdict.files
        ),
        range_test=None if view.foreign else range_test.kept(SweepDirectory(view.directory)),
    )


def _decisions(view: SweepView) -> list[str]:
    """What was decided and why, in the order it happened."""
    story = Story(view.sweep, args.spoken(view.directory))
    records = read(SweepDirectory(view.directory).journal).records
    return [
        f"{words.clock(record.t)}  {line.text}"
        for record in records
        for line in story.tell([record])
    ]


def _origin(known: provenance.Provenance) -> dict[str, str]:
    """Where the sweep comes from, without the list of packages: provenance.json has it."""
    commit = known.git_commit
    if commit is not None and known.git_dirty:
        commit += " and uncommitted changes (provenance.diff)"
    found = {
        "sweep file": known.source,
        "directory": known.cwd,
        "started": words.clock(known.at),
        "host": known.host,
        "platform": known.platform,
        "commit": commit,
        "python": f"{known.python} ({known.executable})",
        "tuiswp": known.tuiswp,
        "torch": known.packages.get("torch"),
        "transformers": known.packages.get("transformers"),
        "GPUs": ", ".join(known.gpus) or None,
    }
    return {name: text for name, text in found.items() if text}


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        output.warn("no browser could be opened")
