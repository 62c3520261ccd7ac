"""Whatever is broken, who asks gets an answer: in time, with the exit code that is documented.

Time is the process's own: a busy machine makes nobody's answer wrong. What could wait for something
for ever would be ended after a minute.
"""

import shutil
from pathlib import Path

import pytest

from tests.faults import world
from tests.faults.states import (
    CODES,
    PATIENCE_S,
    STATES,
    Answer,
    Place,
    State,
    as_documented,
    ask,
    missing,
    placed,
)
from tuiswp.cli import status
from tuiswp.cli.arguments import sweeps_here

pytestmark = pytest.mark.slow

CPU_S = 2.0
QUICK = tuple(state for state in STATES if not state.big)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.ran(tmp_path_factory.mktemp("ran")).root


def needs(state: State) -> None:
    why = missing(state)
    if why is not None:
        pytest.skip(why)


def named(state: State) -> str:
    return state.name.replace(" ", "-")


def answered(command: str, state: State, place: Place) -> Answer:
    answer = ask(command, state, place)
    assert as_documented(command, state, answer), (command, answer)
    assert answer.wall_s < PATIENCE_S
    return answer


@pytest.mark.parametrize("state", QUICK, ids=named)
def test_status_answers_in_any_state(ran: Path, tmp_path: Path, state: State) -> None:
    needs(state)
    with placed(ran, tmp_path / "place", state) as place:
        for command in ("status", "status --json"):
            assert answered(command, state, place).cpu_s < CPU_S


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("state", STATES, ids=named)
def test_every_command_answers_in_any_state(ran: Path, tmp_path: Path, state: State) -> None:
    needs(state)
    with placed(ran, tmp_path / "place", state) as place:
        for command in CODES:
            answered(command, state, place)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a FIFO for a journal", "journal.jsonl: is not a regular file"),
        ("no journal", "journal.jsonl: is missing"),
        ("no right to read it", "cannot be looked into: Permission denied"),
        ("a sweep of another host", "on another-host, cannot be seen from here"),
    ],
)
def test_what_is_in_the_way_is_said(ran: Path, tmp_path: Path, name: str, said: str) -> None:
    [state] = [one for one in STATES if one.name == name]
    with placed(ran, tmp_path / "place", state) as place:
        assert said in answered("status", state, place).said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("an NVML that hangs at its start", "NVML does not answer"),
        ("an NVML that hangs later", "does not answer"),
    ],
)
def test_an_nvml_that_hangs_is_said(ran: Path, tmp_path: Path, name: str, said: str) -> None:
    [state] = [one for one in STATES if one.name == name]
    needs(state)
    with placed(ran, tmp_path / "place", state) as place:
        assert said in answered("gpus", state, place).said


def test_metrics_that_cannot_be_read_in_time_are_unknown_and_not_old(
    ran: Path, tmp_path: Path
) -> None:
    [state] = [one for one in STATES if one.name == "100 MB of metrics"]
    # However fast this machine reads them.
    state = state._replace(enter=lambda _: setattr(status, "METRICS_S", 0.0))
    with placed(ran, tmp_path / "place", state) as place:
        answer = answered("status", state, place)
        assert "t0003: logged too much to be read at once" in answer.said
        assert answer.cpu_s < CPU_S


def test_one_directory_of_somebody_else_does_not_hide_the_others(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tuiswp status` without a name means the only sweep here that can be read."""
    shutil.copytree(ran, tmp_path / "sweeps" / "mine")
    (tmp_path / "sweeps" / "a-loop").symlink_to("a-loop")
    monkeypatch.chdir(tmp_path)
    assert [one.root.name for one in sweeps_here()] == ["mine"]
