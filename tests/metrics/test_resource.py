"""Curves over reports, steps, progress and epochs."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.resource import Growing, columns, curve
from tuiswp.model.stopper import Resource

ROWS = (
    {"step": 10, "epoch": 0.5, "progress": 0.1, "train": 3.0},
    {"step": 20, "epoch": 1, "progress": 0.2, "loss": 2.0},
    {"step": 30, "loss": float("nan"), "progress": 0.3},
    {"step": 40, "epoch": 2, "progress": 0.4, "loss": 1.5},
    {"step": 45, "loss": 1.4},
    {"step": 50, "epoch": 3, "progress": 0.5, "loss": 1.0},
)


@pytest.mark.parametrize("repeat", [1, 300])  # line by line, and in bulk
@pytest.mark.parametrize(
    ("resource", "positions", "values"),
    [
        ("report", [1, 2, 3, 4], [2.0, 1.5, 1.4, 1.0]),
        ("step", [20, 40, 45, 50], [2.0, 1.5, 1.4, 1.0]),
        ("progress", [0.2, 0.4, 0.5], [2.0, 1.4, 1.0]),
        ("epoch", [1, 2, 3], [2.0, 1.4, 1.0]),
    ],
)
def test_a_curve_counts_in_its_resource(
    tmp_path: Path, resource: Resource, positions: list[float], values: list[float], repeat: int
) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS * repeat))
    file = MetricFile(path, only=columns("loss", resource))
    file.poll()
    assert curve(file, "loss", resource) == (positions, values)


def test_what_a_script_never_logged_gives_no_curve(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n')
    file = MetricFile(path)
    file.poll()
    assert curve(file, "loss", "progress") == ([], [])
    assert curve(file, "accuracy", "step") == ([], [])


def test_a_restart_from_an_earlier_checkpoint_takes_the_place_of_what_came_after_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.jsonl"
    rows = [(1, 0.1, 3.0), (2, 0.2, 2.5), (3, 0.3, 2.0), (4, 0.15, 9.0), (5, 0.25, 1.0)]
    path.write_text(
        "".join(json.dumps({"step": s, "progress": p, "loss": v}) + "\n" for s, p, v in rows)
    )
    file = MetricFile(path)
    file.poll()
    assert curve(file, "loss", "progress") == ([0.1, 0.15, 0.25], [3.0, 9.0, 1.0])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 20), st.floats(0, 1), st.sampled_from([1.0, 2.0, 3.0, float("nan")])
        ),
        max_size=30,
    ),
    st.lists(st.integers(1, 7), min_size=1, max_size=8),
    st.sampled_from(["report", "step", "progress"]),
)
def test_a_curve_that_grows_is_the_curve_read_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, float, float]],
    pieces: list[int],
    resource: Resource,
) -> None:
    path = tmp_path_factory.mktemp("run") / "metrics.jsonl"
    lines = [json.dumps({"step": s, "progress": p, "loss": v}) + "\n" for s, p, v in rows]
    file, growing = MetricFile(path), Growing("loss", resource)
    with path.open("a") as out:
        while lines:
            piece, lines = lines[: pieces[0]], lines[pieces[0] :]
            pieces = pieces[1:] or pieces
            out.writelines(piece)
            out.flush()
            file.poll()
            growing.update(file)
            assert (growing.positions, growing.values) == curve(file, "loss", resource)
