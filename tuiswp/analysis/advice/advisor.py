"""What to tune, how, and what it costs, put together. Pure; what is not known is asked for."""

from collections.abc import Iterator, Sequence

from tuiswp.analysis.advice import say
from tuiswp.analysis.advice.axes import (
    BATCH,
    E4,
    E6,
    OTHER,
    RATE,
    WARMUP,
    in_order,
    role,
)
from tuiswp.analysis.advice.inputs import Advice, Advised, Axis, Inputs, Question, Search
from tuiswp.analysis.advice.rates import rates_for
from tuiswp.analysis.advice.search import as_written, search_for
from tuiswp.analysis.advice.spending import budget_for, shares, short_way, total_of

D2, D3, D4, D10 = (f"{code}, docs/advice.md" for code in ("D2", "D3", "D4", "D10"))
_STOPPING_FROM = 10  # trials: five must run to their end before the median rule says anything


def advise(inputs: Inputs) -> Advised:
    """Everything that can be said of `inputs`, and the questions whose answers would add to it."""
    search, about_search = search_for(inputs)
    said: list[Advice | Question] = [*_first(inputs), *about_search]
    said += as_written(inputs, search)
    said += rates_for(inputs)
    said += _scales(search.axes)
    said.append(short_way(inputs))
    if inputs.written is None or not inputs.written.stops:
        said += _stopping(search)
    said += _finally(inputs, search)
    said += budget_for(inputs)
    questions = dict.fromkeys(one for one in said if isinstance(one, Question))
    total = total_of(inputs)
    return Advised(
        tuple(one for one in said if isinstance(one, Advice)),
        tuple(questions),
        search,
        () if total is None else shares(total[0]),
    )


def _first(inputs: Inputs) -> Iterator[Advice]:
    """What to tune first, and what belongs together."""
    ordered = in_order(inputs.parameters)
    if not ordered:
        order = "learning rate, then rank, then warm-up only if the start is spiky"
        yield Advice("first", "the learning rate", (order,), E6)
        return
    kinds = {role(one.name) for one in ordered}
    says = "the learning rate" if RATE not in kinds else say.name(ordered[0].name)
    lines = [", then ".join(say.name(one.name) for one in ordered[:8])] if ordered[1:] else []
    if RATE not in kinds:
        says += ", which is not among what you tune: it moves the loss more than all of these"
    if OTHER in kinds and len(ordered) > 1:
        lines.append("what no rule names comes last, in your order")
    yield Advice("first", says, tuple(lines), E6)
    if BATCH in kinds:
        says = "batch size and learning rate together: the best rate moves with the batch"
        yield Advice("together", says, ("learning rate × √(new batch / old batch)",), D10)
    if WARMUP in kinds and RATE not in kinds:
        yield Advice("together", "warm-up and learning rate together", (), D10)


def _scales(axes: Sequence[Axis]) -> Iterator[Advice]:
    """The values of each other parameter."""
    for axis in axes:
        if role(axis.name) == RATE:
            continue
        if not axis.grid:
            yield Advice(
                "range", f"none is known for {say.name(axis.name)}",
                (f"give its default: --params {say.name(axis.name)}=VALUE",), D2,
            )  # fmt: skip
            continue
        lines = ["on a log scale"] if axis.log else []
        if axis.source == E6:
            lines = [f"r = {axis.grid[0]}, 2r = {axis.grid[-1]}"]
        says = f"try {say.name(axis.name)} at {say.values(axis)}"
        if axis.low is not None and axis.high is not None:
            low, high = (say.value(x, log=axis.log) for x in (axis.low, axis.high))
            lines = [f"a search samples {low} to {high}, {'log' if axis.log else 'linear'} ({D2})"]
        yield Advice("range", says, tuple(lines), axis.source or E4)


def _stopping(search: Search) -> Iterator[Advice]:
    trials = search.trials
    if trials is None or trials < _STOPPING_FROM:
        return
    left = [f"{trials * share:.3g}" for share in (0.3, 0.5)]
    yield Advice(
        "early stopping",
        "stop hopeless trials: the median rule after 5 trials and 10 reports "
        "(tuiswp: {early_stop: {type: median}})",
        (f"people save 50 to 70 %: {trials} × 0.3 to 0.5 = {left[0]} to {left[1]} full trials",),
        D3,
    )


def _finally(inputs: Inputs, search: Search) -> Iterator[Advice]:
    if search.trials is None or not (inputs.parameters or inputs.count):
        return
    lines = ["3 best × 2 more seeds = 6 trials"]
    if inputs.minutes is not None:
        lines.append(
            f"6 × {inputs.minutes:g} min = {say.hours(6 * inputs.minutes / 60)} of training"
        )
    yield Advice(
        "at the end", "repeat the three best with two more seeds, and compare mean ± deviation",
        tuple(lines), D4,
    )  # fmt: skip
