"""Ask before a process is touched: name exactly what, and say what happens to it. Sends nothing."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from tuiswp.analysis import words
from tuiswp.controller.client import SweepView
from tuiswp.model.trial import State
from tuiswp.text import visible
from tuiswp.tui import actions
from tuiswp.tui.screens.asked import AskedScreen, Question
from tuiswp.tui.snapshot import Snapshot, TrialRow

__all__ = ["MOST", "ConfirmScreen", "Question", "question", "start_question"]

MOST = 10  # trials listed; the count says the rest

# What a verb does to a trial in each of these states; in others it does nothing.
_REACHES: dict[str, frozenset[State]] = {
    "kill": frozenset({"running", "queued", "paused"}),
    "pause": frozenset({"running", "queued"}),
    "resume": frozenset({"paused"}),
    "restart": frozenset({"running", "paused", "done", "failed", "killed", "pruned", "lost"}),
    "interrupt": frozenset({"running"}),
    "front": frozenset({"queued"}),
}
_VERBS: dict[str, str] = {
    "terminate": "End",
    "kill": "Kill",
    "restart": "Restart",
    "restart_fresh": "Restart from nothing",
    "pause": "Hold",
    "resume": "Go on with",
    "interrupt": "Interrupt",
    "front": "Run next",
}


def question(action_id: str, snapshot: Snapshot, numbers: Sequence[int]) -> Question | None:
    """What to ask before `action_id` on the trials of these numbers.

    None when there is nothing to ask: the action touches no process, or no trial it could touch is
    among them.
    """
    request = actions.request_for(action_id, numbers)
    if request is None:
        return None
    if actions.names_sweep(action_id):
        return _of_the_sweep(action_id, snapshot)
    chosen = set(request.trials)
    picked = [row for row in snapshot.rows if row.number in chosen]
    touched = [row for row in picked if row.state in _REACHES[request.verb]]
    if not touched:
        return None
    told = [_told(row, snapshot.columns) for row in touched]
    untouched = len(picked) - len(touched)
    rest = []
    if len(touched) > MOST:
        rest.append(f"and {len(touched) - MOST} more, {len(touched)} in all")
    if untouched:
        rest.append(f"{words.several(untouched, 'other')} of those chosen: nothing to do there")
    verb, effect = _VERBS[action_id], _effect(action_id, snapshot, touched)
    numbers = tuple(row.number for row in touched)
    if len(touched) == 1:
        return Question(f"{verb} {told[0]}?", effect, numbers, (), "; ".join(rest))
    return Question(
        f"{verb} {len(touched)} trials?", effect, numbers, tuple(told[:MOST]), "; ".join(rest)
    )


def _told(row: TrialRow, columns: Sequence[str]) -> str:
    """`t0007 (lr=3e-3, running, step 410, 62 %)`."""
    about = [
        f"{visible(name, limit=24)}={visible(value, limit=24)}"
        for name, value in list(zip(columns, row.params, strict=False))[:4]
        if value
    ]
    about.append(row.state)
    if row.step is not None:
        about.append(f"step {words.step(row.step)}")
    if row.progress is not None:
        about.append(words.share(row.progress))
    return f"{row.id} ({', '.join(about)})"


def _effect(action_id: str, snapshot: Snapshot, touched: Sequence[TrialRow]) -> str:
    one = len(touched) == 1
    they, get, run = ("It", "gets", "runs") if one else ("They", "get", "run")
    grace = f"{snapshot.view.sweep.run.grace_s:g} s"
    runs = any(row.state == "running" for row in touched)
    mixed = runs and not all(row.state == "running" for row in touched)
    if mixed:
        they = "Those that run"
    others = " The others will not run." if mixed else ""
    match action_id:
        case "terminate" if not runs:
            return f"{they} will not run."
        case "terminate":
            return f"{they} {get} TERM, then KILL after {grace}.{others}"
        case "kill" if not runs:
            return f"{they} will not run."
        case "kill":
            return f"{they} {get} KILL at once, without a chance to save.{others}"
        case "pause":
            it = "it" if one else "them"
            ends = f"{they} {get} TERM, then KILL after {grace}. " if runs else ""
            return f"{ends}Nothing of {it} runs until you go on with {it}."
        case "interrupt":
            return f"{they} {get} INT, as ctrl-c does: time to save. Nothing harder follows."
        case "front":
            return f"{they} {run} before all others that wait, as soon as a place is free."
        case "resume":
            return f"{they} {run} again when a place is free, in the same directory."
    first = f"{they} {get} TERM, then KILL after {grace}. " if runs else ""
    files = (
        "The old files are moved under their attempt."
        if action_id == "restart_fresh"
        else f"{'It' if one else 'They'} {run} again in the same directory, over what is there."
    )
    return first + files


def _of_the_sweep(action_id: str, snapshot: Snapshot) -> Question:
    counts = words.counts(snapshot.view.trials)
    name = visible(snapshot.view.sweep.name, limit=60)
    running, queued = words.several(counts["running"], "running trial"), counts["queued"]
    grace = f"{snapshot.view.sweep.run.grace_s:g} s"
    match action_id:
        case "pause_sweep":
            return Question(f"Start no new trials in {name}?", f"{running}: left to go on.")
        case "resume_sweep":
            return Question(f"Start new trials in {name} again?", f"{queued} queued.")
        case "stop_sweep":
            return Question(
                f"End {name} when what runs has finished?",
                f"{running}: left to finish. {queued} queued will not run.",
            )
    return Question(
        f"End {name} and what runs in it?",
        f"{running}: TERM, then KILL after {grace}. {queued} queued will not run.",
    )


def start_question(view: SweepView) -> Question:
    """What to ask before a controller is started."""
    counts = words.counts(view.trials)
    running = words.several(counts["running"], "running trial")
    takes_over = f"takes over {running} and " if counts["running"] else ""
    name = visible(view.sweep.name, limit=60)
    return Question(
        f"Start a controller for {name}?",
        f"It {takes_over}launches what is left. It goes on when you leave.",
        rest="No controller runs, so nothing starts by itself.",
    )


class ConfirmScreen(AskedScreen[bool]):
    """Shows a question; True for y or enter, False for n or esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "yes"),
        ("enter", "answer(True)", "yes"),
        ("n", "answer(False)", "no"),
        ("escape", "answer(False)", "no"),
        ("q", "answer(False)", "no"),
    ]

    def compose(self) -> ComposeResult:
        with Vertical():
            yield from self.told()
            if self.question.command:
                yield self.line(self.question.command, "dim")
            yield self.line("y enter  yes     n esc  no", "dim")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
