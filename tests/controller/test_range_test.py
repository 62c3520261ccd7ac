"""A range test that ran before the sweep: what is tried first, what is said, what is refused."""

import json
from pathlib import Path

import pytest

from tests.spec.helpers import read as sweep_from
from tuiswp.analysis.range_test import RangeTest, image, read, told
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.range_test import gather, keep, kept, note, points
from tuiswp.controller.requests import Request, pending
from tuiswp.errors import SpecError
from tuiswp.model.sweep import Sweep

CURVE = {"rates": [1e-6, 1e-4, 1e-2], "losses": [3, 2, 1.0], "smoothed": [3, 2, 1.5]}
FILE = """\
method: random
run_cap: 4
metric: {name: loss, goal: minimize}
parameters:
  optim: {parameters: {learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}}}
  rank: {values: [8, 16]}
tuiswp:
  points_from: FOLDER
"""
BASELINE = "  baseline: {optim: {learning_rate: 1e-3}, rank: 8}\n"


def sweep_of(folder: Path, *, baseline: str = BASELINE, text: str = FILE) -> Sweep:
    return sweep_from(text.replace("FOLDER", str(folder)) + baseline)


def range_test_in(folder: Path, suggestion: float | None = 1e-3, **other: object) -> Path:
    found = {"suggestion": suggestion, "ended": "the range was gone through", **CURVE, **other}
    (folder / "lr_finder.json").write_text(json.dumps(found))
    return folder


def rates(sweep: Sweep, found: RangeTest) -> list[object]:
    return [point["optim"]["learning_rate"] for point in points(sweep, found)]  # type: ignore[index,call-overload]


def test_the_suggestion_and_its_neighbours_within_the_range_are_tried_first(tmp_path: Path) -> None:
    sweep = sweep_of(range_test_in(tmp_path))
    found, _ = gather(sweep)
    assert rates(sweep, found) == [1e-3, 3.3e-4, 3e-3]
    assert note(sweep, found) == (
        "range test of learning_rate: the loss falls fastest at 1e-3 (the range was gone through); "
        "tried first: 1e-3, 3.3e-4, 3e-3"
    )
    found, _ = gather(sweep_of(range_test_in(tmp_path, 8e-3)))
    assert rates(sweep, found) == [8e-3, 2.7e-3]
    # The file itself may be named, and a suggestion outside the range is tried, and said.
    sweep = sweep_of(range_test_in(tmp_path, 1e-6) / "lr_finder.json")
    found, _ = gather(sweep)
    assert rates(sweep, found) == [1e-6]
    assert "outside 1e-4 to 1e-2: an order of magnitude around it is 1e-7 to 1e-5" in note(
        sweep, found
    )


def test_the_points_are_asked_for_and_the_curve_is_kept(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    sweep = sweep_of(range_test_in(tmp_path / "test"))
    place = SweepDirectory(tmp_path / "sweep")
    place.create()
    found, data = gather(sweep)
    keep(place, sweep, found, data)
    [(_, request)] = pending(place)
    assert isinstance(request, Request)
    assert (request.verb, request.by) == ("add", "points_from")
    assert request.points == points(sweep, found)
    assert kept(place) == found
    place.range_test.write_text("{")
    assert kept(place) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"suggestion": None}, "the loss fell nowhere (the range was gone through); widen"),
        ({"suggestion": -1.0}, "suggests -1.0, which is no learning rate"),
        ({"rates": [1.0]}, "its curve is broken"),
        ({"rates": [1.0, 2.0, -3.0]}, "its curve is broken"),
        ({"rates": "x"}, "is no result of a range test"),
    ],
)
def test_what_is_no_range_test_is_told_with_the_line(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    suggestion = change.pop("suggestion", 1e-3)
    with pytest.raises(SpecError) as refused:
        gather(sweep_of(range_test_in(tmp_path, suggestion, **change)))  # type: ignore[arg-type]
    assert says in str(refused.value)
    assert str(refused.value).startswith("sweep.yaml:7: tuiswp.points_from: ")


def test_a_test_that_is_not_there_or_is_about_nothing_here_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"No such file.*; run python -m recipes\.lr_finder"):
        gather(sweep_of(tmp_path / "nowhere"))
    with pytest.raises(SpecError, match=r"does not say rank; add tuiswp\.baseline"):
        gather(sweep_of(range_test_in(tmp_path), baseline=""))
    other = FILE.replace("learning_rate", "depth")
    with pytest.raises(SpecError, match="is about learning_rate, and no parameter"):
        gather(sweep_of(tmp_path, baseline="", text=other))


def test_its_curve_is_drawn_with_a_hostile_name_inert() -> None:
    found = read(json.dumps({"suggestion": 1e-3, "parameter": "$lr\x1b[31m$", **CURVE}).encode())
    assert "\x1b" not in told(found)
    assert image(found, ".svg").startswith(b"<?xml")
    nothing = read(json.dumps({"suggestion": None, **CURVE}).encode())
    assert image(nothing, ".png").startswith(b"\x89PNG")
