"""The look back drawn in text: importance, the search, ranks, gradients. No colour, no terminal.

The same for the screen and for `tuiswp results --review`; what it shows is `review`'s. Every line
is safe to print.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from tuiswp.analysis import tables
from tuiswp.analysis.axes import measured, shown_name, spell
from tuiswp.analysis.braille import Canvas
from tuiswp.analysis.gradients import Gradients
from tuiswp.analysis.importance import Importances
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.rank_agreement import Agreement
from tuiswp.analysis.review import Part, Review
from tuiswp.analysis.search_history import Walk
from tuiswp.model.space import Categorical, Parameter, Value
from tuiswp.spec.distributions import bounds, distinct
from tuiswp.spec.params import flatten, value_label
from tuiswp.spec.scale import is_logarithmic
from tuiswp.text import visible

_NAME = 20  # columns of a parameter's name
_BAR = 32
_ROWS = 4  # of one parameter over the search
_AXIS_ROWS = 10
_MOST_AXES = 8
_MOST_LINES = 40
_BEST = 0.25  # of the trials, as lines over all axes
_WIDEST = 110


def blocks(
    part: Part, found: Review, judgement: Judgement, *, width: int, ascii: bool = False
) -> list[list[str]]:
    """The drawings of one part, a title first; none where there is nothing to draw."""
    drawn = _drawn(part, found, judgement, min(width, _WIDEST), ascii=ascii)
    return [[line.replace("…", "~") for line in one] for one in drawn] if ascii else drawn


def _drawn(
    part: Part, found: Review, judgement: Judgement, width: int, *, ascii: bool
) -> list[list[str]]:
    match part:
        case "mattered" if found.importances.found:
            return [_importance(found.importances, width, ascii=ascii)]
        case "search":
            walks = [walk for walk in found.walks if len(walk.numbers) > 1][:_MOST_AXES]
            drawn = [_history(walk, judgement, width, ascii=ascii) for walk in walks]
            several = len(walks) > 1 and bool(judgement.ranked)
            return [*drawn, _parallel(walks, judgement, width, ascii=ascii)] if several else drawn
        case "early" if found.agreements:
            return [_ranks(found.agreements, found.unit, width)]
        case "gradients" if found.gradients is not None:
            return [_gradients(found.gradients, width, ascii=ascii)]
    return []


def beside(part: Part, told: Sequence[str], drawn: Sequence[object]) -> Sequence[str]:
    """The sentences of a part that its drawings do not say as well."""
    return told[:1] if drawn and part in ("mattered", "early") else told


# ── what mattered ────────────────────────────────────────────────────────────────────────────────


def _importance(found: Importances, width: int, *, ascii: bool) -> list[str]:
    """A bar a parameter: sure up to the low end of its interval, doubtful up to the high one."""
    name = max(len(_name(one.parameter)) for one in found.found)
    size = max(8, min(_BAR, width - name - 30))
    sure, share, doubt = "#=-" if ascii else "█▓─"
    lines = [f"share of importance ({sure}{share}: the share; {share}{doubt}: its 90 %)"]
    for one in found.found:
        cells = [
            sure if at < one.low and at < one.share
            else share if at < one.share
            else doubt if one.low <= at < one.high
            else " "
            for at in ((n + 0.5) / size for n in range(size))
        ]  # fmt: skip
        ends = f"{100 * one.low:.0f} to {100 * one.high:.0f}"
        chance = "" if one.told else "  chance would do"
        told = f"{100 * one.share:3.0f} % ({ends}){chance}"
        lines.append(f"{_name(one.parameter):<{name}}  {''.join(cells)}  {told}")
    return lines


# ── the search ───────────────────────────────────────────────────────────────────────────────────


def _history(walk: Walk, judgement: Judgement, width: int, *, ascii: bool) -> list[str]:
    """Where each trial lies on one axis, in the order they were proposed; the best marked."""
    high, low = _ends(walk.parameter)
    gutter = max(len(high), len(low)) + 2
    wide = max(8, width - gutter)
    canvas = Canvas(wide, _ROWS, ascii=ascii)
    best = None if judgement.optimum is None else judgement.optimum.number
    first, last = walk.numbers[0], walk.numbers[-1]
    for number, place in zip(walk.numbers, walk.places, strict=True):
        x = (number - first) / max(1, last - first)
        canvas.set(round(x * (2 * wide - 1)), round((1 - place) * (4 * _ROWS - 1)))
        if number == best:
            canvas.put(round(x * (wide - 1)), round((1 - place) * (_ROWS - 1)), _star(ascii))
    side = "|" if ascii else "│"
    labels = [high, *[""] * (_ROWS - 2), low]
    lines = [f"{_name(walk.parameter)} from t{first:04d} to t{last:04d}"]
    for label, row in zip(labels, canvas.rows(), strict=True):
        lines.append(f"{label:>{gutter - 2}} {side}{row}".rstrip())
    return lines


def _parallel(walks: Sequence[Walk], judgement: Judgement, width: int, *, ascii: bool) -> list[str]:
    """A line a trial over all axes, of the best quarter; the best is marked on each axis."""
    count = max(2, min(_MOST_LINES, math.ceil(_BEST * len(judgement.ranked))))
    shown = judgement.ranked[:count]
    names = [_name(walk.parameter) for walk in walks]
    gap = max(4, min(24, (width - 1) // max(1, len(walks) - 1)))
    wide = gap * (len(walks) - 1) + 1
    canvas = Canvas(wide, _AXIS_ROWS, ascii=ascii)
    places = [dict(zip(walk.numbers, walk.places, strict=True)) for walk in walks]
    for trial in shown:
        dots = [
            None if place is None else (2.0 * gap * n, (1 - place) * (4 * _AXIS_ROWS - 1))
            for n, place in enumerate(one.get(trial.number) for one in places)
        ]
        for a, b in pairwise(dots):
            if a is not None and b is not None:
                canvas.line(*a, *b)
    for n in range(len(walks)):
        for row in range(_AXIS_ROWS):
            canvas.put(n * gap, row, "|" if ascii else "│")
        at = places[n].get(shown[0].number)
        if at is not None:
            canvas.put(n * gap, round((1 - at) * (_AXIS_ROWS - 1)), _star(ascii))
    cells = [_ends(walk.parameter) for walk in walks]
    best = flatten(shown[0].params, [walk.parameter for walk in walks])
    at_best = [
        value_label(walk.parameter, best[walk.parameter.path])
        if walk.parameter.path in best
        else ""
        for walk in walks
    ]
    title = f"the best {len(shown)} of {len(judgement.ranked)} trials over all axes, "
    return [
        f"{title}{_star(ascii)} {shown[0].id}",
        _spread([high for high, _ in cells], gap),
        *(row.rstrip() for row in canvas.rows()),
        _spread([low for _, low in cells], gap),
        _spread(names, gap),
        _spread(at_best, gap).rstrip(),
    ]


def _spread(texts: Sequence[str], gap: int) -> str:
    """Each text under its axis, cut where the next begins."""
    return "".join(f"{tables.cut(text, gap - 1):<{gap}}" for text in texts).rstrip()


def _ends(parameter: Parameter) -> tuple[str, str]:
    """What stands at the top and at the bottom of an axis."""
    ends = bounds(parameter.distribution)
    log = is_logarithmic(parameter)
    if isinstance(parameter.distribution, Categorical):
        values: Sequence[Value] = distinct(parameter.distribution)
        return value_label(parameter, values[-1]), value_label(parameter, values[0])
    if ends is None:
        return "high", "low"
    return spell(ends[1], log=log), spell(ends[0], log=log)


# ── early values, gradients ──────────────────────────────────────────────────────────────────────


def _ranks(found: Sequence[Agreement], unit: str, width: int) -> list[str]:
    """A row a metric and point; `kept`: survivors that the stopping metric keeps too."""
    headers = (
        "metric", f"at {unit}", "Spearman", "95 %", "Kendall", "trials", "best then", "kept",
    )  # fmt: skip
    rows = [
        (
            visible(one.metric, limit=24),
            f"{one.point:g}",
            _signed(one.spearman),
            f"{one.low:+.2f} to {one.high:+.2f}",
            _signed(one.kendall),
            str(one.trials),
            f"{one.best_rank} of {one.trials}",
            "" if one.kept is None else f"{one.kept} of {one.keep}",
        )
        for one in found
    ]
    drawn = tables.table(headers, rows, width=width, right=(1, 2, 4, 5))
    return ["rank at each point against the rank at the end (kept: survivors in common)", *drawn]


def _signed(correlation: float) -> str:
    """Unknown where all values are the same."""
    return f"{correlation:+.2f}" if math.isfinite(correlation) else "?"


def _gradients(found: Gradients, width: int, *, ascii: bool) -> list[str]:
    """A row a bin of the rate then: the norm, and a bar of the share that is clipped."""
    known = any(one.clipped is not None for one in found.bins)
    size = max(6, min(20, width - 60)) if known else 0
    names = f"{visible(found.norm, limit=24)} by {visible(found.rate, limit=24)} then"
    headers = ("rate", "rows", "median", "90 % below", "clipped", "")
    rows = [
        (
            f"{spell(_two(one.low), log=True)} to {spell(_two(one.high), log=True)}",
            f"{one.rows:,}" + (" few" if one.few else ""),
            measured(one.median),
            measured(one.p90),
            "" if one.clipped is None else f"{100 * one.clipped:.0f} %",
            "" if one.clipped is None else ("#" if ascii else "█") * round(one.clipped * size),
        )
        for one in found.bins
    ]
    return [names, *tables.table(headers, rows, width=width, right=(1, 2, 3, 4))]


def _two(x: float) -> float:
    return float(f"{x:.2g}")


def _star(ascii: bool) -> str:
    return "#" if ascii else "★"


def _name(parameter: Parameter) -> str:
    return tables.cut(shown_name(parameter), _NAME)
