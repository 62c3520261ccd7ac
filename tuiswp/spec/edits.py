"""Change a sweep while it lives: what an edit means, and how a person writes one.

`effective` is the sweep as its file and its edits together say, `deciding` what its phase makes of
it. Pure, so whoever replays the
journal meets the same sweep. Nothing here decides whether an edit is wise.
"""

import math
import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tuiswp.errors import UsageError
from tuiswp.model.edits import SETTINGS, STOP_SETTINGS, RangeEdit, Setting, Settings
from tuiswp.model.events import (
    Change,
    Edit,
    PhaseStarted,
    SettingsChanged,
    SpaceEdited,
    StopperChanged,
)
from tuiswp.model.space import (
    Categorical,
    Constant,
    IntUniform,
    LogUniform,
    Parameter,
    Uniform,
    Value,
)
from tuiswp.model.stop import StopRules
from tuiswp.model.sweep import Sweep
from tuiswp.spec.distributions import bounds, distinct, value_key
from tuiswp.spec.own import seconds
from tuiswp.spec.params import baseline_params, describe, label, near_miss, point_params, swept
from tuiswp.spec.phased import in_phase
from tuiswp.spec.scalars import as_number
from tuiswp.spec.scale import is_logarithmic
from tuiswp.spec.stopping import share
from tuiswp.spec.values import find_parameter, parse_value, typed
from tuiswp.text import visible

_EDIT = re.compile(r"(?P<name>[^=+]+?)\s*(?P<sign>\+=|-=|=)\s*(?P<text>.*)", re.DOTALL)
_RANGE = re.compile(r"(?P<low>[^,\[\]{}]*?)\.\.(?P<high>[^,\[\]{}]*)")
_COMMA = re.compile(r",(?![^\[{]*[\]}])")  # not inside a list or a mapping
_OF_STOP = tuple(name for name in STOP_SETTINGS if name != "target")
# Settings that mean something only where a metric decides.
JUDGING: tuple[Setting, ...] = ("target", "min_improvement", "over", "same_best", "all_worse")
_TIMES: tuple[Setting, ...] = ("timeout", "hang_after")
_NONE = frozenset({"none", "null", "no", "-", "unlimited"})


def effective(sweep: Sweep, changes: Iterable[Change]) -> Sweep:
    """`sweep` as `changes`, oldest first, leave it, whatever its phase searches now."""
    phase = sweep.phase
    for change in changes:
        if isinstance(change, PhaseStarted):
            phase = change.index
        else:
            sweep = _after(sweep, change)
    return sweep if phase == sweep.phase else replace(sweep, phase=phase)


def deciding(sweep: Sweep, changes: Iterable[Change]) -> Sweep:
    """The same as the phase it is in searches it: what is proposed comes from this one.

    An edit of a parameter that the phase fixes holds from the next phase on.
    """
    now = sweep
    for change in changes:
        if isinstance(change, PhaseStarted):
            now = in_phase(sweep, change)
        else:
            sweep, now = _after(sweep, change), _after(now, change)
    return now


def _after(sweep: Sweep, edit: Edit) -> Sweep:
    match edit:
        case SpaceEdited():
            return _with_space(sweep, edit)
        case SettingsChanged():
            return _with(sweep, edit.settings)
        case StopperChanged():
            return replace(sweep, stopper=edit.rule)


def _with_space(sweep: Sweep, edit: SpaceEdited) -> Sweep:
    """The baseline stays what it was, also where it took a value from there being only one."""
    new = {parameter.path: parameter for parameter in edit.parameters}
    if sweep.phase is not None:
        new = {one.path: new[one.path] for one in swept(sweep) if one.path in new}
    parameters = tuple(new.get(old.path, old) for old in sweep.parameters)
    return replace(
        sweep,
        parameters=parameters,
        baseline=baseline_params(sweep),
        points=tuple(point_params(sweep)),
    )


def _with(sweep: Sweep, settings: Settings) -> Sweep:
    run, resources = sweep.run, sweep.resources
    if "max_parallel" in settings:
        resources = replace(resources, max_parallel=settings["max_parallel"])
    if "retries" in settings:
        run = replace(run, retries=settings["retries"])
    if "timeout" in settings:
        run = replace(run, timeout_s=settings["timeout"])
    hang = sweep.hang
    if "hang_after" in settings:
        hang = replace(hang, after_s=settings["hang_after"])
    cap = settings.get("run_cap", sweep.run_cap)
    changed = {name: settings[name] for name in _OF_STOP if name in settings}
    if changed.get("over", 0) is None:
        changed["over"] = StopRules().over
    stop, objective = replace(sweep.stop, **changed), sweep.objective
    if objective is not None and "target" in settings:
        objective = replace(objective, target=settings["target"])
    return replace(
        sweep,
        run=run,
        resources=resources,
        run_cap=cap,
        stop=stop,
        objective=objective,
        hang=hang,
    )


# ── what one edit of a parameter means ───────────────────────────────────────────────────────────


def edited(parameter: Parameter, edit: RangeEdit) -> Parameter:
    """The parameter after `edit`. Raises UsageError where it cannot be edited like that."""
    if edit.how == "range":
        return _ranged(parameter, edit)
    match parameter.distribution:
        case Categorical(probabilities=None) | Constant() as choice:
            return _listed(parameter, choice, edit)
        case Categorical():
            raise _refused(parameter, "its values have probabilities", "they cannot be edited")
    raise _refused(parameter, "it has a range, not a list of values", _range_hint(parameter))


def _ranged(parameter: Parameter, edit: RangeEdit) -> Parameter:
    old = parameter.distribution
    ends = bounds(old)
    if not isinstance(old, IntUniform | Uniform | LogUniform) or ends is None:
        if isinstance(old, Categorical | Constant):
            raise _refused(parameter, "it has a list of values, not a range", _list_hint(parameter))
        raise _refused(parameter, f"{parameter.kind} has no ends", "it cannot be extended")
    low = edit.low if edit.low is not None else _own(old, 0, ends)
    high = edit.high if edit.high is not None else _own(old, 1, ends)
    if not low < high:
        raise _refused(
            parameter, f"{label(low)} is not below {label(high)}", _range_hint(parameter)
        )
    match old:
        case IntUniform():
            if low != int(low) or high != int(high):
                raise _refused(parameter, "it takes whole numbers", _range_hint(parameter))
            return replace(parameter, distribution=IntUniform(int(low), int(high)))
        case Uniform(q=q):
            return replace(parameter, distribution=Uniform(low, high, q))
        case LogUniform(q=q, inverse=inverse):
            if low <= 0:
                raise _refused(parameter, "it needs ends above 0", _range_hint(parameter))
            kind = parameter.kind.removesuffix("_values") + "_values"
            limits = (float(low), float(high))
            law = LogUniform(math.log(low), math.log(high), q, inverse, limits)
            return replace(parameter, distribution=law, kind=kind)


def _own(old: IntUniform | Uniform | LogUniform, end: int, ends: tuple[float, float]) -> float:
    """An end as it is, whole numbers whole."""
    return (old.min, old.max)[end] if isinstance(old, IntUniform | Uniform) else ends[end]


def _listed(parameter: Parameter, choice: Categorical | Constant, edit: RangeEdit) -> Parameter:
    now = [choice.value] if isinstance(choice, Constant) else distinct(choice)
    given = {value_key(value): value for value in edit.values}
    if not given:
        raise _refused(parameter, "no value is named", _list_hint(parameter))
    keys = {value_key(value) for value in now}
    match edit.how:
        case "add":
            values = [*now, *(v for key, v in given.items() if key not in keys)]
        case "remove":
            strange = [v for key, v in given.items() if key not in keys]
            if strange:
                raise _refused(
                    parameter, f"{label(strange[0])} is none of its values", _list_hint(parameter)
                )
            values = [v for v in now if value_key(v) not in given]
        case _:
            values = list(given.values())
    if not values:
        raise _refused(parameter, "no value would be left", "`tuiswp stop` ends the sweep")
    if isinstance(choice, Constant) and len(values) == 1:
        law: Constant | Categorical = Constant(values[0])
    else:
        law = Categorical(tuple(values))
    kind = "categorical" if isinstance(law, Categorical) else parameter.kind
    spelling = {**parameter.spelling, **edit.spelling}
    return replace(parameter, distribution=law, kind=kind, spelling=spelling)


def change(old: Parameter, new: Parameter) -> str | None:
    """`lr: 1e-5, 1e-4 → 1e-5, 1e-4, 1e-3`; None if nothing changed."""
    before, after = describe(old), describe(new)
    if (old.distribution, before) == (new.distribution, after):
        return None
    return f"{visible(old.name, limit=60)}: {before} → {after}"


def setting_changes(sweep: Sweep, settings: Settings) -> tuple[str, ...]:
    """`max_parallel: 2 → 4`, a line for each setting that is not so already."""
    now = current(sweep)
    return tuple(
        f"{name}: {_spelled(name, now[name])} → {_spelled(name, value)}"
        for name, value in settings.items()
        if now[name] != value
    )


def current(sweep: Sweep) -> Settings:
    """Every setting as it is."""
    return {
        "max_parallel": sweep.resources.max_parallel,
        "run_cap": sweep.run_cap,
        "retries": sweep.run.retries,
        "timeout": sweep.run.timeout_s,
        "hang_after": sweep.hang.after_s,
        **{name: getattr(sweep.stop, name) for name in _OF_STOP},
        "target": None if sweep.objective is None else sweep.objective.target,
    }


def check_together(sweep: Sweep, settings: Settings) -> None:
    """What one setting needs of another, or of the sweep. Raises UsageError."""
    after = {**current(sweep), **settings}
    judging = [name for name in JUDGING if settings.get(name) is not None]
    if judging and sweep.objective is None:
        raise UsageError(
            f"{judging[0]} needs a metric, and the sweep names none",
            hint="hours, gpu_hours and failures need none",
        )
    if settings.get("over") is not None and after["min_improvement"] is None:
        raise UsageError(
            "over belongs to min_improvement, which is not set",
            hint="write min_improvement=0.1% beside it",
        )


def _spelled(name: Setting, value: float | int | None) -> str:
    if value is None:
        if name == "over":
            return f"{StopRules().over}"
        if name in STOP_SETTINGS:
            return "no such rule"
        if name == "hang_after":
            return "as its rhythm says"
        return "as the cause says" if name == "retries" else "no limit"
    if name == "min_improvement":
        return f"{100 * value:g}% per trial"
    return f"{value:g} s" if name in _TIMES else f"{value:g}"


# ── as a person writes them ──────────────────────────────────────────────────────────────────────


def parse_edit(parameters: Sequence[Parameter], word: str) -> RangeEdit:
    """`lr=1e-6..1e-1` (an end left out stays), `bs+=64,128`, `bs-=8`, `opt=adam,sgd`.

    Raises UsageError, also where the parameter cannot be edited like that.
    """
    found = _EDIT.fullmatch(word.strip())
    if found is None:
        shown = visible(word, limit=60)
        raise UsageError(
            f"{shown!r} changes nothing", hint="write name=LOW..HIGH, name+=VALUES or name-=VALUES"
        )
    parameter = find_parameter(parameters, found["name"].strip())
    text = found["text"].strip()
    span = _RANGE.fullmatch(text)
    if found["sign"] == "=" and span is not None:
        edit = RangeEdit(
            parameter.path, "range", _end(parameter, span["low"]), _end(parameter, span["high"])
        )
    else:
        edit = _value_edit(parameter, found["sign"], text)
    edited(parameter, edit)
    return edit


def _end(parameter: Parameter, text: str) -> int | float | None:
    if not text.strip():
        return None
    number = as_number(text)
    if number is None:
        shown = visible(text.strip(), limit=60)
        raise _refused(parameter, f"{shown!r} is not a number", _range_hint(parameter))
    return number


def _value_edit(parameter: Parameter, sign: str, text: str) -> RangeEdit:
    if not isinstance(parameter.distribution, Categorical | Constant):
        raise _refused(parameter, "it has a range, not a list of values", _range_hint(parameter))
    values: list[Value] = []
    spelling: dict[str, str] = {}
    for piece in _COMMA.split(text) if text else []:
        value = parse_value(parameter, piece)
        values.append(value)
        if not isinstance(value, str | list | dict):
            spelling[value_key(value)] = piece.strip()
    how = {"+=": "add", "-=": "remove", "=": "values"}[sign]
    return RangeEdit(parameter.path, how, values=tuple(values), spelling=spelling)  # type: ignore[arg-type]


def as_word(old: Parameter, new: Parameter) -> str | None:
    """What `extend` must be told to make `old` into `new`; None if it cannot be said in a word."""
    match new.distribution:
        case IntUniform(min=low, max=high) | Uniform(min=low, max=high):
            text = f"{low!r}..{high!r}"
        case LogUniform(limits=(low, high)):
            text = f"{low!r}..{high!r}"
        case Categorical(probabilities=None) | Constant() as choice:
            values = [choice.value] if isinstance(choice, Constant) else distinct(choice)
            text = ",".join(typed(new, value) for value in values)
        case _:
            return None
    word = f"{new.name}={text}"
    try:
        again = edited(old, parse_edit([old], word))
    except UsageError:
        return None
    return word if again.distribution == new.distribution else None


def parse_settings(words: Iterable[str]) -> Settings:
    """`["max_parallel=4", "timeout=2h"]`; `none`: no limit. Raises UsageError."""
    settings: Settings = {}
    for word in words:
        name, sign, text = (part.strip() for part in word.partition("="))
        if name not in SETTINGS:
            raise UsageError(
                f"{visible(name, limit=60)!r} is no setting that can be changed",
                hint=near_miss(name, (*SETTINGS, "early_stop")),
            )
        if not sign or not text:
            raise UsageError(f"{name}: no value is named", hint=f"write {name}={_EXAMPLES[name]}")
        settings[name] = None if text.lower() in _NONE else _amount(name, text)
    return settings


_EXAMPLES: dict[str, str] = {
    "max_parallel": "4", "run_cap": "50", "retries": "2", "timeout": "2h", "hang_after": "30m",
    "min_improvement": "0.1%", "same_best": "20", "all_worse": "30", "hours": "12",
    "gpu_hours": "40", "failures": "5", "over": "20", "target": "1.2",
}  # fmt: skip


def _amount(name: Setting, text: str) -> int | float:
    hint = f"write {name}={_EXAMPLES[name]}, or {name}=none"
    if name in _TIMES:
        time = seconds(text)
        if time is None or time <= 0:
            raise UsageError(f"{name}: {visible(text, limit=60)!r} is no time above 0", hint=hint)
        return time
    if name == "min_improvement":
        part = share(text)
        if part is None:
            raise UsageError(f"{name}: {visible(text, limit=60)!r} is no percentage", hint=hint)
        return part
    return check_setting(name, as_number(text), shown=text)


_AMOUNTS: dict[str, str] = {
    "timeout": "no time above 0", "hang_after": "no time above 0",
    "hours": "no number of hours above 0",
    "gpu_hours": "no number of GPU-hours above 0",
    "min_improvement": "no share between 0 and 100 %",
}  # fmt: skip


def check_setting(name: Setting, value: object, *, shown: str | None = None) -> int | float:
    """A setting's value that is not `none`. Raises UsageError."""
    least = 0 if name == "retries" else 1
    most = 10_000 if name == "over" else None
    text = visible(str(value) if shown is None else shown, limit=60)
    hint = f"write {name}={_EXAMPLES[name]}, or {name}=none"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{name}: {text!r} is not a number", hint=hint)
    if name == "target":
        return float(value)
    if name in ("timeout", "hang_after", "hours", "gpu_hours", "min_improvement"):
        if value <= 0 or (name == "min_improvement" and value >= 1):
            raise UsageError(f"{name}: {text!r} is {_AMOUNTS[name]}", hint=hint)
        return value
    if value != int(value) or value < least or (most is not None and value > most):
        upto = "up" if most is None else f"to {most}"
        raise UsageError(f"{name}: {text!r} is not a whole number from {least} {upto}", hint=hint)
    return int(value)


def _refused(parameter: Parameter, what: str, hint: str) -> UsageError:
    return UsageError(f"{visible(parameter.name, limit=60)}: {what}", hint=hint)


def _range_hint(parameter: Parameter) -> str:
    ends = bounds(parameter.distribution)
    low, high = ends if ends is not None else (0.0, 1.0)
    name, log = visible(parameter.name, limit=60), is_logarithmic(parameter)
    now = f"{name}={label(low, log=log)}..{label(high, log=log)}"
    return f"write {name}=LOW..HIGH; it is {now} now"


def _list_hint(parameter: Parameter) -> str:
    name = visible(parameter.name, limit=60)
    return f"write {name}+=VALUE or {name}-=VALUE; it has {describe(parameter)} now"
