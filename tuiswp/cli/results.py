"""`tuiswp results`: the answer, the table behind it, the curve, and what it means. Reads only."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tuiswp.analysis import lines as text
from tuiswp.analysis import tables
from tuiswp.analysis.against import against
from tuiswp.analysis.curves import curves
from tuiswp.analysis.evidence import Evidence, evidence_json, sentences, weigh
from tuiswp.analysis.findings import Diagnosis
from tuiswp.cli import arguments as args
from tuiswp.cli import doubt, output
from tuiswp.cli.verdict import Verdict, reach
from tuiswp.controller.client import SweepReader, SweepView
from tuiswp.controller.steered import edits, phases
from tuiswp.errors import ExitCode, UsageError
from tuiswp.text import visible

if TYPE_CHECKING:
    from tuiswp.analysis.review import Review

_TONES: dict[str, output.Tone] = {"error": "bad", "warning": "note", "info": "plain"}


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one object")
    form.add_argument(
        "--csv",
        action="store_true",
        help="the table as CSV, values raw: a spreadsheet takes =… for a formula",
    )
    form.add_argument("--markdown", action="store_true", help="the table as Markdown")
    form.add_argument("--latex", action="store_true", help="the table as a LaTeX tabular")
    parser.add_argument(
        "--include-partial", action="store_true", help="let trials win that did not finish"
    )
    parser.add_argument("--metric", metavar="NAME", help="judge by another metric that was logged")
    parser.add_argument("--goal", choices=("minimize", "maximize"), help="judge to another goal")
    parser.add_argument(
        "--review", action="store_true",
        help="look back as well: importance, search, groups, ranks, gradients (takes seconds)",
    )  # fmt: skip
    parser.add_argument(
        "--against", metavar="OTHER", help="has another sweep found its best at the same place?"
    )
    parser.add_argument("--ascii", action="store_true", help="draw the curve in ASCII")


def run(arguments: Namespace) -> int:
    view = SweepReader(args.find_sweep(arguments.sweep)).refresh()
    doubt.tell(view)
    if not view.trials:
        raise UsageError(
            f"{view.sweep.name} has no trial yet", hint="`tuiswp status` says where it stands"
        )
    verdict = reach(
        view,
        include_partial=arguments.include_partial,
        metric=arguments.metric,
        goal=arguments.goal,
    )
    if arguments.against is not None:
        verdict = _beside(view, verdict, arguments)
    if arguments.json:
        more = {"review": _review_json(verdict)} if arguments.review else {}
        output.show_json({**as_json(verdict), **more})
    elif arguments.csv or arguments.markdown or arguments.latex:
        form = "csv" if arguments.csv else "latex" if arguments.latex else "markdown"
        text = _as_table(verdict, form).rstrip("\n")
        # CSV keeps every value raw: for a file and for programs. A terminal would act on some.
        seen = form == "csv" and output.is_tty(sys.stdout)
        output.say(visible(text, limit=len(text), keep_newlines=True) if seen else text)
    else:
        output.say(*human(verdict, ascii_only=arguments.ascii))
        if arguments.review:
            output.say(*_look_back(verdict, ascii_only=arguments.ascii))
        output.say(*phase_lines(view))
        if view.state.reached is not None:
            ended = f"it ended because there was enough: {visible(view.state.reached.why)}"
            output.say(output.prose(ended, indent="  "))
        output.say(*(output.prose(f"edited: {line}", indent="  ") for line in edits(view.state)))
    return ExitCode.OK


def _beside(view: SweepView, verdict: Verdict, arguments: Namespace) -> Verdict:
    """The verdict with what another sweep says of it. Raises UsageError where that is nothing."""
    other = SweepReader(args.find_sweep(arguments.against)).refresh()
    for one, told in ((view, other), (other, view)):
        if told.directory.resolve() in {Path(path).resolve() for path in one.sweep.priors}:
            raise UsageError(
                f"{visible(one.sweep.name, limit=60)} was told of "
                f"{visible(told.sweep.name, limit=60)} (tuiswp.prior), so it proves nothing"
            )
    theirs = reach(other, metric=arguments.metric, goal=arguments.goal)
    finding = against(verdict.sweep, verdict.judgement, theirs.sweep, theirs.judgement)
    return replace(verdict, diagnoses=(*verdict.diagnoses, finding))


def phase_lines(view: SweepView) -> list[str]:
    """What each phase did and left."""
    return [output.prose(line, indent="  ") for line in phases(view.sweep, view.state)]


def as_json(verdict: Verdict) -> dict[str, object]:
    from tuiswp.analysis.summary import results_json

    return {
        **results_json(
            verdict.sweep, verdict.judgement, verdict.diagnoses, verdict.trials, verdict.health()
        ),
        "evidence": evidence_json(evidence(verdict), verdict.diagnoses),
    }


def _review_json(verdict: Verdict) -> dict[str, object]:
    from tuiswp.analysis.review_data import review_json

    return dict(review_json(_review(verdict)))


def _review(verdict: Verdict) -> "Review":
    from tuiswp.analysis.review import review

    return review(
        verdict.sweep, verdict.judgement, verdict.trials, verdict.curves, verdict.files
    )  # fmt: skip


def _look_back(verdict: Verdict, *, ascii_only: bool) -> list[str]:
    """The sections of the report as text, drawn; but for the first, which stands above already."""
    from tuiswp.analysis.review import sections
    from tuiswp.analysis.review_text import beside, blocks

    plain = ascii_only or not output.speaks_unicode()
    lines: list[str] = []
    found = _review(verdict)
    for part, title, told in sections(found):
        if part == "sure":
            continue
        lines += ["", output.paint(title, "strong")]
        drawn = blocks(part, found, verdict.judgement, width=output.width(), ascii=plain)
        told = [line.replace("±", "+/-") if plain else line for line in beside(part, told, drawn)]
        lines += [output.prose(f"  {line}", indent="  ") for line in told]
        for block in drawn:
            lines += ["", *block]
    return lines


def evidence(verdict: Verdict) -> Evidence:
    """What the verdict is worth."""
    return weigh(verdict.sweep, verdict.judgement, verdict.trials, verdict.curves)


def _as_table(verdict: Verdict, form: str) -> str:
    from tuiswp.analysis import table

    write = {"csv": table.to_csv, "markdown": table.to_markdown, "latex": table.to_latex}[form]
    return write(
        table.frame(verdict.sweep, verdict.judgement, verdict.trials, health=verdict.health())
    )


def human(verdict: Verdict, *, ascii_only: bool = False) -> list[str]:
    """Headline, table, curves, findings and what they are worth, ready to print."""
    sweep, judgement = verdict.sweep, verdict.judgement
    lines = [output.paint(line, "strong") for line in text.headline(sweep, judgement)]
    headers = text.columns(sweep)
    shown = tables.table(
        headers,
        [row.cells for row in text.rows(sweep, judgement, health=verdict.health())],
        width=output.width(),
        right=[n for n, one in enumerate(headers) if one in ("#", "vs default", "progress")],
    )
    lines += ["", *shown]
    plain = ascii_only or not output.speaks_unicode()
    for drawn in curves(sweep, judgement, verdict.diagnoses, width=output.width(), ascii=plain):
        lines += ["", *drawn]
    lines.append("")
    for one in verdict.diagnoses:
        lines += _finding(one)
    for about, told in sentences(evidence(verdict)):
        told = told.replace("±", "+/-") if plain else told
        lines.append(output.prose(f"{about}: {told}", indent="  "))
    return lines


def _finding(one: Diagnosis) -> list[str]:
    head = f"{one.code}: "
    text = output.prose(f"{head}{one.message}", indent="  ").removeprefix(head)
    more = [output.prose(f"  {one.suggestion}", indent="  ")] if one.suggestion else []
    return [output.paint(head, _TONES[one.severity]) + text, *more]
