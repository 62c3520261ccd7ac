"""What a sweep file says of the model it trains, and whether its learning rates are safe for it."""

from collections.abc import Sequence

import msgspec
import pytest

from tests.analysis.builders import choice, constant, over, sweep_of
from tests.hostile import PAYLOADS
from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.space_checks import warnings_before
from tuiswp.analysis.trained import Model, model_of
from tuiswp.model.space import LogUniform, Parameter
from tuiswp.model.sweep import Sweep

LLAMA = constant("model", "meta-llama/Llama-2-7b-hf")


def with_command(sweep: Sweep, *tokens: str) -> Sweep:
    return msgspec.structs.replace(sweep, run=msgspec.structs.replace(sweep.run, command=tokens))


def test_a_parameter_named_model_says_size_and_family() -> None:
    found = model_of(sweep_of(choice("lr", [1e-4, 1e-3]), LLAMA, constant("lora_rank", 8)))
    assert found == Model(7.0, "llama", True, None)


@pytest.mark.parametrize(
    "tokens",
    [("python", "t.py", "--model=Qwen/Qwen2.5-7B"), ("t", "--model_name_or_path", "qwen-7b"),
     ("t", "model=x/qwen-7b", "${args}")],
)  # fmt: skip
def test_the_command_says_it_as_well(tokens: Sequence[str]) -> None:
    found = model_of(with_command(sweep_of(choice("lr", [1, 2])), *tokens))
    assert (found.size, found.family) == (7.0, "qwen")


@pytest.mark.parametrize("tokens", [("t", "--model"), ("t", "--model", "--lr=7b"), ("--model=",)])
def test_a_command_without_a_model_says_nothing(tokens: Sequence[str]) -> None:
    assert model_of(with_command(sweep_of(choice("lr", [1, 2])), *tokens)) == Model()


def test_two_sizes_are_none_and_the_own_key_decides() -> None:
    sweep = sweep_of(choice("model", ["llama-7b", "llama-13b"]))
    assert model_of(sweep) == Model(None, "llama")
    assert model_of(msgspec.structs.replace(sweep, model_size=13.0)).size == 13.0


def test_a_switch_that_is_off_is_full_fine_tuning() -> None:
    assert model_of(sweep_of(constant("use_lora", False))).lora is False
    assert model_of(sweep_of(constant("use_lora", True))).lora is True
    assert model_of(sweep_of(choice("use_lora", [True, False]))).lora is None
    assert model_of(sweep_of(constant("hidden_size", 4096))).hidden_size == 4096
    assert model_of(sweep_of(constant("hidden_size", True))).hidden_size is None


def outside(*parameters: Parameter) -> Diagnosis | None:
    found = {one.code: one for one in warnings_before(sweep_of(*parameters))}
    return found.get("outside-safe-range")


def test_a_rate_swept_beyond_what_is_safe_is_pointed_out() -> None:
    found = outside(choice("lr", [1e-5, 1e-4, 3e-3]), LLAMA, constant("lora_r", 8))
    assert found is not None
    assert found.severity == "info"
    assert "1e-5 to 3e-3, beyond what is safe (up to 10 times its upper end)" in found.message
    assert "7B: 1e-4 to 3e-4 (7B with LoRA)" in found.message


@pytest.mark.parametrize(
    ("values", "side"), [([1e-3, 3e-3], "above"), ([1e-6, 3e-6], "below"), ([1e-4, 3e-4], None)]
)
def test_a_range_with_nothing_safe_in_it_is_a_warning(
    values: Sequence[float], side: str | None
) -> None:
    found = outside(choice("lr", values), LLAMA, constant("lora_r", 8))
    if side is None:
        assert found is None
    else:
        assert found is not None
        assert found.severity == "warning"
        assert f"all of it lies {side} what is safe" in found.message


def test_without_a_word_on_lora_either_range_will_do() -> None:
    assert outside(choice("lr", [1e-6, 5e-6]), LLAMA) is None
    assert outside(choice("lr", [1e-4, 3e-4]), LLAMA) is None
    between = outside(choice("lr", [1e-5, 2e-5]), LLAMA)
    assert between is not None
    assert "lies outside what is safe" in between.message
    assert "full fine-tuning" in between.message


def test_without_a_size_nothing_is_said() -> None:
    assert outside(choice("lr", [1e-5, 3e-3]), constant("model", "gpt2")) is None
    assert outside(choice("lr", [1e-5, 3e-3]), constant("model", "tiny-1b")) is None
    rank = constant("lora_r", 8)
    assert outside(choice("lr", [1e-5, 3e-3]), constant("model", "tiny-1b"), rank) is None
    full = constant("use_lora", False)
    assert outside(choice("lr", [1e-5, 3e-3]), constant("model", "tiny-1b"), full) is not None
    assert outside(choice("momentum", [0.1, 0.9]), LLAMA) is None


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_names_say_nothing_and_break_nothing(text: str) -> None:
    law = over(f"{text} lr", LogUniform(-1000.0, 1000.0), "log_uniform")
    sweep = with_command(sweep_of(law, constant("model", text), LLAMA), f"--model={text}")
    assert all(one.message.isprintable() for one in warnings_before(sweep))
