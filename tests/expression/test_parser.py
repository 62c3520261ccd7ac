"""What is written becomes the tree it means; what cannot be is told with its place."""

import pytest

from tuiswp.expression.checks import as_condition, as_curve, columns
from tuiswp.expression.faults import ExpressionError
from tuiswp.expression.parser import parse
from tuiswp.expression.scalar import evaluate
from tuiswp.expression.tree import Expression, Name


def curve(text: str) -> Expression:
    return as_curve(parse(text), text)


def fault(text: str) -> str:
    with pytest.raises(ExpressionError) as raised:
        curve(text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("2 * 3 % 4", 2), ("7 // 2 * 2", 6),
        ("1 - 2 - 3", -4), ("-2 ** 2", -4), ("-2^2", -4),
        ("2 ** -1", 0.5), ("2 ** 3 ** 2", 512), ("(-2) ** 2", 4),
        ("+3 - -3", 6), ("8 / 2 / 2", 2), ("1e-3 * 1000", 1.0), (".5 + 1.", 1.5),
        ("1 + 1 == 2", True), ("1 < 2 and 2 < 1 or 3 > 2", True), ("not 1 == 2", True),
        ("not (1 < 2) or true", True), ("1 in [1, 2] and 3 not in [1, 2]", True),
        ("'a' == \"a\"", True), ("null == none", True), ("2 * pi > 6.28", True), ("1 < inf", True),
        ("where(1 > 2, 3, 4)", 4),
    ],
)  # fmt: skip
def test_precedence_is_the_usual_one(text: str, value: object) -> None:
    assert evaluate(parse(text), {}) == value


def test_names_may_hold_dots_and_in_quotes_anything() -> None:
    tree = curve("opt.lr + `eval/loss` + 'a b-c' + \"x\" + größe")
    assert columns(tree) == ("opt.lr", "eval/loss", "a b-c", "x", "größe")


def test_a_name_in_backquotes_is_never_a_keyword_or_a_constant() -> None:
    tree = parse("`and`")
    assert tree == Name("and", 1, quoted=True)
    assert parse("`pi`") == Name("pi", 1, quoted=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "column 1: is empty"),
        ("a - maen(b, 2)", "column 5: unknown function 'maen'; did you mean mean?"),
        ("avg(a, 3)", "column 1: unknown function 'avg'; write mean"),
        ("if(a, b, c)", "column 1: unknown function 'if'; write where(condition, a, b)"),
        ("a < b < c", "column 7: comparisons do not chain; write a < b and b < c"),
        ("a = 2", "column 3: = is not known here; write == to compare"),
        ("a && b", "column 3: && is not known here; write and"),
        ("a AND b", "column 3: AND stands where an operator is missing; write and"),
        ("2 * ", "column 5: ends where a number, a name or a bracket is missing"),
        ("(a", "column 3: ends where ) is missing"),
        ("a)", "column 2: ) stands where an operator is missing"),
        ("mean(a, 3", "column 10: ends where ) is missing"),
        ("a b", "column 3: b stands where an operator is missing"),
        ("a + 'b", "column 5: this quote is never closed"),
        ("a $ b", "column 3: $ is not known here"),
        ("a + \x1b[2J", "column 5: ␛ is not known here"),
        ("2x", "column 2: 2x is neither a number nor a name; write 2 * x, or a name in backquotes"),
        ("1 + not a", "column 5: not stands after an operator; write (not …)"),
        ("a not b", "column 7: b stands where in is missing"),
        ("1e999 + a", "column 1: 1e999 is beyond the largest number"),
        ("``", "column 1: a name without a letter"),
        ("'' + a", "column 1: a name without a letter"),
        ("null + a", "column 1: null is no number"),
        ("mean(a)", "column 1: mean takes a curve and a number of points, as in mean(loss, 10)"),
        ("ema(a)", "column 1: ema takes a curve and a share, as in ema(loss, 0.1)"),
        ("at(a)", "column 1: at takes a value and a column that says when, "
                  "as in at(loss, eval_loss)"),
        ("at(a, 2)", "column 7: at needs a column that says when"),
        ("cummin(a, 2)", "column 1: cummin takes one curve"),
        ("mean(a, 0)", "column 9: must be a whole number from 1 to 10,000, got 0"),
        ("mean(a, 2.5)", "column 9: must be a whole number from 1 to 10,000, got 2.5"),
        ("mean(a, inf)", "column 9: must be a whole number from 1 to 10,000, got inf"),
        ("mean(a, b)", "column 9: must be a number, not something that varies"),
        ("mean(a, 1/0)", "column 10: division by zero"),
        ("ema(a, 1.5)", "column 8: must be above 0 and at most 1, got 1.5"),
        ("endweight(a, 0)", "column 14: must be above 0 and at most 1000, got 0"),
        ("mean(3, 2)", "column 6: mean needs a column"),
        ("log(a, 2)", "column 1: log takes 1 argument, not 2"),
        ("clip(a, 1)", "column 1: clip takes 3 arguments, not 2"),
        ("1 + 1", "column 1: names no column; write the name of a logged metric"),
        ("eval/loss - 2", "column 1: eval/loss may be one column or a division; "
                          "write `eval/loss` in backquotes, or eval / loss"),
        ("1 + a/b/c", "column 5: a/b/c may be one column or a division; "
                      "write `a/b/c` in backquotes, or a / b / c"),
        ("(" * 50, "column 41: is nested deeper than 40"),
        ("+".join("a" * 150), "column 201: has more than 200 parts"),
        ("a" * 1001, "column 1001: is longer than 1,000 characters"),
        ("9" * 41, "column 1: a number of more than 40 digits"),
    ],
)  # fmt: skip
def test_a_fault_says_where_what_and_what_next(text: str, told: str) -> None:
    assert fault(text) == told


def test_a_division_with_spaces_or_by_a_number_is_a_division() -> None:
    assert columns(curve("eval / loss + tokens/1000 + mean(a, 2)/b")) == (
        "eval", "loss", "tokens", "a", "b",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schedular == 'cosine'",
         "column 1: no parameter is called schedular; did you mean scheduler?"),
        ("scheduler == cosine", "column 14: no parameter is called cosine; "
                                "known: lr, scheduler; a text stands in quotes"),
        ("mean(lr, 3) > 1", "column 1: mean follows a curve, and parameters have none; here are: "
         "abs, ceil, clip, exp, floor, log, log10, log2, max, min, pow, round, sqrt, where"),
        ("min(lr) > 1", "column 1: min takes 2 or more arguments, not 1"),
    ],
)  # fmt: skip
def test_a_condition_knows_its_parameters(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        as_condition(parse(text), ("lr", "scheduler"))
    assert str(raised.value) == told
