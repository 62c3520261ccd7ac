"""What is proposed for a sweep: by name, around the default, within what the script accepts."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.scripts.recorded import recorded
from tuiswp.model.sweep import Goal
from tuiswp.scripts.deciding import goal_of, ranked
from tuiswp.scripts.given import given_in, into_trial, with_given, without
from tuiswp.scripts.options import Interface, ScriptOption
from tuiswp.scripts.proposal import at_first, propose
from tuiswp.scripts.reading import read_script
from tuiswp.scripts.running import Ran


def proposed(*options: ScriptOption) -> dict[str, tuple[object, ...]]:
    found = propose(Interface("argparse", options))
    return {one.option.name: one.tunable.ends or one.tunable.grid for one in found}


def test_the_learning_rate_comes_first_on_a_log_scale_around_its_default() -> None:
    found = propose(Interface("x", (ScriptOption("dropout", 0.1), ScriptOption("lr", 3e-4))))
    assert [one.option.name for one in found] == ["lr", "dropout"]
    assert found[0].tunable.log
    assert found[0].tunable.ends == (1e-5, 3e-3)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        (ScriptOption("batch-size", 32), (16, 32, 64)),
        (ScriptOption("batch_size", 48, high=48), (16, 32)),
        (ScriptOption("batch_size", 1), (1, 2)),
        (ScriptOption("weight_decay", 0.0), (1e-3, 0.1)),
        (ScriptOption("wd", 1e-4), (1e-4, 0.1)),
        (ScriptOption("dropout", 0.5), (0.0, 0.5)),
        (ScriptOption("dropout", high=0.2), (0.0, 0.2)),
        (ScriptOption("lora_dropout", 0.05), (0.0, 0.15)),
        (ScriptOption("lora_rank", 64), (4, 8, 16, 32, 64)),
        (ScriptOption("warmup_ratio", 0.03), (0.01, 0.1)),
        (ScriptOption("warmup_steps", 100), (50, 100, 200)),
        (ScriptOption("lr"), (1e-5, 1e-2)),
    ],
)
def test_values_lie_around_the_default_and_within_what_is_accepted(
    option: ScriptOption, values: tuple[float, ...]
) -> None:
    assert proposed(option)[option.name] == values


@pytest.mark.parametrize(
    "option",
    [
        ScriptOption("batch_size"), ScriptOption("warmup_steps", 0), ScriptOption("local_rank", -1),
        ScriptOption("seed", 0), ScriptOption("lr_scheduler_type", "cosine"),
        ScriptOption("epochs", 3), ScriptOption("batch_size", "auto"), ScriptOption("lr", "auto"),
        ScriptOption("use_dropout", flag=True), ScriptOption("rank", 8, high=4),
        ScriptOption("eval_batch_size", 8),
    ],
    ids=lambda option: option.name,
)  # fmt: skip
def test_what_cannot_be_known_to_be_a_scale_is_not_proposed(option: ScriptOption) -> None:
    assert proposed(option) == {}


def test_a_sweep_that_would_take_long_begins_with_the_learning_rate_alone() -> None:
    found = propose(
        Interface(
            "x", (ScriptOption("lr", 1e-3), ScriptOption("dropout", 0.1), ScriptOption("wd", 0.0))
        )
    )
    assert at_first(found, None) == 3
    assert at_first(found, 1.0) == 3
    assert at_first(found, 30.0) == 1


def test_what_a_command_gives_is_the_default_and_leaves_it_when_it_is_swept() -> None:
    found = recorded("argparse")
    argv = ["python", "train.py", "-l", "0.01", "--batch-size=64", "--fp16", "--epochs", "3"]
    assert [word.option.name for word in given_in(argv, found)] == ["lr", "batch-size", "epochs"]
    lr = with_given(found, argv).find("lr")
    assert lr is not None
    assert lr.default == 0.01
    assert without(argv, found, {"lr"}) == [
        "python", "train.py", "--batch-size=64", "--fp16", "--epochs", "3",
    ]  # fmt: skip


def test_a_further_name_of_an_option_is_the_same_option() -> None:
    argv = ["python", "train.py", "--learning-rate", "0.5"]
    assert without(argv, recorded("argparse"), {"lr"}) == ["python", "train.py"]


def test_words_without_hyphens_are_read_where_the_script_takes_such() -> None:
    found = recorded("hydra")
    argv = ["python", "train.py", "optim.lr=0.5", "hydra.run.dir=/tmp/x", "epochs=5"]
    assert without(argv, found, {"optim.lr"})[2:] == ["hydra.run.dir=/tmp/x", "epochs=5"]
    kept, added = into_trial(argv, found)
    assert kept == ["python", "train.py", "optim.lr=0.5", "epochs=5"]
    assert added == ["hydra.run.dir=${trial_dir}/hydra"]


def test_a_trial_writes_into_its_own_directory() -> None:
    argv = ["python", "train.py", "--out", "runs/a", "--lr", "1"]
    kept, added = into_trial(argv, recorded("argparse"))
    assert kept == ["python", "train.py", "--lr", "1"]
    assert added == ["--out=${trial_dir}/out"]


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("loss", "minimize"), ("eval/loss", "minimize"), ("val_acc", "maximize"),
        ("eval_f1", "maximize"), ("perplexity", "minimize"), ("foo", None),
        ("reward/total", "maximize"), ("bits_per_byte", "minimize"),
    ],
)  # fmt: skip
def test_the_goal_is_what_the_name_says(name: str, goal: Goal | None) -> None:
    assert goal_of(name) == goal


def test_a_loss_on_held_out_data_decides_before_all_others() -> None:
    names = ["learning_rate", "train_loss", "eval_accuracy", "eval_loss", "grad_norm", "mystery"]
    assert ranked(names) == (
        "eval_loss", "eval_accuracy", "train_loss", "mystery", "learning_rate", "grad_norm",
    )  # fmt: skip


@pytest.mark.parametrize(
    "init",
    [
        'wandb.init(project="x", config={"lr": 1e-3, "epochs": EPOCHS, "opt": {"b": 1}, 3: 4})',
        "wandb.init(config=dict(lr=1e-3, epochs=EPOCHS))",
        'defaults = {"lr": 0.001, "epochs": None}\nrun = wandb.init(config=defaults)',
    ],
)
def test_a_script_without_options_tells_what_it_hands_to_wandb(init: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(f"import wandb\n{init}\n")

    def never(argv: Sequence[str]) -> Ran:
        raise AssertionError("it would train")

    reading = read_script(["python", "train.py"], tmp_path, never)
    assert reading.interface is not None
    found = {one.name: one.default for one in reading.interface.options}
    assert (found["lr"], found["epochs"]) == (1e-3, None)
    assert reading.interface.macro == ""
    assert into_trial(["python", "train.py"], reading.interface) == (["python", "train.py"], [])
