"""The top level: W&B's keys, what is only noted, what is refused, and how big a search may be."""

import time
from pathlib import Path

import pytest

from tests.spec.helpers import faults, one_fault, read
from tuiswp.model.stopper import Hyperband
from tuiswp.model.sweep import Objective
from tuiswp.spec.load import load

HEAD = "method: random\nmetric: {name: loss, goal: minimize}\nrun_cap: 5\n"
SPACE = "parameters: {lr: {values: [1, 2]}}\n"


def test_the_smallest_sweep_gets_every_default() -> None:
    sweep = read("method: grid\nparameters: {lr: {values: [1, 2]}}\n")
    assert (sweep.name, sweep.method, sweep.run_cap, sweep.seed) == ("sweep", "grid", None, 0)
    assert (sweep.objective, sweep.baseline, sweep.complete_at) == (None, None, 0.98)
    assert sweep.run.command == ("${env}", "${interpreter}", "${program}", "${args}")
    assert sweep.run.program is None
    assert (sweep.run.retries, sweep.run.timeout_s, sweep.run.grace_s) == (None, None, 30.0)
    assert sweep.notes == ()


def test_every_wandb_key_is_accepted_and_those_of_the_service_are_noted() -> None:
    sweep = read("""\
program: train.py
name: "Physics: All Systems"
description: a sentence
project: p
entity: e
apiVersion: v1
kind: sweep
controller: {type: local}
scheduler: {engine: wandb, source: s}
job: j
method: random
run_cap: 12
metric: {name: eval/micro f1 score, goal: maximize, target: 0.9, impute: best,
  impute_while_running: false}
command:
  - ${env}
  - ${interpreter}
  - ${program}
  - ${args}
parameters: {lr: {values: [1, 2]}}
""")
    assert sweep.name == "Physics: All Systems" and sweep.description == "a sentence"
    assert sweep.objective == Objective("eval/micro f1 score", "maximize", target=0.9)
    assert sweep.notes == (
        "only the W&B service acts on project, entity, controller, apiVersion, kind, job, "
        "scheduler: not used here",
    )
    assert sweep.lines["program"] == 1 and sweep.lines["command"] == 15


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}", "sweep.yaml:1: parameters: is missing; write parameters: {lr"),
        (f"{HEAD}parameters:\n", ":4: parameters: must be a mapping, not nothing"),
        (f"{HEAD}parameters: {{}}\n", ":4: parameters: names no parameter"),
        (f"{HEAD}parameters: [1]\n", ":4: parameters: must be a mapping, not a list"),
        (SPACE, ":1: method: is missing; write method: grid, random or bayes"),
        (f"method: gird\n{SPACE}", ':1: method: the text "gird" is not known here; did you mean'),
        (f"method: bayesian\n{SPACE}", "write bayes"),
        (f"method: custom\n{SPACE}", "custom runs on the W&B service only"),
        (f"method: [grid]\n{SPACE}", ":1: method: a list is not known here"),
        (f"metrc: {{name: x}}\nmethod: grid\n{SPACE}",
         ":1: metrc: unknown key; did you mean metric?"),
        (f"{HEAD}{SPACE}count: 3\n", ":5: count: unknown key; write run_cap"),
        (f"{HEAD}{SPACE}max_parallel: 3\n", "write it under `tuiswp:` as max_parallel"),
        (f"method: grid\nmetric: loss\n{SPACE}",
         ":2: metric: must be a mapping, not the text \"loss\"; write metric: {name: loss"),
        (f"method: grid\nmetric: {{goal: minimize}}\n{SPACE}", ":2: metric: name is missing"),
        (f"method: grid\nmetric: {{name: l, goal: max}}\n{SPACE}",
         ':2: metric.goal: the text "max" is not known here; write maximize'),
        (f"method: grid\nmetric: {{name: l, target: low}}\n{SPACE}",
         ":2: metric.target: must be a finite number"),
        (f"method: grid\nmetric: {{name: l, gaol: minimize}}\n{SPACE}", "did you mean goal?"),
        (f"method: grid\nmetrics: [{{name: a}}, {{name: b}}]\n{SPACE}",
         ":2: metrics: several metrics need W&B's method custom"),
        (f"method: grid\nrun_cap: 0\n{SPACE}", ":2: run_cap: must be at least 1, got 0"),
        (f"method: grid\nrun_cap: 1.5\n{SPACE}", ":2: run_cap: must be a whole number, not 1.5"),
        (f"method: grid\nrun_cap: many\n{SPACE}", "must be a whole number"),
        (f"{HEAD}{SPACE}kind: job\n", "kind"),
        (f"{HEAD}{SPACE}job: j\nimage_uri: i\n", "W&B allows one of the two"),
        (f"{HEAD}{SPACE}controller: {{type: remote}}\n", "controller.type"),
        (f"{HEAD}{SPACE}scheduler: {{engine: optuna}}\n", "only W&B's own engine is understood"),
        (f"{HEAD}{SPACE}name: [a]\n", ":5: name: must be text, not a list"),
        (f"{HEAD}{SPACE}command: python train.py --x 1\n",
         'write it as a list: ["python", "train.py", "--x", "1"]'),
        (f"{HEAD}{SPACE}command: []\n", "command: is an empty list"),
        (f"{HEAD}{SPACE}command:\n  - python\n  - a: b\n",
         ":7: command: an argument is a mapping; put it in quotes"),
        (f"{HEAD}{SPACE}command:\n  - python\n  -\n", "an argument is nothing; remove it"),
        (f"{HEAD}{SPACE}command: ['${{arg}}']\n",
         ":5: command: unknown macro ${arg}; did you mean args?"),
        (f"{HEAD}{SPACE}tuiswp: 3\n", ":5: tuiswp: must be a mapping, not 3"),
    ],
)  # fmt: skip
def test_a_wrong_top_level_says_where_and_what_next(text: str, message: str) -> None:
    assert message in one_fault(text)


def test_empty_optional_keys_count_as_absent() -> None:
    text = f"{HEAD}{SPACE}name:\ndescription:\ncommand:\nprogram:\ntuiswp:\nearly_terminate:\n"
    assert read(text).run == read(HEAD + SPACE).run


def test_a_metric_without_a_goal_is_minimised_and_noted() -> None:
    sweep = read(f"method: grid\nmetric: {{name: loss}}\n{SPACE}")
    assert sweep.objective == Objective("loss", "minimize")
    assert sweep.notes == ("metric.goal is not given: minimize, as in W&B",)


@pytest.mark.slow
def test_a_thousand_faults_are_cut_short_and_ten_thousand_names_are_quick() -> None:
    entries = "".join(f"  p{i}: {{valeus: [1]}}\n" for i in range(1000))
    found = faults(f"{HEAD}parameters:\n{entries}")
    assert len(found) == 51 and found[-1] == "sweep.yaml: and 950 more faults"
    entries = "".join(f"  'p {i}': {{value: 1}}\n" for i in range(3000))
    base = ", ".join(f"p_{i}: 1" for i in range(100))
    began = time.process_time()
    assert len(faults(f"{HEAD}parameters:\n{entries}tuiswp: {{baseline: {{{base}}}}}\n")) == 51
    assert len(read(f"{HEAD}parameters:\n{entries}").notes) == 41
    assert time.process_time() - began < 8


# ── what comes next ──────────────────────────────────────────────────────────────────────────────


def test_bayes_needs_a_metric_and_may_name_its_sampler() -> None:
    text = f"method: bayes\nmetric: {{name: loss, goal: minimize}}\n{SPACE}"
    assert (read(text).method, read(text).sampler) == ("bayes", None)
    assert any(
        "runs until it is stopped" in note
        for note in read(text.replace("values: [1, 2]", "min: 0.0, max: 1.0")).notes
    )
    assert read(text + "tuiswp: {sampler: gp}\n").sampler == "gp"
    assert len(faults(text.replace("values: [1, 2]", "min: 2, max: 1"))) == 1
    assert any("needs a metric" in line for line in faults(f"method: bayes\n{SPACE}"))


def test_a_sampler_goes_with_a_method_that_uses_it() -> None:
    assert read(f"{HEAD}{SPACE}tuiswp: {{sampler: qmc}}\n").sampler == "qmc"
    assert "tpe does not go with method random; write method: bayes" in one_fault(
        f"{HEAD}{SPACE}tuiswp: {{sampler: tpe}}\n"
    )
    assert "write qmc" in one_fault(f"{HEAD}{SPACE}tuiswp: {{sampler: sobol}}\n")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{type: hyperband, min_iter: 3}", None),
        ("{type: hyperband, min_iter: 3, s: 2}", None),
        ("{type: hyperband, max_iter: 27, s: 2, eta: 3, strict: yes}", None),
        ("{min_iter: 3}", "early_terminate.type: is missing; write type: hyperband"),
        ("{type: envelope, min_iter: 3}", 'early_terminate.type: the text "envelope"'),
        ("{type: hyperband}", "needs min_iter, or max_iter and s"),
        ("{type: hyperband, max_iter: 27}", "needs min_iter, or max_iter and s"),
        ("{type: hyperband, min_iter: 0}", "min_iter: must be at least 1, got 0"),
        ("{type: hyperband, min_iter: 3, eta: 1}", "eta: must be above 1, got 1"),
        ("{type: hyperband, min_iter: 3, strict: maybe}", "strict: must be true or false"),
        ("{type: hyperband, max_iter: 2, s: 1, eta: 3}", "max_iter: 2 / 3 is below 1: no band"),
        ("{type: hyperband, min_itr: 3, min_iter: 3}", "did you mean min_iter?"),
    ],
)
def test_early_terminate_is_checked_in_full(rule: str, message: str | None) -> None:
    text = f"{HEAD}{SPACE}early_terminate: {rule}\n"
    if message is None:
        stopper = read(text).stopper
        assert isinstance(stopper, Hyperband) and stopper.resource == "report"
        return
    found = faults(text)
    assert all(line.startswith("sweep.yaml:5: early_terminate") for line in found)
    assert any(message in line for line in found), found


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────


def grid(*axes: str) -> str:
    entries = "".join(f"  p{i}: {axis}\n" for i, axis in enumerate(axes))
    return f"method: grid\nmetric: {{name: l, goal: minimize}}\nparameters:\n{entries}"


def test_a_grid_of_ten_to_the_eighteen_points_is_counted_and_refused() -> None:
    axes = ["{min: 1, max: 1000000}"] * 3
    assert one_fault(grid(*axes)) == (
        "sweep.yaml:3: parameters: the grid has 1,000,000,000,000,000,000 points "
        "(p0 1,000,000 × p1 1,000,000 × p2 1,000,000); "
        "above 100,000 give run_cap, fewer values, or method: random"
    )
    assert "more than 10^" in one_fault(grid(*axes * 5))
    assert read(grid(*axes) + "run_cap: 20\n").run_cap == 20
    assert faults(grid("{min: 1, max: 100000}")) == []
    assert "100,001 points" in one_fault(grid("{min: 0, max: 100000}"))


def test_a_grid_over_a_range_names_each_parameter_that_stops_it() -> None:
    text = grid(
        "{min: 0.0, max: 1}", "{values: [1]}", "{distribution: log_uniform_values, min: 1, max: 9}",
        "{values: [1, 2], probabilities: [0.5, 0.5]}", "{parameters: {lr: {distribution: normal}}}",
    )  # fmt: skip
    found = faults(text)
    starts = [
        "sweep.yaml:4: parameters.p0: uniform is continuous and has no grid; give values",
        "sweep.yaml:6: parameters.p2: log_uniform_values is continuous",
        "sweep.yaml:7: parameters.p3: a grid has no use for probabilities; remove them",
        "sweep.yaml:8: parameters.p4.lr: normal is continuous",
    ]
    assert len(found) == len(starts)
    assert all(line.startswith(start) for line, start in zip(found, starts, strict=True))


def test_an_endless_random_search_is_noted() -> None:
    text = "method: random\nmetric: {name: l, goal: minimize}\nparameters: {x: {min: 0.0, max: 1}}"
    assert read(text).notes == ("random without run_cap: runs until it is stopped",)
    assert read(f"{text}\nrun_cap: 3").notes == ()


# ── files called sweep.yaml that are something else ──────────────────────────────────────────────

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sweep_ai", "is a configuration of Sweep AI, not a hyperparameter sweep"),
        ("hydra", "is a Hydra configuration, not a sweep file"),
        ("bare_lists", "is a bare mapping of lists, not a sweep file; write method: grid, "
         "parameters: {learning_rate: {values: […]}}"),
        ("typed", "is not in W&B's form (`type: float, log: true` and the like)"),
        ("own_format", "is not a sweep file (its keys: CMD, HPARAMS)"),
        ("wrapped", "holds the sweep under `sweep_config:`; move it to the top level"),
        ("top_level", "holds parameters at the top level; put them under `parameters:`"),
        ("template", "template"),
    ],
)  # fmt: skip
def test_another_kind_of_file_is_named_in_one_line(name: str, message: str) -> None:
    line = one_fault((FILES / f"other_{name}.yaml").read_bytes())
    assert message in line and "\n" not in line and line.startswith("sweep.yaml")


GOOD = sorted(FILES.glob("good_*"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_real_looking_file_loads(path: Path) -> None:
    sweep = load(path, cwd=FILES)
    assert sweep.parameters and all(note.isprintable() for note in sweep.notes)


def test_there_are_real_looking_files() -> None:
    assert len(GOOD) >= 8
