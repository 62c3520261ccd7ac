"""The verdict: the answer, why it was chosen, the table, the curves, and what to do next.

The same words as `tuiswp results`; it judges nothing itself.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from tuiswp.analysis import lines as verdict
from tuiswp.analysis import tables
from tuiswp.analysis import words as say
from tuiswp.analysis.axes import measured
from tuiswp.analysis.curves import curves
from tuiswp.analysis.diagnosis import Diagnosis
from tuiswp.analysis.optimum import objective_text
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.pieces import Line, Tone
from tuiswp.tui.screens.page import Page
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.prose import matches, wrapped

_TONES: dict[str, Tone] = {"error": "bad", "warning": "warn", "info": "strong"}
_RIGHT = ("#", "vs default", "progress")
_WIDEST = 100  # columns of a curve: more says no more
_CALM_S = 2.0
_CURVE = (8, 16)  # its least and its most rows


class ResultsScreen(Page):
    """One text to scroll; `/` keeps the rows of the table that hold every word."""

    FILTER = "only trials with…"
    _drawn: Snapshot | None = None
    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings("results")]

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment; while only running trials move, every two seconds is enough."""
        old = self._drawn
        if (
            old is None
            or snapshot.at - old.at >= _CALM_S
            or snapshot.judgement.ranked != old.judgement.ranked
        ):
            self._drawn = snapshot
            super().update(snapshot)

    def heading(self) -> str:
        name = "" if self.snapshot is None else visible(self.snapshot.view.sweep.name, limit=40)
        return f"Results of {name}   / filter   y copy   w write   esc back"

    def texts(self, width: int, words: str) -> Sequence[Line]:
        if self.snapshot is None:
            return [(("nothing is known yet", "dim"),)]
        height = max(_CURVE[0], min(_CURVE[1], self.size.height - 8))
        return result_lines(self.snapshot, width, height, words=words, ascii=self.ascii)

    def action_do(self, action_id: str) -> None:
        if action_id == "results_copy" and self.snapshot is not None:
            answer = verdict.headline(self.snapshot.view.sweep, self.snapshot.judgement)
            self.app.copy_to_clipboard("\n".join(answer))
        else:
            super().action_do(action_id)


def result_lines(
    snapshot: Snapshot, width: int, height: int, *, words: str = "", ascii: bool = False
) -> list[Line]:
    """The whole page as lines: answer, reason, findings, curves of `height` rows, table."""
    sweep, judgement = snapshot.view.sweep, snapshot.judgement
    lines: list[Line] = []
    for text in verdict.headline(sweep, judgement):
        lines += wrapped(text, width, "strong", indent=2)
    for text in why(snapshot):
        lines += wrapped(text, width, indent=2)
    lines.append(())
    for finding in snapshot.diagnoses:
        lines += _finding(finding, width)
    wide = min(width, _WIDEST)
    drawn = curves(sweep, judgement, snapshot.diagnoses, width=wide, height=height, ascii=ascii)
    for drawing in drawn:
        title, *rows = drawing
        about, gap, legend = title.partition("   ")
        told = [title] if len(title) <= width else [about, legend] if gap else [about]
        lines += [(), *(line for one in told for line in wrapped(one, width, "strong"))]
        lines += [((row, "plain"),) for row in rows[:height]]
        for text in rows[height:]:
            lines += wrapped(text, width, indent=2)
    return [*lines, (), *_table(snapshot, width, words)]


def why(snapshot: Snapshot) -> list[str]:
    """Why this optimum and no other: the rule, the runner-up and the gap, who could not win."""
    sweep, judgement = snapshot.view.sweep, snapshot.judgement
    best, objective = judgement.optimum, sweep.objective
    if best is None or objective is None:
        return []
    least = "lowest" if objective.goal == "minimize" else "highest"
    competed = say.several(len(judgement.ranked), "complete trial")
    said = [f"Why {best.id}: the {least} {objective_text(objective)} of {competed}."]
    if judgement.ties:
        said.append(f"{say.several(len(judgement.ties), 'other')} just as good: the first wins.")
    elif judgement.runner_up is not None and judgement.gap is not None:
        share = "" if not best.value else f", {100 * judgement.gap / abs(best.value):.2g} %"
        said.append(f"Runner-up {judgement.runner_up.id}: {measured(judgement.gap)} worse{share}.")
    if judgement.left_out:
        said.append(f"{say.several(len(judgement.left_out), 'trial')} could not win; see note.")
    return [" ".join(said)]


def _finding(one: Diagnosis, width: int) -> list[Line]:
    code = f"{one.code}: "
    lines = wrapped(code + one.message, width, indent=2)
    first = lines[0][0][0]
    lines[0] = ((first[: len(code)], _TONES[one.severity]), (first[len(code) :], "plain"))
    for line in wrapped(one.suggestion or "", width - 2) if one.suggestion else ():
        lines.append((("  ", "plain"), *line))
    return lines


def _table(snapshot: Snapshot, width: int, words: str) -> list[Line]:
    sweep, judgement = snapshot.view.sweep, snapshot.judgement
    headers = verdict.columns(sweep)
    rows = [row for row in verdict.rows(sweep, judgement) if matches(" ".join(row.cells), words)]
    if not rows:
        return [(("no trial" + (" has these words" if words.strip() else " yet"), "dim"),)]
    right = [n for n, one in enumerate(headers) if one in _RIGHT]
    head, *body = tables.table(headers, [row.cells for row in rows], width=width, right=right)
    lines: list[Line] = [((head, "accent"),)]
    for row, text in zip(rows, body, strict=True):
        lines.append(((text, "good" if row.best else "run" if row.baseline else "plain"),))
    return lines
