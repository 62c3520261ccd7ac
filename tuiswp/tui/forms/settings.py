"""Change how the sweep runs: places, how many trials, time, early stopping, stop rules. Pure."""

import statistics
from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from tuiswp.controller.requests import new_request
from tuiswp.errors import UsageError
from tuiswp.model.edits import SETTINGS, STOP_SETTINGS, Setting
from tuiswp.model.stopper import Resource, Rule
from tuiswp.model.sweep import Sweep
from tuiswp.search.stoppers.words import never_fires, plan_lines, rule_text
from tuiswp.spec import edits as spec_edits
from tuiswp.spec.early import rule_of, typed_rule
from tuiswp.text import visible
from tuiswp.tui.forms.base import WHY, Field, Form, Ready, Texts, command, edited
from tuiswp.tui.screens.confirm import Question
from tuiswp.tui.snapshot import Snapshot

_ABOUT: dict[Setting, str] = {
    "max_parallel": "how many trials run at once; none: as many as there are places",
    "run_cap": "how many trials the search may bring forth; none: no limit",
    "retries": "how often a trial that failed is tried again; none: as its cause says",
    "timeout": "how long an attempt may run, as 90s or 2h; none: no limit",
    "hang_after": "how long a trial may be silent before it is called hung; none: by its rhythm",
    "min_improvement": "stop when the best improves by less per trial, as 0.1%; none: no such rule",
    "over": "over how many trials min_improvement looks; none: 10",
    "same_best": "stop when the best is the same for so many trials; none: no such rule",
    "all_worse": "stop when so many in a row are worse than the best; none: no such rule",
    "hours": "stop when trials ran for so many hours; none: no such rule",
    "gpu_hours": "stop when so many GPU-hours are spent; none: no such rule",
    "failures": "stop when so many trials failed; none: no such rule",
    "target": "stop when a finished trial reaches this value; none: no such rule",
}
_RULE = "early_stop"
_RULE_ABOUT = (
    "who is stopped early, as asha:min_resource=3,eta=3,resource=step (hyperband, median, "
    "percentile, schedule, patience, wilcoxon); none: nobody"
)


def settings_form(snapshot: Snapshot) -> Form:
    """Every setting that can be changed, as it is now; what needs a metric only where one is."""
    sweep = snapshot.view.sweep
    now = spec_edits.current(sweep)
    judged = sweep.objective is not None
    named = [name for name in SETTINGS if judged or name not in spec_edits.JUDGING]
    run = tuple(_field(name, now[name]) for name in named if name not in STOP_SETTINGS)
    stop = tuple(_field(name, now[name]) for name in named if name in STOP_SETTINGS)
    early = (_early_field(snapshot),) if judged else ()
    fields = (*run, *early, *stop)

    def plan(texts: Texts) -> Ready:
        typed = edited(fields, texts)
        words = [f"{name}={text}" for name, text in typed.items()]
        settings = spec_edits.parse_settings(word for word in words if not _is_rule(word))
        spec_edits.check_together(sweep, settings)
        lines = spec_edits.setting_changes(sweep, settings)
        rule = _rule(sweep, typed[_RULE]) if _RULE in typed else sweep.stopper
        if rule != sweep.stopper:
            change = f"{_RULE}: {rule_text(sweep.stopper)} → {rule_text(rule)}"
            lines = (*lines, change, *_kill_points(snapshot, rule))
        if not lines:
            raise UsageError("nothing is changed yet", hint="write another number, or none")
        effect = "What runs goes on"
        effect += " with its old timeout." if "timeout" in settings else "."
        if rule is not None and rule != sweep.stopper:
            effect += " The baseline and what is pinned are never stopped early."
        question = Question(
            f"Change how {visible(sweep.name, limit=60)} runs?",
            effect,
            trials=lines,
            command=command(snapshot, "set", words),
        )
        stopper: Rule | Literal["none", "as it is"]
        stopper = "as it is" if rule == sweep.stopper else "none" if rule is None else rule
        why = texts.get("why", "")
        return Ready(question, new_request("set", settings=settings, stopper=stopper, why=why))

    return Form("Settings of the sweep", (*fields, WHY), plan)


def _is_rule(word: str) -> bool:
    return word.startswith(f"{_RULE}=")


def _early_field(snapshot: Snapshot) -> Field:
    sweep = snapshot.view.sweep
    text = typed_rule(sweep.stopper)

    def check(typed: str) -> str:
        if not typed.strip() or typed.strip() == text:
            return ""
        return " ".join(_kill_points(snapshot, _rule(sweep, typed)))

    return Field(_RULE, _RULE, text, _RULE_ABOUT, check, "(as is)")


def _rule(sweep: Sweep, text: str) -> Rule | None:
    """The rule as typed. Raises UsageError, also where it can never stop a trial of this sweep."""
    try:
        rule = rule_of(text)
    except UsageError as fault:  # one line under a field
        raise UsageError(f"{_RULE}: {' '.join(fault.what.split())}", hint=fault.hint) from None
    never = never_fires(replace(sweep, stopper=rule))
    if never is not None:
        raise UsageError(f"{_RULE}: {never.what}", hint=never.hint)
    return rule


def _kill_points(snapshot: Snapshot, rule: Rule | None) -> list[str]:
    """When the rule looks, in every unit that is known, by the file or by the trials so far."""
    if rule is None:
        return []
    length = snapshot.view.sweep.length
    told = plan_lines(rule, length or _seen(snapshot))
    by = "" if length or not _seen(snapshot) else ", if runs are as long as those so far"
    return [f"kill points: {' = '.join(told)}{by}"]


def _seen(snapshot: Snapshot) -> Mapping[Resource, float]:
    """How long the trials were that came to their end; empty where none did."""
    steps = [row.step for row in snapshot.rows if row.state == "done" and row.step]
    return {"step": statistics.median(steps)} if steps else {}


def _field(name: Setting, value: int | float | None) -> Field:
    unit = "s" if name in ("timeout", "hang_after") else ""
    text = "none" if value is None else f"{value:g}{unit}"
    if value is not None and name == "min_improvement":
        text = f"{100 * value:g}%"

    def check(typed: str) -> str:
        if typed.strip():
            spec_edits.parse_settings([f"{name}={typed}"])
        return ""

    return Field(name, name, text, _ABOUT[name], check, "(as is)")
