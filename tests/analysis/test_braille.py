"""Charts in text: exact for small ones, and of the size asked for whatever the numbers are."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.analysis.braille import Canvas, Mark, _trace, curve, sparkline

U_CURVE = [
    (1e-4, 2.35), (3e-4, 2.22), (1e-3, 2.12), (3e-3, 2.04), (1e-2, 2.01), (3e-2, 3.37),
    (4.3e-3, 2.03),
]  # fmt: skip
U_MARKS: dict[int, Mark] = {4: "best", 6: "baseline"}


def test_the_eight_dots_of_a_cell() -> None:
    cells = []
    for y in range(4):
        for x in range(2):
            canvas = Canvas(1, 1)
            canvas.set(x, y)
            cells += canvas.rows()
    assert "".join(cells) == "⠁⠈⠂⠐⠄⠠⡀⢀"


def test_lines_are_cut_at_the_edges() -> None:
    canvas = Canvas(4, 2)
    canvas.line(-100, -100, 100, 100)
    canvas.line(50, 0, 60, 7)
    canvas.line(math.nan, 0, 3, 3)
    canvas.set(-1, 0)
    canvas.set(8, 0)
    assert canvas.rows() == ["⠑⢄  ", "  ⠑⢄"]


def test_a_character_hides_the_dots_below_it() -> None:
    canvas = Canvas(3, 1, ascii=True)
    canvas.line(0, 0, 5, 3)
    assert canvas.rows() == ["':."]
    assert not canvas.is_blank(1, 0)
    canvas.put(1, 0, "*")
    canvas.put(9, 9, "*")
    assert canvas.rows() == ["'*."]


def test_the_u_of_a_learning_rate_sweep() -> None:
    assert curve(U_CURVE, width=44, height=10, log_x=True, marks=U_MARKS) == [
        "    │ ●⢆                            ⢰⠁   ▲  ",
        "    │   ⠉⠢⡀                         ⢸       ",
        "    │     ⠈⠑⢄⡀                      ⡎       ",
        " 2.2┤        ●⠒⠤⣀                   ⡇       ",
        "    │            ⠑⠢⢄⡀              ⢠⠃       ",
        "    │               ●⠑⠢⢄⡀          ⢸        ",
        "    │·   ·   ·   ·   ·  ⠈⠒⠤●⣀○   · ⡜ ·   ·  ",
        "2.01┤┄ ┄ ┄ ┄ ┄ ┄ ┄ ┄ ┄ ┄ ┄ ┄ ⠉⠉⠑⠒⠒⠒★ ┄ ┄ ┄ ┄",
        "    └─┬─────────────┬──────────────┬────────",
        "    1e-4          1e-3           1e-2       ",
    ]


def test_the_same_without_unicode() -> None:
    rows = curve(U_CURVE, width=44, height=10, log_x=True, marks=U_MARKS, ascii=True)
    assert "".join(rows).isascii()
    assert "".join(rows).count("#") == 1
    assert "".join(rows).count("o") == 1


def test_a_diverged_trial_is_off_the_scale_and_does_not_flatten_the_rest() -> None:
    rows = curve(U_CURVE, width=60, height=12, log_x=True, marks=U_MARKS)
    assert rows[0].count("▲") == 1
    marked = [i for i, row in enumerate(rows) if "●" in row or "★" in row]
    assert marked[0] <= 1
    assert marked[-1] >= 8
    larger_is_better = [(x, -y) for x, y in U_CURVE]
    rows = curve(larger_is_better, width=60, height=12, log_x=True, marks=U_MARKS)
    assert rows[-3].count("▼") == 1


def test_the_best_is_a_star_on_a_dashed_labelled_line() -> None:
    rows = curve(U_CURVE, width=60, height=12, log_x=True, marks=U_MARKS)
    star = next(row for row in rows if "★" in row)
    assert star.startswith("2.01┤┄ ┄ ┄")
    assert sum("┄" in row for row in rows) == 1


def test_decades_stand_under_a_log_axis() -> None:
    rows = curve(U_CURVE, width=70, height=10, log_x=True)
    assert rows[-1].split() == ["1e-4", "3e-4", "1e-3", "3e-3", "1e-2", "3e-2"]
    assert rows[-2].count("┬") == 6
    batch = [(8.0, 1.0), (16.0, 2.0), (64.0, 3.0)]
    assert curve(batch, width=40, height=8, log_x=True)[-1].split() == ["10", "20", "50"]


def test_a_value_that_is_not_finite_breaks_the_line() -> None:
    points = [(0.0, 1.0), (1.0, math.nan), (2.0, 1.0), (3.0, math.inf), (math.nan, 1.0)]
    rows = curve(points, width=30, height=8)
    assert rows[0].count("×") == 2
    assert not any("\u2800" < char <= "\u28ff" for char in "".join(rows))
    assert "".join(rows).count("●") == 2


def test_one_point_and_equal_values_lie_in_the_middle() -> None:
    assert curve([(3, 5)], width=16, height=7) == [
        " │              ",
        " │              ",
        "5┤      ●       ",
        " │              ",
        " │              ",
        " └──────┬───────",
        "        3       ",
    ]
    flat = curve([(1, 5), (2, 5)], width=16, height=7)
    assert [i for i, row in enumerate(flat) if "●" in row] == [2]


def test_many_points_are_a_line_without_markers() -> None:
    rows = curve([(i, 1 / (i + 1)) for i in range(500)], width=40, height=10)
    assert not {"●", "▲"} & set("".join(rows))


def test_nothing_to_draw_is_said() -> None:
    rows = curve([(1.0, math.nan)], width=30, height=5)
    assert [row.strip() for row in rows] == ["", "", "no values to draw", "", ""]


def test_a_small_place_has_no_labels() -> None:
    assert curve([(1, 1), (2, 2)], width=6, height=3)[0].strip()
    assert curve([(1, 1)], width=0, height=2) == ["", ""]
    assert curve([(1, 1)], width=3, height=0) == []


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], 8, "▁▂▃▄▅▆▇█"),
        ([8, 1], 4, "█▁  "),
        ([3, 3], 2, "▅▅"),
        ([1, math.nan, 2], 3, "▁ █"),
        ([0, 2, 4, 6], 2, "▁█"),
        ([math.nan], 2, "  "),
        ([], 3, "   "),
        ([1, 2], 0, ""),
    ],
)
def test_a_sparkline_is_as_wide_as_asked(values: list[float], width: int, expected: str) -> None:
    assert sparkline(values, width) == expected


def test_a_sparkline_without_unicode() -> None:
    assert sparkline([1, 2, 3, 4, 5], 5, ascii=True) == "_.-=#"


NUMBERS = st.one_of(st.floats(), st.floats(0, 1), st.integers(-5, 5).map(float), st.just(1e300))


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30),
    st.integers(-1, 70),
    st.integers(-1, 20),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.dictionaries(st.integers(0, 30), st.sampled_from(["best", "baseline"]), max_size=4),
)
@settings(deadline=None, max_examples=300)
def test_a_chart_always_has_the_size_asked_for(
    points: list[tuple[float, float]],
    width: int,
    height: int,
    log_x: bool,
    log_y: bool,
    ascii: bool,
    marks: dict[int, Mark],
) -> None:
    rows = curve(
        points, width=width, height=height, log_x=log_x, log_y=log_y, marks=marks, ascii=ascii
    )
    assert len(rows) == max(0, height)
    assert {len(row) for row in rows} <= {max(0, width)}
    assert not ascii or "".join(rows).isascii()


@given(st.lists(NUMBERS, max_size=40), st.integers(-1, 30), st.booleans())
@settings(deadline=None, max_examples=150)
def test_a_sparkline_always_has_the_width_asked_for(
    values: list[float], width: int, ascii: bool
) -> None:
    assert len(sparkline(values, width, ascii=ascii)) == max(0, width)


@given(
    st.lists(st.tuples(st.floats(0.0, 19.0), st.integers(-9, 49)), min_size=1, max_size=80),
)
def test_points_of_one_column_are_joined_as_if_each_had_its_line(
    points: list[tuple[float, int]],
) -> None:
    dots = sorted(((x, y + 0.3) for x, y in points), key=lambda dot: dot[0])
    whole, thinned = Canvas(10, 10), Canvas(10, 10)
    for before, after in pairwise(dots):
        whole.line(*before, *after)
    stroke: list[tuple[float, float]] = []
    for dot in dots:
        if stroke and round(dot[0]) != round(stroke[-1][0]):
            _trace(thinned, stroke)
            stroke = stroke[-1:]
        stroke.append(dot)
    _trace(thinned, stroke)
    assert thinned.rows() == whole.rows()
