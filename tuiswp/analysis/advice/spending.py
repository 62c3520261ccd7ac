"""The short way (E6) and the split of a budget (E7), counted in full runs. Pure arithmetic.

A full run is one training to its end. The parts are those of docs/advice.md; their sizes follow
from the short way, in which each look takes a fifth of a run.
"""

from collections.abc import Iterator

from tuiswp.analysis.advice import say
from tuiswp.analysis.advice.axes import E6
from tuiswp.analysis.advice.inputs import Advice, Inputs, Question, Share

E7 = "E7, docs/advice.md"
LOOK = 0.2  # of a run: what each run of the short way takes
# part, runs of it, how long each is
PARTS: tuple[tuple[str, int, float], ...] = (
    ("range test", 3, LOOK),
    ("rank", 2, LOOK),
    ("spot checks", 2, LOOK),
    ("final run", 1, 1.0),
    ("evaluation", 1, 0.1),
    ("reruns", 1, 0.5),
)
WHOLE = sum(count * length for _, count, length in PARTS)


def shares(total: float | None) -> tuple[Share, ...]:
    """The parts of `total` GPU-hours (or hours); without it their percent alone."""
    return tuple(
        Share(
            part,
            count * length,
            100 * count * length / WHOLE,
            None if total is None else total * count * length / WHOLE,
        )
        for part, count, length in PARTS
    )


def short_way(inputs: Inputs) -> Advice:
    """E6: five or six short runs instead of a grid."""
    least, most = 5 * LOOK, 6 * LOOK
    lines = [
        f"3 + 2 = 5 runs × {LOOK:g} = {least:g} full run; with warm-up 6 × {LOOK:g} = {most:g}"
    ]
    if inputs.minutes is not None:
        spent = [say.hours(x * inputs.minutes / 60) for x in (least, most)]
        lines.append(f"× {inputs.minutes:g} min = {spent[0]} to {spent[1]} of training")
    return Advice(
        "short way",
        "learning rate at three values, 20 % of the steps each; then rank r against 2r, and the "
        "larger only if it is over 2 % better; then warm-up, only if the first 10 % of steps are "
        "spiky",
        tuple(lines),
        E6,
    )


def budget_for(inputs: Inputs) -> Iterator[Advice | Question]:
    """E7: what each part of the whole work gets."""
    total = total_of(inputs)
    if total is None:
        if inputs.budget is None:
            yield Question("--budget 24h or 200gpuh", "see it split, and what fits into it")
        else:
            yield Question("--gpus N", "split the budget")
        return
    spent, unit, how = total
    words = say.gpu_hours if unit == "GPU-hours" else say.hours
    lines = [how] if how else []
    for share in shares(spent):
        hours = words(share.hours or 0.0)
        lines.append(
            f"{share.part}: {share.runs:.3g} of {WHOLE:.3g} runs, {share.percent:.0f} %: {hours}"
        )
    says = f"{words(spent)} for everything, {words(spent / WHOLE)} of them for the final run"
    if inputs.minutes is not None:
        says += _against(inputs, spent, unit)
    yield Advice("budget", says, tuple(lines), E7)


def total_of(inputs: Inputs) -> tuple[float, str, str] | None:
    """The budget, its unit, and how it was computed; None while it is not known."""
    budget, machine = inputs.budget, inputs.machine
    if budget is None:
        return None
    if budget.kind == "gpu":
        return budget.hours, "GPU-hours", ""
    if machine.parallel is None:
        return None
    if machine.gpus_per_trial is None or machine.parallel == 0:
        return budget.hours, "hours", ""
    gpus = machine.parallel * machine.gpus_per_trial
    total = budget.hours * gpus
    return total, "GPU-hours", f"{say.hours(budget.hours)} × {gpus:g} GPUs = {say.gpu_hours(total)}"


def _against(inputs: Inputs, spent: float, unit: str) -> str:
    minutes, each = inputs.minutes or 0.0, inputs.machine.gpus_per_trial
    if unit == "GPU-hours" and each is None:
        return ""
    runs = spent / (minutes / 60 * (each or 1.0 if unit == "GPU-hours" else 1.0))
    text = f"; it buys {runs:,.3g} runs of {minutes:g} min, and the parts need {WHOLE:.3g}"
    return f"{text}: make the runs shorter" if runs < WHOLE else text
