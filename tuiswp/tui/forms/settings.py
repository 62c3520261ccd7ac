"""Change how the sweep runs: places, how many trials, retries, time. Pure; sends nothing."""

from tuiswp.controller.requests import new_request
from tuiswp.errors import UsageError
from tuiswp.model.edits import SETTINGS, STOP_SETTINGS, Setting
from tuiswp.spec import edits as spec_edits
from tuiswp.text import visible
from tuiswp.tui.forms.base import WHY, Field, Form, Ready, Texts, command, edited
from tuiswp.tui.screens.confirm import Question
from tuiswp.tui.snapshot import Snapshot

_ABOUT: dict[Setting, str] = {
    "max_parallel": "how many trials run at once; none: as many as there are places",
    "run_cap": "how many trials the search may bring forth; none: no limit",
    "retries": "how often a trial that failed is tried again; none: as its cause says",
    "timeout": "how long an attempt may run, as 90s or 2h; none: no limit",
    "min_improvement": "stop when the best improves by less per trial, as 0.1%; none: no such rule",
    "same_best": "stop when the best is the same for so many trials; none: no such rule",
    "all_worse": "stop when so many in a row are worse than the best; none: no such rule",
    "hours": "stop when trials ran for so many hours; none: no such rule",
    "gpu_hours": "stop when so many GPU-hours are spent; none: no such rule",
    "failures": "stop when so many trials failed; none: no such rule",
}


def settings_form(snapshot: Snapshot) -> Form:
    """Every setting that can be changed, as it is now; of the stop rules those the sweep has."""
    sweep = snapshot.view.sweep
    now = spec_edits.current(sweep)
    named = (name for name in SETTINGS if name not in STOP_SETTINGS or now[name] is not None)
    fields = tuple(_field(name, now[name]) for name in named)

    def plan(texts: Texts) -> Ready:
        words = [f"{name}={text}" for name, text in edited(fields, texts).items()]
        settings = spec_edits.parse_settings(words)
        lines = spec_edits.setting_changes(sweep, settings)
        if not lines:
            raise UsageError("nothing is changed yet", hint="write another number, or none")
        running = "What runs goes on"
        effect = f"{running}." if "timeout" not in settings else f"{running} with its old timeout."
        question = Question(
            f"Change how {visible(sweep.name, limit=60)} runs?",
            effect,
            trials=lines,
            command=command(snapshot, "set", words),
        )
        return Ready(question, new_request("set", settings=settings, why=texts.get("why", "")))

    return Form("Settings of the sweep", (*fields, WHY), plan)


def _field(name: Setting, value: int | float | None) -> Field:
    text = "none" if value is None else f"{value:g}s" if name == "timeout" else f"{value:g}"
    if value is not None and name == "min_improvement":
        text = f"{100 * value:g}%"

    def check(typed: str) -> str:
        if typed.strip():
            spec_edits.parse_settings([f"{name}={typed}"])
        return ""

    return Field(name, name, text, _ABOUT[name], check, "(as is)")
