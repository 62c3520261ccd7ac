"""A chart as rows of styled cells: exact pictures, and what holds whatever the numbers are."""

import math
import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tuiswp.tui import palette, raster
from tuiswp.tui.along import X_KINDS, XKind
from tuiswp.tui.axis import Axis, short, x_axis, y_axis
from tuiswp.tui.draw import draw
from tuiswp.tui.plot import Drawing, Line, Plot
from tuiswp.tui.readout import read, says
from tuiswp.tui.snapshot import KillPoint
from tuiswp.tui.units import unit

STEPS = (0.0, 10.0, 20.0, 30.0, 40.0)
DOWN = Line(1, "t0001", STEPS, (4.0, 3.0, 2.0, 1.0, 0.0), slot=0)
UP = Line(2, "t0002", STEPS, (0.0, 1.0, 2.0, 3.0, 4.0), slot=1)
NAN = math.nan


def text(drawing: Drawing) -> list[str]:
    return ["".join(part for part, _ in row) for row in drawing.rows]


def inks(drawing: Drawing) -> set[str]:
    return {ink for row in drawing.rows for _, ink in row}


def curve(key: int, count: int, level: float = 1.0, dim: bool = False, front: bool = False) -> Line:
    xs = [5.0 * n for n in range(count)]
    ys = [3.0 * math.exp(-n / 60.0) + level + 0.05 * math.sin(n * 1.7) for n in range(count)]
    return Line(key, f"t{key:04}", xs, ys, slot=key, dim=dim, front=front)


# -- exact pictures ------------------------------------------------------------------------------


def test_one_line_in_ascii_has_both_axes_and_the_x_labels_in_the_axis_itself() -> None:
    assert text(draw(Plot("loss", (DOWN,), ascii=True), 30, 9)) == [
        "loss  by step                 ",
        "   4+****                     ",
        "    |   ****                  ",
        "    |       ****              ",
        "   2+          *****          ",
        "    |              *****      ",
        "    |                  ****   ",
        "   0+                      ***",
        "    +0----------20----------40",
    ]


def test_one_line_in_braille_ends_in_its_marker() -> None:
    assert text(draw(Plot("loss", (DOWN,)), 30, 9)) == [
        "loss  by step                 ",
        "   4┤⠉⠢⢄⡀                     ",
        "    │   ⠈⠑⠤⣀                  ",
        "    │       ⠉⠒⢄⡀              ",
        "   2┤          ⠈⠑⠢⢄⡀          ",
        "    │              ⠈⠑⠢⢄⡀      ",
        "    │                  ⠈⠑⠤⣀   ",
        "   0┤                      ⠉⠢●",
        "    └0──────────20──────────40",
    ]


def test_two_lines_are_named_at_their_right_ends_and_told_apart_by_their_markers() -> None:
    assert text(draw(Plot("loss", (DOWN, UP), ascii=True), 40, 9)) == [
        "loss                                    ",
        "   4+****                    oooooot0002",
        "    |    ****            ooooo          ",
        "    |        *****   ooooo              ",
        "   2+            oooo*                  ",
        "    |       ooooo     *****             ",
        "    |   ooooo             *****         ",
        "   0+ooo                      *****t0001",
        "    +0------------20------------40 step ",
    ]


def test_nan_is_a_gap() -> None:
    line = msgspec.structs.replace(DOWN, ys=(2.0, 2.0, NAN, 2.0, 2.0))
    assert (
        text(draw(Plot("loss", (line,), ascii=True), 30, 9))[3] == "   2+*******           *******"
    )


def test_the_cross_hair_shows_where_it_is_and_ranks_the_lines_by_the_goal() -> None:
    plot = Plot("loss", (DOWN, UP), ascii=True, cursor=10.0, goal="maximize")
    assert text(draw(plot, 60, 9)) == [
        "loss                                                        ",
        "   4+*******     |                            at 10   ot0002",
        "    |       *******                     oooooo*t0001 3      ",
        "    |            | *******       ooooooo      ot0002 1      ",
        "   2+            |       oooooooo*                          ",
        "    |            ooooooooo       *********                  ",
        "    |     oooooooo                       ********           ",
        "   0+ooooo       |                              *******t0001",
        "    +0----------10----------20----------30----------40 step ",
    ]


def test_kill_points_are_uprights_with_their_names_at_the_top() -> None:
    points = (
        KillPoint(20.0, "kill 50%"),
        KillPoint(21.0, "kill 2"),
        KillPoint(0.5, "", "progress"),
    )
    assert text(draw(Plot("loss", (DOWN,), kill_points=points, ascii=True), 50, 9)) == [
        "loss                                              ",
        "   4+******             |kill 50%                 ",
        "    |     ******        :|kill 2                  ",
        "    |           ******  ::                        ",
        "   2+                *******                      ",
        "    |                   :: *******                ",
        "    |                   ::        ******          ",
        "   0+                   ::             ******t0001",
        "    +0-------10--------20--------30-------40 step ",
    ]


def test_a_trial_that_was_ended_early_ends_in_a_cross() -> None:
    pruned = msgspec.structs.replace(DOWN, pruned=True)
    drawn = text(draw(Plot("loss", (pruned, UP)), 40, 9))
    assert sum(row.count("×") for row in drawn) == 1
    assert "×●t0001" in drawn[7]
    assert "X*t0001" in text(draw(Plot("loss", (pruned, UP), ascii=True), 40, 9))[7]


# -- what is drawn where -------------------------------------------------------------------------


def test_without_a_point_the_chart_says_so() -> None:
    assert text(draw(Plot("loss"), 30, 5))[2].strip() == "no data yet"
    empty = Line(1, "t0001", (), ())
    assert text(draw(Plot("loss", (empty,)), 30, 5))[2].strip() == "no data yet"


def test_points_without_a_place_are_not_passed_off_as_no_data() -> None:
    line = Line(1, "t0001", (1.0, 2.0), (NAN, NAN))
    assert text(draw(Plot("loss", (line,)), 40, 5))[2].strip() == "2 points, none has a place here"


def test_a_single_point_has_a_place_and_a_label() -> None:
    rows = text(draw(Plot("loss", (Line(1, "t0001", (7.0,), (0.5,)),)), 40, 9))
    row = next(row for row in rows if row.startswith(" 0.5┤"))
    assert row.count("●") == 2
    assert row.endswith("●t0001")


def test_a_diverged_trial_leaves_at_the_top_and_does_not_flatten_the_others() -> None:
    gone = curve(2, 100)
    gone = msgspec.structs.replace(gone, ys=[*gone.ys[:60], *(10.0**n for n in range(40))])
    drawing = draw(Plot("loss", (curve(1, 300), gone)), 60, 14)
    assert drawing.frame is not None
    assert drawing.frame.y.high < 30.0
    assert "▲▲" in text(drawing)[1]
    assert "▲" not in text(draw(Plot("loss", (curve(1, 300), curve(2, 300))), 60, 14))[1]


def test_infinity_leaves_at_the_top_as_well() -> None:
    line = msgspec.structs.replace(curve(0, 100), ys=[*curve(0, 100).ys[:-1], math.inf])
    assert "^" in text(draw(Plot("loss", (line,), ascii=True), 60, 14))[1]


def test_a_log_axis_drops_what_has_no_place_and_says_how_many() -> None:
    line = msgspec.structs.replace(DOWN, ys=(100.0, 10.0, 1.0, 0.0, -1.0))
    title = text(draw(Plot("loss", (line,), log_y=True), 50, 9))[0]
    assert "log y" in title
    assert "2 not shown: <= 0" in title
    both = draw(Plot("loss", (line,), log_y=True, log_x=True), 50, 9)
    assert "3 not shown: <= 0" in text(both)[0]
    assert both.frame is not None
    assert (both.frame.x.log, both.frame.y.log) == (True, True)


def test_the_front_line_is_drawn_over_the_others_and_dim_ones_under_them() -> None:
    ghost, plain = curve(1, 100, dim=True), msgspec.structs.replace(curve(1, 100), key=2, slot=2)
    best = msgspec.structs.replace(curve(1, 100, front=True), key=3, slot=3)
    shown = inks(draw(Plot("", (best, plain, ghost)), 30, 9))
    assert palette.line_ink(3, "front") in shown
    assert palette.line_ink(2) not in shown
    shown = inks(draw(Plot("", (plain, ghost)), 30, 9))
    assert palette.line_ink(1, "dim") not in shown


def test_smoothing_draws_the_raw_curve_dim_behind() -> None:
    wild = Line(0, "t0000", list(range(100)), [float(n % 2) for n in range(100)])
    drawing = draw(Plot("loss", (wild,), smooth=0.9), 60, 12)
    assert {palette.line_ink(0, "dim"), palette.line_ink(0)} <= inks(drawing)
    assert "ema 0.9" in text(drawing)[0]


def test_smoothing_evenly_spaced_points_is_the_debiased_moving_average() -> None:
    ys = [4.0, 1.0, NAN, 3.0]
    line = Line(0, "t0000", [0.0, 1.0, 2.0, 3.0], ys)
    seen = [read(Plot(lines=(line,), smooth=0.5), float(n)).readings[0].smoothed for n in (0, 1)]
    assert seen == [4.0, pytest.approx((0.25 * 4.0 + 0.5 * 1.0) / 0.75)]
    at_gap = read(Plot(lines=(line,), smooth=0.5), 2.0).readings[0]
    assert math.isnan(at_gap.y)


def test_a_line_that_brings_its_average_along_is_drawn_and_read_by_it() -> None:
    line = msgspec.structs.replace(DOWN, smoothed=(4.0, 3.5, 3.0, 2.5, 2.0), smooth=0.5)
    assert read(Plot(lines=(line,), smooth=0.5), 20.0).readings[0].smoothed == 3.0
    other = read(Plot(lines=(line,), smooth=0.6), 20.0).readings[0].smoothed
    assert other not in (None, 3.0)


def test_without_colour_markers_stand_along_each_line() -> None:
    pair = (curve(1, 300), curve(2, 300, 2.0))
    plain = "".join(text(draw(Plot("loss", pair, colour=False), 80, 20)))
    coloured = "".join(text(draw(Plot("loss", pair), 80, 20)))
    for slot in (1, 2):
        mark = palette.marker(slot)
        assert plain.count(mark) >= coloured.count(mark) + 4


def test_labels_never_share_a_row_and_the_first_lines_keep_theirs() -> None:
    many = tuple(curve(key, 100) for key in range(30))
    drawing = draw(Plot("loss", many), 60, 12)
    named = [row[-6:] for row in text(drawing)[1:-1] if row[-6:].strip()]
    assert len(named) == len(set(named)) == 3  # its row and two above
    assert "●t0000" in named


def test_hostile_labels_and_titles_stay_in_their_cells() -> None:
    for bad in (
        "\x1b[2J\x1b]0;x\x07",
        "損失" * 30,
        "e" + "\u0301" * 9,
        "\u202ex",
        "[b]",
        "a\nb\tc",
    ):
        line = msgspec.structs.replace(DOWN, label=bad)
        drawing = draw(
            Plot(
                bad,
                (line,),
                cursor=20.0,
                note=bad,
                kill_points=(KillPoint(10.0, bad),),
            ),
            70,
            12,
        )
        for row in text(drawing):
            assert cell_len(row) == 70
            assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in row)


# -- the cross-hair ------------------------------------------------------------------------------


def test_reading_takes_the_last_point_at_or_before_and_puts_nan_last() -> None:
    late = Line(3, "t0003", (35.0, 40.0), (0.0, 0.0))
    broken = Line(4, "t0004", STEPS, (NAN,) * 5)
    short_one = Line(5, "t0005", (0.0, 5.0), (2.5, 2.5))
    seen = read(Plot(lines=(broken, UP, late, DOWN, short_one)), 14.9)
    assert seen.x == 10.0
    assert [(one.key, one.x, one.ended) for one in seen.readings] == [
        (2, 10.0, False),
        (5, 5.0, True),
        (1, 10.0, False),
        (4, 10.0, False),
    ]


@pytest.mark.parametrize("log", [False, True])
def test_columns_and_rows_lead_back_to_themselves(log: bool) -> None:
    line = msgspec.structs.replace(curve(1, 300), xs=[5.0 * n + 1.0 for n in range(300)])
    frame = draw(Plot("loss", (line,), log_x=log, log_y=log), 80, 20).frame
    assert frame is not None
    for column in range(frame.left, frame.left + frame.width):
        assert frame.column_of(frame.x_at(column)) == column
    for row in range(frame.top, frame.top + frame.height):
        assert frame.row_of(frame.y_at(row)) == row
    assert frame.column_of(1e9) is None
    assert frame.row_of(NAN) is None


def test_the_read_out_says_how_much_better_each_line_is_than_the_reference_there() -> None:
    ended = Line(7, "t0007", (0.0, 10.0), (5.0, 5.0))
    plot = Plot(lines=(DOWN, UP, ended), reference=1, cursor=30.0)
    better = {one.key: one.better for one in read(plot, 30.0).readings}
    assert better == {1: None, 2: pytest.approx(-2.0), 7: None}
    upwards = msgspec.structs.replace(plot, goal="maximize")
    assert {one.key: one.better for one in read(upwards, 30.0).readings}[2] == pytest.approx(2.0)
    assert any("ot0002 3 200% worse" in row for row in text(draw(plot_ascii(plot), 90, 9)))


def plot_ascii(plot: Plot) -> Plot:
    return msgspec.structs.replace(plot, ascii=True)


@pytest.mark.parametrize(
    ("better", "said"),
    [(0.092, "9.2% better"), (-0.5, "50% worse"), (0.0001, "same"), (12.0, "1200% better")],
)
def test_how_much_better_is_said_in_two_digits(better: float, said: str) -> None:
    assert says(better) == said


def test_where_the_read_out_has_no_room_the_title_says_it() -> None:
    line = msgspec.structs.replace(DOWN, ys=[y + 0.1234 for y in DOWN.ys])
    plot = Plot("loss", (line,), ascii=True, cursor=30.0)
    assert text(draw(plot, 36, 9))[0].startswith("loss  at 30  *t0001 1.123 ")


@pytest.mark.parametrize(
    ("x", "end", "name", "said"),
    [
        ("time", 90.0, "s", "45 s"), ("time", 1800.0, "min", "15 min"),
        ("time", 2e4, "h", "2.778 h"),
        ("time", 4e5, "days", "2.315 d"), ("progress", 1.0, "progress", "50%"),
        ("step", 4e5, "step", "200k"),
    ],
)  # fmt: skip
def test_the_x_axis_is_counted_in_what_a_person_would_say(
    x: XKind, end: float, name: str, said: str
) -> None:
    line = Line(1, "t0001", (0.0, end / 2.0, end), (3.0, 2.0, 1.0))
    drawing = draw(Plot("loss", (line,), x=x, cursor=end / 2.0), 80, 12)
    assert text(drawing)[-1].rstrip().endswith(name)
    assert any(f"at {said} " in row for row in text(drawing))
    assert unit(x, end).name == name


def test_ticks_of_time_are_round_in_their_unit() -> None:
    line = Line(1, "t0001", (0.0, 3000.0), (3.0, 1.0))
    assert text(draw(Plot("loss", (line,), x="time", ascii=True), 60, 9))[-1] == (
        "    +0-------10--------20--------30--------40-------50 min  "
    )


# -- axes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("high", "end"), [(1.0, 1.0), (1195.0, 1250.0), (1300.0, 1500.0), (8100.0, 10000.0), (0.0, 1.0)]
)
def test_the_end_of_the_x_axis_is_round(high: float, end: float) -> None:
    assert x_axis(0.0, high) == Axis(0.0, end)


def test_the_y_axis_ends_at_round_steps_or_half_decades() -> None:
    assert y_axis(0.23, 2.71) == Axis(0.0, 3.0)
    assert y_axis(0.23, 2.71, log=True) == Axis(-1.0, 0.5, True)


def test_a_new_last_point_moves_no_axis_and_few_rows() -> None:
    line = curve(1, 220)
    before = draw(
        Plot("loss", (msgspec.structs.replace(line, xs=line.xs[:-1], ys=line.ys[:-1]),)), 80, 20
    )
    after = draw(Plot("loss", (line,)), 80, 20, before)
    assert after.frame == before.frame
    changed = [old for old, new in zip(before.rows, after.rows, strict=True) if old != new]
    assert len(changed) <= 2


def test_an_axis_keeps_its_extent_until_the_data_need_much_less() -> None:
    wide = y_axis(0.0, 10.0)
    assert y_axis(1.0, 7.0, previous=wide) == wide
    assert y_axis(1.0, 1.1, previous=wide) != wide
    grown = y_axis(2.0, 11.0, previous=wide)
    assert grown.low <= wide.low
    assert grown.high >= 11.0


def test_lines_that_did_not_change_are_not_drawn_again() -> None:
    still, moving = curve(1, 300), curve(2, 299)
    before = draw(Plot("loss", (still, moving)), 80, 20)
    longer = msgspec.structs.replace(moving, xs=[*moving.xs, 1495.0], ys=[*moving.ys, 1.0])
    after = draw(Plot("loss", (still, longer)), 80, 20, before)
    assert after.layers[1, False][1] is before.layers[1, False][1]
    assert after.layers[2, False][1] is not before.layers[2, False][1]
    assert after.rows == draw(Plot("loss", (still, longer)), 80, 20).rows


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.18624, "0.1862"), (1200.0, "1200"), (20_000.0, "20k"), (123_456.0, "123.5k"),
        (3.2e-4, "3.2e-4"), (0.0, "0"), (-2.5e6, "-2.5M"), (1e21, "1e21"), (NAN, "NaN"),
        (-math.inf, "-inf"), (9999.7, "10k"), (0.001, "0.001"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits_and_few_columns(value: float, shown: str) -> None:
    assert short(value) == shown


def test_a_long_curve_shows_the_same_dots_as_every_point_of_it_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(1)
    xs = sorted(chance.uniform(1.0, 1e4) for _ in range(3000))
    ys = [NAN if chance.random() < 0.001 else chance.gauss(5.0, 1.0) for _ in xs]
    whole = Plot("loss", (Line(1, "t0001", xs, ys),))
    for plot in (
        whole,
        msgspec.structs.replace(whole, log_x=True),
        msgspec.structs.replace(whole, x_range=(100.0, 9000.0)),
    ):
        few = draw(plot, 60, 16)
        with monkeypatch.context() as patch:
            patch.setattr(raster, "_MANY", 10**6)
            every = draw(plot, 60, 16)
        differ = sum(
            one != other
            for row, same in zip(text(few), text(every), strict=True)
            for one, other in zip(row, same, strict=True)
        )
        assert differ <= 2  # a point on the border of two columns may fall to the other


@pytest.mark.parametrize("log", [False, True])
def test_a_curve_drawn_as_it_grows_is_the_curve_drawn_at_once(log: bool) -> None:
    chance = random.Random(2)
    xs = [float(n + 1) for n in range(400)]
    ys = [NAN if chance.random() < 0.02 else chance.gauss(3.0, 2.0) for _ in xs]
    drawing: Drawing | None = None
    count = 1
    while count < len(xs):
        plot = Plot(
            "loss",
            (Line(1, "t0001", xs[:count], ys[:count]),),
            log_x=log,
            log_y=log,
            x_range=(20.0, 300.0),
            y_range=(0.5, 5.0),
        )
        drawing = draw(plot, 60, 16, drawing)
        assert drawing.rows == draw(plot, 60, 16).rows
        count += chance.randrange(1, 12)


def test_a_long_curve_that_grows_changes_only_its_end() -> None:
    line = curve(1, 2200)
    before = draw(
        Plot("loss", (msgspec.structs.replace(line, xs=line.xs[:-3], ys=line.ys[:-3]),)), 80, 20
    )
    after = draw(Plot("loss", (line,)), 80, 20, before)
    changed = [
        place
        for old, new in zip(text(before), text(after), strict=True)
        for place in range(80)
        if old[place] != new[place]
    ]
    assert after.frame == before.frame
    assert all(place >= 62 for place in changed)


# -- whatever the numbers are --------------------------------------------------------------------

VALUES = st.one_of(st.floats(), st.floats(-10, 10), st.sampled_from([NAN, math.inf, 5e-324, 1e308]))


@st.composite
def lines(draw_: st.DrawFn) -> Line:
    xs = sorted(draw_(st.lists(st.floats(allow_nan=False), max_size=30)))
    ys = [draw_(VALUES) for _ in xs]
    flag = st.booleans()
    return Line(draw_(st.integers(0, 5)), "t0001", xs, ys, 1, draw_(flag), draw_(flag))


RANGES = st.one_of(st.none(), st.tuples(st.floats(), st.floats()))
PLOTS = st.builds(
    Plot,
    title=st.sampled_from(["", "loss"]),
    lines=st.lists(lines(), max_size=4).map(tuple),
    log_x=st.booleans(),
    log_y=st.booleans(),
    smooth=st.sampled_from([0.0, 0.6, 0.99]),
    x_range=RANGES,
    y_range=RANGES,
    cursor=st.one_of(st.none(), st.floats()),
    x=st.sampled_from(X_KINDS),
    kill_points=st.lists(
        st.builds(KillPoint, st.floats(), st.text(max_size=20), st.sampled_from(X_KINDS)),
        max_size=2,
    ).map(tuple),
    reference=st.none() | st.integers(0, 5),
    note=st.sampled_from(["", "50 % better", "日本語"]),
    ascii=st.booleans(),
    colour=st.booleans(),
)


@settings(deadline=None, max_examples=150)
@given(
    plots=st.lists(PLOTS, min_size=1, max_size=2),
    width=st.integers(0, 60),
    height=st.integers(0, 16),
)
def test_any_numbers_make_exactly_the_rows_and_columns_asked_for(
    plots: Sequence[Plot], width: int, height: int
) -> None:
    drawing: Drawing | None = None
    for plot in plots:
        drawing = draw(plot, width, height, drawing)
        assert [len(row) for row in text(drawing)] == [width] * height
        assert not plot.ascii or "".join(text(drawing)).isascii()


@settings(deadline=None, max_examples=60)
@given(
    eighths=st.lists(st.integers(-4000, 4000), min_size=3, max_size=20),
    gaps=st.lists(st.integers(1, 400), min_size=20, max_size=20),
    log=st.booleans(),
)
def test_axes_never_shrink_while_data_grow(eighths: list[int], gaps: list[int], log: bool) -> None:
    ys = [value / 8.0 for value in eighths]
    xs = [sum(gaps[:n]) / 4.0 for n in range(len(ys))]
    drawing: Drawing | None = None
    for count in range(1, len(ys) + 1):
        before = drawing.frame if drawing is not None else None
        plot = Plot("loss", (Line(1, "t0001", xs[:count], ys[:count]),), log_y=log)
        drawing = draw(plot, 60, 16, drawing)
        placed = {value for value in ys[: count - 1] if value > 0.0 or not log}
        if before is None or drawing.frame is None or len(placed) < 2:
            continue  # an axis around a single value is a guess that may be taken back
        for old, new in ((before.x, drawing.frame.x), (before.y, drawing.frame.y)):
            assert new.low <= old.low
            assert new.high >= old.high


# -- the palette ---------------------------------------------------------------------------------


def test_colour_and_marker_together_tell_56_lines_apart() -> None:
    looks = {(palette.colour(slot), palette.marker(slot)) for slot in range(56)}
    assert len(looks) == 56


def test_without_colour_no_ink_has_one() -> None:
    for ink in ("axis", "kill", "cursor", "", palette.line_ink(3), palette.line_ink(3, "front")):
        style = palette.style(ink, colour=False)
        assert style.color is None
        assert style.bgcolor is None
    assert palette.style(palette.line_ink(3), colour=True).color is not None
