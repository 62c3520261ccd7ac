"""`tuiswp.notify` in a sweep file: short and long, and what is wrong with it."""

from pathlib import Path

import pytest

from tuiswp.errors import SpecError
from tuiswp.model.notify import NEWS, Notify
from tuiswp.model.sweep import Sweep
from tuiswp.spec.load import load
from tuiswp.spec.notify import notify_warnings


def sweep(tmp_path: Path, notify: str) -> Sweep:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "method: grid\nmetric: {name: loss, goal: minimize}\nparameters: {lr: {values: [1, 2]}}\n"
        f'command: [sh, "${{args}}"]\ntuiswp: {{notify: {notify}}}\n'
    )
    return load(path)


def test_a_list_is_the_command_and_all_is_told(tmp_path: Path) -> None:
    found = sweep(tmp_path, '[ntfy, publish, "${message}"]').notify
    assert found == Notify(("ntfy", "publish", "${message}"), NEWS, bell=True, timeout_s=30)


def test_a_mapping_says_what_is_told_and_how_long_it_may_take(tmp_path: Path) -> None:
    found = sweep(tmp_path, "{command: [x], events: [failed, best], bell: false, timeout: 1m}")
    assert found.notify == Notify(("x",), ("failed", "best"), bell=False, timeout_s=60)
    assert sweep(tmp_path, "{bell: true, events: finished}").notify == Notify((), ("finished",))


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ("ntfy", "must be a mapping"),
        ("[]", "is an empty list; write it as a list"),
        ('["x", "${mesage}"]', "unknown macro ${mesage}; did you mean message?"),
        ("{command: x y}", 'is the text "x y"; write it as a list'),
        ("{events: [failed]}", "command: is missing"),
        ("{command: [x], events: [failure]}", "write failed"),
        ("{command: [x], events: []}", "is an empty list"),
        ("{command: [x], timeout: 2h}", "is no time up to 10m"),
        ("{command: [x], on: [best]}", "unknown key; write events"),
        ("{command: [x], bell: loud}", "must be true or false"),
        ('[sh, -c, "echo ${message}"]', 'write "$TUISWP_MESSAGE" there (of the environment)'),
        ('[env, A=b, /bin/bash, -lc, "say ${sweep}"]', "which would run what it says"),
        ("[python3, -c, \"print('${message}')\"]", "which would run what it says"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(tmp_path: Path, notify: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        sweep(tmp_path, notify)
    assert said in str(caught.value)


def test_a_program_that_is_not_there_is_said_before(tmp_path: Path) -> None:
    there = {"PATH": "/usr/bin:/bin"}
    assert notify_warnings(sweep(tmp_path, "[sh]"), there) == []
    [warning] = notify_warnings(sweep(tmp_path, "[no-such-thing]"), there)
    assert "no-such-thing is no program that is found" in warning


@pytest.mark.parametrize(
    "notify",
    [
        '[sh, -c, "echo \\"$1\\"", sh, "${message}"]',
        '[sh, -c, "echo ${event} ${trial} ${value} ${count}"]',
        '[notify-send, -c, im.received, "${message}"]',
        '[./tell.sh, "${message}"]',
    ],
)
def test_what_no_interpreter_reads_as_its_program_may_hold_any_word(
    tmp_path: Path, notify: str
) -> None:
    assert sweep(tmp_path, notify).notify is not None
