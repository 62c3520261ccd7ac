"""The results as a pandas table, CSV, Markdown and LaTeX: the only door to pandas.

CSV keeps every value as it is: text that a spreadsheet would run as a formula is not altered,
because the file is data for programs too. Markdown is for people and is made inert.
"""

import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tuiswp.analysis.axes import is_logarithmic, measured
from tuiswp.analysis.optimum import Judgement, finite, from_baseline_pct, percent
from tuiswp.analysis.training import Health
from tuiswp.model.space import Parameter, Path, Value
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.spec.params import flatten, label, swept
from tuiswp.text import visible

if TYPE_CHECKING:
    import pandas as pd

_BEFORE = ("trial", "rank", "state", "cause", "origin")
_AFTER = (
    "value", "from_baseline_pct", "progress", "step", "complete", "attempts", "seconds", "training",
)  # fmt: skip
_LOG = "logarithmic"  # names of the columns whose numbers are spelt as powers of ten
_MARKDOWN = str.maketrans(
    {char: f"\\{char}" for char in "\\`*[]|~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)

_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
)


def frame(
    sweep: Sweep,
    judgement: Judgement,
    trials: Iterable[Trial],
    *,
    health: Mapping[int, Health] | None = None,
) -> "pd.DataFrame":
    """One row a trial, by number: its place, its parameters, its result.

    Parameter columns are named by path, joined with dots; swept ones come first. `seconds` is the
    time its ended attempts ran; `from_baseline_pct` is positive when better than the default.
    `training`, if their `health` is given by number: what `tuiswp diagnose` says.
    """
    import pandas as pd

    trials = sorted(trials, key=lambda trial: trial.number)
    parameters = _columns_first(sweep)
    names = column_names([parameter.path for parameter in parameters])
    ranks = {trial.number: rank for rank, trial in enumerate(judgement.ranked, start=1)}
    flat = [flatten(trial.params, parameters) for trial in trials]
    table: dict[str, pd.Series] = {
        "trial": pd.Series([t.id for t in trials], dtype=object),
        "rank": pd.Series([ranks.get(t.number) for t in trials], dtype="Int64"),
        "state": pd.Series([t.state for t in trials], dtype=object),
        "cause": pd.Series([t.cause for t in trials], dtype=object),
        "origin": pd.Series([t.origin for t in trials], dtype=object),
    }
    for parameter in parameters:
        # dtype object: whole numbers stay whole beside a missing one
        values = [one.get(parameter.path) for one in flat]
        table[names[parameter.path]] = pd.Series(values, dtype=object)
    distances = [from_baseline_pct(sweep, judgement, t) for t in trials]
    table |= {
        "value": pd.Series([t.value if finite(t.value) else None for t in trials], dtype=float),
        "from_baseline_pct": pd.Series(distances, dtype=float),
        "progress": pd.Series([t.progress for t in trials], dtype=float),
        "step": pd.Series([t.step for t in trials], dtype=float),
        "complete": pd.Series([t.complete for t in trials], dtype=bool),
        "attempts": pd.Series([len(t.attempts) for t in trials], dtype=int),
        "seconds": pd.Series([seconds(t) for t in trials], dtype=float),
    }
    if health is not None:
        words = [health[t.number].verdict if t.number in health else "unknown" for t in trials]
        table["training"] = pd.Series(words, dtype=object)
    found = pd.DataFrame(table)
    found.attrs[_LOG] = [names[p.path] for p in parameters if is_logarithmic(p)]
    return found


def typed(table: "pd.DataFrame") -> "pd.DataFrame":
    """The table with its parameters in columns of numbers, truths and texts, for arithmetic.

    A column is int64, float64 or bool where every row has such a value, Int64 or boolean (and
    float64, with NaN) where some have none. Texts, lists and what is mixed stay objects.
    """
    fixed = {*_BEFORE, *_AFTER}
    for name in table.columns:
        if name not in fixed:
            kind = _dtype(list(table[name]))
            if kind is not None:
                table[name] = table[name].astype(kind)
    return table


def _dtype(values: Sequence[Any]) -> Any:
    """The type of a column that holds these; None: objects."""
    known = [value for value in values if value is not None and value == value]
    kinds = {type(value) for value in known}
    whole = len(known) == len(values)
    if kinds == {bool}:
        return "bool" if whole else "boolean"
    if kinds == {int} and all(abs(value) < 2**63 for value in known):
        return "int64" if whole else "Int64"
    return "float64" if kinds in ({float}, {int, float}) else None


def seconds(trial: Trial) -> float | None:
    """How long its ended attempts ran together; None when none has ended."""
    known = [
        attempt.ended_at - (attempt.started_at or attempt.launched_at)
        for attempt in trial.attempts
        if attempt.ended_at is not None
    ]
    return max(0.0, sum(known)) if known else None


def column_names(paths: Sequence[Path]) -> dict[Path, str]:
    """A name for each path, all different and none of them a fixed column's.

    Joined by dots where that is clear; `params.value` beside the fixed `value`; the path as JSON
    where `("a.b",)` and `("a", "b")` would meet.
    """
    taken = {*_BEFORE, *_AFTER}
    joined = [".".join(path) for path in paths]
    names: dict[Path, str] = {}
    for path, plain in zip(paths, joined, strict=True):
        candidates = [json.dumps(list(path))]
        if joined.count(plain) == 1:
            candidates = [plain, f"params.{plain}", *candidates]
        name = next((one for one in candidates if one not in taken), None)
        while name is None or name in taken:
            name = f"params.{name or plain}"
        taken.add(name)
        names[path] = name
    return names


def to_csv(table: "pd.DataFrame") -> str:
    """The table as CSV, values raw; lists and objects as JSON."""
    out = _Rows()
    # What holds a character of the line's end is quoted: a lone \r must be, or it would be one.
    table.map(_plain).to_csv(out, index=False, lineterminator="\r\n")
    return out.getvalue()


class _Rows(io.StringIO):
    """Takes rows that end with \r\n, one a call, and ends them with \n."""

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")


def to_markdown(table: "pd.DataFrame") -> str:
    """The table as a GitHub table; no cell can end its cell, its row, or bring markup with it."""
    head, aligned, body = _for_people(table, _inert)
    rule = ["--:" if right else ":--" for right in aligned]
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(rule)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in body)]) + "\n"


def to_latex(table: "pd.DataFrame") -> str:
    """The table as a `tabular` without packages; no cell can end its cell or run a command."""
    head, aligned, body = _for_people(table, _typeset)
    form = "".join("r" if right else "l" for right in aligned)
    lines = [f"\\begin{{tabular}}{{{form}}}", "\\hline", f"{' & '.join(head)} \\\\", "\\hline"]
    lines += [f"{' & '.join(cells)} \\\\" for cells in body]
    return "\n".join([*lines, "\\hline", "\\end{tabular}"]) + "\n"


def _for_people(
    table: "pd.DataFrame", safe: Callable[[str], str]
) -> tuple[list[str], list[bool], list[list[str]]]:
    """Headers, which columns stand to the right, and the cells of each row, made inert."""
    logarithmic = table.attrs.get(_LOG, ())
    numeric = {"rank", *_AFTER} - {"complete", "training"}
    names = [str(name) for name in table.columns]
    body = [
        [
            safe(_shown(name, value, log=name in logarithmic))
            for name, value in zip(names, row, strict=True)
        ]
        for row in table.itertuples(index=False, name=None)
    ]
    return [safe(name) for name in names], [name in numeric for name in names], body


def _columns_first(sweep: Sweep) -> list[Parameter]:
    first = swept(sweep)
    paths = {parameter.path for parameter in first}
    return [*first, *(p for p in sweep.parameters if p.path not in paths)]


def _plain(value: Value) -> Value:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _shown(column: str, value: Any, *, log: bool) -> str:
    import numpy as np
    import pandas as pd

    if not isinstance(value, dict | list) and bool(pd.isna(value)):
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, float):
        return label(value, limit=80, log=log)
    match column:
        case "from_baseline_pct":
            return f"{value:+.2f}"
        case "value":
            return measured(value)
        case "progress":
            return percent(value) if math.isfinite(value) else str(value)
        case "seconds":
            return f"{value:.1f}"
    return label(value, limit=80, log=log)


def _inert(text: str) -> str:
    return visible(text).translate(_MARKDOWN)


def _typeset(text: str) -> str:
    return visible(text).translate(_LATEX)
