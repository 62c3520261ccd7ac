"""`tuiswp.env` and `tuiswp.env_from`: names, never values; and secrets written where they stay."""

from pathlib import Path

import pytest

from tests.spec.helpers import one_fault, read
from tuiswp.model.sweep import Sweep
from tuiswp.spec.environment import (
    environment_warnings,
    shown_environ,
    unset,
    unset_problem,
    unset_words,
)

HEAD = "method: grid\nparameters: {lr: {values: [1, 2]}}\n"


def file(ours: str, command: str = '[sh, "${args}"]') -> str:
    return f"{HEAD}command: {command}\ntuiswp: {{{ours}}}\n"


def sweep(ours: str, command: str = '[sh, "${args}"]') -> Sweep:
    return read(file(ours, command))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[WANDB_API_KEY, HF_TOKEN]", {"WANDB_API_KEY": "WANDB_API_KEY", "HF_TOKEN": "HF_TOKEN"}),
        ("WANDB_API_KEY", {"WANDB_API_KEY": "WANDB_API_KEY"}),
        ("{HF_TOKEN: MY_HF, A: B}", {"HF_TOKEN": "MY_HF", "A": "B"}),
    ],
)
def test_names_are_a_list_one_name_or_names_by_the_shells(
    written: str, meant: dict[str, str]
) -> None:
    assert sweep(f"env_from: {written}").run.env_from == meant


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ("env_from: []", "env_from: is empty; write env_from: [WANDB_API_KEY]"),
        ("env_from: [[A]]", "env_from: must name variables, not a list"),
        ("env_from: [TUISWP_TRIAL]", "TUISWP_TRIAL is set by tuiswp for each trial; remove it"),
        ("env_from: {CUDA_VISIBLE_DEVICES: A}", "CUDA_VISIBLE_DEVICES is set by tuiswp"),
        ("env: {A: b}, env_from: [A]", "A is also given under env; keep one of the two"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(ours: str, said: str) -> None:
    assert said in one_fault(file(ours))


@pytest.mark.parametrize("value", ["HF_TOKEN=hf_canary9", "hf-canary9", "{HF_TOKEN: hf-canary9}"])
def test_a_value_written_by_mistake_is_refused_and_not_repeated(value: str) -> None:
    written = value if value.startswith("{") else f'["{value}"]'
    said = one_fault(file(f"env_from: {written}"))
    assert "canary" not in said
    assert said.startswith("sweep.yaml:4: tuiswp.env_from: ")


def test_a_name_that_also_stands_in_the_command_is_refused() -> None:
    said = one_fault(file("env_from: {A: KEY_B}", '[sh, "--key=${envvar:KEY_B}", "${args}"]'))
    assert "where `ps` shows its value to everybody" in said


def test_what_is_not_set_or_empty_is_named_and_what_to_do() -> None:
    found = sweep("env_from: {HF_TOKEN: MY_HF, WANDB_API_KEY: WANDB_API_KEY}")
    assert unset(found.run, {"HF_TOKEN": "x", "WANDB_API_KEY": ""}) == ("MY_HF", "WANDB_API_KEY")
    assert str(unset_problem(found, {"MY_HF": "x"})) == (
        "sweep.yaml:4: tuiswp.env_from: WANDB_API_KEY is not set in this shell; "
        "export WANDB_API_KEY=…; and start again"
    )
    assert unset_problem(found, {"MY_HF": "x", "WANDB_API_KEY": "y"}) is None
    assert unset_words(("A", "B"), host="node3", spoken="lr") == (
        "A and B are not set where the controller was started, on node3; "
        "export them and type `tuiswp resume lr` there"
    )


@pytest.mark.parametrize(
    ("ours", "command", "warned"),
    [
        ("env: {WANDB_API_KEY: abcdef0123}", "[sh]", "env_from: [WANDB_API_KEY]"),
        ("env: {db_password: hunter2hunter2}", "[sh]", "env_from: [db_password]"),
        ("env: {TOKENIZERS_PARALLELISM: 'false', MAX_TOKENS: '1234567890'}", "[sh]", None),
        ("env: {SSH_KEY: /home/me/.ssh/id}", "[sh]", None),
        ("seed: 1", '[sh, "${envvar:HF_TOKEN}"]', "where `ps` shows it to everybody"),
        ("seed: 1", '[sh, "${envvar:HOME}"]', None),
    ],
)
def test_a_secret_in_the_file_or_on_the_command_line_is_pointed_out(
    ours: str, command: str, warned: str | None
) -> None:
    found = environment_warnings(sweep(ours, command))
    assert len(found) == (warned is not None)
    assert warned is None or warned in found[0]
    assert not any("hunter2" in line or "abcdef" in line for line in found)


def test_a_shown_command_line_has_names_for_secrets() -> None:
    around = {"HF_TOKEN": "hf_canary9", "HOME": str(Path("/home/me")), "TOKEN": ""}
    assert shown_environ(around) == {"HF_TOKEN": "‹HF_TOKEN›", "HOME": "/home/me", "TOKEN": ""}
