"""Where points stand on an axis of time or progress: only by what was logged."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.series import Series
from tuiswp.tui.along import Along, Ruler, XKind, ruler


def read(place: Path, rows: list[dict[str, Any]]) -> MetricFile:
    path = place / "metrics.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = MetricFile(path)
    file.poll()
    return file


def along(file: MetricFile, x: XKind) -> list[tuple[float, float]] | None:
    found = ruler(file, x)
    if found is None:
        return None
    curve = Along(file.metrics["loss"], found)
    return list(zip(curve.steps(), curve.values(), strict=True))


@pytest.mark.parametrize(
    ("logged", "places"),
    [
        ({"_runtime": [5.0, 7.0, 9.5]}, [5.0, 7.0, 9.5]),
        ({"_timestamp": [1.8e9, 1.8e9 + 2, 1.8e9 + 3]}, [0.0, 2.0, 3.0]),
        ({"timestamp": [1.8e9, 1.8e9 + 2, 1.8e9 + 3]}, [0.0, 2.0, 3.0]),
        ({"time": [1.8e9, 1.8e9 + 2, 1.8e9 + 3]}, [0.0, 2.0, 3.0]),
        ({"time_total": [2.0, 2.5, 3.0]}, [2.0, 4.5, 7.5]),
        ({"_runtime": [1.0, 2.0, 3.0], "time_total": [9.0, 9.0, 9.0]}, [1.0, 2.0, 3.0]),
        ({"time": [0.3, 0.2, 0.3], "time_total": [1.0, 1.0, 1.0]}, [1.0, 2.0, 3.0]),
    ],
)
def test_time_is_what_the_script_wrote_of_it(
    tmp_path: Path, logged: dict[str, list[float]], places: list[float]
) -> None:
    rows = [
        {"step": n, "loss": float(n), **{name: column[n] for name, column in logged.items()}}
        for n in range(3)
    ]
    assert along(read(tmp_path, rows), "time") == [(x, float(n)) for n, x in enumerate(places)]


def test_a_script_that_logs_no_times_has_none(tmp_path: Path) -> None:
    file = read(tmp_path, [{"step": n, "loss": 1.0, "time": 0.25} for n in range(3)])
    assert along(file, "time") is None
    assert along(file, "progress") is None


def test_a_restart_goes_on_from_the_time_it_had(tmp_path: Path) -> None:
    first = [{"step": n, "loss": 1.0, "_runtime": 10.0 * n} for n in range(6)]
    again = [{"step": n, "loss": 2.0, "_runtime": 10.0 * (n - 3) + 1.0} for n in range(4, 8)]
    found = along(read(tmp_path, first + again), "time")
    assert found is not None
    assert [x for x, _ in found] == [0.0, 10.0, 20.0, 30.0, 41.0, 51.0, 61.0, 71.0]


def test_a_clock_set_back_moves_nothing_to_the_left(tmp_path: Path) -> None:
    times = [100.0, 105.0, 50.0, 107.0]
    rows = [{"step": n, "loss": 1.0, "_timestamp": 1.8e9 + at} for n, at in enumerate(times)]
    found = along(read(tmp_path, rows), "time")
    assert found is not None
    assert [x for x, _ in found] == [0.0, 5.0, 5.0, 7.0]


def test_progress_is_a_share_and_points_before_the_first_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"step": 0, "loss": 9.0},
        {"step": 1, "loss": 8.0, "progress": 0.25},
        {"step": 2, "loss": 7.0},
        {"step": 3, "loss": 6.0, "progress": 7.0},
        {"step": 4, "loss": 5.0, "progress": 0.5},
    ]
    assert along(read(tmp_path, rows), "progress") == [(0.25, 8), (0.25, 7), (0.25, 6), (0.5, 5)]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 20), st.none() | st.floats(0, 100) | st.just(math.nan), st.booleans()
        ),
        max_size=60,
    ),
    st.sampled_from(["elapsed", "clock", "sum", "share"]),
    st.integers(1, 9),
)
def test_growing_comes_to_the_same_as_all_at_once_and_no_place_falls(
    rows: list[tuple[int, float | None, bool]], rule: Any, each: int
) -> None:
    """Whatever is written in whatever order, and looked at whenever."""
    marks, values = Series(), Series()
    growing = Along(values, Ruler(marks, rule))
    for count, (step, mark, has_value) in enumerate(rows):
        if mark is not None:
            marks.append(float(step), mark)
        if has_value:
            values.append(float(step), float(count))
        if count % each == 0:
            growing.steps()
    at_once = Along(values, Ruler(marks, rule))
    assert list(at_once.steps()) == list(growing.steps())
    xs = list(growing.steps())
    assert xs == sorted(xs)
    assert len(xs) == len(growing.values())
