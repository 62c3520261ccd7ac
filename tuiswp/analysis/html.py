"""The report of a sweep: one HTML file that needs nothing else, and the files beside it.

It loads nothing: no script, no font, no address. Every text of a trial, a file or a person is
escaped, and the page forbids itself whatever might slip through.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from tuiswp.analysis import canvas, pictures, table
from tuiswp.analysis.diagnosis import Diagnosis
from tuiswp.analysis.files import write_atomically
from tuiswp.analysis.lines import columns, headline, rows
from tuiswp.analysis.optimum import Judgement
from tuiswp.analysis.pictures import Curves
from tuiswp.analysis.range_test import RangeTest, image, told
from tuiswp.analysis.review import Part, Review, sections
from tuiswp.analysis.review_pictures import pictures_of
from tuiswp.analysis.shape import numeric_swept, shape
from tuiswp.errors import EnvironmentFault
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial
from tuiswp.text import visible

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --page: #ffffff; --soft: #f3f5f7;
  --line: #d5dbe1; --pale: #5f6b76; --good: #15803d; --warn: #b45309; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --page: #14181d; --soft: #1e242b;
  --line: #37414b; --pale: #9aa5b1; --good: #4ade80; --warn: #fbbf24; --bad: #f87171; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; color: var(--ink);
  background: var(--page); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line);
  padding-bottom: .3rem; }
p { margin: .4rem 0; } .pale { color: var(--pale); font-size: .9rem; }
.answer { background: var(--soft); border-left: 4px solid var(--good); padding: .75rem 1rem;
  margin: 1.25rem 0; font: 600 1.05rem/1.7 ui-monospace, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
.answer.none { border-color: var(--bad); }
figure { margin: 1rem 0; } figure svg { width: 100%; height: auto; color: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; font-variant-numeric: tabular-nums; }
td:last-child { white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
th { color: var(--pale); font-weight: 600; }
tr.best td { background: color-mix(in srgb, var(--good) 14%, transparent); font-weight: 600; }
tr.default td { background: color-mix(in srgb, var(--warn) 12%, transparent); }
.finding { border-left: 4px solid var(--line); padding: .35rem 0 .35rem 1rem; margin: .8rem 0; }
.finding.warning { border-color: var(--warn); } .finding.error { border-color: var(--bad); }
.finding.info { border-color: var(--good); }
.finding code { color: var(--pale); }
pre { background: var(--soft); padding: .75rem 1rem; overflow-x: auto; font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem;
  font-size: .9rem; } dt { color: var(--pale); } dd { margin: 0; overflow-wrap: anywhere;
  white-space: pre-wrap; }
details summary { cursor: pointer; color: var(--pale); }
@media print { body { max-width: none; padding: 0; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def report_html(
    sweep: Sweep,
    trials: Iterable[Trial],
    judgement: Judgement,
    diagnoses: Sequence[Diagnosis],
    *,
    curves: Curves | None = None,
    decisions: Sequence[str] = (),
    provenance: Mapping[str, str] | None = None,
    command: str | None = None,
    generated: str | None = None,
    review: Review | None = None,
    images: Mapping[str, bytes] | None = None,
    range_test: RangeTest | None = None,
) -> str:
    """The whole page. `decisions`: one line each, in order; `generated`: a line about this report.

    `images`: pictures of the `review` as SVG by name, if they are there already.

    Raises UsageError without matplotlib.
    """
    trials = list(trials)
    counts: dict[str, int] = {}
    for trial in trials:
        counts[trial.state] = counts.get(trial.state, 0) + 1
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no trials"
    parts = [
        f"<h1>{_safe(sweep.name)}</h1>",
        f'<p class="pale">{_safe(states)}{_maybe(sweep.description)}{_maybe(generated)}</p>',
        _answer(sweep, judgement),
        _section("Diagnosis", _findings(diagnoses)),
        _section("Objective", _objective(sweep, judgement)),
        _section("Trials", _table(sweep, judgement)),
    ]
    if curves:
        drawn = pictures.curves_image(sweep, judgement, curves, ".svg", framed=False)
        note = "Thin: as logged. Thick: running mean."
        parts.append(_section("Learning curves", _figure(drawn, "learning curves", note)))
    if range_test is not None:
        drawn = image(range_test, ".svg", framed=False)
        figure = _figure(drawn, "range test", _safe(told(range_test)))
        parts.append(_section("Learning-rate range test", figure))
    if review is not None:
        parts += _review(review, judgement, images)
    if decisions:
        lines = "\n".join(_safe(line) for line in decisions)
        count = f"{len(decisions)} decision{'s' * (len(decisions) != 1)}"
        body = f"<details open><summary>{count}</summary><pre>{lines}</pre></details>"
        parts.append(_section("Decisions", body))
    if command:
        parts.append(_section("Command", f"<pre>{_safe(command)}</pre>"))
    if provenance:
        pairs = (
            f"<dt>{_safe(key)}</dt><dd>{escape(visible(value, limit=20_000, keep_newlines=True))}"
            "</dd>"
            for key, value in provenance.items()
        )
        parts.append(_section("Provenance", f"<dl>{''.join(pairs)}</dl>"))
    return _page(sweep, "\n".join(part for part in parts if part))


def write_report(
    directory: Path,
    sweep: Sweep,
    trials: Iterable[Trial],
    judgement: Judgement,
    diagnoses: Sequence[Diagnosis],
    *,
    curves: Curves | None = None,
    decisions: Sequence[str] = (),
    provenance: Mapping[str, str] | None = None,
    command: str | None = None,
    generated: str | None = None,
    review: Review | None = None,
    range_test: RangeTest | None = None,
) -> list[Path]:
    """Write report.html, sweep.png, sweep.svg and trials.csv into `directory`; return their paths.

    With a `review`, its pictures too, each as PNG and SVG.

    Everything is made before the first file is replaced, and each is replaced in one step. Raises
    UsageError without matplotlib, EnvironmentFault when the disk refuses.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot make the report's directory ({error.strerror or error})", where=str(directory)
        ) from error
    trials = list(trials)
    makers = {} if review is None else pictures_of(review, judgement)
    drawn = {name: make(".svg") for name, make in makers.items()}
    page = report_html(
        sweep, trials, judgement, diagnoses,
        curves=curves, decisions=decisions, provenance=provenance, command=command,
        generated=generated, review=review, images=drawn, range_test=range_test,
    )  # fmt: skip
    csv = table.to_csv(table.frame(sweep, judgement, trials))
    files = {
        "report.html": _encoded(page),
        "sweep.png": pictures.objective_image(sweep, judgement, ".png"),
        "sweep.svg": pictures.objective_image(sweep, judgement, ".svg"),
        "trials.csv": _encoded(csv),
        **{f"{name}.png": make(".png") for name, make in makers.items()},
        **{f"{name}.svg": data for name, data in drawn.items()},
    }
    for name, data in files.items():
        write_atomically(directory / name, data)
    return [directory / name for name in files]


def _page(sweep: Sweep, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(sweep.name)} · tuiswp report</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _answer(sweep: Sweep, judgement: Judgement) -> str:
    lines = "<br>".join(_safe(line) for line in headline(sweep, judgement))
    kind = "answer" if judgement.optimum is not None else "answer none"
    return f'<div class="{kind}">{lines}</div>'


def _findings(diagnoses: Sequence[Diagnosis]) -> str:
    if not diagnoses:
        return '<p class="pale">Nothing to remark.</p>'
    return "\n".join(
        f'<div class="finding {one.severity}"><p><code>{one.code}</code> {_safe(one.message)}</p>'
        f"<p><strong>Next:</strong> {_safe(one.suggestion)}</p></div>"
        for one in diagnoses
    )


def _objective(sweep: Sweep, judgement: Judgement) -> str:
    drawn = pictures.objective_image(sweep, judgement, ".svg", framed=False)
    shapes = [shape(sweep, judgement, parameter) for parameter in numeric_swept(sweep)]
    notes = "".join(f"<p>{_safe(one.message)}</p>" for one in shapes)
    return _figure(drawn, "objective over each swept parameter") + notes


_SHOWN_WITH: Mapping[Part, tuple[str, ...]] = {
    "mattered": ("importance",),
    "search": ("search", "parallel"),
    "early": ("ranks",),
    "gradients": ("gradients",),
}


def _review(review: Review, judgement: Judgement, drawn: Mapping[str, bytes] | None) -> list[str]:
    """The sections of the look back, each with its pictures."""
    if drawn is None:
        drawn = {name: make(".svg") for name, make in pictures_of(review, judgement).items()}
    parts = []
    for part, title, lines in sections(review):
        said = "".join(f"<p>{_safe(line)}</p>" for line in lines)
        names = [name for name in _SHOWN_WITH.get(part, ()) if name in drawn]
        shown = "".join(_figure(drawn[name], name) for name in names)
        parts.append(_section(title, said + shown))
    return parts


def _figure(svg: bytes, title: str, note: str = "") -> str:
    """The drawing itself, in the page's own ink so that it reads on dark and on light."""
    text = svg.decode("utf-8")
    inline = text[text.index("<svg") :].replace(canvas.INK, "currentColor")
    caption = f'<figcaption class="pale">{note}</figcaption>' if note else ""
    return f'<figure role="img" aria-label="{title}">{inline}{caption}</figure>'


def _table(sweep: Sweep, judgement: Judgement) -> str:
    head = "".join(f"<th>{_safe(name)}</th>" for name in columns(sweep))
    lines = []
    for row in rows(sweep, judgement):
        kind = ' class="best"' if row.best else ' class="default"' if row.baseline else ""
        cells = "".join(f"<td>{_safe(cell)}</td>" for cell in row.cells)
        lines.append(f"<tr{kind}>{cells}</tr>")
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>'
        "</table></div>"
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>\n{body}"


def _maybe(text: str | None) -> str:
    return f" · {_safe(text)}" if text else ""


def _safe(text: str) -> str:
    return escape(visible(text))


def _encoded(text: str) -> bytes:
    # A lone surrogate of a trial's JSON has no UTF-8; its escape says what it was.
    return text.encode("utf-8", "backslashreplace")
