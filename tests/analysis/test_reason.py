"""Why an optimum is one: the runner-up, the noise and where it is known from, the seeds."""

from tests.analysis.builders import choice, ended, issue_sweep, issue_trials, queued, sweep_of
from tuiswp.analysis.answers import answer, first_answer
from tuiswp.analysis.curves import drawable
from tuiswp.analysis.optimum import judge
from tuiswp.analysis.reason import noise, why, within_noise


def test_without_repeats_noise_is_assumed_and_said_to_be() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    judgement = judge(sweep, trials)
    found = noise(sweep, judgement)
    assert found is not None
    assert not found.measured
    assert [t.id for t in within_noise(sweep, judgement, found.size)] == ["t0000"]
    text = " ".join(why(sweep, judgement))
    assert "Runner-up t0000: 0.0200 worse, 1 %" in text
    assert "Every setting ran once, n=1." in text
    assert "(1 % of the best, assumed since no setting was repeated): t0000." in text


def test_with_seeds_noise_is_their_spread_and_the_mean_is_said() -> None:
    sweep = sweep_of(choice("lr", [1.0, 2.0]), choice("seed", [0, 1, 2]))
    values = {1.0: (2.0, 2.1, 2.2), 2.0: (2.15, 2.25, 2.35)}
    trials = [
        ended(3 * row + seed, {"lr": lr, "seed": seed}, values[lr][seed])
        for row, lr in enumerate(values)
        for seed in range(3)
    ]
    judgement = judge(sweep, trials)
    found = noise(sweep, judgement)
    assert found is not None
    assert found.measured
    assert abs(found.size - 0.1) < 1e-9
    assert found.repeats == (2.0, 2.1, 2.2)
    text = " ".join(why(sweep, judgement))
    assert "Its setting ran with n=3 seeds, mean 2.1000." in text


def test_nothing_is_reasoned_without_an_optimum() -> None:
    sweep = sweep_of(choice("lr", [1, 2]))
    assert noise(sweep, judge(sweep, [])) is None
    assert why(sweep, judge(sweep, [])) == []


def test_the_answer_to_an_edge_is_the_optimum_moved_beyond_it() -> None:
    sweep = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2]), choice("opt", [{"wd": 0.1}]))
    trials = [
        ended(n, {"lr": lr, "opt": {"wd": 0.1}}, y)
        for n, (lr, y) in enumerate([(1e-4, 3.0), (1e-3, 2.5), (1e-2, 2.0)])
    ]
    judgement = judge(sweep, trials)
    found = first_answer(sweep, judgement, drawable(sweep, judgement))
    assert found is not None
    assert found.values == (0.1, 1.0)
    assert found.points == tuple({"lr": x, "opt": {"wd": 0.1}} for x in (0.1, 1.0))
    assert found.told == "lr = 1e-1, 1, all else as in t0002"


def test_what_is_already_on_its_way_is_not_offered_again() -> None:
    sweep = sweep_of(choice("lr", [1e-4, 1e-3, 1e-2]))
    trials = [
        *(ended(n, {"lr": 10.0 ** (n - 4)}, 3.0 - n) for n in range(3)),
        queued(3, {"lr": 0.1}),
        queued(4, {"lr": 1.0}),
    ]
    judgement = judge(sweep, trials)
    (one,) = drawable(sweep, judgement)
    assert one.values_to_add == (0.1, 1.0)
    assert answer(sweep, judgement, one) is None


def test_a_full_u_needs_no_answer() -> None:
    sweep, trials = issue_sweep(), issue_trials()
    judgement = judge(sweep, trials)
    assert first_answer(sweep, judgement, drawable(sweep, judgement)) is None
