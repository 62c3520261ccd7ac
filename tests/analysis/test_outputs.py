"""What people and programs read: the answer's lines, rows, JSON, CSV, Markdown."""

import csv
import io
import json
import math

import msgspec
import pytest

from tests.analysis.builders import (
    choice,
    constant,
    curve,
    ended,
    issue_sweep,
    issue_trials,
    queued,
    sweep_of,
)
from tuiswp.analysis import tables
from tuiswp.analysis.diagnosis import diagnose
from tuiswp.analysis.lines import columns, headline, rows, signed_pct
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.summary import best_json, results_json
from tuiswp.analysis.table import column_names, frame, seconds, to_csv, to_latex, to_markdown
from tuiswp.errors import UsageError
from tuiswp.model.space import Constant, Parameter, Params
from tuiswp.model.sweep import Objective

EVIL = "<script>alert(1)</script> | $x$ [red]x[/red] \x1b[31m `c` ![i](http://x/y.png)\n| = |"


def test_the_three_lines_of_the_answer_are_the_accounts_own() -> None:
    sweep = sweep_of(choice("learning_rate", [1e-4, 3e-4]), metric="train_mean_nll")
    trials = [
        ended(0, {"learning_rate": 2.86e-4}, 1.6593, origin="baseline"),
        ended(1, {"learning_rate": 3e-4}, 1.65416),
    ]
    assert headline(sweep, judge(sweep, trials)) == [
        "Optimal LR: 3.00e-04",
        "Best final loss: 1.6542",
        "Improvement over default: 0.31%",
    ]


def test_a_rule_other_than_the_last_value_is_named() -> None:
    assert headline(issue_sweep(), judge(issue_sweep(), issue_trials())) == [
        "Optimal LR: 1.00e-02",
        "Best final loss: 2.0100 (train_mean_nll, mean of last 10)",
        "Improvement over default: 0.99%",
    ]


def test_other_parameters_and_metrics_keep_their_names() -> None:
    sweep, trials = curve([0.6, 0.7], [32, 64], name="batch_size", goal="maximize")
    sweep = msgspec.structs.replace(sweep, objective=Objective("accuracy", "maximize"))
    assert headline(sweep, judge(sweep, trials)) == [
        "Optimal batch_size: 64",
        "Best accuracy: 0.7000",
        "Improvement over default: unknown (no default among the trials)",
    ]


def test_without_an_optimum_the_answer_says_why() -> None:
    sweep = issue_sweep()
    (line,) = headline(sweep, judge(sweep, [queued(0, {"learning_rate": 1e-4})]))
    assert line == "No optimum: none of the 1 trials has ended yet."


def test_an_unfinished_default_leaves_the_improvement_unknown() -> None:
    trials = issue_trials()
    trials[0] = ended(0, {"learning_rate": 4.3e-3}, 2.0, origin="baseline", state="killed")
    lines = headline(issue_sweep(), judge(issue_sweep(), trials))
    assert (
        lines[-1] == "Improvement over default: unknown (default t0000: it has no complete result)"
    )


def test_a_partial_winner_is_called_partial() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    params: Params = {"learning_rate": 3e-5}
    trials.append(ended(7, params, 1.0, state="killed", cause="killed-by-user", progress=0.3))
    lines = headline(sweep, judge(sweep, trials, include_partial=True))
    assert "Partial: t0007 did not run to the end (killed, 30 %)" in lines


def test_rows_show_the_best_first_then_what_was_left_out_with_its_reason() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    trials[1] = ended(1, {"learning_rate": 1e-4}, None, state="failed", evidence=EVIL)
    table = rows(sweep, judge(sweep, trials))
    assert all(len(row.cells) == len(columns(sweep)) for row in table)
    assert [row.trial.number for row in table] == [5, 0, 4, 3, 2, 6, 1]
    assert [row.best for row in table] == [True] + [False] * 6
    assert [row.baseline for row in table] == [False, True] + [False] * 5
    assert table[0].cells[-1] == "best"
    assert "failed" in table[-1].cells[-1]
    for row in table:
        assert all(cell.isprintable() for cell in row.cells)


def test_every_row_shows_its_distance_from_the_default() -> None:
    table = rows(issue_sweep(), judge(issue_sweep(), issue_trials()))
    at = columns(issue_sweep()).index("vs default")
    assert [row.cells[at] for row in table][:3] == ["+0.99%", "0.00%", "-0.49%"]
    assert signed_pct(None) == "-"


def test_without_a_default_a_table_has_no_distance_from_it() -> None:
    sweep = sweep_of(choice("lr", [1e-3, 1e-2]))
    trials = [ended(0, {"lr": 1e-3}, 2.0), ended(1, {"lr": 1e-2}, 1.0)]
    shown = [row.cells for row in rows(sweep, judge(sweep, trials))]
    assert "vs default" not in tables.table(columns(sweep), shown, width=80)[0]


def test_results_json_has_the_promised_shape_and_is_strict_json() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    trials.append(ended(7, {"learning_rate": 1e-1}, math.nan, progress=math.inf))
    judgement = judge(sweep, trials)
    result = results_json(sweep, judgement, diagnose(sweep, trials, judgement), trials)
    decoded = json.loads(json.dumps(result, allow_nan=False))
    assert list(decoded) == [
        "sweep", "metric", "optimum", "baseline", "improvement_pct", "trials", "diagnosis",
    ]  # fmt: skip
    assert decoded["metric"] == {"name": "train_mean_nll", "goal": "minimize"}
    assert decoded["optimum"] == {
        "trial": "t0005", "value": 2.01, "params": {"learning_rate": 0.01, "steps": 60},
    }  # fmt: skip
    assert decoded["baseline"]["trial"] == "t0000"
    assert [trial["id"] for trial in decoded["trials"]] == [f"t000{n}" for n in range(8)]
    assert decoded["trials"][5]["rank"] == 1
    assert decoded["trials"][7]["value"] is None
    assert decoded["trials"][7]["rank"] is None
    for one in decoded["diagnosis"]:
        assert list(one) == ["code", "severity", "message", "suggestion"]


def test_results_json_of_nothing_has_nulls() -> None:
    sweep = sweep_of(choice("lr", [1, 2]), metric=None)
    result = results_json(sweep, judge(sweep, []), (), [])
    assert result["metric"] is None
    assert result["optimum"] is None
    assert result["baseline"] is None


def test_best_json_is_the_configuration_beside_its_metric() -> None:
    sweep = sweep_of(choice("lr", [1e-4, 1e-3]), metric="eval/roc_auc", goal="maximize")
    trials = [ended(0, {"lr": 1e-4}, 0.8), ended(1, {"lr": 1e-3}, 0.9)]
    assert best_json(sweep, judge(sweep, trials)) == {
        "lr": 1e-3,
        "metric_for_best_model": "eval_roc_auc",
        "greater_is_better": True,
        "optimization_metric": {"name": "eval/roc_auc", "goal": "maximize"},
    }
    with pytest.raises(UsageError, match="no best configuration"):
        best_json(sweep, judge(sweep, []))


def test_the_table_keeps_types_order_and_rank() -> None:
    table = frame(issue_sweep(), judge(issue_sweep(), issue_trials()), issue_trials())
    assert list(table["trial"]) == [f"t000{n}" for n in range(7)]
    assert list(table.columns)[5:7] == ["learning_rate", "steps"]
    assert list(table["rank"]) == [2, 6, 5, 4, 3, 1, 7]
    assert list(table["steps"]) == [60] * 7
    assert list(table["seconds"]) == [20.5] * 7
    assert seconds(queued(0, {})) is None


def test_csv_keeps_values_raw_and_can_be_read_back() -> None:
    sweep = sweep_of(
        choice("text", [EVIL, "=1+1", "a,b", "c\rd"]), choice("items", [[1, "x"], None])
    )
    trials = [
        ended(n, {"text": text, "items": [1, "x"]}, 1.0)
        for n, text in enumerate([EVIL, "=1+1", "a,b", "c\rd"])
    ]
    text = to_csv(frame(sweep, judge(sweep, trials), trials))
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["text"] for row in read] == [EVIL, "=1+1", "a,b", "c\rd"]
    assert json.loads(read[0]["items"]) == [1, "x"]


def test_a_latex_cell_cannot_leave_its_cell_or_run_a_command() -> None:
    sweep = sweep_of(choice("x_{1}", ["\\input{/etc/passwd} & 50% $y$ #1 ^~", "plain"]))
    trials = [ended(0, {"x_{1}": "\\input{/etc/passwd} & 50% $y$ #1 ^~"}, 1.0)]
    text = to_latex(frame(sweep, judge(sweep, trials), trials))
    assert "x\\_\\{1\\}" in text
    assert "\\textbackslash{}input\\{/etc/passwd\\} \\& 50\\% \\$y\\$ \\#1" in text
    (row,) = [line for line in text.splitlines() if line.startswith("t0000")]
    assert row.replace("\\&", "").count("&") == text.splitlines()[2].count("&")


def test_a_markdown_cell_cannot_leave_its_cell_or_bring_markup() -> None:
    sweep = sweep_of(choice(EVIL, [EVIL, "b"]))
    trials = [ended(0, {EVIL: EVIL}, 1.0), ended(1, {EVIL: "b"}, None)]
    text = to_markdown(frame(sweep, judge(sweep, trials), trials))
    lines = text.splitlines()
    assert len(lines) == 4
    bars = [line.replace("\\|", "").count("|") for line in lines]
    assert len(set(bars)) == 1, bars
    assert "<" not in text
    assert "\x1b" not in text
    assert "![" not in text.replace("\\[", "")


def test_parameter_columns_never_meet_each_other_or_a_fixed_one() -> None:
    paths = [("a", "b"), ("a.b",), ("value",), ("params.value",), ("lr",)]
    names = column_names(paths)
    assert len(set(names.values())) == len(paths)
    assert names[("lr",)] == "lr"
    assert names[("value",)] == "params.value"
    assert names[("a.b",)] == '["a.b"]'
    assert not set(names.values()) & {"value", "trial", "rank"}


def test_parameters_that_meet_by_name_each_keep_their_values() -> None:
    sweep = sweep_of(
        Parameter(("a", "b"), Constant(1), "constant"),
        Parameter(("a.b",), Constant(2), "constant"),
        constant("value", 3),
    )
    params: Params = {"a": {"b": 1}, "a.b": 2, "value": 3}
    table = frame(sweep, judge(sweep, []), [ended(0, params, 0.5)])
    assert table.iloc[0][['["a", "b"]', '["a.b"]', "params.value"]].tolist() == [1, 2, 3]
    assert table.iloc[0]["value"] == 0.5


def test_an_empty_sweep_has_an_empty_table() -> None:
    sweep = issue_sweep()
    table = frame(sweep, judge(sweep, []), [])
    assert len(table) == 0
    assert to_csv(table).startswith("trial,rank,state")
    assert len(to_markdown(table).splitlines()) == 2
