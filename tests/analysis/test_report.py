"""Pictures and the report: whole files, inert text, nothing fetched."""

import math
import re
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.analysis.builders import (
    choice,
    ended,
    issue_sweep,
    issue_trials,
    over,
    sweep_of,
)
from tuiswp.analysis.curve_panel import panels, ticks
from tuiswp.analysis.diagnosis import diagnose
from tuiswp.analysis.html import report_html, write_report
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.pictures import curves_image, learning_curves, objective_curve, objective_image
from tuiswp.analysis.series_range import shown_range, smoothed, thinned
from tuiswp.errors import EnvironmentFault, UsageError
from tuiswp.model.space import LogUniform, Params
from tuiswp.model.sweep import Sweep
from tuiswp.model.trial import Trial

pytestmark = pytest.mark.slow  # pictures

EVIL = '--> <script>alert(1)</script> $\\frac{$ [red] \x1b[31m 漢字 "\'&" onload=x'


def hostile() -> tuple[Sweep, list[Trial]]:
    sweep = sweep_of(
        choice("lr", [1e-4, 1e-3, 1e-2]),
        choice(EVIL, [EVIL, "$\\frac{$", "_b"]),
        metric=EVIL,
        name=EVIL,
    )
    trials = [
        ended(n, {"lr": lr, EVIL: text}, value, evidence=EVIL, state="done" if value else "failed")
        for n, (lr, text, value) in enumerate(
            [(1e-4, EVIL, 2.2), (1e-3, "$\\frac{$", 2.0), (1e-2, "_b", None)]
        )
    ]
    return sweep, trials


class Page(HTMLParser):
    """What a browser would find: tags, attributes, and addresses it might fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_page(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def png_size(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_a_picture_is_whole_and_of_the_kind_its_suffix_says(tmp_path: Path) -> None:
    sweep, trials = issue_sweep(), issue_trials()
    judgement = judge(sweep, trials)
    objective_curve(sweep, judgement, tmp_path / "a.png")
    objective_curve(sweep, judgement, tmp_path / "a.SVG")
    assert png_size((tmp_path / "a.png").read_bytes()) == (1200, 750)
    root = ElementTree.fromstring((tmp_path / "a.SVG").read_bytes())
    assert root.tag.endswith("svg")
    with pytest.raises(UsageError, match=r"use \.png or \.svg"):
        objective_curve(sweep, judgement, tmp_path / "a.pdf")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a.SVG"}


def test_a_picture_of_the_same_results_is_the_same_file() -> None:
    judgement = judge(issue_sweep(), issue_trials())
    once, again = (objective_image(issue_sweep(), judgement, ".svg") for _ in range(2))
    assert once == again


def test_hostile_names_are_drawn_as_text_and_warn_of_nothing(tmp_path: Path) -> None:
    sweep, trials = hostile()
    judgement = judge(sweep, trials)
    objective_curve(sweep, judgement, tmp_path / "a.png")
    drawn = objective_image(sweep, judgement, ".svg")
    ElementTree.fromstring(drawn)
    curves = {trial.number: ([0.0, 1.0], [3.0, 2.0]) for trial in trials}
    learning_curves(sweep, judgement, curves, tmp_path / "b.png")


@pytest.mark.parametrize("value", [None, 0.0, 1e300, -1e300, 5e-324])
def test_extreme_values_can_be_drawn(value: float | None) -> None:
    sweep = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2]))
    trials = [ended(0, {"lr": 1e-4}, value), ended(1, {"lr": 1e-2}, 1.0)]
    assert objective_image(sweep, judge(sweep, trials), ".png").startswith(b"\x89PNG")
    assert objective_image(sweep, judge(sweep, []), ".png").startswith(b"\x89PNG")


def test_curves_with_gaps_and_runaway_values_can_be_drawn() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    judgement = judge(sweep, trials)
    steps = [float(n) for n in range(2000)]
    wild = [2.0 + n % 7 for n in range(1000)] + [math.nan, math.inf, -math.inf, 1e308] * 250
    curves = {1: (steps, wild), 5: (steps, [2.0] * 2000), 0: ([], []), 99: ([1.0], [2.0])}
    assert curves_image(sweep, judgement, curves, ".png").startswith(b"\x89PNG")
    assert curves_image(sweep, judgement, {}, ".svg").startswith(b"<?xml")


def test_a_diverged_trial_is_at_the_edge_and_an_incomplete_one_is_hollow() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    trials[6] = ended(6, {"learning_rate": 3e-2}, None, state="failed", evidence="loss is nan")
    trials[1] = ended(1, {"learning_rate": 1e-4}, 2.5, state="killed", cause="timeout")
    trials[2] = ended(2, {"learning_rate": 3e-4}, None, state="failed", cause="gpu-oom")
    (panel,) = panels(sweep, judge(sweep, trials))
    assert panel.log
    assert panel.diverged == (3e-2,)
    assert panel.failed == (3e-4,)
    assert panel.partial == ((1e-4, 2.5),)
    assert panel.best == (1e-2, 2.01)
    assert panel.default == (4.3e-3, 2.03)
    assert len(panel.line) == 4


def test_a_runaway_value_does_not_squash_the_curve() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    trials[6] = ended(6, {"learning_rate": 3e-2}, 1e12)
    (panel,) = panels(sweep, judge(sweep, trials))
    assert panel.diverged == (3e-2,)
    assert panel.y_range is not None
    assert panel.y_range[1] < 3


def test_ticks_name_the_grid_and_let_the_default_give_way() -> None:
    xs = [1e-4, 3e-4, 1e-3, 3e-3, 3.4e-3, 1e-2, 3e-2]
    assert ticks(xs, log=True) == (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    assert ticks([8.0, 16.0, 32.0], log=True) == (8.0, 16.0, 32.0)
    many = [10 ** (-5 + n / 25) for n in range(100)]
    assert ticks(many, log=True)[0] == 1e-5
    assert len(ticks(many, log=True)) <= 12


def test_random_search_is_drawn_without_a_line_and_in_panels() -> None:
    law = LogUniform(math.log(1e-5), math.log(1e-1))
    sweep = sweep_of(over("lr", law), choice("opt", ["a", "b"]), method="random")
    trials = [ended(n, {"lr": 10**-n, "opt": "ab"[n % 2]}, 2.0 + n) for n in range(1, 5)]
    first, second = panels(sweep, judge(sweep, trials))
    assert first.line == ()
    assert second.labels == ("a", "b")
    assert png_size(objective_image(sweep, judge(sweep, trials), ".png"))[0] == 1380


def test_the_report_is_one_page_that_fetches_nothing() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    judgement = judge(sweep, trials)
    curves = {t.number: ([0.0, 1.0, 2.0], [2.7, 2.5, t.value or 2.0]) for t in trials}
    html = report_html(
        sweep, trials, judgement, diagnose(sweep, trials, judgement), curves=curves,
        decisions=["t0000 launched"], provenance={"commit": "abc"}, command="tuiswp --batch a.yaml",
        generated="tuiswp 0.1.0",
    )  # fmt: skip
    page = read_page(html)
    assert page.tags.count("svg") == 2
    assert not {"script", "link", "iframe", "object", "img", "base", "form"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("href", "xlink:href", "src", "action"):
            assert (value or "").startswith("#"), (name, value)
    assert "url(http" not in html
    assert "@import" not in html
    text = "".join(page.text)
    for expected in (
        "Optimal LR: 1.00e-02", "Improvement over default: 0.99%", "within-noise", "t0005",
        "full U", "tuiswp --batch a.yaml", "abc", "t0000 launched", "Learning curves",
    ):  # fmt: skip
        assert expected in text, expected
    assert "currentColor" in html


def test_hostile_text_cannot_become_markup_in_the_report() -> None:
    sweep, trials = hostile()
    judgement = judge(sweep, trials)
    html = report_html(
        sweep, trials, judgement, diagnose(sweep, trials, judgement),
        curves={0: ([0.0, 1.0], [1.0, 2.0])}, decisions=[EVIL], provenance={EVIL: EVIL},
        command=EVIL, generated=EVIL,
    )  # fmt: skip
    page = read_page(html)
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "\x1b" not in html
    assert html.count("<script") == 0
    assert re.search(r"&lt;script&gt;alert\(1\)&lt;/script&gt;", html)


def test_the_reports_files_are_written_whole_and_overwritten_in_place(tmp_path: Path) -> None:
    sweep, trials = issue_sweep(), issue_trials()
    params: Params = {"learning_rate": 1e-4, "steps": "\ud800 \x00"}
    trials[1] = ended(1, params, 2.35)  # a lone surrogate has no UTF-8
    judgement = judge(sweep, trials)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "trials.csv").write_text("of an earlier report\n" * 100)
    paths = write_report(tmp_path / "report", sweep, trials, judgement, ())
    names = ["report.html", "sweep.png", "sweep.svg", "trials.csv"]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == names
    assert (tmp_path / "report" / "trials.csv").read_text().count("\n") == 8
    assert "</html>" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_a_directory_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file")
    sweep, trials = issue_sweep(), issue_trials()
    with pytest.raises(EnvironmentFault, match="report"):
        write_report(tmp_path / "report", sweep, trials, judge(sweep, trials), ())
    with pytest.raises(EnvironmentFault, match="cannot write"):
        objective_curve(sweep, judge(sweep, trials), tmp_path / "missing" / "a.png")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'tuiswp\[report\]'"):
        objective_image(issue_sweep(), judge(issue_sweep(), issue_trials()), ".png")


def test_long_curves_are_thinned_but_keep_their_extremes() -> None:
    values = [2.0] * 10_000
    values[1234], values[4321], values[7000] = 9.0, -5.0, math.nan
    xs, ys = thinned([float(n) for n in range(10_000)], values)
    assert len(xs) == len(ys) <= 610
    assert (max(ys), min(ys)) == (9.0, -5.0)
    assert xs == sorted(xs)
    assert thinned([1.0, 2.0], [1.0, math.inf])[0] == [1.0, 2.0]


def test_the_shown_range_leaves_a_runaway_curve_out() -> None:
    found = shown_range([[2.0, 2.1, 2.2, 2.3, 2.4, 2.5] * 10, [1e9]])
    assert found is not None
    assert found[1] < 3
    assert shown_range([[math.nan], []]) is None
    assert smoothed([1.0] * 79) is None
    assert smoothed([1.0] * 200) == [1.0] * 200


HEAVY = ("pandas", "numpy", "matplotlib", "scipy", "torch", "rich", "optuna", "textual")


@pytest.mark.parametrize(
    "modules",
    [
        "tuiswp.analysis.optimum, tuiswp.analysis.summary",
        "tuiswp.analysis.diagnosis, tuiswp.analysis.lines, tuiswp.analysis.table",
        "tuiswp.analysis.html",
    ],
)
def test_importing_the_verdict_loads_nothing_heavy(modules: str) -> None:
    code = f"import {modules}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "tuiswp.analysis.optimum" in loaded
    assert not loaded & set(HEAVY)
