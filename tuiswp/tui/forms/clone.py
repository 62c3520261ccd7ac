"""Clone trials: the same point again, or with some values changed. Pure; sends nothing."""

from collections.abc import Mapping, Sequence

import msgspec

from tuiswp.analysis.words import several
from tuiswp.controller.requests import new_request
from tuiswp.errors import UsageError
from tuiswp.model.space import Parameter, Params, Path
from tuiswp.model.trial import Trial
from tuiswp.spec.batch import halved
from tuiswp.spec.params import flatten, nest, swept
from tuiswp.spec.scalars import as_number
from tuiswp.spec.values import allowed, differences, outside, overlaid, parse_value
from tuiswp.text import visible
from tuiswp.tui.forms.base import (
    WHY,
    Field,
    Form,
    Ready,
    Texts,
    command,
    edited,
    parameter_name,
    remark,
    spelled,
)
from tuiswp.tui.screens.confirm import MOST, Question
from tuiswp.tui.snapshot import Snapshot

MOST_COPIES = 1000
_COPIES = "copies"


def clone_form(snapshot: Snapshot, numbers: Sequence[int]) -> Form | None:
    """The parameters of these trials to be edited; what is edited applies to each of them.

    A field stands for the value all of them have; where they differ it is empty. None: there is no
    such trial, or nothing is known of the parameters.
    """
    known = snapshot.view.state.trials
    trials = [known[number] for number in dict.fromkeys(numbers) if number in known]
    parameters = _swept_first(snapshot)
    if not trials or not parameters:
        return None
    offers = _smaller(trials, parameters)
    fields = tuple(_field(parameter, trials, offers) for parameter in parameters)
    by_key = dict(zip((field.key for field in fields), parameters, strict=True))
    copies = Field(_COPIES, "copies", "1", f"how many of each, 1 to {MOST_COPIES}", _check_copies)

    def plan(texts: Texts) -> Ready:
        changes = edited(fields, texts)
        values = {by_key[key].path: parse_value(by_key[key], changes[key]) for key in changes}
        words = [f"{by_key[key].name}={text}" for key, text in changes.items()]
        times = _copies(texts.get(_COPIES, "1"))
        point = nest(values.items())
        points = (point,) * times if point or times > 1 else ()
        why = texts.get("why", "")
        request = new_request("clone", tuple(t.number for t in trials), points=points, why=why)
        ids = [trial.id for trial in trials for _ in range(times)]
        line = command(snapshot, "clone", [*ids, *words]) if len(ids) <= MOST else ""
        news = [(trial, overlaid(trial.params, values)) for trial in trials]
        return Ready(_question(parameters, news, times, line), request)

    named = trials[0].id if len(trials) == 1 else several(len(trials), "trial")
    return Form(
        f"Clone {named}",
        (*fields, copies, WHY),
        plan,
        "It ran out of GPU memory: half the batch is filled in; change it as you like."
        if offers
        else "What you change differs; change nothing and the same point runs again.",
    )


class Seeded(msgspec.Struct, frozen=True):
    """What makes a clone another draw of the same trial; `told` is safe to show."""

    point: Params
    told: str


def seeded(snapshot: Snapshot, numbers: Sequence[int]) -> Seeded | None:
    """A seed that no trial has had yet; None where no parameter is called one."""
    trials = snapshot.view.state.trials
    for parameter in snapshot.view.sweep.parameters:
        if not parameter.path[-1].lower().endswith("seed"):
            continue
        had = [flatten(one.params, (parameter,)).get(parameter.path) for one in trials.values()]
        whole = [one for one in had if isinstance(one, int) and not isinstance(one, bool)]
        if whole and any(number in trials for number in numbers):
            seed = max(whole) + 1
            return Seeded(nest([(parameter.path, seed)]), f"{parameter_name(parameter)}={seed}")
    return None


def _swept_first(snapshot: Snapshot) -> list[Parameter]:
    sweep = snapshot.view.sweep
    varying = {parameter.path for parameter in swept(sweep)}
    return sorted(sweep.parameters, key=lambda parameter: parameter.path not in varying)


def _smaller(trials: Sequence[Trial], parameters: Sequence[Parameter]) -> dict[Path, int]:
    """What one trial that ran out of GPU memory is offered in place of its own values."""
    if len(trials) != 1 or trials[0].cause != "gpu-oom":
        return {}
    return halved(parameters, trials[0].params)


def _field(parameter: Parameter, trials: Sequence[Trial], offers: Mapping[Path, int]) -> Field:
    had = [flatten(trial.params, (parameter,)) for trial in trials]
    texts = {
        spelled(parameter, one[parameter.path]) if parameter.path in one else "" for one in had
    }
    same = len(texts) == 1
    text = texts.pop() if same else ""
    hint = "(none)" if same else f"({len(texts)} values, each stays)"
    about = f"takes {allowed(parameter)}"
    name = parameter_name(parameter)
    return Field(
        ".".join(parameter.path),
        name,
        text,
        about,
        lambda typed: remark(parameter, typed),
        hint,
        given=str(offers.get(parameter.path, "")),
    )


def _question(
    parameters: Sequence[Parameter],
    news: Sequence[tuple[Trial, Params]],
    times: int,
    line: str,
) -> Question:
    told = []
    for trial, params in news[:MOST]:
        change = differences(parameters, trial.params, params) or "the same point again"
        beyond = ", ".join(visible(name, limit=40) for name in outside(parameters, params))
        told.append(f"{trial.id}: {change}" + (f" (outside its range: {beyond})" * bool(beyond)))
    many = len(news) * times
    more = f"and {len(news) - MOST} more" if len(news) > MOST else ""
    copies = f"{times} copies of each" if times > 1 else ""
    return Question(
        f"Clone {told[0]}?" if many == 1 else f"Start {many} clones?",
        f"{several(many, 'new trial')} when a place is free; what is there stays as it is.",
        trials=() if many == 1 else tuple(told),
        rest="; ".join(text for text in (more, copies) if text),
        command=line,
    )


def _check_copies(text: str) -> str:
    _copies(text)
    return ""


def _copies(text: str) -> int:
    number = as_number(text) if text.strip() else 1
    if number is None or number != int(number) or not 1 <= number <= MOST_COPIES:
        raise UsageError(
            f"copies: {visible(text, limit=40)!r} is no such number",
            hint=f"a whole number from 1 to {MOST_COPIES}",
        )
    return int(number)
