"""Extend the search: other ends or other values for its parameters, and how many trials. Pure."""

from collections.abc import Sequence

from tuiswp.analysis.answers import answer
from tuiswp.analysis.axes import spell
from tuiswp.analysis.curves import drawable
from tuiswp.analysis.words import several
from tuiswp.controller.requests import new_request
from tuiswp.errors import UsageError
from tuiswp.model.edits import RangeEdit, Settings
from tuiswp.model.events import Edit, SettingsChanged, SpaceEdited
from tuiswp.model.space import Categorical, Constant, Parameter, Path
from tuiswp.model.sweep import Sweep
from tuiswp.search.suggest import planned_now
from tuiswp.spec import edits as spec_edits
from tuiswp.spec.distributions import bounds
from tuiswp.spec.params import describe
from tuiswp.text import visible
from tuiswp.tui.forms.base import (
    TEXT,
    WHY,
    Field,
    Form,
    Ready,
    Texts,
    command,
    edited,
    parameter_name,
)
from tuiswp.tui.screens.confirm import Question
from tuiswp.tui.snapshot import Snapshot

_COUNT = "count"


def extend_form(snapshot: Snapshot, *, remedied: bool = False) -> Form | None:
    """Every parameter that can be extended with its range; None where there is none.

    `remedied`: begun with what the findings ask for.
    """
    sweep = snapshot.view.sweep
    asked = _asked(snapshot)
    found = [(p, text) for p in sweep.parameters if (text := _text(p)) is not None]
    if not found:
        return None
    begun, told = _remedies(snapshot) if remedied else ({}, "")
    fields = tuple(
        _field(p, text, asked.get(p.name, ""), begun.get(p.path, "")) for p, text in found
    )
    by_key = dict(zip((field.key for field in fields), (p for p, _ in found), strict=True))
    cap = () if sweep.method == "grid" and sweep.run_cap is None else (_count(sweep),)

    def plan(texts: Texts) -> Ready:
        typed = edited(fields, texts)
        words = [_word(by_key[key], text) for key, text in typed.items()]
        edits = tuple(
            spec_edits.parse_edit([by_key[key]], word)
            for key, word in zip(typed, words, strict=True)
        )
        counted = edited(cap, texts)
        settings = _settings(counted.get(_COUNT, ""))
        if not edits and not settings:
            raise UsageError("nothing is changed yet", hint="write another range, or other values")
        request = new_request("extend", edits=edits, settings=settings, why=texts.get("why", ""))
        options = ["--count", counted[_COUNT]] if settings else []
        line = command(snapshot, "extend", [*words, *options])
        return Ready(_question(snapshot, edits, settings, line), request)

    about = told or "LOW..HIGH, or a list of values."
    return Form("Extend the search", (*fields, *cap, WHY), plan, about)


def _remedies(snapshot: Snapshot) -> tuple[dict[Path, str], str]:
    """What the findings make of each parameter, as one would type it, and that in words.

    Of two findings that would change the same parameter the first counts: it matters more.
    """
    known = {parameter.path: parameter for parameter in snapshot.view.sweep.parameters}
    begun: dict[Path, str] = {}
    told = []
    for remedy in (one.remedy for one in snapshot.diagnoses):
        if remedy is None or remedy.verb != "extend":
            continue
        edits = [edit for edit in remedy.edits if edit.path in known and edit.path not in begun]
        for edit in edits:
            old = known[edit.path]
            word = _word_after(old, edit)
            if word is not None:
                begun[edit.path] = word
        if any(edit.path in begun for edit in edits):
            told.append(remedy.told)
    return begun, f"Begun with what the findings ask for: {'; '.join(told)}." if told else ""


def _word_after(old: Parameter, edit: RangeEdit) -> str | None:
    """The parameter after `edit` as one would type it; None where it cannot be so edited."""
    try:
        word = spec_edits.as_word(old, spec_edits.edited(old, edit))
    except UsageError:
        return None
    return None if word is None else word.removeprefix(f"{old.name}=")


def _text(parameter: Parameter) -> str | None:
    """What stands for a parameter as it is; None where it cannot be edited, or not be typed."""
    word = spec_edits.as_word(parameter, parameter)
    if word is not None:
        text = word.removeprefix(f"{parameter.name}=")
    else:
        ends = bounds(parameter.distribution)
        if ends is None or isinstance(parameter.distribution, Categorical | Constant):
            return None
        text = f"{ends[0]:.6g}..{ends[1]:.6g}"
        try:
            spec_edits.parse_edit([parameter], f"{parameter.name}={text}")
        except UsageError:
            return None
    return text if visible(text, limit=TEXT) == text else None


def _field(parameter: Parameter, text: str, asked: str, given: str) -> Field:
    about = f"now {describe(parameter)}" + (f"; the results ask for {asked}" * bool(asked))

    def check(typed: str) -> str:
        if not typed.strip() or typed.strip() == text:
            return ""
        edit = spec_edits.parse_edit([parameter], _word(parameter, typed.strip()))
        return spec_edits.change(parameter, spec_edits.edited(parameter, edit)) or ""

    key = ".".join(parameter.path)
    given = given if visible(given, limit=TEXT) == given else ""
    return Field(key, parameter_name(parameter), text, about, check, "(as is)", given)


def _word(parameter: Parameter, text: str) -> str:
    """`=8,16`, `+=32` and `-=8` are understood as on the command line."""
    sign = "" if text.startswith(("=", "+=", "-=")) else "="
    return f"{parameter.name}{sign}{text}"


def _count(sweep: Sweep) -> Field:
    text = "none" if sweep.run_cap is None else str(sweep.run_cap)
    about = "how many trials the search may bring forth; none: no limit"

    def check(typed: str) -> str:
        _settings(typed)
        return ""

    return Field(_COUNT, "count", text, about, check, "(as is)")


def _settings(text: str) -> Settings:
    return spec_edits.parse_settings([f"run_cap={text}"]) if text.strip() else {}


def _asked(snapshot: Snapshot) -> dict[str, str]:
    """What the results would try next over each parameter."""
    sweep, judgement = snapshot.view.sweep, snapshot.judgement
    found: dict[str, str] = {}
    for one in drawable(sweep, judgement):
        offered = answer(sweep, judgement, one)
        if offered is not None:
            values = ", ".join(spell(value, log=one.log) for value in offered.values)
            found.setdefault(one.parameter.name, values)
    return found


def _question(
    snapshot: Snapshot, edits: Sequence[RangeEdit], settings: Settings, line: str
) -> Question:
    view = snapshot.view
    old = {parameter.path: parameter for parameter in view.sweep.parameters}
    new = {edit.path: spec_edits.edited(old[edit.path], edit) for edit in edits}
    told = [spec_edits.change(old[path], one) for path, one in new.items()]
    lines = [text for text in told if text is not None]
    lines += spec_edits.setting_changes(view.sweep, settings)
    if not lines:
        raise UsageError("it is so already", hint="write another range, or other values")
    facts: list[Edit] = [SpaceEdited(tuple(new.values()), "", tuple(lines))] if new else []
    if settings:
        facts.append(SettingsChanged(settings, "", ()))
    trials = view.state.trials.values()
    before = planned_now(view.sweep, trials)
    after = planned_now(spec_edits.effective(view.sweep, facts), trials)
    return Question(
        f"Change the search of {visible(view.sweep.name, limit=60)}?",
        "What runs goes on as it was started; what was tried stays.",
        trials=tuple(lines),
        rest=_more(before, after),
        command=line,
    )


def _more(before: int | None, after: int | None) -> str:
    """`4 trials more, 11 in all`."""
    if after is None:
        return "It goes on until it is stopped."
    if before is None or after == before:
        return f"{several(after, 'trial')} in all."
    how = "more" if after > before else "fewer"
    return f"{several(abs(after - before), 'trial')} {how}, {after} in all."
