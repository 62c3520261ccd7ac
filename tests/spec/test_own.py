"""Our keys under `tuiswp:`: what they mean, and how every wrong value is told."""

import pytest

from tests.spec.helpers import faults, one_fault, read
from tuiswp.model.sweep import Reduce, Resources

HEAD = """\
method: grid
metric: {name: loss, goal: minimize}
parameters:
  lr: {values: [1e-4, 1e-3]}
  opt: {parameters: {name: {values: [adam, sgd]}, eps: {value: 1}}}
"""


def own(text: str) -> str:
    return f"{HEAD}tuiswp: {{{text}}}\n"


def test_every_key_is_read() -> None:
    sweep = read(own(
        "gpus_per_trial: 2, gpu_memory: 40GiB, max_parallel: 3, share_busy: yes, stagger_s: 0.5, "
        "retries: 0, timeout: 2h, grace_s: 10s, metrics_from: wandb, "
        "env: {A: 1, B: text, C: true, D: 1e-3}, cwd: run, complete_at: 1, seed: -4"
    ))  # fmt: skip
    assert sweep.resources == Resources(2, 1, 40960, 3, True)
    assert (sweep.run.stagger_s, sweep.run.retries, sweep.run.timeout_s) == (0.5, 0, 7200.0)
    assert sweep.run.metrics_from == "wandb"
    assert sweep.run.grace_s == 10.0 and sweep.run.cwd == "/work/run"
    assert sweep.run.env == {"A": "1", "B": "text", "C": "true", "D": "1e-3"}
    assert (sweep.complete_at, sweep.seed) == (1.0, -4)


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("40GiB", 40960), ("40G", 40960), ("40GB", 38147), ("40960MiB", 40960), ("40960", 40960),
        ("0.5GiB", 512), ("512M", 512), ("1tb", 953675), ("40 GB", 38147), ("'80gb'", 76294),
        ("1e3MiB", 1000), ("2048KiB", 2),
    ],
)  # fmt: skip
def test_gpu_memory_in_any_usual_form(text: str, mib: int) -> None:
    assert read(own(f"gpu_memory: {text}")).resources.gpu_memory_mib == mib


def test_a_small_bare_number_is_taken_as_mebibytes_and_noted() -> None:
    sweep = read(own("gpu_memory: 40"))
    assert sweep.resources.gpu_memory_mib == 40
    assert any("means 40 MiB; for gigabytes write 40GiB" in note for note in sweep.notes)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90), ("1.5", 1.5), ("2h", 7200), ("30m", 1800), ("30min", 1800), ("45s", 45),
        ("1h30m", 5400), ("1d", 86400), ("0.5h", 1800), ("1h 30m 5s", 5405), ("1e3", 1000),
    ],
)  # fmt: skip
def test_times_in_seconds_or_with_units(text: str, seconds: float) -> None:
    assert read(own(f"timeout: {text}")).run.timeout_s == seconds


@pytest.mark.parametrize(
    ("text", "reduce", "window"),
    [
        ("last", "last", 1), ("best", "best", 1), ("mean 10", "mean", 10),
        ("median 5", "median", 5), ("mean of last 10", "mean", 10),
        ("median of the last 7", "median", 7), ("{reduce: mean, last: 10}", "mean", 10),
        ("{reduce: best}", "best", 1), ("{reduce: last, last: 1}", "last", 1),
    ],
)  # fmt: skip
def test_the_rule_of_the_objective(text: str, reduce: Reduce, window: int) -> None:
    objective = read(own(f"objective: {text}")).objective
    assert objective is not None and objective.metric == "loss"
    assert (objective.reduce, objective.window) == (reduce, window)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("retry: 3", "tuiswp.retry: unknown key; did you mean retries?"),
        ("gpus_per_trial: 0", "tuiswp.gpus_per_trial: must be at least 1, got 0"),
        ("gpus_per_trial: two", "must be a whole number, not the text \"two\""),
        ("gpus_per_trial: 2, trials_per_gpu: 2", "only one of the two can be above 1"),
        ("gpu_memory: 40XB", "write 40GiB, 40GB, 40960MiB or a number of MiB"),
        ("gpu_memory: 0", "is not an amount of memory"),
        ("gpu_memory: [1]", "a list is not an amount of memory"),
        ("gpu_memory: 1..2GB", "is not an amount of memory"),
        ("max_parallel: 0", "must be at least 1, got 0"),
        ("share_busy: maybe", "must be true or false"),
        ("stagger_s: -1", "must be above 0, got -1"),
        ("retries: -1", "must be at least 0, got -1"),
        ("retries: 1.5", "must be a whole number"),
        ("timeout: 1:30", "is not a time; write seconds, or 2h, 30m"),
        ("timeout: 0", "must be above 0, got 0"),
        ("timeout: soon", "is not a time"),
        ("timeout: 1e12", "more than 30 years"),
        ("env: [A]", "tuiswp.env: must be a mapping, not a list"),
        ("env: {A: [1]}", "tuiswp.env.A: must be text, not a list"),
        ("env: {A: null}", "tuiswp.env.A: must be text, not nothing"),
        ("env: {'A=B': 1}", "is no name for an environment variable"),
        ("env: {CUDA_VISIBLE_DEVICES: 0}", "is set by tuiswp for each trial; remove it"),
        ("env: {TUISWP_X: 0}", "is set by tuiswp for each trial"),
        ("metrics_from: wand", "did you mean wandb?"),
        ("metrics_from: csv", "write lightning"),
        ("cwd: [a]", "tuiswp.cwd: must be text"),
        ("cwd: ~nobody-of-this-name/x", "names no home directory"),
        ("complete_at: 0", "must be above 0"),
        ("complete_at: 98", "must be at most 1, got 98"),
        ("seed: a", "must be a whole number"),
        ("objective: mean", "write last, best, mean 10 or median 10"),
        ("objective: mean 0", "is no rule"),
        ("objective: {reduce: mean}", "last is missing; last: 10"),
        ("objective: {last: 3}", "reduce is missing"),
        ("objective: {reduce: best, last: 3}", "does not belong to best"),
        ("objective: {reduce: max}", "tuiswp.objective.reduce: the text \"max\""),
        ("objective: {metric: loss, reduce: last}", "the metric is metric.name"),
        ("baseline: 3", "tuiswp.baseline: must be a mapping, not 3"),
        ("baseline: {lr: 1, opt: {name: adam}, wd: 0}",
         "tuiswp.baseline.wd: is no parameter of this sweep; known: lr, opt"),
        ("baseline: {lr: 1, opt: {nmae: adam, name: adam}}",
         "tuiswp.baseline.opt.nmae: is no parameter of this sweep; did you mean name?"),
        ("baseline: {lr: 1}", "tuiswp.baseline: leaves out opt.name; give the default of each"),
        ("baseline: {lr: 1, opt.name: a, opt: 3}", "tuiswp.baseline.opt: is 3"),
    ],
)  # fmt: skip
def test_a_wrong_value_says_what_to_write(text: str, message: str) -> None:
    line = one_fault(own(text))
    assert line.startswith("sweep.yaml:6: tuiswp.") and message in line


def test_an_objective_without_a_metric_is_refused() -> None:
    text = own("objective: best").replace("metric: {name: loss, goal: minimize}\n", "")
    assert "there is no metric" in one_fault(text)


def test_a_baseline_may_lie_outside_the_space_and_keeps_its_spelling() -> None:
    sweep = read(own("baseline: {lr: 5e-4, opt: {name: lion}}"))
    assert sweep.baseline == {"lr": 5e-4, "opt": {"name": "lion"}}
    assert sweep.parameters[0].spelling == {
        "0.0001": "1e-4", "0.001": "1e-3", "0.0005": "5e-4",
    }  # fmt: skip


def test_a_baseline_may_name_a_nested_parameter_with_dots() -> None:
    sweep = read(own("baseline: {lr: 1, opt.name: sgd}"))
    assert sweep.baseline == {"lr": 1, "opt": {"name": "sgd"}}


def test_a_faulty_space_does_not_make_the_baseline_faulty_too() -> None:
    text = own("baseline: {lr: 1, opt: {name: a}}").replace("values: [1e-4, 1e-3]", "values: 3")
    assert len(faults(text)) == 1
