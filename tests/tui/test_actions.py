"""The action registry: one key one meaning, honest letters, commands that exist."""

import shlex
from argparse import ArgumentParser
from collections import Counter
from importlib import import_module

import pytest

from tuiswp.cli.main import COMMANDS
from tuiswp.controller.requests import VERBS
from tuiswp.tui import actions
from tuiswp.tui.actions import ACTIONS, BY_ID, CHAINS, OPENS, REVERSES, Action


def is_shifted_letter(key: str) -> bool:
    return len(key) == 1 and key.isalpha() and key.isupper()


@pytest.mark.parametrize("place", CHAINS)
def test_no_key_means_two_things_in_one_place(place: str) -> None:
    pressed = Counter(key for action in actions.reachable(place) for key in action.keys)
    assert pressed
    assert {key for key, times in pressed.items() if times > 1} == set()


def test_every_scope_is_reachable_from_some_place() -> None:
    assert {action.scope for action in ACTIONS} <= {s for chain in CHAINS.values() for s in chain}


def test_an_id_names_one_action_and_is_an_identifier() -> None:
    assert len(BY_ID) == len(ACTIONS)
    assert all(name.isidentifier() for name in BY_ID)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_a_shifted_letter_touches_a_process_or_is_a_listed_exception(action: Action) -> None:
    shifted = any(is_shifted_letter(key) for key in action.keys)
    if action.touches_process:
        assert all(is_shifted_letter(key) for key in action.keys)
    elif shifted:
        assert action.id in OPENS or action.id in REVERSES
    if action.id in REVERSES:
        (shift,) = [key for key in action.keys if is_shifted_letter(key)]
        assert shift.lower() in BY_ID[REVERSES[action.id]].keys


def test_the_exceptions_name_actions_that_exist_and_touch_nothing() -> None:
    for name in [*OPENS, *REVERSES, *REVERSES.values()]:
        assert not BY_ID[name].touches_process


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_says_in_a_sentence_what_it_does(action: Action) -> None:
    assert action.help[0].isupper()
    assert action.help.endswith(".")
    assert 0 < len(action.label) <= 14


@pytest.mark.parametrize(
    "action", [action for action in ACTIONS if action.command], ids=lambda action: action.id
)
def test_a_command_line_is_one_that_the_command_line_reads(action: Action) -> None:
    line = actions.command_line(action, "my sweep", [7, 31])
    assert line is not None
    program, name, *words = shlex.split(line)
    assert program == "tuiswp"
    if name == "--help":
        return
    parser = ArgumentParser(exit_on_error=False)
    import_module(f"tuiswp.cli.{COMMANDS[name][0]}").add_arguments(parser, name)
    parser.parse_args(words)
    assert ("{sweep}" not in str(action.command)) or "my sweep" in words
    assert ("{trials}" not in str(action.command)) or words[-2:] == ["t0007", "t0031"]


def test_a_command_line_that_needs_a_trial_is_none_without_one() -> None:
    assert actions.command_line(BY_ID["kill"], "lr", []) is None
    assert actions.command_line(BY_ID["pause_sweep"], "lr", []) == "tuiswp pause lr"
    assert actions.command_line(BY_ID["sort"], "lr", [1]) is None


def test_exactly_what_touches_a_process_or_can_be_taken_back_makes_a_request() -> None:
    for action in ACTIONS:
        request = actions.request_for(action.id, [3, 5, 3])
        asks = action.touches_process and action.id not in actions.UNASKED
        asks = asks or action.id in actions.REVERSIBLE
        assert (request is not None) is asks, action.id
        if request is not None:
            assert request.verb in VERBS
            assert request.trials == (() if actions.names_sweep(action.id) else (3, 5))


def test_what_is_asked_for_at_once_can_be_taken_back_and_has_no_upper_case_key() -> None:
    for name in actions.REVERSIBLE:
        assert not BY_ID[name].touches_process
        assert not any(is_shifted_letter(key) for key in BY_ID[name].keys)


def test_a_form_is_opened_by_an_upper_case_key_and_makes_its_request_itself() -> None:
    for name in actions.FORMS:
        assert all(is_shifted_letter(key) for key in BY_ID[name].keys)
        assert BY_ID[name].touches_process
        assert actions.request_for(name, [1]) is None


def test_a_request_without_trials_never_falls_on_the_whole_sweep() -> None:
    for action in ACTIONS:
        request = actions.request_for(action.id, [])
        assert request is None or actions.names_sweep(action.id), action.id


def test_a_request_does_what_the_command_of_its_action_does() -> None:
    for action in ACTIONS:
        request = actions.request_for(action.id, [1])
        if request is None:
            continue
        words = str(action.command).split()
        assert words[1] == request.verb
        assert ("--now" in words) is request.now
        assert ("--fresh" in words) is request.fresh
        assert ("{trials}" in words) is bool(request.trials)


def test_terminating_gives_grace_and_killing_does_not() -> None:
    terminate, kill = (actions.request_for(name, [1]) for name in ("terminate", "kill"))
    assert terminate is not None
    assert kill is not None
    assert (terminate.now, kill.now) == (False, True)


def test_bindings_carry_every_key_of_their_scope() -> None:
    bound = actions.bindings("table", "act")
    keys = {key for one in bound for key in one.key.split(",")}
    assert keys == {key for action in actions.of_scope("table", "act") for key in action.keys}
    assert {one.action for one in bound if one.key == "K"} == {"do('kill')"}


def test_actions_are_found_by_key_by_words_and_by_command() -> None:
    assert [a.id for a in actions.found(ACTIONS, "K")] == ["kill"]
    filters = [a.id for a in ACTIONS if "slash" in a.keys]
    assert [a.id for a in actions.found(ACTIONS, "/")] == filters
    assert "filter" in filters
    assert [a.id for a in actions.found(ACTIONS, "without grace")] == ["kill"]
    assert "restart_fresh" in [a.id for a in actions.found(ACTIONS, "restart --fresh")]
    assert [a.id for a in actions.found(ACTIONS, "^p")] == ["palette"]
    assert not list(actions.found(ACTIONS, "no such thing"))
