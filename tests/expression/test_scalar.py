"""Values of parameters: kinds stay apart, whole numbers stay whole, and nothing is guessed."""

import pytest

from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.parser import parse
from tuiswp.expression.scalar import evaluate, holds
from tuiswp.model.space import Value

VALUES: dict[str, Value] = {
    "batch": 16, "lr": 1e-3, "kind": "cosine", "nest": True, "none_yet": None, "layers": [1, 2],
    "opt.eps": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64 / batch", 4), ("64 // batch", 4), ("40 / batch", 2.5), ("64.0 / batch", 4.0),
        ("2 ** batch", 65536), ("2 ** 0.5", 2**0.5), ("batch ** -1", 0.0625),
        ("min(batch, 8, 9)", 8), ("max(1, 2.5)", 2.5), ("clip(batch, 1, 4)", 4),
        ("round(batch / 3)", 5), ("floor(2.9)", 2), ("ceil(2.1)", 3), ("abs(-3)", 3),
        ("where(kind == 'cosine', 'a', 1 / 0)", "a"), ("log10(1000)", 3.0), ("-batch", -16),
    ],
)  # fmt: skip
def test_what_is_whole_stays_whole_where_that_is_exact(text: str, value: Value) -> None:
    found = evaluate(parse(text), VALUES)
    assert found == pytest.approx(value)
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("kind == 'cosine'", True), ("kind != 'linear' and nest", True),
        ("kind in ['a', 'b']", False),
        ("batch in [8, 16.0]", True), ("nest == 1", False), ("nest == true", True),
        ("batch == '16'", False), ("none_yet == null", True), ("kind < 'd'", True),
        ("batch not in [8] or 1 / 0 > 1", True), ("opt.eps != 0 and 1 / opt.eps > 2", False),
        ("layers == 3", False), ("not nest", False),
    ],
)  # fmt: skip
def test_conditions(text: str, true: bool) -> None:
    assert holds(parse(text), VALUES) is true


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 / opt.eps", "column 3: division by zero"),
        ("kind > 3", "column 6: the text 'cosine' and 3 have no order"),
        ("kind + 1 == 2", "column 1: the text 'cosine' is not a number"),
        ("nest + 1 == 2", "column 1: true is not a number"),
        ("batch", "column 1: 16 is neither true nor false"),
        ("gone == 1", "column 1: gone has no value here"),
        ("log(opt.eps) > 1", "column 1: log of a number that is not above 0"),
        ("sqrt(-1) > 1", "column 1: square root of a number below 0"),
        ("10 ** 10 ** 10 > 1", "column 4: beyond the largest number"),
        ("layers > 1", "column 8: a list and 1 have no order"),
        ("(-8) ** 0.5 > 1", "column 6: a power that is no real number"),
    ],
)  # fmt: skip
def test_what_has_no_value_says_why_and_where(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        holds(parse(text), VALUES)
    assert str(raised.value) == told
