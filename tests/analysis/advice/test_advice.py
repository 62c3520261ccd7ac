"""The adviser against cases worked by hand, and arithmetic that must add up whatever is told."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import PAYLOADS
from tuiswp.analysis.advice.advisor import advise
from tuiswp.analysis.advice.inputs import (
    Advice,
    Advised,
    Budget,
    Inputs,
    Machine,
    Tunable,
    Written,
)
from tuiswp.analysis.advice.spending import WHOLE, shares
from tuiswp.analysis.trained import Model

FOUR = Machine(4, 1.0, "4 at once on 4 GPUs")
UNKNOWN = Machine(None, 1.0, "the GPUs cannot be read now")
CPU = Machine(2, None, "2 at once in CPU slots")


def named(*names: str) -> tuple[Tunable, ...]:
    return tuple(Tunable(name) for name in names)


def topic(found: Advised, name: str) -> Advice:
    (one,) = [one for one in found.advice if one.topic == name]
    return one


def asked(found: Advised) -> str:
    return "; ".join(one.give for one in found.questions)


@pytest.mark.parametrize(
    ("count", "values", "method", "points", "trials"),
    [
        (1, 6, "grid", 6, 6),
        (2, 6, "grid", 36, 36),
        (2, 10, "grid", 100, 100),  # over 100, not from 100
        (2, 11, "random", 121, 59),
        (1, 100, "grid", 100, 100),
        (3, 3, "random", 27, 59),
        (4, 5, "random", 625, 59),
        (5, 3, "bayes", 243, 50),
        (8, 2, "bayes", 256, 80),
        (None, 4, "random", None, 59),
    ],
)
def test_the_method_follows_from_the_count_and_the_points(
    count: int | None, values: int, method: str, points: int | None, trials: int
) -> None:
    found = advise(Inputs(count=count, values=values, machine=FOUR)).search
    assert (found.method, found.points, found.trials) == (method, points, trials)


def test_fifty_nine_is_the_least_that_is_95_percent_sure() -> None:
    assert 1 - 0.95**59 >= 0.95 > 1 - 0.95**58


@pytest.mark.parametrize(
    ("machine", "minutes", "trials", "waves", "hours", "gpu_hours"),
    [
        (FOUR, 20.0, 59, 15, 5.0, 59 / 3),
        (Machine(2, 2.0, ""), 30.0, 59, 30, 15.0, 59.0),
        (Machine(8, 0.5, ""), 60.0, 59, 8, 8.0, 29.5),
        (CPU, 6.0, 59, 30, 3.0, None),
        (UNKNOWN, 6.0, 59, None, None, None),
        (Machine(0, 4.0, ""), 6.0, 59, None, None, None),
    ],
)
def test_waves_hours_and_gpu_hours(
    machine: Machine,
    minutes: float,
    trials: int,
    waves: int | None,
    hours: float | None,
    gpu_hours: float | None,
) -> None:
    found = advise(Inputs(count=3, machine=machine, minutes=minutes)).search
    assert (found.trials, found.waves, found.hours) == (trials, waves, hours)
    assert found.gpu_hours == (None if gpu_hours is None else pytest.approx(gpu_hours))


@pytest.mark.parametrize(
    ("budget", "machine", "alone"),
    [
        (Budget(9.9), FOUR, True),
        (Budget(10.0), FOUR, False),
        (Budget(39.0, "gpu"), FOUR, True),  # 39 / 4 GPUs = 9.75 h
        (Budget(40.0, "gpu"), FOUR, False),
        (Budget(5.0, "gpu"), UNKNOWN, False),  # not known, so no rule of it
        (Budget(5.0, "gpu"), CPU, False),
    ],
)
def test_under_ten_hours_only_the_learning_rate_is_tuned(
    budget: Budget, machine: Machine, alone: bool
) -> None:
    parameters = (Tunable("dropout"), Tunable("lr", 1e-4), Tunable("rank", 8))
    found = advise(Inputs(parameters=parameters, machine=machine, budget=budget))
    assert ([axis.name for axis in found.search.axes] == ["lr"]) is alone
    assert found.search.method == ("grid" if alone else "random")


def test_a_budget_holds_so_many_trials_and_says_what_they_are_worth() -> None:
    inputs = Inputs(count=3, machine=FOUR, minutes=60.0, budget=Budget(10.5))
    found = advise(inputs)
    assert found.search.trials == 40  # 10 whole waves of 4
    lines = topic(found, "trials").arithmetic
    assert "budget 10.5 h: ⌊630 min / 60 min⌋ × 4 at once = 40 trials at most" in lines
    assert "1 − 0.95^40 = 87% sure of one in the best 5 %" in lines


def test_a_grid_that_does_not_fit_is_said_not_cut() -> None:
    inputs = Inputs(count=1, machine=CPU, minutes=60.0, budget=Budget(2.0))
    found = advise(inputs)
    assert found.search.trials == 6
    assert "the budget holds only 4" in topic(found, "trials").says


def test_the_default_is_a_trial_where_it_is_off_the_grid() -> None:
    assert advise(Inputs(parameters=(Tunable("lr", 2e-4),), machine=FOUR)).search.trials == 7
    assert advise(Inputs(parameters=(Tunable("lr", 3e-4),), machine=FOUR)).search.trials == 6


def test_the_learning_rate_comes_first_and_a_seed_never() -> None:
    names = ("seed", "dropout", "foo", "warmup_steps", "lora_rank", "bs", "opt.lr")
    found = advise(Inputs(parameters=named(*names), machine=FOUR))
    order = ["opt.lr", "lora_rank", "warmup_steps", "bs", "dropout", "foo"]
    assert [axis.name for axis in found.search.axes] == order
    assert topic(found, "first").says == "opt.lr"
    assert topic(found, "together").source.startswith("D10")


def test_without_the_learning_rate_that_is_said_first() -> None:
    found = advise(Inputs(parameters=named("rank"), machine=FOUR))
    assert "the learning rate, which is not among what you tune" in topic(found, "first").says


def test_the_default_rate_its_range_and_its_scaling_by_hand() -> None:
    model = Model(7.0, "llama", True, 4096)
    inputs = Inputs(
        parameters=named("lr"), machine=FOUR, model=model, batch=(16, 64), gpus_change=(8, 2)
    )
    found = advise(inputs)
    assert "(2000 / 4096)^0.781 = 0.0002856" in topic(found, "learning rate").arithmetic[0]
    assert topic(found, "range").says == "try lr at 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3"
    assert found.search.trials == 7
    scaled = [one.says for one in found.advice if one.topic == "scaling"]
    assert scaled == [
        "batch 16 to 64: learning rate 5.71e-4", "GPUs 8 to 2: learning rate 1.43e-4"
    ]  # fmt: skip
    assert topic(found, "safe range").says == "1e-4 to 3e-4 for 7B with LoRA"
    assert "4 of the 6 values of lr lie outside" in topic(found, "safe range").arithmetic[1]


def test_what_is_not_known_is_asked_for_by_name() -> None:
    nothing = advise(Inputs(machine=UNKNOWN))
    for option in ("--params", "--minutes-per-trial", "--gpus", "--budget"):
        assert option in asked(nothing)
    assert "--minutes-per-trial" in asked(advise(Inputs(count=2, machine=FOUR)))
    rate = advise(Inputs(parameters=named("lr"), machine=FOUR, model=Model(family="qwen")))
    assert "--hidden-size, --lora or --full" in asked(rate)
    assert not any(one.topic == "learning rate" for one in rate.advice)
    unsized = advise(Inputs(parameters=named("lr"), machine=FOUR, model=Model(lora=True)))
    assert "--model-size" in asked(unsized)
    batch = advise(Inputs(machine=FOUR, batch=(1, 4)))
    assert topic(batch, "scaling").says == "batch 1 to 4: learning rate × 2"
    assert "--lr" in asked(batch)


def test_no_range_is_invented_for_an_unknown_name() -> None:
    found = advise(Inputs(parameters=named("frobnication"), machine=FOUR))
    assert topic(found, "range").says == "none is known for frobnication"
    size = advise(Inputs(machine=FOUR, model=Model(size=1.0, lora=True)))
    assert topic(size, "safe range").says == "none is known for 1B with LoRA"


def test_the_budget_split_by_hand() -> None:
    found = advise(Inputs(count=2, machine=FOUR, minutes=60.0, budget=Budget(24.0)))
    whole = {one.part: round(one.hours or 0.0, 2) for one in found.budget}
    assert whole == {
        "range test": 19.2, "rank": 12.8, "spot checks": 12.8, "final run": 32.0,
        "evaluation": 3.2, "reruns": 16.0,
    }  # fmt: skip
    assert "24 h × 4 GPUs = 96 GPU-hours" in topic(found, "budget").arithmetic
    assert "buys 96 runs of 60 min, and the parts need 3" in topic(found, "budget").says
    small = advise(Inputs(count=2, machine=FOUR, minutes=60.0, budget=Budget(2.0, "gpu")))
    assert topic(small, "budget").says.endswith("make the runs shorter")


def test_what_the_file_would_do_is_said_where_it_differs() -> None:
    grid = tuple(Tunable(name, 1, grid=tuple(range(6))) for name in ("lr", "a", "b"))
    written = Written("s.yaml", "grid", 216)
    found = advise(Inputs(parameters=grid, machine=FOUR, minutes=10.0, written=written))
    assert (found.search.method, found.search.points) == ("random", 216)
    assert topic(found, "as written").says == "s.yaml is grid, 216 trials"
    assert topic(found, "as written").arithmetic == ("⌈216 / 4⌉ × 10 min = 9 h",)


def test_early_stopping_is_advised_where_it_pays_and_is_not_there_yet() -> None:
    def told(count: int, stops: bool) -> bool:
        written = Written("s.yaml", "random", 59, stops)
        found = advise(Inputs(count=count, machine=FOUR, written=written))
        return any(one.topic == "early stopping" for one in found.advice)

    assert told(3, False)
    assert not told(3, True)
    assert not told(1, False)  # six trials: five must end before the rule says anything


def test_a_small_space_is_not_drawn_more_often_than_it_has_points() -> None:
    flags = tuple(Tunable(name, False, grid=(False, True)) for name in "abc")
    assert advise(Inputs(parameters=flags, machine=FOUR)).search.trials == 8


TOLD = st.builds(
    Inputs,
    count=st.none() | st.integers(1, 100),
    values=st.none() | st.integers(2, 100),
    minutes=st.none() | st.floats(1e-3, 1e7),
    budget=st.none() | st.builds(Budget, st.floats(1e-3, 1e9), st.sampled_from(["wall", "gpu"])),
    machine=st.builds(
        Machine,
        st.none() | st.integers(0, 10**6),
        st.none() | st.floats(0.001, 1024),
        st.just("x"),
    ),
    parameters=st.lists(
        st.builds(
            Tunable,
            st.sampled_from(["lr", "rank", "warmup_ratio", "bs", "weight_decay", "x", "seed"]),
            st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
        ),
        max_size=7,
        unique_by=lambda one: one.name,
    ).map(tuple),
    model=st.builds(
        Model,
        st.none() | st.floats(1e-4, 1e5),
        st.sampled_from([None, "llama", "qwen"]),
        st.sampled_from([None, True, False]),
        st.none() | st.integers(1, 10**7),
    ),
    batch=st.none() | st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)),
)


@given(TOLD)
def test_the_arithmetic_adds_up_whatever_is_told(inputs: Inputs) -> None:
    found = advise(inputs)
    search = found.search
    assert search.trials is not None
    assert search.trials > 0
    if inputs.parameters and search.axes:
        few = [len(axis.grid) or inputs.values or 3 for axis in search.axes]
        assert search.points == math.prod(few)
    if search.method == "grid":
        assert search.points is not None
        assert search.points <= 100
        assert search.trials - search.points in (0, 1)
    parallel = inputs.machine.parallel
    if search.waves is not None and parallel:
        assert (search.waves - 1) * parallel < search.trials <= search.waves * parallel
        if inputs.minutes is not None and search.hours is not None:
            assert search.hours == pytest.approx(search.waves * inputs.minutes / 60)
            if search.gpu_hours is not None:
                most = search.hours * parallel * (inputs.machine.gpus_per_trial or 0)
                assert search.gpu_hours <= most * (1 + 1e-9)
    trials = topic(found, "trials").says
    if inputs.budget and "budget holds only" not in trials:
        spent = search.hours if inputs.budget.kind == "wall" else search.gpu_hours
        assert spent is None or spent <= inputs.budget.hours * (1 + 1e-6)
    for one in found.advice:
        assert one.says
        assert one.source
        assert all(math.isfinite(x) for axis in search.axes for x in axis.grid)  # type: ignore[arg-type]


@given(st.floats(1e-6, 1e12))
def test_the_parts_of_a_budget_are_the_whole(total: float) -> None:
    split = shares(total)
    assert sum(one.hours or 0.0 for one in split) == pytest.approx(total)
    assert sum(one.percent for one in split) == pytest.approx(100)
    assert sum(one.runs for one in split) == pytest.approx(WHOLE) == pytest.approx(3)


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_names_and_values_are_inert(text: str) -> None:
    parameters = (Tunable(text, text, grid=(text, 1)), Tunable(f"{text} lr", 1e-4), Tunable("x"))
    written = Written(text, "grid", 3)
    found = advise(Inputs(parameters=parameters, machine=FOUR, minutes=1.0, written=written))
    said = [line for one in found.advice for line in (one.says, *one.arithmetic, one.source)]
    said += [one.give + one.to for one in found.questions]
    assert all(line.isprintable() for line in said)
