"""The size of a model, from a text that a person or a hub wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spec.helpers import one_fault, read
from tuiswp.spec.model_size import billions, named_size, shown_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("7B", 7.0), ("0.5b", 0.5), ("350M", 0.35), ("1.5T", 1500.0), (" 13 B ", 13.0), ("7e9", 7.0),
     ("7", None), ("7GB", None), ("B", None), ("", None), ("-7B", None), ("nan", None),
     ("0B", None), ("9999T", None), ("1e400", None), ("٧B", None)],
)  # fmt: skip
def test_a_size_is_read_with_its_unit(text: str, size: float | None) -> None:
    assert billions(text) == size


@pytest.mark.parametrize(
    ("name", "size"),
    [("meta-llama/Llama-2-7b-hf", 7.0), ("Qwen/Qwen2.5-0.5B-Instruct", 0.5), ("gpt2", None),
     ("mistralai/Mixtral-8x7B-v0.1", None), ("Qwen3-30B-A3B", None), ("a-7b-and-13b", None),
     ("7b/plain", None), ("models/opt-350m/", 0.35), ("v7bx", None), ("", None)],
)  # fmt: skip
def test_a_name_says_a_size_once_or_not_at_all(name: str, size: float | None) -> None:
    assert named_size(name) == size


@given(st.text(max_size=300))
def test_any_text_is_a_size_or_none(text: str) -> None:
    for size in (billions(text), named_size(text)):
        assert size is None or billions(shown_size(size)) is not None


def test_the_sweep_file_names_the_size() -> None:
    text = "method: random\nrun_cap: 3\nparameters: {lr: {min: 0.1, max: 1.0}}\n"
    assert read(f"{text}tuiswp: {{model_size: 7B}}").model_size == 7.0
    assert read(text).model_size is None


def test_a_size_without_a_unit_is_refused_with_its_line() -> None:
    text = "method: random\nrun_cap: 3\nparameters: {lr: {min: 0.1, max: 1.0}}\ntuiswp:\n"
    fault = one_fault(f"{text}  model_size: 7\n")
    assert "5: tuiswp.model_size: 7 is not a model's size; write 7B or 350M" in fault
