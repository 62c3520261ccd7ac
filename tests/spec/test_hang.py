"""`tuiswp.hang`: what is read, and what is refused with what to write."""

from pathlib import Path

import pytest

from tuiswp.errors import SpecErrors
from tuiswp.model.sweep import Hang
from tuiswp.spec.load import load

FILE = """\
program: train.py
method: grid
parameters: {{lr: {{values: [1, 2]}}}}
tuiswp: {{max_parallel: 1{hang}}}
"""


def read(folder: Path, hang: str) -> Hang:
    path = folder / "sweep.yaml"
    path.write_text(FILE.format(hang=hang))
    return load(path).hang


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Hang()),
        (", hang: 30m", Hang(after_s=1800.0)),
        (", hang: 90", Hang(after_s=90.0)),
        (", hang: off", Hang(action="off")),
        (", hang: false", Hang(action="off")),
        (", hang: {after: 1h30m, first: 2h, action: kill}", Hang(5400.0, 7200.0, "kill")),
        (", hang: {action: flag}", Hang()),
    ],
)
def test_a_rule_is_read(tmp_path: Path, text: str, meant: Hang) -> None:
    assert read(tmp_path, text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", 'the text "soon" is no time of a second or more'),
        ("0", "is no time of a second or more"),
        ("{after: -5m}", "is no time of a second or more"),
        ("{action: restart}", "tuiswp.retries says how often"),
        ("{action: off}", "write hang: off"),
        ("{timeout: 5m}", "write after"),
        ("[30m]", "a list is no time"),
    ],
)
def test_what_is_no_rule_says_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SpecErrors) as caught:
        read(tmp_path, f", hang: {text}")
    assert said in str(caught.value)
    assert "sweep.yaml:4: tuiswp.hang" in str(caught.value)
