"""Names that become folders."""

import doctest
import importlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.spec.names import safe_name


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=300))
def test_every_text_becomes_a_safe_name(text: str) -> None:
    name = safe_name(text)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name)
    assert not name.startswith(("-", ".")) and not name.endswith(".")
    assert safe_name(name) == name


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(alphabet="a/. -é\n", max_size=5), min_size=2, max_size=20, unique=True))
def test_different_texts_keep_different_names(texts: list[str]) -> None:
    assert len({safe_name(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("text", ["lr-sweep", "a.b_c", "7", "x" * 64])
def test_a_safe_text_stays_as_it_is(text: str) -> None:
    assert safe_name(text) == text


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("imbal_prop/leq0.1", "imbal_prop-leq0.1-"),
        ("Physics: All Systems", "Physics-All-Systems-"),
        ("../../x", "x-"),
        ("/etc/x", "etc-x-"),
        ("-rf", "rf-"),
        ("..", "sweep-"),
        ("", "sweep-"),
        ("名前", "sweep-"),
        ("naïve", "naive-"),
        ("a\x00b;#(x)", "a-b-x-"),
        ("y" * 300, "y" * 57 + "-"),
        ("\ud800", "sweep-"),
    ],
)
def test_an_unsafe_text_is_shown_with_a_short_hash(text: str, begins: str) -> None:
    name = safe_name(text)
    assert name.startswith(begins) and len(name) == len(begins) + 6


@pytest.mark.parametrize("module", ["names", "own"])
def test_the_examples_in_docstrings_are_true(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"tuiswp.spec.{module}"))
    assert found.attempted > 0 and found.failed == 0
