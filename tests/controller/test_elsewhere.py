"""A sweep in hands that cannot be seen from here: another host's, another container's."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.controller.bench import Bench
from tuiswp import proc
from tuiswp.cli.main import main
from tuiswp.controller import elsewhere, requests
from tuiswp.controller.client import SweepReader, ask
from tuiswp.controller.journal import read
from tuiswp.controller.offline import apply_offline
from tuiswp.controller.opening import is_controlled, start_in_background
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.errors import ExitCode, SweepHeld, UsageError
from tuiswp.model.events import ControllerStopped

pytestmark = pytest.mark.slow  # it starts controllers

HERE, THERE = "here", "there"


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """This process, and all it starts, is on that host from now on."""

    def move(name: str) -> None:
        file = tmp_path / f"boot-{name}"
        file.write_text(f"boot of {name}")
        monkeypatch.setenv("TUISWP_BOOT_ID_FILE", str(file))
        monkeypatch.setenv("TUISWP_HOSTNAME", name)

    move(HERE)
    return move


@pytest.fixture
def moved(on_host: Callable[[str], None], bench: Bench) -> Bench:
    """A sweep whose controller runs two trials `there`, while we are `here`."""
    on_host(THERE)
    bench.controller.close()
    bench.new()
    bench.step()
    on_host(HERE)
    assert bench.states() == ["running", "running"]
    return bench


def state_of(bench: Bench) -> SweepState:
    return replay(read(bench.place.journal).records)


def leave(bench: Bench) -> None:
    """Its controller says that it leaves; the trials go on."""
    bench.controller.core.record(ControllerStopped("interrupted"))


def refused(bench: Bench) -> str:
    """What a controller that starts here says, and that it leaves as it should."""
    done = subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", "_controller", str(bench.place.root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == ExitCode.HELD, done
    return done.stderr


def test_a_controller_is_refused_while_another_hosts_may_hold_the_sweep(moved: Bench) -> None:
    """The lock is not to be believed across hosts: nobody has it here, and it is refused."""
    facts = moved.place.journal.read_bytes()
    assert "a controller on there holds this sweep" in refused(moved)
    with pytest.raises(SweepHeld, match="--host-is-down there"):
        start_in_background(moved.place)
    assert moved.place.journal.read_bytes() == facts


def test_a_controller_that_left_leaves_trials_that_nobody_else_launches_again(
    moved: Bench,
) -> None:
    leave(moved)
    assert "t0000, t0001 may still run on there" in refused(moved)


def test_a_trial_that_ended_there_is_in_nobodys_way(moved: Bench) -> None:
    """Its exit.json tells, wherever it is read."""
    leave(moved)
    for number in (0, 1):
        moved.launcher.finish(moved.token(number))
    elsewhere.check(moved.place, state_of(moved))


def test_a_kill_is_refused_here_when_only_its_trial_is_elsewhere(moved: Bench) -> None:
    leave(moved)
    with pytest.raises(SweepHeld, match="may still run on there"):
        apply_offline(moved.place, requests.new_request("kill", (0,)))
    assert [trial.state for trial in state_of(moved).live()] == ["running", "running"]


def test_a_request_is_left_where_the_controller_there_finds_it(moved: Bench) -> None:
    request = requests.new_request("pause")
    with pytest.raises(UsageError, match="the controller on there has not answered"):
        ask(moved.place, request, wait_s=0.1)
    moved.step()
    assert state_of(moved).paused is not None


def test_who_reads_is_told_where_the_controller_is(
    moved: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert is_controlled(moved.place)
    view = SweepReader(moved.place.root).refresh()
    assert (view.word, view.elsewhere) == ("running", THERE)
    assert main(["status", str(moved.place.root)]) == 0
    assert f"controller pid {os.getpid()} on there, cannot be seen from here" in (
        capsys.readouterr().out
    )
    assert main(["status", "--json", str(moved.place.root)]) == 0
    told = msgspec.json.decode(capsys.readouterr().out)["controller"]
    assert told == {"pid": os.getpid(), "alive": None, "host": THERE}


def test_only_a_person_says_that_a_host_is_down_and_its_trials_wait_again(moved: Bench) -> None:
    """Not time: however old the last fact is."""
    with pytest.raises(UsageError, match="nothing of this sweep is known to be on elsewhere"):
        elsewhere.give_up(moved.place, "elsewhere", by="me")
    assert elsewhere.give_up(moved.place, THERE, by="me") == 2
    state = state_of(moved)
    elsewhere.check(moved.place, state)
    assert [(t.state, t.attempts[-1].cause, t.retries) for t in state.trials.values()] == [
        ("queued", "reboot", 0)
    ] * 2
    assert "there is down, said me" in state.trials[0].attempts[-1].evidence
    with pytest.raises(UsageError, match="nothing is in its way"):
        elsewhere.give_up(moved.place, THERE, by="me")


def test_what_is_here_is_never_given_up(bench: Bench) -> None:
    bench.step()
    with pytest.raises(UsageError, match="nothing of this sweep is known"):
        elsewhere.give_up(bench.place, proc.hostname(), by="me")


def test_a_machine_that_was_renamed_or_restarted_is_still_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.step()
    state = state_of(bench)
    monkeypatch.setenv("TUISWP_HOSTNAME", "another-name")
    elsewhere.check(bench.place, state)
    monkeypatch.delenv("TUISWP_HOSTNAME")
    (tmp_path / "boot").write_text("another boot")
    monkeypatch.setenv("TUISWP_BOOT_ID_FILE", str(tmp_path / "boot"))
    elsewhere.check(bench.place, state)
    assert SweepReader(bench.place.root).refresh().word == "orphaned"


def test_another_machine_of_the_same_name_is_not_this_one_restarted(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As where every machine of a rack was given one image's name."""

    def on_machine(word: str) -> None:
        for name in ("boot", "machine"):
            (tmp_path / f"{name}-{word}").write_text(word)
        monkeypatch.setenv("TUISWP_BOOT_ID_FILE", str(tmp_path / f"boot-{word}"))
        monkeypatch.setenv("TUISWP_MACHINE_ID_FILE", str(tmp_path / f"machine-{word}"))

    monkeypatch.delenv("TUISWP_HOSTNAME", raising=False)
    on_machine("one")
    there = f"{proc.hostname()}/{proc.machine()}"
    bench.controller.close()
    bench.new()
    bench.step()
    on_machine("two")
    assert f"a controller on {there} holds this sweep" in refused(bench)
    leave(bench)
    assert f"t0000, t0001 may still run on {there}" in refused(bench)
    assert main(["status", str(bench.place.root)]) == 0
    said = capsys.readouterr().out
    assert f"no controller runs; t0000, t0001 may still run on {there}" in said
    assert f"--host-is-down {there} " in said
    assert "takes over" not in said
    assert elsewhere.give_up(bench.place, there, by="me") == 2
    elsewhere.check(bench.place, state_of(bench))


def test_a_restart_of_the_same_machine_is_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TUISWP_HOSTNAME", raising=False)
    (tmp_path / "machine").write_text("0123")
    monkeypatch.setenv("TUISWP_MACHINE_ID_FILE", str(tmp_path / "machine"))
    bench.controller.close()
    bench.new()
    bench.step()
    (tmp_path / "boot").write_text("another boot")
    monkeypatch.setenv("TUISWP_BOOT_ID_FILE", str(tmp_path / "boot"))
    elsewhere.check(bench.place, state_of(bench))


def test_a_live_supervisor_in_another_container_is_seen_by_its_lock(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same boot, same name, other pids: what is no process here may well be one there."""
    monkeypatch.setattr(proc, "pid_namespace", lambda: 1)
    bench.step()
    leave(bench)
    monkeypatch.setattr(proc, "pid_namespace", lambda: 2)
    state = state_of(bench)
    folder = os.open(bench.place.attempt(1, 1), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(SweepHeld, match="t0001 may run in another container"):
        elsewhere.check(bench.place, state)
    os.close(folder)
    elsewhere.check(bench.place, state)


def test_a_process_of_another_container_is_neither_alive_nor_signalled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    me = proc.myself()
    assert me.pid_ns == proc.pid_namespace()
    there = msgspec.structs.replace(me, pid_ns=1)
    assert proc.is_alive(me)
    assert not proc.is_alive(there)
    assert not proc.send(there, 0)
    assert proc.is_alive(msgspec.structs.replace(me, pid_ns=None))  # as old records have it
