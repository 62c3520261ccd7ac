"""The learning-rate study: real training for a few steps, and the sweep files that use it."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.lr_study import Config, learning_rate_at
from tuiswp.model.stopper import Hyperband
from tuiswp.search.stoppers.words import never_fires, plan_lines
from tuiswp.spec.load import load

pytestmark = pytest.mark.slow  # each of them is a process that may load torch

ROOT = Path(__file__).parents[2]


def run(metrics: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "TUISWP_METRICS"}
    if metrics is not None:
        environ["TUISWP_METRICS"] = str(metrics)
    return subprocess.run(
        [sys.executable, "-m", "recipes.lr_study", *arguments],
        env=environ, cwd=ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip


def test_the_rate_warms_up_to_its_peak_and_decays_to_zero() -> None:
    config = Config(learning_rate=0.5, iterations=1000, warmup=100)
    assert learning_rate_at(1, config) == pytest.approx(0.005)
    assert learning_rate_at(100, config) == pytest.approx(0.5)
    assert learning_rate_at(550, config) == pytest.approx(0.25)
    assert learning_rate_at(1000, config) == pytest.approx(0.0)


def test_a_short_study_learns_and_logs_what_a_sweep_needs(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    words = ("--learning_rate=0.3", "--iterations=60", "--warmup=10", "--eval_every=20")
    done = run(metrics, *words)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    assert len(rows) == 60
    assert rows[-1]["progress"] == 1.0
    evaluations = [row["eval_loss"] for row in rows if "eval_loss" in row]
    assert len(evaluations) == 3
    assert evaluations[-1] < evaluations[0] < math.log(256)
    assert all(row["grad_norm"] > 0 for row in rows)
    again = tmp_path / "again.jsonl"
    run(again, *words)
    same = [json.loads(line) for line in again.read_text().splitlines()]
    assert [row["train_loss"] for row in same] == [row["train_loss"] for row in rows]


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--optimizer=lion", "is neither sgd nor adamw"),
        ("--learning_rate=0", "must be above 0"),
        ("--learning_rat=1", "did you mean 'learning_rate'?"),
        ("--iterations=ten", "is not a whole number"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(tmp_path: Path, argument: str, says: str) -> None:
    done = run(tmp_path / "metrics.jsonl", argument)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr


def test_without_a_place_for_metrics_it_says_so() -> None:
    done = run(None, "--learning_rate=0.1")
    assert done.returncode == 2
    assert "TUISWP_METRICS is not set" in done.stderr


def test_the_stability_sweep_stops_at_the_iterations_it_names() -> None:
    sweep = load(ROOT / "recipes" / "stability.yaml", cwd=ROOT)
    assert sweep.stopper == Hyperband(5.0, eta=2.0)
    assert plan_lines(sweep.stopper, sweep.length)[1] == "step 250, 500, 1000"
    assert never_fires(sweep) is None
    assert sweep.objective is not None and sweep.objective.metric == "settled"


def test_the_bayes_sweep_is_a_plain_wandb_file() -> None:
    path = ROOT / "recipes" / "bayes_sweep.json"
    assert "tuiswp" not in json.loads(path.read_text())
    sweep = load(path, cwd=ROOT)
    assert (sweep.method, sweep.stopper) == ("bayes", Hyperband(3.0))
