"""Derived curves: what a growing, repeating, late file gives is what reading it anew gives."""

import json
import math
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiswp.metrics import derived as module
from tuiswp.metrics.derived import Derivation
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.series import Series
from tuiswp.model.sweep import DerivedMetric

GAP = DerivedMetric("gap", "eval_loss - train_loss")
STEADY = DerivedMetric("steady", "mean(gap, 3)")
DERIVED = (GAP, STEADY)


def write(path: Path, *rows: Mapping[str, float]) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def points(file: MetricFile, name: str) -> list[tuple[float, float]]:
    series = file.metrics[name]
    return list(zip(series.steps(), series.values(), strict=True))


def test_derived_metrics_appear_beside_the_logged_ones(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, {"step": 1, "train_loss": 3, "eval/loss": 4}, {"step": 2, "train_loss": 1})
    file = MetricFile(path, derived=DERIVED)
    file.poll()
    assert list(file.metrics) == ["train_loss", "eval/loss", "gap", "steady"]
    assert points(file, "gap") == [(1, 1), (2, 3)]
    assert points(file, "steady") == [(1, 1), (2, 2)]
    write(path, {"step": 3, "train_loss": 0, "eval/loss": 9})
    file.poll()
    assert points(file, "gap")[-1] == (3, 9)
    assert file.last_row()["steady"] == pytest.approx(13 / 3)


def test_who_wants_only_a_derived_metric_gets_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, {"step": 1, "train_loss": 3, "eval_loss": 4, "lr": 1.0})
    file = MetricFile(path, only=["steady"], derived=DERIVED)
    file.poll()
    assert "lr" not in file.metrics
    assert points(file, "steady") == [(1, 1)]
    logged = MetricFile(path, only=["lr"], derived=DERIVED)
    logged.poll()
    assert list(logged.metrics) == ["lr"]


def test_columns_of_one_step_may_come_in_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = MetricFile(path, derived=DERIVED)
    for row in ({"step": 1, "train_loss": 3}, {"step": 1, "eval_loss": 4}):
        write(path, row)
        file.poll()
    assert points(file, "gap") == [(1, 1)]
    write(path, {"step": 2, "train_loss": 2})
    file.poll()
    assert points(file, "gap") == [(1, 1), (2, 2)]
    write(path, {"step": 2, "eval_loss": 8})
    file.poll()
    assert points(file, "gap") == [(1, 1), (2, 6)]
    assert points(file, "steady") == [(1, 1), (2, 3.5)]


def test_a_missing_column_is_named_and_a_fault_is_told(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, {"step": 5, "a": 1, "b": 0}, {"step": 6, "a": 1, "b": 0})
    derived = (DerivedMetric("ratio", "a / b"), DerivedMetric("lost", "a - gone"))
    file = MetricFile(path, derived=derived)
    file.poll()
    assert file.derived_missing == {"lost": ("gone",)}
    assert "lost" not in file.metrics
    assert math.isnan(points(file, "ratio")[0][1])
    assert [str(one) for one in file.derived_faults] == [
        "ratio: column 3: division by zero, 2 times, first at step 5"
    ]


def test_a_derived_metric_hides_a_logged_one_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write(path, {"step": 1, "a": 1, "score": 7})
    file = MetricFile(path, derived=[DerivedMetric("score", "2 * a")])
    file.poll()
    assert points(file, "score") == [(1, 2)]


steps = st.integers(0, 12)
values = st.one_of(st.integers(-3, 3).map(float), st.just(math.nan))
writes = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), steps, values), max_size=60)
TEXTS = (
    "mean(a, 3) - b", "lag(a, 2) * c", "endweight(a - b, 1.1)", "diff(at(a, b))", "a / b",
    "slope(a, 4)", "cummin(ema(b, 0.5)) + step", "where(c > 0, std(a, 3), last(b))",
)  # fmt: skip


@given(writes, st.sampled_from(TEXTS), st.integers(1, 7))
def test_any_order_of_writes_and_reads_gives_what_one_reading_gives(
    history: list[tuple[str, int, float]], text: str, every: int
) -> None:
    """Repeated steps, steps that go back, columns that come late; read after every few writes."""
    assert_same_as_anew(history, text, every, spacing=2_048)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("text", TEXTS)
def test_a_run_that_restarts_again_and_again_gives_what_one_reading_gives(
    text: str, seed: int
) -> None:
    chance = random.Random(seed)
    history: list[tuple[str, int, float]] = []
    step = 0
    for _ in range(300):
        step = max(0, step - chance.randrange(40)) if chance.random() < 0.03 else step + 1
        name = chance.choice("aaabbc")
        history.append((name, step, chance.choice([0.0, 1.0, 2.5, math.nan, -3.0])))
    assert_same_as_anew(history, text, every=chance.randrange(1, 40), spacing=5)


def assert_same_as_anew(
    history: list[tuple[str, int, float]], text: str, every: int, spacing: int
) -> None:
    """`spacing`: rows between kept states; few, so that short histories have some to go back to."""
    definitions = (DerivedMetric("x", text), DerivedMetric("y", "median(x, 3) + a"))
    logged: dict[str, Series] = {}
    growing = Derivation(definitions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SPACING", spacing)
        for number, (name, step, value) in enumerate(history):
            logged.setdefault(name, Series()).append(float(step), value)
            if number % every == 0:
                growing.update(logged)
    found, anew = growing.update(logged), Derivation(definitions)
    wanted = anew.update(logged)
    assert found.keys() == wanted.keys()
    for name in found.keys() & {"x", "y"}:
        assert list(found[name].steps()) == list(wanted[name].steps())
        assert repr(found[name].values()) == repr(wanted[name].values())
    assert growing.faults == anew.faults


def test_repeating_the_end_of_a_long_run_costs_its_end_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged = {"a": Series(), "b": Series()}
    growing = Derivation([DerivedMetric("x", "mean(a, 10) - b")])
    for step in range(20_000):
        for series in logged.values():
            series.append(float(step), 1.0)
    growing.update(logged)
    pushed = 0
    curve = growing._curves[0]
    push = curve._evaluation.push

    def counted(step: float, row: list[float | None]) -> float | None:
        nonlocal pushed
        pushed += 1
        return push(step, row)

    monkeypatch.setattr(curve._evaluation, "push", counted)
    for step in range(19_900, 20_100):
        for series in logged.values():
            series.append(float(step), 2.0)
    found = growing.update(logged)["x"]
    assert pushed < 5_000
    assert found.count == 20_100
    assert (found.values()[19_899], found.values()[19_900]) == (0.0, 1.1 - 2.0)
