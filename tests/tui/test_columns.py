"""Which columns fit, and that every line is exactly as wide as it must be."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.rows import NAMES, row, running
from tuiswp.model.trial import STATES
from tuiswp.text import visible
from tuiswp.tui.columns import (
    Sheet,
    duration,
    flags_text,
    narrow,
    progress_bar,
    step_text,
    value_text,
)
from tuiswp.tui.pieces import Line, joined, keep_end, shorten
from tuiswp.tui.snapshot import TrialRow

ROWS = [
    row(5, flags=("BEST",), value=1.118),
    running(44, value=None, flags=("STALL",)),
    row(45, state="failed", cause="gpu-oom", value=1234.5, flags=("NaN", "RETRY")),
]


def sheet(*, ascii: bool = False) -> Sheet:
    made = Sheet(NAMES, "val_loss", ascii=ascii)
    made.take(ROWS)
    return made


def drawn(width: int, which: TrialRow) -> str:
    made = sheet()
    return " ".join(made.cells(which, made.layout(width)))


ALWAYS = ["mark", "id", "state", "value", "flags"]
PARAMS = ["param.lr", "param.batch_size", "param.opt"]


@pytest.mark.parametrize(
    ("width", "keys"),
    [
        (40, ["mark", "id", "state", "value", "trend", "flags"]),
        (80, ["mark", "id", "state", "step", "left", *PARAMS, "value", "trend", "place", "flags"]),
        (
            120,
            [
                "mark", "id", "state", "step", "left", *PARAMS, "value", "trend", "place", "age",
                "attempt", "flags",
            ],
        ),
    ],
)  # fmt: skip
def test_the_columns_of_a_width_are_these(width: int, keys: list[str]) -> None:
    assert [column.key for column in sheet().layout(width).columns] == keys


def test_a_wide_screen_has_the_columns_of_120_and_more_room_for_the_trend() -> None:
    narrow_one, wide = sheet().layout(120), sheet().layout(200)
    assert [c.key for c in wide.columns] == [c.key for c in narrow_one.columns]
    trend = {c.key: c.width for c in wide.columns}["trend"]
    assert trend == 24 > 6


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (40, "   t0045 failed  1234      ▁▅█    NaN+1"),
        (
            80,
            "   t0045 failed      2000 █████       1e-4     32 adam 1234      ▁▅█            NaN+1",
        ),
    ],
)
def test_a_row_reads_like_this(width: int, text: str) -> None:
    shown = drawn(
        width,
        row(
            45,
            state="failed",
            cause="gpu-oom",
            value=1234.5,
            flags=("NaN", "RETRY"),
            spark=(1, 2, 3),
        ),
    )
    assert shown.split() == text.split()
    assert cell_len(shown) <= width


def test_numbers_stand_with_their_points_in_one_line() -> None:
    made = Sheet((), "loss")
    rows = [row(n, value=v) for n, v in enumerate((0.1862, 29.104, 1234.5, 3.0))]
    made.take(rows)
    layout = made.layout(80)
    index = [column.key for column in layout.columns].index("value")
    texts = [made.cells(one, layout)[index] for one in rows]
    assert texts == ["   0.1862", "  29.10  ", "1234     ", "   3.000 "]


def test_labels_that_are_numbers_are_aligned_and_words_begin_at_the_left() -> None:
    made = Sheet(("lr",), "loss")
    rows = [row(n, params=(v,)) for n, v in enumerate(("3.2e-4", "64", "auto"))]
    made.take(rows)
    layout = made.layout(80)
    index = [column.key for column in layout.columns].index("param.lr")
    texts = [made.cells(one, layout)[index].rstrip() for one in rows]
    assert texts == [" 3.2e-4", "64", "auto"]


def test_ids_keep_their_distinguishing_end_in_the_narrowest_screen() -> None:
    for width in range(1, 8):
        made = sheet()
        texts = made.cells(ROWS[2], made.layout(width))
        assert "t0045".endswith(texts[0][-width:].strip())
        assert texts[0].strip()


def test_a_number_that_does_not_fit_loses_digits_and_is_never_cut() -> None:
    assert narrow("1234.5678", 6) == "1.23e3"
    assert narrow("0.18621", 4) == "0.19"
    assert narrow("-1234.5", 2) == "##"


CHOSEN = ("value", "metric.acc", "param.opt", "progress", "param.nowhere", "state")


def with_metrics() -> Sheet:
    made = Sheet(NAMES, "val_loss", logged=("acc", "grad"))
    made.take([row(1, logged=(0.5, 12.25)), row(2, logged=(0.75, None)), row(3)])
    return made


def test_chosen_columns_stand_in_their_order_behind_the_id_and_those_unknown_are_left_out() -> None:
    layout = with_metrics().layout(120, CHOSEN)
    keys = [column.key for column in layout.columns]
    assert keys == ["mark", "id", "value", "metric.acc", "param.opt", "progress", "state"]
    assert (layout.before, layout.after) == (0, 0)


def test_a_logged_metric_is_a_column_only_where_it_is_chosen() -> None:
    made = with_metrics()
    assert "metric.acc" not in [column.key for column in made.layout(200).columns]
    layout = made.layout(120, CHOSEN)
    at = [column.key for column in layout.columns].index("metric.acc")
    rows = [row(2, logged=(0.75, None)), row(3), row(4, logged=(None, None))]
    assert [made.cells(one, layout)[at].strip() for one in rows] == ["0.7500", "-", "-"]


def test_moving_sideways_keeps_the_id_and_reaches_every_column() -> None:
    made = with_metrics()
    seen: list[str] = []
    for offset in range(12):
        layout = made.layout(36, None, offset)
        keys = [column.key for column in layout.columns]
        assert keys[:2] == ["mark", "id"]
        seen += keys
        assert layout.before <= offset
    assert set(made.arranged(None)) <= set(seen)
    assert made.layout(36, None, 50).after == 0


def test_what_is_out_of_sight_is_counted() -> None:
    made = with_metrics()
    narrow_one = made.layout(40)
    hidden = len(made.arranged(None)) + 2 - len(narrow_one.columns)
    assert (narrow_one.before, narrow_one.after) == (0, hidden)
    assert made.layout(200).after == 0
    moved = made.layout(30, CHOSEN, 2)
    assert moved.before == 2
    assert moved.before + moved.after + len(moved.columns) - 2 == len(made.arranged(CHOSEN))


def test_widths_never_shrink_while_a_table_is_shown() -> None:
    made = sheet()
    before = made.layout(120)
    version = made.version
    made.take([row(1, value=1.5)])
    assert (made.version, made.layout(120)) == (version, before)
    made.take([row(1, value=123456.0)])
    assert made.version > version


def test_the_header_marks_the_sorted_column_even_when_its_title_is_cut() -> None:
    made = sheet()
    layout = made.layout(80)
    titles = dict(
        zip(
            [c.key for c in layout.columns],
            made.titles(layout, "param.batch_size", down=True),
            strict=True,
        )
    )
    assert titles["param.batch_size"].strip().endswith("↓")
    assert "↑" in made.titles(layout, "value")[[c.key for c in layout.columns].index("value")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (math.nan, "NaN"), (math.inf, "inf"), (-math.inf, "-inf"), (0.0, "0.000"),
        (0.1862, "0.1862"), (2.9104, "2.910"), (123456.0, "123456"), (1.5e-5, "1.500e-5"),
        (1234567.0, "1.235e6"), (-0.5, "-0.5000"), (9.9996, "10.00"),
    ],
)  # fmt: skip
def test_values_have_four_digits(value: float | None, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (None, "-"),
        (1210.0, "1210"),
        (0.5, "0.5"),
        (123400.0, "123k"),
        (2.5e6, "2.5M"),
        (1e30, "1e+30"),
    ],
)
def test_steps_have_six_characters_at_most(step: float | None, text: str) -> None:
    assert step_text(step) == text


def test_durations_are_short_and_unknown_ones_blank() -> None:
    found = [duration(s) for s in (None, math.nan, 15, 2460, 3900, 86400 * 3)]
    assert found == ["", "", "15s", "41m", "1h05", "3d"]


def test_a_bar_is_full_only_at_the_end_and_blank_when_unknown() -> None:
    assert progress_bar(0.999, 5) == "████░"
    assert progress_bar(1.0, 5, ascii=True) == "====="
    assert progress_bar(None, 5) == "     "


def test_flags_are_left_out_whole_and_counted() -> None:
    assert flags_text(("BEST", "RETRY"), 6) == "BEST+1"
    assert flags_text(("BEST", "RETRY"), 10) == "BEST RETRY"


def test_a_running_trial_without_an_estimate_has_a_question_mark() -> None:
    made = sheet()
    layout = made.layout(120)
    left = [column.key for column in layout.columns].index("left")
    assert made.cells(running(1, eta_s=None), layout)[left].strip() == "?"
    assert made.cells(row(1), layout)[left].strip() == ""


def test_texts_are_cut_in_the_middle_and_wide_characters_not_in_halves() -> None:
    assert shorten("train/validation/loss", 11) == "train…/loss"
    assert keep_end("学習率", 3) == "率"
    assert cell_len(shorten("学習率学習率", 7)) <= 7


def test_groups_that_do_not_fit_are_left_out_whole() -> None:
    groups: tuple[Line, ...] = ((("abc", "plain"),), (("defgh", "plain"),), (("i", "plain"),))
    assert "".join(text for text, _ in joined(groups, 7)) == "abc  i"


def safe(size: int, least: int = 0) -> st.SearchStrategy[str]:
    """What rows hold: texts that went through the display filter."""
    return st.text(min_size=least, max_size=size).map(visible)


labels = safe(12) | st.floats().map(str) | st.integers().map(str)
numbers = st.none() | st.floats()
any_row = st.builds(
    TrialRow,
    number=st.integers(0, 10**6),
    id=st.integers(0, 10**6).map("t{:04d}".format),
    state=st.sampled_from(STATES),
    cause=safe(20),
    params=st.lists(labels, max_size=4).map(tuple),
    value=numbers,
    step=numbers,
    progress=numbers,
    eta_s=numbers,
    place=safe(12),
    age_s=numbers,
    attempt=st.integers(0, 10**4),
    flags=st.lists(safe(8, 1), max_size=3).map(tuple),
    spark=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40).map(tuple),
    logged=st.lists(numbers, max_size=2).map(tuple),
)


@settings(deadline=None, max_examples=80)
@given(
    rows=st.lists(any_row, max_size=4),
    names=st.lists(safe(15), max_size=4, unique=True),
    metric=safe(20),
    width=st.integers(-1, 220),
    ascii=st.booleans(),
    chosen=st.none() | st.lists(st.sampled_from([*CHOSEN, "flags", "trend", "step", "left"])),
    offset=st.integers(0, 6),
)
def test_every_cell_is_as_wide_as_its_column_and_every_line_fits(
    rows: list[TrialRow], names: list[str], metric: str, width: int, ascii: bool,
    chosen: list[str] | None, offset: int,
) -> None:  # fmt: skip
    made = Sheet(names, metric, logged=("acc",), ascii=ascii)
    made.take(rows)
    layout = made.layout(width, chosen, offset)
    widths = [column.width for column in layout.columns]
    assert sum(widths) + max(0, len(widths) - 1) <= max(0, width)
    for texts in (made.titles(layout, "value"), *(made.cells(one, layout) for one in rows)):
        assert [cell_len(text) for text in texts] == widths
        assert not ascii or all(text.isascii() for text in texts)
