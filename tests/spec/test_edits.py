"""Ranges and settings of a living sweep: how they are written, and what they mean."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.spec.helpers import read
from tests.spec.test_values import SPACE
from tuiswp.errors import UsageError
from tuiswp.model.edits import Settings
from tuiswp.model.events import SettingsChanged, SpaceEdited
from tuiswp.model.stop import StopRules
from tuiswp.model.sweep import Sweep
from tuiswp.spec.edits import (
    as_word,
    change,
    check_together,
    edited,
    effective,
    parse_edit,
    parse_settings,
    setting_changes,
)
from tuiswp.spec.load import load
from tuiswp.spec.values import find_parameter

HEAD = "method: random\nrun_cap: 5\nparameters: {lr: {values: [1, 2]}}\n"
STOP = StopRules(min_improvement=0.01)


@pytest.fixture
def space(tmp_path: Path) -> Sweep:
    path = tmp_path / "s.yaml"
    path.write_text(SPACE)
    return load(path)


def after(space: Sweep, word: str) -> str | None:
    edit = parse_edit(space.parameters, word)
    old = next(one for one in space.parameters if one.path == edit.path)
    return change(old, edited(old, edit))


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("lr=1e-6..1e-1", "log_uniform_values min=1e-6 max=1e-1"),
        ("lr=..1", "log_uniform_values min=1e-5 max=1"),
        ("lr=1e-4..", "log_uniform_values min=1e-4 max=1e-1"),
        ("layers=2..16", "int_uniform min=2 max=16"),
        ("drop=-1..0.25", "uniform min=-1 max=0.25"),
        ("bs+=64,128", "16, 32, 64, 128"),
        ("bs+=32,64", "16, 32, 64"),
        ("bs-=16", "32"),
        ("bs=8,64", "8, 64"),
        ("opt.name += lion", "adam, sgd, lion"),
        ("betas+=[0.8, 0.9]", "[0.9, 0.95], [0.9, 0.99], [0.8, 0.9]"),
        ("seed+=1,2", "0, 1, 2"),
    ],
)
def test_a_change_means_what_it_says(space: Sweep, word: str, says: str) -> None:
    told = after(space, word)
    assert told is not None
    assert told.partition(" → ")[2] == says


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("lr=1e-1..1e-5", "lr: 0.1 is not below 1e-5; write lr=LOW..HIGH; it is lr=1e-5..1e-1 now"),
        ("lr=0..1", "lr: it needs ends above 0"),
        ("lr+=1", "lr: it has a range, not a list of values; write lr=LOW..HIGH"),
        ("lr=a..b", "lr: 'a' is not a number"),
        ("bs=1..8", "bs: it has a list of values, not a range; write bs+=VALUE or bs-=VALUE"),
        ("bs-=64", "bs: 64 is none of its values"),
        ("bs-=16,32", "bs: no value would be left; `tuiswp stop` ends the sweep"),
        ("bs+=", "bs: no value is named"),
        ("bs+=huge", "bs: 'huge' does not fit"),
        ("layers=1.5..8", "layers: it takes whole numbers"),
        ("noise=0..1", "noise: normal has no ends; it cannot be extended"),
        ("batch=1..8", "no parameter is called 'batch'"),
        ("lr", "'lr' changes nothing"),
    ],
)
def test_what_cannot_be_changed_so_is_refused_in_one_line(
    space: Sweep, word: str, says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        parse_edit(space.parameters, word)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (["max_parallel=4"], {"max_parallel": 4}),
        (["run_cap=none", "retries=0"], {"run_cap": None, "retries": 0}),
        (["timeout=1h30m"], {"timeout": 5400.0}),
        (["hang_after=20m"], {"hang_after": 1200.0}),
        (["min_improvement=0.5%", "hours=1.5"], {"min_improvement": 0.005, "hours": 1.5}),
        (["same_best=20", "failures=none"], {"same_best": 20, "failures": None}),
        (["target=-1.5", "over=20"], {"target": -1.5, "over": 20}),
        (["target=none", "over=none"], {"target": None, "over": None}),
    ],
)
def test_settings_are_read(words: list[str], settings: Settings) -> None:
    assert parse_settings(words) == settings


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("max_paralel=4", "did you mean max_parallel?"),
        ("max_parallel=0", "is not a whole number from 1 up"),
        ("max_parallel=1.5", "is not a whole number from 1 up"),
        ("max_parallel", "no value is named; write max_parallel=4"),
        ("retries=-1", "is not a whole number from 0 up"),
        ("timeout=soon", "is no time above 0; write timeout=2h, or timeout=none"),
        ("timeout=0", "is no time above 0"),
        ("hang_after=never", "is no time above 0; write hang_after=30m, or hang_after=none"),
        ("hours=0", "is no number of hours above 0"),
        ("min_improvement=0.1", "is no percentage; write min_improvement=0.1%"),
        ("same_best=0", "is not a whole number from 1 up"),
        ("over=10001", "is not a whole number from 1 to 10000"),
        ("target=low", "is not a number; write target=1.2, or target=none"),
        ("target=nan", "is not a number"),
    ],
)
def test_a_wrong_setting_is_refused_with_an_example(word: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_settings([word])
    assert says in str(refused.value)


def test_a_sweep_is_its_file_and_its_edits_in_their_order(space: Sweep) -> None:
    lr = find_parameter(space.parameters, "lr")
    wide = edited(lr, parse_edit([lr], "lr=1e-7..1"))
    narrow = edited(wide, parse_edit([wide], "lr=..1e-2"))
    now = effective(
        space,
        [
            SpaceEdited((wide,), "anna"),
            SettingsChanged({"max_parallel": 4, "timeout": 60, "retries": 2}, "anna"),
            SpaceEdited((narrow,), "ben"),
            SettingsChanged({"timeout": None, "run_cap": 9}, "ben"),
        ],
    )
    assert find_parameter(now.parameters, "lr") == narrow
    assert [one.path for one in now.parameters] == [one.path for one in space.parameters]
    assert (now.resources.max_parallel, now.run.timeout_s) == (4, None)
    assert (now.run.retries, now.run_cap) == (2, 9)
    assert effective(space, []) is space


def test_the_baseline_stays_what_it_was_when_a_constant_gets_a_second_value(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "method: grid\nprogram: t.py\nparameters: {lr: {values: [1, 2]}, seed: {value: 0}}\n"
        "tuiswp: {baseline: {lr: 1}}\n"
    )
    sweep = load(path)
    seed = find_parameter(sweep.parameters, "seed")
    now = effective(sweep, [SpaceEdited((edited(seed, parse_edit([seed], "seed+=1")),), "anna")])
    assert now.baseline == {"lr": 1, "seed": 0}


@pytest.mark.parametrize(
    "word", ["lr=1e-06..0.1", "layers=2..16", "drop=0.0..0.25", "bs=16,64", "opt.name=adam,lion"]
)
def test_a_changed_file_is_said_as_the_words_that_extend_takes(space: Sweep, word: str) -> None:
    edit = parse_edit(space.parameters, word)
    old = next(one for one in space.parameters if one.path == edit.path)
    assert as_word(old, edited(old, edit)) == word


def test_a_target_and_how_far_back_are_set_and_taken_away() -> None:
    sweep = replace(read(f"{HEAD}metric: {{name: loss, goal: minimize, target: 2.0}}\n"), stop=STOP)
    changed = effective(sweep, [SettingsChanged({"target": 1.5, "over": 30}, "anna")])
    assert changed.objective is not None
    assert (changed.objective.target, changed.stop.over) == (1.5, 30)
    assert setting_changes(sweep, {"target": None}) == ("target: 2 → no such rule",)
    gone = effective(changed, [SettingsChanged({"target": None, "over": None}, "anna")])
    assert gone.objective is not None
    assert (gone.objective.target, gone.stop.over) == (None, 10)


def test_what_needs_another_setting_or_a_metric_is_refused_without_it() -> None:
    sweep = read(f"{HEAD}metric: {{name: loss, goal: minimize}}\n")
    with pytest.raises(UsageError, match="over belongs to min_improvement"):
        check_together(sweep, {"over": 20})
    check_together(sweep, {"over": 20, "min_improvement": 0.01})
    check_together(replace(sweep, stop=STOP), {"over": 20})
    with pytest.raises(UsageError, match="target needs a metric"):
        check_together(replace(sweep, objective=None), {"target": 1.0})
    check_together(replace(sweep, objective=None), {"hours": 1.0, "target": None})
