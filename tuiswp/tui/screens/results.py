"""The verdict: the answer, why it was chosen, the table, the curves, and what to do next.

Beside it, by `2` to `6`, the look back of the report, a part at a time. The same words as `tuiswp
results`; it judges nothing itself. Another rule (`o`) ranks anew to be looked at: it says so, and
nothing that is written or copied knows of it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import BindingType

from tuiswp.analysis import lines as verdict
from tuiswp.analysis import tables
from tuiswp.analysis import words as say
from tuiswp.analysis.answers import Answer, answer, first_answer
from tuiswp.analysis.axes import shown_name
from tuiswp.analysis.curves import drawable, drawing
from tuiswp.analysis.diagnosis import Diagnosis
from tuiswp.analysis.optimum import Judgement, objective_text, with_newest
from tuiswp.analysis.reason import why
from tuiswp.analysis.review import PARTS, Part
from tuiswp.analysis.shape import Shape
from tuiswp.analysis.training import Health
from tuiswp.controller.requests import new_request
from tuiswp.model.sweep import Objective, Sweep
from tuiswp.model.trial import Trial
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.lookback import Looked
from tuiswp.tui.pieces import Line, Tone
from tuiswp.tui.screens.confirm import ConfirmScreen, Question
from tuiswp.tui.screens.looking_back import contest_lines, part_lines, tabs
from tuiswp.tui.screens.page import Page
from tuiswp.tui.screens.steering import elsewhere
from tuiswp.tui.snapshot import Snapshot, Want
from tuiswp.tui.what_if import WhatIf, next_rule
from tuiswp.tui.widgets.prose import Prose, matches, wrapped

_TONES: dict[str, Tone] = {"error": "bad", "warning": "warn", "info": "strong"}
_RIGHT = ("#", "vs default", "progress")
_WIDEST = 100  # columns of a curve: more says no more
_CALM_S = 2.0
_MOST = 300  # rows of the table: more are found by filtering
_CURVE = (8, 16)  # its least and its most rows
_PARTS: dict[str, Part | None] = {"part_answer": None, **{f"part_{part}": part for part in PARTS}}
_ANSWER_KEYS = ("esc back", "R repeat", "o rule", "n N parameter", "/ filter", "y copy", "w write")
_PART_KEYS = ("esc back", "R repeat", "w write")


class ResultsScreen(Page):
    """One text to scroll a part; `/` keeps the rows of the table that hold every word."""

    FILTER = "only trials with…"
    BINDINGS: ClassVar[list[BindingType]] = [*actions.bindings("results", "steer")]
    _drawn: Snapshot | None = None
    _rule: Objective | None = None  # another than the file's
    _part: Part | None = None  # of the look back; None: the answer
    _parameter = 0

    def __init__(
        self, snapshot: Snapshot | None = None, *, colour: bool = True, ascii: bool = False
    ) -> None:
        super().__init__(snapshot, colour=colour, ascii=ascii)
        # What was made last of each part: with the verdict it belongs to, and as lines.
        self._looks: dict[Part, tuple[Judgement, Looked]] = {}
        self._kept: dict[
            Part | None, tuple[tuple[object, ...], tuple[object, ...], Sequence[Line]]
        ] = {}

    def update(self, snapshot: Snapshot) -> None:
        """Draw another moment; while only running trials move, every two seconds is enough."""
        old, look = self._drawn, snapshot.look
        if look is not None and look.found is not None:
            self._looks[look.part] = snapshot.judgement, look
        if (
            old is None
            or snapshot.at - old.at >= _CALM_S
            or snapshot.judgement.ranked != old.judgement.ranked
            or _rule_of(snapshot) != _rule_of(old)
            or look is not old.look
        ):
            self._drawn = snapshot
            super().update(snapshot)

    @property
    def wants(self) -> Want:
        """No curve of metrics; the ranking by another rule, if one was chosen; a look back.

        The answer says first against second, which is one part of it.
        """
        return Want(trials=(), what_if=self._rule, part=self._part or "sure")

    def heading(self) -> str:
        name = "" if self.snapshot is None else visible(self.snapshot.view.sweep.name, limit=40)
        keys = _ANSWER_KEYS if self._part is None else _PART_KEYS
        head = f"{name}  {tabs(self._part)}"
        for key in keys:
            if len(head) + len(key) + 2 <= self.size.width:
                head += f"  {key}"
        return head

    def texts(self, width: int, words: str) -> Sequence[Line]:
        if self.snapshot is None:
            return [(("nothing is known yet", "dim"),)]
        snapshot = self._with_look(self.snapshot)
        height = max(_CURVE[0], min(_CURVE[1], self.size.height - 8))
        asked = (width, height, words, self._rule, self._parameter)
        told = _told_of(snapshot)
        kept = self._kept.get(self._part)
        if (
            kept is None
            or kept[0] != asked
            or any(old is not new for old, new in zip(kept[1], told, strict=True))
        ):  # a layout asks for the same text several times, and it takes a while to make
            if self._part is not None:
                lines = part_lines(snapshot, self._part, width, ascii=self.ascii)
            else:
                lines = result_lines(
                    snapshot,
                    width,
                    height,
                    words=words,
                    ascii=self.ascii,
                    rule=self._rule,
                    shapes=_shapes_of(snapshot, self._rule),
                    parameter=self._parameter,
                )
            kept = self._kept[self._part] = asked, told, lines
        return kept[2]

    def _with_look(self, snapshot: Snapshot) -> Snapshot:
        """The moment with the part that is shown, if it was made for this verdict before."""
        part, look = self._part or "sure", snapshot.look
        known = self._looks.get(part)
        here = look is not None and look.part == part and look.found is not None
        if here or known is None or known[0] is not snapshot.judgement or snapshot.as_of:
            return snapshot
        return replace(snapshot, look=known[1])

    def offer(self) -> Answer | None:
        """What one key would try next: for the parameter in sight, else for the first that can."""
        if self.snapshot is None:
            return None
        sweep, judgement = self.snapshot.view.sweep, self.snapshot.judgement
        return _best_offer(sweep, judgement, _shapes_of(self.snapshot, None), self._parameter)

    def action_do(self, action_id: str) -> None:
        match action_id:
            case "results_copy" if self.snapshot is not None:
                answer_lines = verdict.headline(self.snapshot.view.sweep, self.snapshot.judgement)
                self.app.copy_to_clipboard("\n".join(answer_lines))
            case part if part in _PARTS:
                self._show(_PARTS[part])
            case "filter" if self._part is not None:
                self._show(None)
                super().action_do(action_id)
            case "parameter_next" | "parameter_previous":
                self._parameter += 1 if action_id == "parameter_next" else -1
                self.redraw()
            case "what_if":
                self._next_rule()
            case "answer":
                self._answer()
            case _:
                super().action_do(action_id)

    def _answer(self) -> None:
        """Add what is offered, after a yes."""
        offered, snapshot = self.offer(), self.snapshot
        if snapshot is None or snapshot.view.foreign or snapshot.as_of is not None:
            self.notify("nothing can be added here: it is only to be looked at", markup=False)
            return
        if offered is None:  # none is missing; a person may have one in mind
            elsewhere(self, "add_points")
            return
        many = say.several(len(offered.points), "trial")
        name = visible(snapshot.view.sweep.name, limit=60)
        asked = Question(
            f"Add {many} to {name}?",
            "They run when a place is free; what is there stays as it is.",
            trials=(offered.told,),
        )

        def answered(yes: bool | None) -> None:
            send = getattr(self.app, "send", None)
            if yes and send is not None:
                why = f"to complete the shape over {shown_name(offered.parameter)}"
                send(new_request("add", points=offered.points, why=why))

        self.app.push_screen(ConfirmScreen(asked, colour=self.colour, ascii=self.ascii), answered)

    def _show(self, part: Part | None) -> None:
        """Go to a part, at its beginning."""
        self._part = part
        self._wanted()
        self.query_one(Prose).scroll_home(animate=False)

    def _next_rule(self) -> None:
        own = None if self.snapshot is None else self.snapshot.view.sweep.objective
        if own is None:
            self.notify("the sweep names no metric, so there is no rule to change", markup=False)
            return
        self._rule = next_rule(own, self._rule)
        self._part = None
        self._wanted()

    def _wanted(self) -> None:
        """Say what is shown now, and draw what is known of it."""
        want = getattr(self.app, "want", None)
        if want is not None:
            want(self.wants)
        self.redraw()


def _told_of(snapshot: Snapshot) -> tuple[object, ...]:
    """What the text is made from: as long as these are the same objects, it says the same."""
    runs = any(row.state == "running" for row in snapshot.rows)
    return (
        snapshot.view.sweep,
        snapshot.view.state,
        snapshot.judgement,
        snapshot.diagnoses,
        snapshot.what_if,
        snapshot.look,
        snapshot.health,
        snapshot if runs or snapshot.as_of is not None else None,
    )


def _shapes_of(snapshot: Snapshot, rule: Objective | None) -> Sequence[Shape]:
    """The shapes of what is shown, as the feed has made them; of the past it makes none."""
    other = _other(snapshot, rule)
    made = snapshot.shapes if snapshot.as_of is None else None
    if other is not None:
        made = other.shapes
    return drawable(*_shown(snapshot, rule)[:2]) if made is None else made


def _rule_of(snapshot: Snapshot) -> Objective | None:
    return None if snapshot.what_if is None else snapshot.what_if.sweep.objective


def _shown(
    snapshot: Snapshot, rule: Objective | None
) -> tuple[Sweep, Judgement, Sequence[Diagnosis]]:
    """What is told: the verdict itself, or that by `rule` once it is there."""
    other = _other(snapshot, rule)
    if other is None:
        return snapshot.view.sweep, snapshot.judgement, snapshot.diagnoses
    return other.sweep, other.judgement, other.diagnoses


def _other(snapshot: Snapshot, rule: Objective | None) -> WhatIf | None:
    return snapshot.what_if if rule is not None and _rule_of(snapshot) == rule else None


def result_lines(
    snapshot: Snapshot,
    width: int,
    height: int,
    *,
    words: str = "",
    ascii: bool = False,
    rule: Objective | None = None,
    shapes: Sequence[Shape] | None = None,
    parameter: int = 0,
) -> list[Line]:
    """The whole page as lines: answer, reason, findings, a curve of `height` rows, table.

    `rule`: another than the sweep file's; `shapes`: those of what is shown, if they are known;
    `parameter`: which of them is drawn.
    """
    sweep, judgement, diagnoses = _shown(snapshot, rule)
    lines = _what_if(snapshot, rule, width)
    for text in verdict.headline(sweep, judgement):
        lines += wrapped(text, width, "strong", indent=2)
    for text in why(sweep, judgement):
        lines += wrapped(text, width, indent=2)
    if rule is None:
        lines += contest_lines(snapshot, width, ascii=ascii)
    lines.append(())
    asks = rule is None and not snapshot.view.foreign and snapshot.as_of is None
    for finding in diagnoses:
        lines += _finding(finding, width)
        if asks and finding.remedy is not None and finding.remedy.verb == "extend":
            lines += wrapped(f"  Z {finding.remedy.told}.", width, "accent", indent=4)
    shapes = drawable(sweep, judgement) if shapes is None else shapes
    if shapes and rule is None and not snapshot.view.foreign:
        lines += _offered(sweep, judgement, shapes, parameter, width)
    if shapes:
        one = shapes[parameter % len(shapes)]
        which = f" ({parameter % len(shapes) + 1} of {len(shapes)}, n N)" * (len(shapes) > 1)
        lines += [(), *_curve(sweep, judgement, one, which, width, height, ascii=ascii)]
        if not any(one.message in said.message for said in diagnoses):
            lines += wrapped(one.message, width, indent=2)
    judgement = with_newest(sweep, judgement, _running(snapshot))
    return [*lines, (), *_table(sweep, judgement, snapshot.health, width, words)]


def _running(snapshot: Snapshot) -> list[Trial]:
    """The running trials as their rows say they are now."""
    known = snapshot.view.state.trials
    return [
        replace(known[row.number], value=row.value, progress=row.progress, step=row.step)
        for row in snapshot.rows
        if row.state == "running" and row.number in known
    ]


def _best_offer(
    sweep: Sweep, judgement: Judgement, shapes: Sequence[Shape], parameter: int
) -> Answer | None:
    """For the parameter in sight, else for the first that can be answered."""
    if not shapes:
        return None
    here = answer(sweep, judgement, shapes[parameter % len(shapes)])
    return here or first_answer(sweep, judgement, shapes)


def _offered(
    sweep: Sweep, judgement: Judgement, shapes: Sequence[Shape], parameter: int, width: int
) -> list[Line]:
    offered = _best_offer(sweep, judgement, shapes, parameter)
    if offered is None:
        return []
    return [(), *wrapped(f"A adds {offered.told}.", width, "accent", indent=2)]


def _what_if(snapshot: Snapshot, rule: Objective | None, width: int) -> list[Line]:
    """That this is no verdict: by which rule, and what the verdict says."""
    own = snapshot.view.sweep.objective
    if rule is None or own is None:
        return []
    if _other(snapshot, rule) is None:
        return wrapped(f"WHAT IF {objective_text(rule)}: is being read …", width, "warn")
    best = snapshot.judgement.optimum
    said = "names none" if best is None else f"chose {best.id}"
    told = f"WHAT IF it were {objective_text(rule)}. The file's {objective_text(own)} {said}; "
    return [*wrapped(f"{told}nothing of this is written. o goes on.", width, "warn", indent=2), ()]


def _curve(
    sweep: Sweep,
    judgement: Judgement,
    one: Shape,
    which: str,
    width: int,
    height: int,
    *,
    ascii: bool,
) -> list[Line]:
    """One drawing under its title, the legend below it where there is no room beside it."""
    wide = min(width, _WIDEST)
    title, *rows = drawing(sweep, judgement, one, width=wide, height=height, ascii=ascii)
    about, gap, legend = title.partition("   ")
    title = f"{about}{which}{gap}{legend}"
    told = [title] if len(title) <= width else [about + which, legend] if gap else [about + which]
    lines = [line for text in told for line in wrapped(text, width, "strong")]
    return [*lines, *(((row, "plain"),) for row in rows)]


def _finding(one: Diagnosis, width: int) -> list[Line]:
    code = f"{one.code}: "
    lines = wrapped(code + one.message, width, indent=2)
    first = lines[0][0][0]
    lines[0] = ((first[: len(code)], _TONES[one.severity]), (first[len(code) :], "plain"))
    for line in wrapped(one.suggestion or "", width - 2) if one.suggestion else ():
        lines.append((("  ", "plain"), *line))
    return lines


def _table(
    sweep: Sweep, judgement: Judgement, health: Mapping[int, Health], width: int, words: str
) -> list[Line]:
    headers = verdict.columns(sweep)
    every = len(judgement.ranked) + len(judgement.left_out)
    rows = verdict.rows(sweep, judgement, most=None if words.strip() else _MOST, health=health)
    rows = [row for row in rows if matches(" ".join(row.cells), words)]
    hidden = len(rows[_MOST:]) if words.strip() else every - len(rows)
    rows = rows[:_MOST]
    if not rows:
        return [(("no trial" + (" has these words" if words.strip() else " yet"), "dim"),)]
    right = [n for n, one in enumerate(headers) if one in _RIGHT]
    head, *body = tables.table(headers, [row.cells for row in rows], width=width, right=right)
    lines: list[Line] = [((head, "accent"),)]
    for row, text in zip(rows, body, strict=True):
        lines.append(((text, "good" if row.best else "run" if row.baseline else "plain"),))
    if hidden:
        lines.append(((f"and {hidden:,} more: / keeps what you look for, w writes all", "dim"),))
    return lines
