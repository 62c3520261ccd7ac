"""Expressions and phases that nobody means well: each is refused in one line, with its place."""

import json

import pytest

from tests.spec.helpers import faults

DEEP = "(" * 400
RULES: list[tuple[dict[str, object], str]] = [
    ({"metrics": {"m": f"{DEEP}loss"}}, "nested deeper"),
    ({"exclude": ["not " * 190 + "x > 2"]}, "nested deeper"),
    ({"metrics": {"m": "-" * 900 + "loss"}}, "nested deeper"),
    ({"metrics": {"m": "**".join(["loss"] * 150)}}, "nested deeper"),
    ({"metrics": {"m": "+".join(["loss"] * 400)}}, "longer than 1,000"),
    ({"exclude": ["b > 1e999"]}, "beyond the largest number"),
    ({"tie": {"t": "b * " + "9" * 900}}, "more than 40 digits"),
    ({"metrics": {"m": "mean(loss, 99999999999)"}}, "from 1 to 10,000"),
    ({"exclude": ["x ＞ 3"]}, "column 3: ＞ is not known"),  # the wide sign
    ({"exclude": ["x > \x1b[2J"]}, "column 5"),
    ({"tie": {"a": "c + 1", "c": "a + 1"}}, "a → c → a"),
    ({"tie": {"a": "a + 1"}}, "a → a"),
    ({"when": {"x": "b > 1", "b": "x > 0.5"}}, "x → b → x"),
    ({"when": {"x": "t > 1"}, "tie": {"t": "x * 2"}}, "x → t → x"),
    ({"metrics": {"a": "c", "c": "a"}}, "a → c → a"),
    ({"exclude": ["x >= 0"]}, "rules forbid all"),
    ({"tie": {"t": "1 / (b - b)"}}, "division by zero"),
    ({"tie": {"t": "opt + 1"}}, "the text 'adam' is not a number"),
    ({"tie": {"x": "b * 2"}}, "is sampled as well"),
    ({"exclude": ["0 < x < 1"]}, "do not chain"),
    ({"objective": {"expr": "__import__('os').system('id')"}}, "column 17"),
    ({"tie": {"t": "x"}, "phases": [{"name": "a", "trials": 2, "set": {"t": 4}}]}, "t is no param"),
    ({"phases": [{"name": "a", "trials": 2, "set": {"x": "text"}}]}, 'not the text "text"'),
    ({"phases": [[[[[[]]]]]]}, "phase 1 is a list"),
    ({"phases": [{"name": "a", "only_if": f"best > {DEEP}", "trials": 1}]}, "nested deeper"),
]


@pytest.mark.parametrize(("ours", "says"), RULES, ids=[says for _, says in RULES])
def test_it_is_one_line_that_says_where(ours: dict[str, object], says: str) -> None:
    sweep = {
        "method": "random",
        "run_cap": 4,
        "metric": {"name": "loss"},
        "parameters": {
            "x": {"min": 0.0, "max": 1.0},
            "b": {"values": [1, 2, 4]},
            "opt": {"values": ["adam", "sgd"]},
        },
        "tuiswp": ours,
    }
    found = faults(json.dumps(sweep))
    assert any(says in line for line in found), found
    assert all(line.isprintable() and ": tuiswp." in line for line in found)
