"""`--help-keys`: the list of actions as a table on the command line."""

import pytest

from tuiswp.cli import keys
from tuiswp.cli.main import main
from tuiswp.tui import actions


def test_every_action_stands_in_the_table_once_with_its_keys_and_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help-keys"]) == 0
    said = capsys.readouterr().out
    for action in actions.ACTIONS:
        assert action.help in said
        assert (actions.keys(action) or "(palette)") in said
        if action.command is not None:
            assert action.command.split("{")[0].strip() in said


def test_every_place_has_a_name_for_people() -> None:
    assert {action.scope for action in actions.ACTIONS} <= set(keys.PLACES)


def test_without_unicode_the_arrows_are_words() -> None:
    assert all(line.isascii() for line in keys.lines(ascii=True))
