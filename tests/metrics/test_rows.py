"""One line becomes one row, or BadRow with a reason, and never anything else."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics.rows import BadRow, Row, parse, read


def row_of(line: bytes | str) -> Row:
    found = parse(line.encode() if isinstance(line, str) else line)
    assert found is not None
    return read(found)


@pytest.mark.parametrize(
    ("line", "step", "values"),
    [
        ('{"step": 3, "loss": 1.5}', 3.0, {"loss": 1.5}),
        ('{"_step": 3, "loss": 1}', 3.0, {"loss": 1.0}),
        ('{"epoch": 0.5, "global_step": 7, "loss": 1}', 7.0, {"loss": 1.0}),
        ('{"epoch": 0.5, "loss": 1}', 0.5, {"loss": 1.0}),
        ('{"step": null, "epoch": 2}', 2.0, {}),
        ('{"step": "3", "iteration": 4}', 4.0, {}),
        ('{"step": true, "loss": 1}', None, {"loss": 1.0}),
        ('{"loss": {"train": 1, "val": {"x": 2}}}', None, {"loss/train": 1.0, "loss/val/x": 2.0}),
        ('{"a": {"step": 3}}', None, {"a/step": 3.0}),
        ('{"_timestamp": 1e9, "_wandb": {"runtime": 3}, "a": 1}', None, {"a": 1.0}),
        ('{"a": true, "b": "2", "c": [1], "d": null, "e": 0}', None, {"e": 0.0}),
        ('{"eval/micro f1 score": 0.5, "": 1}', None, {"eval/micro f1 score": 0.5, "": 1.0}),
        ('{"a": 1, "a": 2}', None, {"a": 2.0}),
        ('\ufeff{"a": 1}', None, {"a": 1.0}),
        ('{"a": 1}\r', None, {"a": 1.0}),
        ('{"t": "\\ud800", "a": 1}', None, {"a": 1.0}),
    ],
)
def test_keys_mean_what_the_module_says(
    line: str, step: float | None, values: dict[str, float]
) -> None:
    row = row_of(line)
    assert (row.step, row.values, row.non_finite) == (step, values, 0)


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "-" + "9" * 5000]
)
def test_a_number_that_is_not_finite_is_a_counted_gap(number: str) -> None:
    row = row_of(f'{{"step": 1, "loss": {number}, "ok": 2}}')
    assert row.step == 1.0
    assert math.isnan(row.values["loss"])
    assert row.values["ok"] == 2.0
    assert row.non_finite == 1


def test_a_step_that_is_not_finite_is_no_step() -> None:
    assert row_of('{"step": NaN, "epoch": 4, "loss": 1}') == Row(
        4.0, None, {"loss": 1.0}, 1, {"epoch": 4.0}
    )


@pytest.mark.parametrize(
    ("text", "progress"), [("0", 0.0), ("1", 1.0), ("0.25", 0.25), ("98", None), ("NaN", None)]
)
def test_progress_is_between_zero_and_one(text: str, progress: float | None) -> None:
    row = row_of(f'{{"progress": {text}}}')
    assert row.progress == progress
    assert row.values == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"step": 1, "lo{"step": 2}', "not JSON"),
        (b'{"a": 1} {"a": 2}', "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"step 1 loss 2", "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deep"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "objects nested deeper than 16"),
    ],
)
def test_what_is_no_row_has_a_reason(line: bytes, reason: str) -> None:
    with pytest.raises(BadRow) as caught:
        row_of(line)
    assert str(caught.value) == reason


@pytest.mark.parametrize("line", [b"", b"  \t", b"\r"])
def test_a_blank_line_is_nothing(line: bytes) -> None:
    assert parse(line) is None


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_a_row_or_a_bad_row(line: bytes) -> None:
    try:
        found = parse(line.replace(b"\n", b""))
        if found is not None:
            read(found)
    except BadRow as reason:
        assert str(reason)


@given(st.dictionaries(st.text(max_size=6), st.floats() | st.integers() | st.booleans()))
@settings(deadline=None, max_examples=100)
def test_what_json_writes_is_read(row: dict[str, float]) -> None:
    found = row_of(json.dumps(row))
    for name, value in found.values.items():
        assert math.isnan(value) or value == float(row[name])
