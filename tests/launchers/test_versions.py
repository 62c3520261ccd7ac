"""Old, new and mixed versions of tmux; what each does alone is in the neighbouring files."""

import os
import subprocess

import pytest

from tests import tmuxes
from tests.launchers.jobs import Jobs, in_trial, wait_for
from tests.launchers.test_windows import WAIT, ended, printed, started, terminal
from tuiswp.errors import LauncherError
from tuiswp.launchers.tmux import TmuxLauncher

pytestmark = [pytest.mark.slow, pytest.mark.other_tmux]


def test_at_least_two_versions_of_tmux_are_tried() -> None:
    if tmuxes.usable():
        return
    reason = "scripts/other_tmux built none here; it says why"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.skipif("3.1c" not in tmuxes.built(), reason="scripts/other_tmux all: no 3.1c here")
@pytest.mark.faults
def test_a_tmux_that_is_too_old_is_refused_before_anything_runs(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmuxes.program("3.1c")
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    job = jobs.make(["true"])
    with pytest.raises(LauncherError, match=r"tmux 3\.1c is too old") as caught:
        TmuxLauncher("sweep1").start([job])
    assert caught.value.where == str(old)
    assert "3.2" in (caught.value.hint or "")


def test_what_a_training_prints_for_the_terminal_outside_stays_in_its_window(
    jobs: Jobs, tmux_socket: str
) -> None:
    """tmux's own way around itself, and the clipboard: with it one would act on who looks."""
    clipboard = r"\033]52;c;Y2FuYXJ5\007"
    through = r"\033Ptmux;\033\033]52;c;Y2FuYXJ5\007\033\\"
    say = f"printf '{clipboard}{through}'; printf 'all is printed'"
    job = jobs.make(["sh", "-c", f"until [ -e go ]; do sleep 0.02; done; {say}; sleep 60"])
    launcher = TmuxLauncher("sweep1", socket=tmux_socket)
    launcher.start([job])
    command = launcher.attach_command(job.id, job.token)
    assert command is not None
    with terminal(command, {}) as shown:
        wait_for(lambda: b"detach:" in shown())
        in_trial(job, "go").touch()
        wait_for(lambda: b"all is printed" in shown())
    assert printed(job).count(b"Y2FuYXJ5") == 2  # it was there to be let out
    assert b"Y2FuYXJ5" not in shown()


@pytest.mark.skipif(not tmuxes.usable(), reason="scripts/other_tmux built none here")
def test_a_server_of_another_version_is_used_or_said(
    jobs: Jobs, tmux_socket: str, tmux_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tmux is upgraded under a sweep that runs, or two environments each bring their own."""
    newest = tmuxes.program(tmuxes.usable()[0]).parent
    first, second = jobs.make(WAIT), jobs.make(WAIT)
    TmuxLauncher("sweep1", socket=tmux_socket).start([first])
    start = started(first)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{newest}:{os.environ['PATH']}")
        TmuxLauncher("sweep1", socket=tmux_socket).start([second])
        started(second)
        subprocess.run(["tmux", "-L", tmux_socket, "kill-server"], check=True)
        third = jobs.make(WAIT)
        TmuxLauncher("sweep1", socket=tmux_socket).start([third])
        started(third)
    launcher = TmuxLauncher("sweep1", socket=tmux_socket)
    fourth = jobs.make(WAIT)
    try:
        launcher.start([fourth])
        assert launcher.attach_command(third.id, third.token)
        launcher.check_server()
        made = [first, second, third, fourth]
    except LauncherError as error:
        assert "a tmux of another version has started it" in str(error)
        assert launcher.revoke(fourth.token)
        with pytest.raises(LauncherError, match="another version"):
            launcher.attach_command(third.id, third.token)
        with pytest.raises(LauncherError, match="another version"):
            launcher.check_server()
        made = [first, second, third]
    assert launcher.liveness([start]) == {first.token: "supervised"}
    for job in made:
        in_trial(job, "go").touch()
        assert ended(job).code == 3
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{newest}:{os.environ['PATH']}")
        subprocess.run(["tmux", "-L", tmux_socket, "kill-server"], check=True)
