"""A whole look back at a search, for the report and the screen: what mattered, where it looked.

Puts together what `importance`, `search_history`, `rank_agreement` and `gradients` find in the
trials and their metrics files. It draws nothing and reads no file itself.
"""

import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import msgspec
from msgspec.structs import replace

from tuiswp.analysis.evidence import Curve, Evidence, sentences, weigh
from tuiswp.analysis.gradients import Gradients, clip_of, gradients, norm_column, rate_column
from tuiswp.analysis.importance import Importances, importances
from tuiswp.analysis.optimum import Judgement, finite
from tuiswp.analysis.rank_agreement import Agreement, agreements
from tuiswp.analysis.search_history import Clusters, Walk, clusters, walks
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.names import find, same
from tuiswp.metrics.resource import curve
from tuiswp.model.stopper import Resource
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.search.stoppers.base import Curve as Placed
from tuiswp.search.stoppers.rules import stopper_for
from tuiswp.spec.params import flatten

# What can be looked back at; each can be made without the others.
Part: TypeAlias = Literal["sure", "mattered", "search", "early", "gradients"]
PARTS: tuple[Part, ...] = get_args(Part)
TITLES: Mapping[Part, str] = {
    "sure": "How sure this is",
    "mattered": "What mattered",
    "search": "How the search went",
    "early": "Does an early value tell the end?",
    "gradients": "Gradient norm by learning rate",
}

_SHARES = (0.1, 0.2, 0.33, 0.5, 0.75)  # of a run, where no rule names kill points
_POINTS = 8
_OTHERS = 4
_NO_RESULTS = frozenset({"epoch", "num_tokens", "num_sequences", "time_total"})
_LOGGED = 0.8  # share of the trials that have to log another metric


class Review(msgspec.Struct, frozen=True):
    """`unit`: what the points of `agreements` count; `ruled`: they are a stopper's kill points."""

    evidence: Evidence = Evidence()
    importances: Importances = Importances()
    walks: tuple[Walk, ...] = ()
    clusters: Clusters = Clusters()
    agreements: tuple[Agreement, ...] = ()
    unit: Resource = "step"
    ruled: bool = False
    gradients: Gradients | None = None


def review(
    sweep: Sweep,
    judgement: Judgement,
    trials: Sequence[Trial],
    curves: Mapping[int, Curve],
    files: Mapping[int, MetricFile],
    *,
    parts: Collection[Part] = PARTS,
) -> Review:
    """Everything that can be said of this search, or these `parts`. `curves`: of the objective."""
    found = Review()
    if "sure" in parts:
        found = replace(found, evidence=weigh(sweep, judgement, trials, curves))
    if "mattered" in parts:
        found = replace(found, importances=importances(sweep, judgement))
    if "search" in parts:
        groups = clusters(sweep, judgement)
        found = replace(found, walks=walks(sweep, trials), clusters=groups)
    if "early" in parts:
        agreed, unit, ruled = _agreements(sweep, judgement, files)
        found = replace(found, agreements=agreed, unit=unit, ruled=ruled)
    if "gradients" in parts:
        found = replace(found, gradients=_gradients(sweep, trials, files))
    return found


def columns_of(part: Part, names: Collection[str], objective: str) -> tuple[str, ...]:
    """What of a metrics file with these columns such a part reads, besides steps."""
    match part:
        case "gradients":
            return tuple(one for one in (norm_column(names), rate_column(names)) if one)
        case "early":
            aside = {norm_column(names), rate_column(names), *_NO_RESULTS}
            others = [name for name in names if not same(name, objective) and name not in aside]
            return (objective, *others[:_OTHERS])
    return (objective,)


def _agreements(
    sweep: Sweep, judgement: Judgement, files: Mapping[int, MetricFile]
) -> tuple[tuple[Agreement, ...], Resource, bool]:
    objective, rule = sweep.objective, sweep.stopper
    unit: Resource = "step" if rule is None else rule.resource
    if objective is None:
        return (), unit, False
    finals = {t.number: t.value for t in judgement.ranked if finite(t.value)}
    placed = _placed(files, finals, objective.metric, unit)
    ends = [one.positions[-1] for one in placed.values() if len(one)]
    if not ends:
        return (), unit, False
    end = statistics.median(ends)
    points = [share * end for share in _SHARES]
    if rule is not None:
        points = list(stopper_for(rule).plan(end).points[:_POINTS])
    eta = getattr(rule, "eta", None) or getattr(rule, "reduction_factor", None) or 3
    others = {
        name: _placed(files, finals, name, unit)
        for name in _other_metrics(files, finals, objective.metric)
    }
    found = agreements(
        placed, finals, points, objective.goal,
        metric=objective.metric, share=1 / eta, others=others,
    )  # fmt: skip
    return found, unit, rule is not None


def _placed(
    files: Mapping[int, MetricFile], numbers: Mapping[int, float], metric: str, unit: Resource
) -> dict[int, Placed]:
    return {n: Placed(*curve(files[n], metric, unit)) for n in numbers if n in files}


def _other_metrics(
    files: Mapping[int, MetricFile], numbers: Mapping[int, float], own: str
) -> list[str]:
    """Metrics that most trials logged, but for the objective and what is no result."""
    counts: dict[str, int] = {}
    for number in numbers:
        for name in files[number].metrics if number in files else ():
            counts[name] = counts.get(name, 0) + 1
    aside = {norm_column(counts), rate_column(counts), *_NO_RESULTS}
    wanted = [
        name
        for name, count in counts.items()
        if count >= _LOGGED * len(numbers) and not same(name, own) and name not in aside
    ]  # fmt: skip
    return wanted[:_OTHERS]


def _gradients(
    sweep: Sweep, trials: Sequence[Trial], files: Mapping[int, MetricFile]
) -> Gradients | None:
    names = dict.fromkeys(name for file in files.values() for name in file.metrics)
    norm, rate = norm_column(names), rate_column(names)
    if norm is None or rate is None:
        return None
    runs, clips = {}, {}
    for trial in trials:
        file = files.get(trial.number)
        if file is None:
            continue
        pair = find(norm, file.metrics), find(rate, file.metrics)
        if pair[0] is None or pair[1] is None:
            continue
        norms, rates = (file.metrics[name] for name in pair if name is not None)
        runs[trial.number] = (
            (norms.steps(), norms.values()), (rates.steps(), rates.values())
        )  # fmt: skip
        flat = {path[-1].lower(): v for path, v in flatten(trial.params, sweep.parameters).items()}
        if (clip := clip_of(flat)) is not None:
            clips[trial.number] = clip
    return gradients(runs, clips, norm=norm, rate=rate)


def sections(found: Review) -> list[tuple[Part, str, list[str]]]:
    """Parts with title and sentences, safe to print; left out where there is nothing to say."""
    every = [(part, TITLES[part], section(part, found)) for part in PARTS]
    return [one for one in every if one[2]]


def section(part: Part, found: Review) -> list[str]:
    """What is to be said of one part, safe to print; empty: nothing."""
    match part:
        case "sure":
            return [f"{about}: {text}" for about, text in sentences(found.evidence)]
        case "mattered":
            return _importance(found.importances)
        case "search":
            narrowed = [one.told for one in found.walks if one.ordered]
            return narrowed + _groups(found.clusters)
        case "early":
            return _ranks(found)
        case "gradients":
            return [] if found.gradients is None else [found.gradients.told]


def _importance(found: Importances) -> list[str]:
    if found.why is not None:
        return [f"Importance is not known: {found.why}."]
    head = f"PED-ANOVA over {found.trials} trials, what sets the best {found.top} apart:"
    return [head, *(one.message for one in found.found)]


def _groups(found: Clusters) -> list[str]:
    if found.why is not None:
        return [f"Groups among the best: {found.why}."]
    return [
        f"{len(found.found)} groups among the best (silhouette {found.silhouette:.2f}):",
        *(one.told for one in found.found),
    ]


def _ranks(found: Review) -> list[str]:
    if not found.agreements:
        return []
    what = "kill points" if found.ruled else "these points of a run"
    return [
        f"Ranks at {what} against ranks at the end, of trials that came to it:",
        *(one.told(found.unit) for one in found.agreements),
    ]
