"""The shortcut for alike lines refuses whatever it could read differently."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.bulk import Layout, increases
from tuiswp.metrics.rows import parse


def layout_of(*lines: bytes) -> Layout:
    layout = Layout(lambda _: True)
    for line in lines:
        found = parse(line)
        assert found is not None
        layout.learn(found)
    return layout


def read(layout: Layout, body: bytes, row: int | None = None) -> dict[str, list[float]] | None:
    block = layout.decode(b"", memoryview(body), row)
    return None if block is None else {c.name: list(c.values) for c in block.columns}


KNOWN = b'{"step": 1, "a": 2, "note": "x"}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"step": 1, "a": 2}{"step": 2, "a": 2}\n{"step":\n3}',  # as many objects as lines
        b'{"step": 1, "a": 2},{"step": 2}\n{"step": 3\n"a": 4}',
        b'{"step": 1, "note": "\n"},{"step": 2}',
        b'{"step": 1, "a": 2}\nnull\n{"step": 2}',
        b'{"step": 1},null,{"step": 2}',
        b'{"step": 1}\n\n{"step": 2}',
        b'{"step": 1, "b": 2}',
        b'{"step": 1, "a": [1]}',
        b'{"step": 1, "a": {"c": 1}}',
        b'{"step": 1, "a": "text"}',
        b'{"step": 1, "a": true}',
        b'{"step": 1, "a": NaN}',
        b'{"step": 1, "a": 1e999}',
        b'{"step": 1, "a": 2, "note": 3}',
        b'{"step": 1}\n{"a": 1}',  # a row without a step
        b'{"step": "1"}',
        b'[{"step": 1}]',
        b'{"step": 1}]',
        b'{"step": 1, "note": "\xff"}',
        b"",
    ],
)
def test_what_a_line_by_line_reading_would_see_differently_is_refused(body: bytes) -> None:
    assert read(layout_of(KNOWN), body) is None


def test_alike_lines_are_columns() -> None:
    layout = layout_of(KNOWN, b'{"step": 1, "b": 2, "progress": 0.5}')
    block = layout.decode(
        b'{"step": 4, "a"',
        memoryview(
            b': 1, "progress": 0.25}\n{"step": 9, "b": 3, "a": 7}\r\n{"step": 5, "a": null}'
        ),
        None,
    )
    assert block is not None
    assert (block.rows, block.last_step, block.progress, block.ordered) == (3, 5.0, 0.25, False)
    assert [(c.name, list(c.steps), list(c.values)) for c in block.columns] == [
        ("a", [4.0, 9.0], [1.0, 7.0]),
        ("b", [9.0], [3.0]),
    ]


def test_lines_without_a_step_are_numbered_if_that_is_allowed() -> None:
    layout = layout_of(b'{"a": 1}')
    assert read(layout, b'{"a": 5}\n{"a": 6}') is None
    block = layout.decode(b"", memoryview(b'{"a": 5}\n{"a": 6}'), 7)
    assert block is not None
    assert list(block.columns[0].steps) == [7.0, 8.0]
    assert not block.stepped


@pytest.mark.parametrize("line", [b'{"a": [1]}', b'{"q\\"": 1}', b'{"c\\u0001": 1}'])
def test_keys_that_cannot_be_a_field_end_the_shortcut(line: bytes) -> None:
    assert read(layout_of(line), b'{"a": 1}', 0) is None


STEPS = st.lists(st.integers(-5, 60), max_size=12).map(sorted)


@given(
    st.one_of(STEPS, st.lists(st.integers(0, 9), max_size=9), st.lists(st.floats(-1e308, 1e308))),
    st.sampled_from([1.0, 0.1, 1e-9, 1e12]),
    st.integers(0, 300),
)
@settings(deadline=None, max_examples=300)
def test_steps_increase_exactly_if_each_is_above_the_one_before(
    steps: list[float], stride: float, run: int
) -> None:
    made = [stride * i for i in range(run)] + [run * stride + step for step in steps]
    assert increases(made) == all(a < b for a, b in pairwise(made))


def test_one_repeated_step_in_a_long_run_is_seen() -> None:
    for at in (1, 500, 1_999):
        steps = [float(i) for i in range(2_000)]
        steps[at] = steps[at - 1]
        assert not increases(steps)
        assert increases([float(i) for i in range(2_000)])
