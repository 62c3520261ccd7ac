"""Add points: one a line, begun from what would complete a shape, else from the best. Pure."""

from collections.abc import Sequence

from tuiswp.analysis.answers import Answer, first_answer
from tuiswp.analysis.axes import shown_name
from tuiswp.analysis.curves import drawable
from tuiswp.analysis.words import several
from tuiswp.controller.requests import new_request
from tuiswp.errors import UsageError
from tuiswp.model.space import Parameter, Params
from tuiswp.spec.distributions import value_key
from tuiswp.spec.params import baseline_params, flatten, only_value
from tuiswp.spec.values import allowed, outside, parse_point, typed
from tuiswp.text import visible
from tuiswp.tui.forms.base import TEXT, WHY, Field, Form, Ready, Texts, command
from tuiswp.tui.screens.confirm import MOST, Question
from tuiswp.tui.snapshot import Snapshot

LINES = 6


def add_form(snapshot: Snapshot) -> Form | None:
    """Lines for points; None where nothing is known of the parameters."""
    sweep = snapshot.view.sweep
    parameters = sweep.parameters
    if not parameters:
        return None
    begun, about = _begun(snapshot)

    def check(text: str) -> str:
        return _remark(parameters, text)

    fields = tuple(
        Field(
            f"point{line}",
            f"point {line + 1}",
            begun[line] if line < len(begun) else "",
            "name=value,name=value; the rest is as in the baseline, else in the best",
            check,
            "(none)",
        )
        for line in range(max(LINES, len(begun)))
    )

    def plan(texts: Texts) -> Ready:
        words = [text for field in fields if (text := texts.get(field.key, field.text).strip())]
        if not words:
            raise UsageError("no point is named", hint="write name=value,name=value")
        points = tuple(parse_point(parameters, [word]) for word in words)
        request = new_request("add", points=points, why=texts.get("why", ""))
        return Ready(_question(snapshot, points, words), request)

    return Form("Add points", (*fields, WHY), plan, about)


def point_text(parameters: Sequence[Parameter], params: Params) -> str:
    """A point as one would type it; what has one value only goes without saying.

    A value that would not be read back as it is, is left out.
    """
    flat = flatten(params, parameters)
    words = []
    for parameter in parameters:
        if parameter.path not in flat or only_value(parameter) is not None:
            continue
        word = f"{parameter.name}={typed(parameter, flat[parameter.path])}"
        if visible(word, limit=TEXT) == word and _reads_back(parameter, flat, word):
            words.append(word)
    return ",".join(words)


def _reads_back(parameter: Parameter, flat: object, word: str) -> bool:
    assert isinstance(flat, dict)
    try:
        point = flatten(parse_point((parameter,), [word]), (parameter,))
    except UsageError:
        return False
    return value_key(point.get(parameter.path)) == value_key(flat[parameter.path])


def _begun(snapshot: Snapshot) -> tuple[list[str], str]:
    """The lines to begin with, and where they come from."""
    sweep, judgement = snapshot.view.sweep, snapshot.judgement
    offered = suggestion(snapshot)
    if offered is not None:
        over = shown_name(offered.parameter)
        lines = [point_text(sweep.parameters, point) for point in offered.points]
        return lines, f"Begun with what would complete the curve over {over}."
    if judgement.optimum is not None:
        text = point_text(sweep.parameters, judgement.optimum.params)
        return [text], f"Begun with the best, {judgement.optimum.id}: change it."
    baseline = baseline_params(sweep)
    if baseline is not None:
        return [point_text(sweep.parameters, baseline)], "Begun with the baseline: change it."
    return [], "There is neither a baseline nor a best trial to begin with."


def suggestion(snapshot: Snapshot) -> Answer | None:
    """What the results would try next."""
    sweep, judgement = snapshot.view.sweep, snapshot.judgement
    return first_answer(sweep, judgement, drawable(sweep, judgement))


def _remark(parameters: Sequence[Parameter], text: str) -> str:
    if not text.strip():
        return ""
    beyond = outside(parameters, parse_point(parameters, [text]))
    if not beyond:
        return ""
    ranges = {parameter.name: allowed(parameter) for parameter in parameters}
    told = "; ".join(f"{visible(name, limit=40)} lies outside {ranges[name]}" for name in beyond)
    return f"{told}: allowed, and marked"


def _question(snapshot: Snapshot, points: Sequence[Params], words: Sequence[str]) -> Question:
    name = visible(snapshot.view.sweep.name, limit=60)
    parameters = snapshot.view.sweep.parameters
    told = []
    for point, word in zip(points[:MOST], words, strict=False):
        beyond = ", ".join(visible(name, limit=40) for name in outside(parameters, point))
        told.append(visible(word, limit=300) + (f" (outside its range: {beyond})" * bool(beyond)))
    return Question(
        f"Add {several(len(points), 'trial')} to {name}?",
        "They run when a place is free; what is there stays as it is.",
        trials=tuple(told),
        rest=f"and {len(points) - MOST} more" if len(points) > MOST else "",
        command=command(snapshot, "add", words),
    )
