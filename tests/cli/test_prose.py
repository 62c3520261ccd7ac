"""Sentences on a terminal break between words; what is piped or copied stays one line."""

import pytest

from tuiswp.cli import output

LONG = "info confounded: " + "each curve shows the best over all values of the others " * 3


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda stream=None: True)
    monkeypatch.setattr(output, "width", lambda: 60)


@pytest.mark.usefixtures("narrow")
def test_a_sentence_breaks_between_words_under_itself() -> None:
    first, *rest = output.prose(LONG.strip(), indent="  ").split("\n")
    assert len(rest) >= 2
    assert all(len(line) < 60 for line in (first, *rest))
    assert all(line.startswith("  ") and line[2] != " " for line in rest)
    assert " ".join(" ".join([first, *rest]).split()) == " ".join(LONG.split())


@pytest.mark.usefixtures("narrow")
def test_an_indented_sentence_keeps_its_indent() -> None:
    lines = output.prose("  " + LONG.strip(), indent="  ").split("\n")
    assert all(line.startswith("  ") and line[2] != " " for line in lines)


@pytest.mark.usefixtures("narrow")
def test_a_long_word_is_never_cut() -> None:
    word = "x" * 200
    assert word in output.prose(f"note: {word} and more")


def test_piped_text_stays_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda stream=None: False)
    assert output.prose(LONG) == LONG
