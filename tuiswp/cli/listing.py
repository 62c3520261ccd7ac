"""`tuiswp` alone: the sweeps found here, on the full screen, or as lines or JSON. Never writes."""

import os
from pathlib import Path

import msgspec

from tuiswp.analysis import tables, words
from tuiswp.analysis.axes import measured
from tuiswp.cli import output
from tuiswp.controller.here import FoundSweep, Here
from tuiswp.errors import ExitCode
from tuiswp.text import visible


def run(
    *, lines: bool = False, json: bool = False, ascii: bool = False, reset_view: bool = False
) -> int:
    if not lines and not json and output.no_full_screen() is None:
        from tuiswp.tui import collector

        collector.rest()
        from tuiswp.tui.home_app import run as show

        colour = not os.environ.get("NO_COLOR")
        ascii = ascii or not output.speaks_unicode()
        return show(Path(), colour=colour, ascii=ascii, reset_view=reset_view)
    sweeps = Here().look(files=json)
    if json:
        output.show_json({"sweeps": [_plain(one) for one in sweeps]})
        return ExitCode.OK
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
    name = visible(sweeps[0].name)
    rows = [_row(one) for one in sweeps]
    output.say(
        *tables.table(("sweep", "state", "best", "trials", "last"), rows, width=output.width()),
        "",
        f"  tuiswp {name}           go on with it, or look at it",
        f"  tuiswp status {name}    where every trial stands",
        f"  tuiswp results {name}   the optimum and what it means",
    )
    return ExitCode.OK


def _plain(one: FoundSweep) -> dict[str, object]:
    return {**msgspec.structs.asdict(one), "where": str(one.where)}


def _row(one: FoundSweep) -> tuple[str, ...]:
    trials = words.several(one.runs, "run") if one.runs else words.tally(one.counts)
    return (
        visible(one.name, limit=60),
        one.word,
        "" if one.best is None else f"{measured(one.best)} ({one.best_trial})",
        visible(one.fault, limit=100) if one.fault else trials,
        words.ago(one.at) if one.at is not None else "",
    )
