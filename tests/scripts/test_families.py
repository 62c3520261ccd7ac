"""The help of each library, as it was recorded from `trainers/`, becomes the options behind it."""

from pathlib import Path

import pytest

from tests.scripts.recorded import FAMILY, recorded
from tuiswp.scripts.options import Interface, ScriptOption, default_in
from tuiswp.scripts.reading import FAMILIES, family_of


def option(interface: Interface, name: str) -> ScriptOption:
    return next(one for one in interface.options if one.name == name)


@pytest.mark.parametrize("kind", list(FAMILY))
def test_a_help_is_recognised_and_its_learning_rate_read(kind: str) -> None:
    interface = recorded(kind)
    assert interface.family == FAMILY[kind]
    found = [one for one in interface.options if one.name.endswith(("lr", "learning_rate"))]
    # argparse tells no defaults unless it is asked to.
    assert found[0].default == {"argparse": None, "huggingface": 5e-5, "recipe": 0.1}.get(
        kind, 1e-3
    )


def test_argparse_tells_names_choices_and_what_is_required() -> None:
    found = recorded("argparse")
    lr, out = option(found, "lr"), option(found, "out")
    assert (lr.short, lr.also) == (("-l",), ("learning-rate",))
    assert out.required
    assert not lr.required
    assert option(found, "optimizer").choices == ("sgd", "adamw")
    assert option(found, "weight_decay").default == 0.0
    assert option(found, "fp16").flag
    assert option(found, "shuffle").flag
    assert not [one for one in found.options if one.name in ("help", "no-shuffle", "data")]


def test_click_tells_ranges_and_wraps_its_lines() -> None:
    found = recorded("click")
    batch = option(found, "batch-size")
    assert (batch.default, batch.low, batch.high) == (32, 1, 48)
    assert option(found, "optimizer").choices == ("sgd", "adamw")
    amp = option(found, "amp")
    assert (amp.flag, amp.default) == (True, False)
    assert option(found, "fast").flag
    assert option(found, "out").required


def test_typer_tells_the_same_in_a_box() -> None:
    found = recorded("typer")
    batch = option(found, "batch-size")
    assert (batch.default, batch.low, batch.high) == (32, 1, 1024)
    assert option(found, "lr").short == ("-l",)
    assert option(found, "out").required
    assert option(found, "amp").flag
    assert option(found, "dropout").default == 0.1


def test_hydra_tells_its_configuration_leaf_by_leaf() -> None:
    found = recorded("hydra")
    assert found.macro == "${args_no_hyphens}"
    assert {one.name: one.default for one in found.options} == {
        "optim.lr": 0.001, "optim.weight_decay": 0.0, "epochs": 3, "batch_size": 32,
        "name": "small", "data": None,
    }  # fmt: skip
    assert option(found, "data").required


def test_the_help_of_hydra_is_enough_where_its_configuration_cannot_be_had() -> None:
    text = (Path(__file__).parent / "help" / "hydra.txt").read_text()
    family = family_of(text)
    assert family is not None
    assert family.read(text).options == recorded("hydra").options


def test_the_trainer_writes_where_a_trial_can_say_and_is_made_short_for_a_probe() -> None:
    found = recorded("huggingface")
    assert found.scratch == ("--output_dir=${trial_dir}/out",)
    assert "--max_steps=8" in found.shorter


@pytest.mark.parametrize(
    "text",
    [
        "", "\0" * 99, "usage: ", "Usage: x\n\nOptions:\n", "╭─ Options ─╮\n│", "  --", "  -x",
        "usage: x [[[[\n\n  --a" + "[" * 5000, "is powered by Hydra\n== Config ==\n{[", "  a=b c\n",
        "is powered by Hydra.\n== Config ==\n\n" + "a:\n" * 999, "  --" + "x" * 99999,
        "usage: x\n\noptions:\n  --\x1b]52;c;x\x07 X  y (default: \x1b[2J)\n",
        "Options:\n  --x FLOAT  [default: 1e999; x>=1e999]\n", "  --" + "a" * 30000 + "!",
    ],
    ids=lambda text: text[:12].encode().hex(),
)  # fmt: skip
def test_no_reader_falls_over_a_hostile_help(text: str) -> None:
    for family in FAMILIES:
        family.recognises(text)
        for one in family.read(text).options:
            assert one.name.isprintable()


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("the rate (default: 0.001)", "0.001"), ("the rate [default: 1e-3]", "1e-3"),
        ("the rate (float, default: 3)", "3"), ("rate, default 0.1.", "0.1"),
        ("defaults to 32", "32"), ("overrides the default schedule", None), ("a rate", None),
    ],
)  # fmt: skip
def test_a_default_is_found_as_people_write_it(text: str, default: str | None) -> None:
    assert default_in(text) == default
