"""What the optimum means: against the default, against noise, at an edge; and the next step."""

import re
from collections.abc import Sequence

from tuiswp.analysis.axes import is_learning_rate, orders, shown_name, spell
from tuiswp.analysis.findings import Diagnosis, Remedy
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.shape import Shape, value_of
from tuiswp.analysis.space_checks import range_of, tuned
from tuiswp.model.edits import RangeEdit
from tuiswp.model.space import Categorical, Constant, Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, value_label

_NOISE_PCT = 1.0  # below: inside the noise of one run
_STOP_PCT = 2.0  # below: not worth more trials
_ALIKE_PCT = 0.5  # all results within this: the parameter does nothing here
_PLAIN = re.compile(r"[\w.-]{1,60}", re.ASCII)
_AT_BOUND = 0.05  # share of a continuous range that counts as its edge
_NEXT = (
    ("batch size", {"batch_size", "per_device_train_batch_size", "batch", "bs"}),
    ("warm-up", {"warmup", "warmup_steps", "warmup_ratio"}),
    ("weight decay", {"weight_decay", "wd"}),
    ("LoRA rank", {"lora_rank", "rank", "r", "lora_r"}),
)


def against_baseline(sweep: Sweep, judgement: Judgement) -> list[Diagnosis]:
    """`baseline-wins`, or `within-noise` when the gain over the default is under 2 %."""
    best, baseline, gain = judgement.optimum, judgement.baseline, judgement.improvement_pct
    if best is None or baseline is None or len(judgement.ranked) < 2:
        return []
    if best.number == baseline.number:
        return [
            Diagnosis(
                "baseline-wins",
                "info",
                f"The default ({baseline.id}) is the best of {len(judgement.ranked)} complete "
                "trials: tuning found nothing better here.",
                "Keep the default, and tune another hyperparameter.",
            )
        ]
    if gain is None or gain >= _STOP_PCT:
        return []
    if gain < _NOISE_PCT:
        message = f"The improvement over the default is {gain:.2f} %: inside noise (under 1 %)."
        what_next = (
            "Stop here and keep the default, or repeat both with several seeds before believing it."
        )
    else:
        message = f"The improvement over the default is {gain:.2f} %, under 2 %."
        what_next = "Stop here: more trials of this hyperparameter will hardly pay."
    return [Diagnosis("within-noise", "warning", message, what_next)]


def all_alike(sweep: Sweep, judgement: Judgement) -> list[Diagnosis]:
    """`within-noise`: every result is as good as every other."""
    values = [trial.value for trial in judgement.ranked if trial.value is not None]
    if len(values) < 3 or len(set(values)) == 1:
        return []
    spread = max(values) - min(values)
    if spread > _ALIKE_PCT / 100 * abs(values[0]):
        return []
    return [
        Diagnosis(
            "within-noise",
            "warning",
            f"All {len(values)} results lie within {_ALIKE_PCT:g} % of the best: their order is "
            "most likely noise.",
            "Widen the range, train longer, or leave this hyperparameter alone.",
        )
    ]


def edges(sweep: Sweep, judgement: Judgement, shapes: Sequence[Shape]) -> list[Diagnosis]:
    """`edge-of-range`: the optimum lies at an end of what was tried, or of what may be."""
    found: list[Diagnosis] = []
    optimum = judgement.optimum
    if optimum is None:
        return []
    for one in shapes:
        x = value_of(optimum, one.parameter)
        if x is None or len(one.points) < 2:
            continue
        name = shown_name(one.parameter)
        side = "low" if x == one.points[0].x else "high" if x == one.points[-1].x else None
        at_bound = _at_bound(one, x)
        if side is None and at_bound is None:
            continue
        if side is not None and _beyond(judgement, one, side):
            continue
        where = (
            f"the {side} end of the values tried" if side else f"within 5 % of the {at_bound} bound"
        )
        found.append(
            Diagnosis(
                "edge-of-range",
                "warning",
                f"The best {name}, {spell(x, log=one.log)}, lies at {where}: the optimum may be "
                "outside.",
                _widen(one, side or at_bound or "high"),
                _widening(one, side or at_bound or "high"),
            )
        )
    return found


def _beyond(judgement: Judgement, one: Shape, side: str) -> bool:
    """Is there a trial beyond that end which the curve does not show?

    One that is still to come leaves the end open; one that was stopped early there has
    already said what lies beyond.
    """
    known = [
        left.trial
        for left in judgement.left_out
        if left.code == "waiting" or left.trial.state == "pruned"
    ]
    xs = [x for trial in known if (x := value_of(trial, one.parameter)) is not None]
    return any(x < one.points[0].x if side == "low" else x > one.points[-1].x for x in xs)


def _at_bound(one: Shape, x: float) -> str | None:
    """`low` or `high` when `x` is near a bound of a continuous range, else None."""
    ends = range_of(one.parameter)
    if ends is None or isinstance(one.parameter.distribution, Categorical | Constant):
        return None
    low, high = ends
    if low >= high:
        return None
    if one.log and low > 0:
        wide = orders(low, high)
        at = (orders(low, max(x, low)) or 0.0) / wide if wide else 0.5
    else:
        at = (x - low) / (high - low)
    return "low" if at <= _AT_BOUND else "high" if at >= 1 - _AT_BOUND else None


def _widen(one: Shape, side: str) -> str:
    """What to try beyond the edge, and the command that tries it."""
    name = shown_name(one.parameter)
    outward = _outward(one, side)
    shown = ", ".join(spell(x, log=one.log) for x in outward)
    if not outward:
        end = one.points[0 if side == "low" else -1].x
        return (
            f"If {name} may lie beyond {spell(end, log=one.log)}, widen its range; otherwise take "
            "it as it is."
        )
    if isinstance(one.parameter.distribution, Categorical | Constant):
        command = _extend(one, f"+={','.join(shown.split(', '))}")
        return f"Add {shown} to the values of {name}{command}."
    key = "min" if side == "low" else "max"
    far = outward[0 if side == "low" else -1]
    bound = spell(far, log=one.log)
    command = _extend(one, f"={bound}.." if side == "low" else f"=..{bound}")
    return f"Set {key} of {name} to {bound}{command}."


def _outward(one: Shape, side: str) -> list[float]:
    """The values that continue the pattern of those tried beyond this end, ascending."""
    return [
        x
        for x in one.values_to_add
        if (x < one.points[0].x if side == "low" else x > one.points[-1].x)
    ]


def _widening(one: Shape, side: str) -> Remedy | None:
    """What `_widen` says, as a request."""
    outward = _outward(one, side)
    if not outward:
        return None
    name, path = shown_name(one.parameter), one.parameter.path
    if isinstance(one.parameter.distribution, Categorical | Constant):
        shown = ", ".join(spell(x, log=one.log) for x in outward)
        values = tuple(int(x) if x == int(x) and abs(x) >= 1 else x for x in outward)
        return Remedy("extend", f"adds {shown} to {name}", (RangeEdit(path, "add", values=values),))
    far = outward[0 if side == "low" else -1]
    low, high = (far, None) if side == "low" else (None, far)
    told = f"{'lowers the min' if side == 'low' else 'raises the max'} of {name} to "
    edit = RangeEdit(path, "range", low=low, high=high)
    return Remedy("extend", told + spell(far, log=one.log), (edit,))


def _extend(one: Shape, change: str) -> str:
    """`: `tuiswp extend bs+=64``; empty for a name that a shell would not take as it is."""
    name = one.parameter.name
    return f": `tuiswp extend {name}{change}`" if _PLAIN.fullmatch(name) else ""


def no_u(sweep: Sweep, judgement: Judgement, shapes: Sequence[Shape]) -> list[Diagnosis]:
    """`no-u-shape`: which arm is missing, for a learning rate or the only parameter."""
    if judgement.optimum is None:
        return []
    alone = len(tuned(sweep)) == 1
    waiting = any(left.code == "waiting" for left in judgement.left_out)
    found: list[Diagnosis] = []
    for one in shapes:
        rate = is_learning_rate(one.parameter)
        if one.verdict == "full-u" or not one.points or not (alone or rate):
            continue
        if sweep.phases and len(one.points) < 3:
            continue  # the phase that searched it was held to another measure
        found.append(
            Diagnosis(
                "no-u-shape",
                "warning" if rate and not waiting else "info",
                f"So far: {one.message}" if waiting else one.message,
                one.suggestion or "Add values, or repeat the trials with other seeds.",
            )
        )
    return found


def next_step(sweep: Sweep, judgement: Judgement, shapes: Sequence[Shape]) -> list[Diagnosis]:
    """`next-step`: what to do with the optimum, once nothing is waiting any more."""
    best = judgement.optimum
    if best is None:
        return []
    if any(left.code == "waiting" for left in judgement.left_out):
        return []  # the step after an unfinished sweep is to finish it
    several = tuned(sweep)
    values = flatten(best.params, several)
    setting = ", ".join(
        f"{shown_name(p)}={_setting(p, best)}" for p in several[:6] if p.path in values
    )
    edge = next((one for one in shapes if one.best_at and one.values_to_add), None)
    swept_names = {p.path[-1].lower() for p in several}
    others = [text for text, names in _NEXT if not names & swept_names]
    if edge is not None:
        message = f"Next: look beyond the edge of {shown_name(edge.parameter)} before going on."
        what_next = f"{edge.suggestion or ''} Then retrain at the optimum for the full budget."
    else:
        text = (
            "the default"
            if judgement.baseline and judgement.baseline.number == best.number
            else "the optimum"
        )
        at = f" ({setting})" if setting else ""
        message = f"Next: retrain at {text}{at} for the full budget."
        what_next = (
            f"Then sweep {', '.join(others[:-1])} or {others[-1]}"
            if len(others) > 1
            else f"Then sweep {others[0] if others else 'the next hyperparameter'}"
        ) + f", with {setting or 'this'} as tuiswp.baseline."
    return [Diagnosis("next-step", "info", message, what_next.strip())]


def _setting(parameter: Parameter, trial: Trial) -> str:
    value = flatten(trial.params, (parameter,)).get(parameter.path)
    return value_label(parameter, value)
