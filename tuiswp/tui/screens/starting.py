"""What is asked before a sweep file is started: what it searches, and every kill point. Pure."""

from tuiswp.analysis.axes import shown_name
from tuiswp.analysis.optimum import objective_text
from tuiswp.analysis.words import several
from tuiswp.model.sweep import Sweep
from tuiswp.search.stoppers.words import before_launch, plan_lines, rule_name
from tuiswp.search.suggest import planned_trials
from tuiswp.spec.params import swept
from tuiswp.text import visible
from tuiswp.tui.screens.confirm import Question

_NAMED = 6  # parameters


def start_file_question(sweep: Sweep, shown: str) -> Question:
    """`shown`: the file as it is named here, safe to show."""
    return Question(
        f"Start the sweep of {shown}?",
        "Its trials begin at once and go on when you leave. "
        f"`tuiswp check {shown}` shows the exact commands.",
        trials=(_searched(sweep), _judged(sweep), *before_launch(sweep), *_in_phases(sweep)),
    )


def _searched(sweep: Sweep) -> str:
    planned = planned_trials(sweep)
    many = "trials until it is stopped" if planned is None else several(planned, "trial")
    names = [shown_name(parameter) for parameter in swept(sweep)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    over = f" over {', '.join(names[:_NAMED])}{more}" if names else ""
    phases = f" in {several(len(sweep.phases), 'phase')}" if sweep.phases else ""
    return f"{many} by {visible(sweep.method, limit=20)}{over}{phases}"


def _in_phases(sweep: Sweep) -> list[str]:
    """The kill points of phases that have a rule of their own."""
    return [
        f"in {visible(one.name, limit=40)}, {rule_name(one.stopper)} looks at "
        + " = ".join(plan_lines(one.stopper, sweep.length))
        for one in sweep.phases
        if one.stopper is not None
    ]


def _judged(sweep: Sweep) -> str:
    if sweep.objective is None:
        return "no metric: nothing will be judged"
    return f"{sweep.objective.goal} {objective_text(sweep.objective)}"
