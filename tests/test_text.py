"""The display filter and the words for a shell: inert, exact, and as wide as they are counted."""

import os
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.hostile import PAYLOADS, SURROGATE, acts
from tuiswp.text import shell_line, shell_word, visible

TEXTS = {**PAYLOADS, "surrogate": SURROGATE, "bytes of a path": os.fsdecode(b"a\xff\x9bb")}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_visible_acts_on_nothing(text: str) -> None:
    assert not acts(visible(text))
    assert len(visible(text, limit=50)) <= 50 * 10


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_visible_character_is_as_wide_alone_as_beside_others(text: str) -> None:
    """No sequence is left whose width a terminal may see differently than we count it."""
    shown = visible(text)
    assert cell_len(shown) == sum(cell_len(char) for char in shown)


@pytest.mark.parametrize("text", [t for t in TEXTS.values() if "\0" not in t])
def test_a_shell_reads_from_a_word_exactly_what_it_stands_for(text: str) -> None:
    word = shell_word(text)
    assert word.isprintable()
    assert not [char for char in word if unicodedata.category(char)[0] == "M"]
    done = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env={"LC_ALL": "C"}
    )
    errors = "surrogatepass" if text == SURROGATE else "surrogateescape"
    assert done.stdout == text.encode("utf-8", errors)


def test_a_harmless_command_line_is_quoted_as_everywhere() -> None:
    assert shell_line(["python", "a b.py", "--x=1"]) == "python 'a b.py' --x=1"


def test_flags_and_variants_are_told_plainly() -> None:
    assert visible("🇩🇪 👍🏽 ⚠️") == "DE 👍 ⚠"


# Every category, those that act more often than they are.
ANY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me", "Mn", "Mc"]),
        st.sampled_from("".join(PAYLOADS.values())),
    ),
    max_size=80,
)


@given(ANY, st.integers(1, 100))
def test_any_text_is_shown_once_and_for_all_and_never_much_longer(text: str, limit: int) -> None:
    shown = visible(text, limit=limit)
    assert not acts(shown)
    assert not [c for c in shown if unicodedata.category(c) == "Me" or "\ufe00" <= c <= "\ufe0f"]
    assert len(shown) <= 9 * limit
    whole = visible(text, limit=len(text) + 1)
    assert visible(whole, limit=len(whole) + 1) == whole
    shown.encode()  # no half character is left


@given(ANY)
def test_any_text_is_as_wide_as_its_characters_and_lines_are_kept_only_if_asked(text: str) -> None:
    shown = visible(text, limit=len(text) + 1)
    assert cell_len(shown) == sum(cell_len(char) for char in shown)
    assert "\n" not in shown
    lines = visible(text, limit=len(text) + 1, keep_newlines=True)
    assert lines.count("\n") == text.count("\n") and not acts(lines.replace("\n", ""))


@given(ANY)
def test_any_text_is_one_printable_word_for_a_shell(text: str) -> None:
    word = shell_word(text)
    assert word.isprintable()
    assert visible(word, limit=len(word) + 1) == word
