"""`tuiswp.phases` as files ask for it: what is read, what is refused, what a phase means."""

import pytest
from msgspec.structs import replace

from tests.spec.helpers import faults, one_fault, read
from tuiswp.model.space import (
    Categorical,
    Constant,
    Constraints,
    IntUniform,
    LogUniform,
    Parameter,
    Params,
    Uniform,
)
from tuiswp.model.stopper import Asha
from tuiswp.model.sweep import Refine, Sweep, Transfer, Validate
from tuiswp.spec.params import baseline_params, point_params, swept
from tuiswp.spec.phased import measure, narrowed, nothing_allowed, parameters_in, transferred, whole

HEAD = """\
method: random
metric: {name: loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-4, max: 1}
  rank: {values: [8, 16, 32, 64]}
  opt: {parameters: {name: {values: [adam, sgd]}}}
  steps: {value: 1000}
  seed: {value: 0}
"""
BASELINE = "baseline: {lr: 0.01, rank: 16, opt: {name: adam}, steps: 1000, seed: 0}"


def phased(*phases: str, more: str = "") -> str:
    lines = "".join(f"    - {phase}\n" for phase in phases)
    return f"{HEAD}tuiswp:\n  {more or 'seed: 1'}\n  phases:\n{lines}"


def test_a_phase_is_read_with_everything_it_can_say() -> None:
    sweep = read(
        phased(
            "{name: explore, trials: 8, sampler: qmc, set: {steps: 200}, hours: 2, gpu_hours: 3}",
            "{name: near, method: bayes, refine: {around: best, factor: 4}, trials: 6, "
            "keep_if: better by 2%, only_if: improvement > 1 and not spiky, set: {steps: 200}, "
            "early_stop: {type: asha, min_resource: 3}}",
            "{name: rank, parameters: {rank: {values: [16, 24]}}, method: grid}",
            "{name: sure, validate: {top: 2, seeds: 4, seed_parameter: seed}}",
        )
    )
    explore, near, rank, sure = sweep.phases
    assert (explore.trials, explore.sampler, explore.hours, explore.gpu_hours) == (8, "qmc", 2, 3)
    assert explore.set == ((("steps",), 200),) and explore.searches is None
    assert (near.refine, near.keep_if, near.stopper) == (Refine(4.0), 0.02, Asha(3.0))
    assert near.only_if == "improvement > 1 and not spiky"
    assert rank.searches == (("rank",),) and rank.ranges[0].distribution == Categorical((16, 24))
    assert sure.validate == Validate(("seed",), 2, 4)
    assert not any("run_cap" in note for note in sweep.notes)


@pytest.mark.parametrize(
    ("phase", "says"),
    [
        ("{}", "phase 1 is empty"),
        ("explore", 'phase 1 is the text "explore"'),
        ("{trials: 3}", "has no name; write name: explore"),
        ("{name: a, trials: 0}", "trials: must be at least 1, got 0"),
        ("{name: a, hours: 0}", "hours: must be above 0, got 0"),
        ("{name: a, gpu_hours: 0}", "gpu_hours: must be above 0, got 0"),
        ("{name: a}", "would never end; give it trials, hours or gpu_hours"),
        ("{name: a, trials: 3, parameters: [rnk]}", "rnk is no parameter of this sweep; did you"),
        ("{name: a, trials: 3, parameters: {rnk: {values: [1, 2]}}}", "rnk is no parameter"),
        ("{name: a, trials: 3, parameters: {lr: {min: 3}}}", "max is missing"),
        ("{name: a, trials: 3, parameters: [lr]}", "leaves rank, opt.name open, and there is no b"),
        ("{name: a, trials: 3, set: {step: 2}}", "step is no parameter of this sweep; did you"),
        (
            "{name: a, trials: 3, parameters: [lr], set: {lr: 1}}",
            "is set, and searched in the same",
        ),
        ("{name: a, trials: 3, refine: {factor: 3}}", "nothing before the first phase to be near"),
        ("{name: a, trials: 3, refine: {factor: 1}}", "factor: must be above 1, got 1"),
        ("{name: a, trials: 3, refine: {around: worst}}", "around: the text"),
        ("{name: a, validate: {top: 2}}", "there is nothing before the first phase"),
        ("{name: a, validate: {seeds: 1}}", "seeds: must be at least 2, got 1"),
        ("{name: a, validate: {seed_parameter: sed}}", "sed is no parameter of this sweep"),
        ("{name: a, validate: {seed_parameter: rank}}", "has no `seed` in its name"),
        ("{name: a, validate: {top: 2}, trials: 3}", "trials: does not go with validate"),
        ("{name: a, trials: 3, keep_if: 2%}", "nothing before the first phase to beat"),
        ("{name: a, trials: 3, keep_if: 0.02}", "is no percentage; write it with its unit"),
        ("{name: a, trials: 3, only_if: spiky}", "nothing before the first phase to ask"),
        ("{name: a, trials: 3, only_if: spyky}", "is nothing it can ask for; did you mean spiky?"),
        ("{name: a, trials: 3, only_if: 1 > 0}", "asks for nothing"),
        ("{name: a, trials: 3, only_if: best >}", "only_if: column"),
        ("{name: a, method: grid}", "a grid cannot go over lr"),
        ("{name: a, trials: 3, method: tpe}", "method: the text"),
        ("{name: a, trials: 3, sampler: tpe}", "tpe does not go with method random"),
        ("{name: a, run_cap: 3}", "run_cap: unknown key; write trials"),
        ("{name: a, trials: 3, set: {lr: high}}", "set.lr: takes log_uniform_values"),
        ("{name: a, trials: 3, set: {lr: null}}", "not nothing; write a number"),
        ("{name: a, transfer: {top: 0}}", "top: must be at least 1, got 0"),
        ("{name: a, transfer: {tp: 1}}", "tp: unknown key"),
        ("{name: a, transfer: {}, trials: 3}", "trials: does not go with transfer"),
        ("{name: a, transfer: {adjust: {lrr: 1}}}", "lrr is no parameter of this sweep"),
        ("{name: a, transfer: {adjust: {lr: 2 * lrr}}}", "no parameter is called lrr"),
        ("{name: a, transfer: {adjust: {rank: 2 * }}}", "adjust.rank: column"),
        (
            "{name: a, transfer: {adjust: {rank: 2 * rank}}, set: {rank: 8}}",
            "rank: is set, and adjusted in the same phase",
        ),
        ("{name: a, transfer: {top: 2}}", "there is nothing before the first phase"),
    ],
)
def test_a_wrong_phase_is_told_with_its_line(phase: str, says: str) -> None:
    found = faults(phased(phase))
    assert any(says in line for line in found), found
    assert all(line.startswith("sweep.yaml:12: tuiswp.phases") for line in found), found


def test_phases_that_are_none_are_refused() -> None:
    empty = f"{HEAD}run_cap: 2\ntuiswp: {{phases: []}}\n"
    assert "must be a list of phases, not an empty list" in one_fault(empty)
    assert "must be a list" in one_fault(f"{HEAD}run_cap: 2\ntuiswp: {{phases: {{a: 1}}}}\n")
    assert "is empty" in one_fault(f"{HEAD}run_cap: 2\ntuiswp:\n  phases:\n")
    twice = phased("{name: a, trials: 1}", "{name: a, trials: 1}")
    assert "there are two phases a" in one_fault(twice)
    alone = phased("{name: a, trials: 1}").replace("metric: {name: loss, goal: minimize}\n", "")
    assert "need a metric" in one_fault(alone)


def test_what_cannot_be_compared_is_not_kept_or_refused() -> None:
    text = phased(
        "{name: a, trials: 3, set: {steps: 200}}", "{name: b, trials: 3, keep_if: better by 2%}"
    )
    assert "compares nothing: steps is not what it is in phase a" in one_fault(text)


def sweep_with(*phases: str) -> Sweep:
    return read(phased(*phases, more=BASELINE))


def laws(sweep: Sweep, index: int, best: dict[str, object]) -> dict[str, object]:
    found = parameters_in(sweep, sweep.phases[index], best)  # type: ignore[arg-type]
    return {one.name: one.distribution for one in found}


def test_what_a_phase_does_not_search_is_fixed_at_the_best() -> None:
    sweep = sweep_with(
        "{name: a, trials: 3, set: {steps: 200}}", "{name: b, trials: 2, parameters: [lr]}"
    )
    best = {"lr": 0.02, "rank": 32, "opt": {"name": "sgd"}, "steps": 200, "seed": 0}
    found = laws(sweep, 1, best)
    assert (found["rank"], found["opt.name"]) == (Constant(32), Constant("sgd"))
    assert found["lr"] == sweep.parameters[0].distribution
    # How long a run is belongs to the phase: it is not inherited.
    assert found["steps"] == Constant(1000)
    assert laws(sweep, 0, best)["steps"] == Constant(200)
    assert [one.name for one in measure(sweep)] == ["steps"]


def test_a_setting_is_transferred_with_what_the_phase_sets_and_adjusts() -> None:
    sweep = sweep_with(
        "{name: small, trials: 3, set: {steps: 200}}",
        "{name: large, set: {seed: 7}, transfer: {top: 2, adjust: "
        "{rank: 'min(64, 2 * rank)', lr: lr / 2}}}",
    )
    large = sweep.phases[1]
    assert large.transfer == Transfer(2, ((("rank",), "min(64, 2 * rank)"), (("lr",), "lr / 2")))
    small: Params = {"lr": 0.02, "rank": 16, "opt": {"name": "sgd"}, "steps": 200, "seed": 0}
    # How long a run is belongs to the phase, and what it is adjusted to may lie outside the range.
    assert transferred(sweep, large, small) == {
        "lr": 0.01, "rank": 32, "opt": {"name": "sgd"}, "steps": 1000, "seed": 7,
    }  # fmt: skip
    assert transferred(sweep, large, small | {"rank": 48})["rank"] == 64


def test_refining_narrows_each_range_near_the_best_in_its_own_scale() -> None:
    sweep = sweep_with("{name: b, trials: 2, refine: {factor: 2}}")
    found = laws(sweep, 0, {"lr": 0.8, "rank": 16, "opt": {"name": "sgd"}})
    law = found["lr"]
    assert isinstance(law, LogUniform) and law.limits == (0.4, 1.0)  # clipped
    assert found["rank"] == Categorical((8, 16, 32))
    assert found["opt.name"] == Constant("sgd")
    linear = Parameter(("x",), Uniform(0.0, 9.0), "uniform")
    assert narrowed(linear, 8.0, 3.0).distribution == Uniform(6.5, 9.0)
    whole_numbers = Parameter(("x",), IntUniform(1, 12), "int_uniform")
    assert narrowed(whole_numbers, 2, 3.0).distribution == IntUniform(1, 4)


def test_who_looks_at_it_sees_every_value_that_any_phase_can_try() -> None:
    sweep = sweep_with(
        "{name: a, trials: 3, set: {steps: 200}}",
        "{name: s, validate: {top: 2, seeds: 2, seed_parameter: seed}}",
    )
    seen = {one.name: one.distribution for one in swept(whole(sweep))}
    assert seen["steps"] == Categorical((1000, 200))
    assert seen["seed"] == Categorical((0, 1, 2))
    assert whole(read(HEAD + "run_cap: 3\n")).parameters == read(HEAD + "run_cap: 3\n").parameters


def test_who_looks_at_every_phase_sees_the_baseline_and_points_of_the_file() -> None:
    begin = "{lr: 0.01, rank: 16, opt: {name: adam}}"  # steps and seed have one value here
    sweep = read(
        phased(
            "{name: explore, trials: 8, set: {steps: 200}}",
            "{name: sure, validate: {top: 2, seeds: 4, seed_parameter: seed}}",
            more=f"baseline: {begin}\n  points: [{begin}]",
        )
    )
    assert baseline_params(whole(sweep)) == baseline_params(sweep)
    assert point_params(whole(sweep)) == point_params(sweep)


@pytest.mark.parametrize(
    ("rule", "phase", "forbidden"),
    [
        ("rank == 8", "{name: low, trials: 3, set: {rank: 8}}", True),
        ("rank == 8", "{name: low, trials: 3, set: {rank: 16}}", False),
        ("rank == 8", "{name: low, method: grid, parameters: {rank: {values: [8]}}}", True),
        ("lr < 1", "{name: low, trials: 3, parameters: [lr]}", True),
        ("lr < 0.01 and rank == 8", "{name: low, trials: 3, set: {rank: 8}}", False),
    ],
)
def test_a_phase_that_the_rules_leave_nothing_of_is_told_with_the_rule(
    rule: str, phase: str, forbidden: bool
) -> None:
    begin = "baseline: {lr: 0.01, rank: 16, opt: {name: adam}}"
    sweep = read(phased("{name: first, trials: 1}", phase, more=f"{begin}\n  seed: 1"))
    fault = nothing_allowed(replace(sweep, constraints=Constraints(exclude=(rule,))))
    assert (fault is not None and "rules forbid every point of" in str(fault)) is forbidden
    if fault is not None:
        assert rule in str(fault)
    assert nothing_allowed(sweep) is None
