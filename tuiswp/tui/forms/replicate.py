"""Repeat the best settings until first and second are decided: how many, how often. Pure."""

from collections.abc import Callable

from tuiswp.analysis.axes import is_seed, measured
from tuiswp.analysis.repeats import Setting, settings
from tuiswp.analysis.words import several
from tuiswp.controller.requests import MOST_SEEDS, MOST_TOP, new_request
from tuiswp.errors import UsageError
from tuiswp.spec.scalars import as_number
from tuiswp.text import visible
from tuiswp.tui.forms.base import WHY, Field, Form, Ready, Texts, command
from tuiswp.tui.screens.confirm import MOST, Question
from tuiswp.tui.snapshot import Snapshot

_TOP, _SEEDS = 2, 5
_ABOUT = "Ends as soon as the first beats the second beyond noise, or when these runs are spent."


def replicate_form(snapshot: Snapshot) -> Form | None:
    """How many settings, and the most runs of each; None where no metric says which are best."""
    sweep = snapshot.view.sweep
    if sweep.objective is None:
        return None
    found = settings(sweep, snapshot.judgement.ranked)

    def enough(typed: str) -> str:
        top = _number("top", typed, _TOP, MOST_TOP)
        have = several(len(found), "setting")
        return f"so far {have} came to an end: it waits for more" if top > len(found) else ""

    fields = (
        Field(
            "top",
            "settings",
            str(_TOP),
            f"how many of the best are repeated, 2 to {MOST_TOP}",
            enough,
            f"({_TOP})",
        ),
        Field(
            "seeds",
            "runs of each",
            str(_SEEDS),
            f"at most, those that ran already among them, 2 to {MOST_SEEDS}",
            _checked("runs of each", _SEEDS, MOST_SEEDS),
            f"({_SEEDS})",
        ),
        WHY,
    )

    def plan(texts: Texts) -> Ready:
        top = _number("settings", texts.get("top", ""), _TOP, MOST_TOP)
        seeds = _number("runs of each", texts.get("seeds", ""), _SEEDS, MOST_SEEDS)
        request = new_request("replicate", top=top, seeds=seeds, why=texts.get("why", ""))
        return Ready(_question(snapshot, found[:top], top, seeds), request)

    return Form("Repeat the best settings", fields, plan, _ABOUT)


def _checked(name: str, default: int, most: int) -> Callable[[str], str]:
    def check(typed: str) -> str:
        _number(name, typed, default, most)
        return ""

    return check


def _number(name: str, text: str, default: int, most: int) -> int:
    number = as_number(text) if text.strip() else default
    if number is None or number != int(number) or not 2 <= number <= most:
        raise UsageError(
            f"{name}: {visible(text, limit=40)!r} is no such number",
            hint=f"a whole number from 2 to {most}",
        )
    return int(number)


def _question(snapshot: Snapshot, best: tuple[Setting, ...], top: int, seeds: int) -> Question:
    sweep, state = snapshot.view.sweep, snapshot.view.state
    told = [
        f"{one.trials[0].id}: {measured(one.mean)}, {several(one.n, 'run')} so far"
        for one in best[:MOST]
    ]
    rest = [f"at most {several(top * (seeds - 1), 'trial')} more, as places are free"]
    if len(best) > MOST:
        rest.insert(0, f"and {len(best) - MOST} more settings")
    if not any(is_seed(parameter) for parameter in sweep.parameters):
        rest.append("no parameter is a seed, so the script has to draw its own")
    searches = state.finished is None and state.stopping is None
    begin = "They begin when the search has no more to propose. " if searches else ""
    return Question(
        f"Repeat the best {top} settings of {visible(sweep.name, limit=60)}?",
        f"{begin}What runs goes on; no repeat is ever pruned.",
        trials=tuple(told),
        rest="; ".join(rest),
        command=command(snapshot, "replicate", ["--top", str(top), "--seeds", str(seeds)]),
    )
