"""The default learning rate and the range around it, against published figures."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.base_model import path_of
from recipes.hyperparams import get_lr, lr_range, scale_lr_for_batch, scale_lr_for_gpus


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("meta-llama/Llama-3.1-8B", "2.856415e-04"),
        ("meta-llama/Llama-3.2-1B", "4.908239e-04"),
        ("meta-llama/Llama-3.1-70B", "1.662329e-04"),
        ("Qwen/Qwen3-8B", "4.729791e-04"),
        ("Qwen/Qwen3-4B-Instruct-2507", "4.905251e-04"),
        ("Qwen/Qwen3-30B-A3B", "4.990818e-04"),
        ("Qwen/Qwen3-32B", "4.648699e-04"),
    ],
)
def test_known_models_get_the_published_learning_rate(model: str, expected: str) -> None:
    assert f"{get_lr(model):.6e}" == expected
    assert get_lr(model, lora=False) == pytest.approx(get_lr(model) / 10)


def test_llama_with_4096_hidden_units_gets_every_digit() -> None:
    assert get_lr("Llama-3.1-8B") == 0.0002856415043086949
    assert get_lr("some/LLAMA-of-mine", hidden_size=4096) == 0.0002856415043086949


def test_the_nameless_model_is_the_embedded_base() -> None:
    assert f"{get_lr(''):.1e}" == "4.3e-03"


def test_the_larger_embedded_model_has_the_rate_of_its_width() -> None:
    assert get_lr("embedded/large") == pytest.approx(5e-4 * (2000 / 192) ** 0.781)
    assert get_lr("embedded/small") == get_lr("")


def test_an_embedded_model_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        path_of("embedded/huge")
    assert left.value.code == 2
    assert "there are: embedded/small, embedded/large" in capsys.readouterr().err
    assert path_of("some/model") == "some/model"


def test_names_are_matched_whole_and_case_blind() -> None:
    assert get_lr("qwen/QWEN3-8b-base") == get_lr("Qwen/Qwen3-8B")
    with pytest.raises(ValueError, match="hidden_size="):
        get_lr("Qwen/Qwen3-80B")  # not Qwen3-8B with something behind it


@pytest.mark.parametrize(
    "model", ["gpt2", "deepseek-ai/DeepSeek-V3.1", "openai/gpt-oss-20b", "x/Llama-Nemotron-8B"]
)
def test_another_family_is_told_what_can_be_passed(model: str) -> None:
    with pytest.raises(ValueError, match="pass exponent="):
        get_lr(model)
    assert get_lr(model, exponent=0.0, hidden_size=999) == pytest.approx(5e-4)


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "llama", "hidden_size": 4096},
        {"model_type": "mllama", "text_config": {"model_type": "llama", "hidden_size": 4096}},
    ],
)
def test_a_local_directory_is_known_by_its_config(
    tmp_path: Path, config: dict[str, object]
) -> None:
    place = tmp_path / "qwen-is-only-in-the-path"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(config))
    assert get_lr(str(place)) == 0.0002856415043086949


def test_a_local_config_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[1, 2")
    with pytest.raises(ValueError, match=r"config\.json"):
        get_lr(str(tmp_path))


@pytest.mark.parametrize(
    ("default", "values"),
    [
        (2.86e-4, [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]),
        (4.3e-3, [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]),
        (1e-4, [3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3]),
        (9.9e-5, [3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3]),
        (2.0, [0.1, 0.3, 1.0, 3.0, 10.0, 30.0]),
    ],
)
def test_the_range_is_three_below_and_two_above_the_nearest_round_value(
    default: float, values: list[float]
) -> None:
    assert lr_range(default) == values


@pytest.mark.parametrize("default", [0.0, -1.0, math.nan, math.inf])
def test_a_range_needs_a_learning_rate(default: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        lr_range(default)


def test_learning_rate_grows_with_the_root_of_the_batch_and_of_the_gpus() -> None:
    assert scale_lr_for_batch(1e-4, 16, 64) == pytest.approx(2e-4)
    assert scale_lr_for_gpus(2e-4, 8, 2) == pytest.approx(1e-4)
    with pytest.raises(ValueError, match="at least one"):
        scale_lr_for_batch(1e-4, 0, 8)


def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "recipes.hyperparams", *arguments], capture_output=True, text=True
    )


def test_the_command_prints_default_and_range() -> None:
    assert ask("meta-llama/Llama-3.1-8B").stdout.split() == [
        "default", "0.000285642", "range", "1e-05", "3e-05", "0.0001", "0.0003", "0.001", "0.003",
    ]  # fmt: skip


def test_the_command_takes_what_is_not_known() -> None:
    assert "default  0.0005\n" in ask("gpt2", "hidden_size=2000", "exponent=0.5").stdout


def test_the_command_says_what_is_missing_and_leaves_with_2() -> None:
    done = ask("gpt2")
    assert done.returncode == 2
    assert "pass exponent=" in done.stderr
