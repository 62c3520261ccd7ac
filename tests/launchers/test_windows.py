"""What happens to windows, sessions and the tmux server does not happen to trainings."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.launchers.jobs import Jobs, in_trial, text_of, wait_for
from tuiswp import proc
from tuiswp.errors import LauncherError, UsageError
from tuiswp.launchers import tmux as tmux_module
from tuiswp.launchers import viewer
from tuiswp.launchers.attempt import log_tail, read_exit, read_start
from tuiswp.launchers.base import ExitRecord, Job, StartRecord
from tuiswp.launchers.tmux import TmuxLauncher

pytestmark = [pytest.mark.slow, pytest.mark.other_tmux]

WAIT = ["sh", "-c", "echo ready; until [ -e go ]; do sleep 0.02; done; exit 3"]
TALK = ["sh", "-c", "n=0; until [ -e go ]; do n=$((n+1)); echo line $n; sleep 0.01; done; exit 3"]

Tmux = Callable[..., str]


@pytest.fixture
def tmux(tmux_socket: str) -> Tmux:
    """Ask the test's own tmux server; its answer."""

    def ask(*words: str) -> str:
        command = ["tmux", "-L", tmux_socket, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()

    return ask


@pytest.fixture
def launcher(jobs: Jobs, tmux_socket: str) -> TmuxLauncher:
    return TmuxLauncher("sweep1", socket=tmux_socket)


def started(job: Job) -> StartRecord:
    return wait_for(lambda: read_start(Path(job.attempt_dir), job.token))


def ended(job: Job) -> ExitRecord:
    return wait_for(lambda: read_exit(Path(job.attempt_dir), job.token))


def printed(job: Job) -> bytes:
    return log_tail(Path(job.attempt_dir))


def lines_of(job: Job) -> int:
    """Number of the last whole line that TALK has in the log."""
    whole = [line for line in printed(job).split(b"\n")[:-1] if line.startswith(b"line ")]
    return int(whole[-1].split()[1]) if whole else 0


def window_of(tmux: Tmux, job: Job) -> str:
    for line in tmux("list-windows", "-a", "-F", "#{@tuiswp_token} #{window_id}").splitlines():
        token, _, window = line.partition(" ")
        if token == job.token:
            return window
    return ""


@contextmanager
def terminal(argv: list[str], env: dict[str, str]) -> Iterator[Callable[[], bytes]]:
    """Run `argv` in a terminal of its own, 100 by 30; yields what it has shown so far."""
    master, slave = os.openpty()
    shown = bytearray()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *argv], stdin=slave, stdout=slave, stderr=slave,
        env={"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8", **env},
    )  # fmt: skip
    os.close(slave)

    def read() -> None:
        while True:
            try:
                shown.extend(os.read(master, 65536))
            except OSError:
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield lambda: bytes(shown)
    finally:
        process.terminate()
        process.wait(10)
        reader.join(10)
        os.close(master)


# --- windows and servers die, trainings do not ---


def test_killing_the_window_leaves_the_training_supervised(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(TALK)
    launcher.start([job])
    start = started(job)
    tmux("kill-window", "-t", wait_for(lambda: window_of(tmux, job)))
    before = lines_of(job)
    wait_for(lambda: lines_of(job) > before + 20)
    assert launcher.liveness([start]) == {job.token: "supervised"}
    assert launcher.attach_command(job.id, job.token) is None
    in_trial(job, "go").touch()
    assert ended(job).code == 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_death_of_the_tmux_server_ends_nothing_and_the_next_start_opens_another(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux, number: int
) -> None:
    job = jobs.make(TALK)
    launcher.start([job])
    start = started(job)
    server = int(tmux("display-message", "-p", "#{pid}"))
    os.kill(server, number)
    wait_for(lambda: proc.start_ticks(server) is None)
    before = lines_of(job)
    wait_for(lambda: lines_of(job) > before + 20)
    assert launcher.liveness([start]) == {job.token: "supervised"}
    second = jobs.make(WAIT)
    launcher.start([second])
    started(second)
    for each in (job, second):
        in_trial(each, "go").touch()
        assert ended(each).code == 3


def test_a_killed_session_is_opened_again(jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux) -> None:
    launcher.start([jobs.make(["true"])])
    tmux("kill-session", "-t", "=sweep1")
    job = jobs.make(["true"])
    launcher.start([job])
    assert ended(job).code == 0


def test_a_frozen_viewer_does_not_block_a_training_that_prints_a_lot(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(["sh", "-c", "until [ -e go ]; do sleep 0.02; done; seq 1 500000; exit 3"])
    launcher.start([job])
    started(job)
    server = int(tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        in_trial(job, "go").touch()
        assert ended(job).code == 3
    finally:
        os.kill(server, signal.SIGCONT)
    assert printed(job).endswith(b"\n499999\n500000\n")


def test_killing_the_supervisor_in_a_window_does_not_hang_up_the_training(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(TALK)
    launcher.start([job])
    start = started(job)
    wait_for(lambda: lines_of(job))
    assert proc.send(start.supervisor, signal.SIGKILL)
    wait_for(lambda: window_of(tmux, job) == "")
    before = lines_of(job)
    wait_for(lambda: lines_of(job) > before + 20)
    assert launcher.liveness([start]) == {job.token: "orphaned"}


# --- text of users and trainings ---


def test_hostile_arguments_reach_the_training_and_nothing_else(
    jobs: Jobs, launcher: TmuxLauncher
) -> None:
    words = [";", "a;", "touch canary;", "#(touch canary)", "$(touch canary)", "`touch canary`",
             "\n", "--", "-t", "", "#{pane_pid}", "'", '"', "\\;", "ü\u202e",
             "x" * 20_000]  # fmt: skip
    say = "import os, sys; open('said', 'wb').write(os.fsencode('\\0'.join(sys.argv[1:])))"
    job = jobs.make(
        [sys.executable, "-I", "-S", "-c", say, *words],
        {"V": "; touch canary;", "W": "#(touch canary)"},
        folder="it's; #(touch canary) $(touch canary);",
    )
    launcher.start([job])
    assert ended(job).code == 0
    assert in_trial(job, "said").read_bytes() == "\0".join(words).encode()
    assert not list(jobs.root.rglob("canary*")) and not Path("canary").exists()


def test_a_title_set_by_a_training_breaks_no_listing(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    title = r"a␞b\n#(touch canary);\n@0 deadbeef"
    script = rf"printf '\033]2;{title}\007\033k{title}\033\\'; echo set; sleep 60"
    job = jobs.make(["sh", "-c", script])
    launcher.start([job])
    wait_for(lambda: b"set" in printed(job))
    assert launcher.attach_command(job.id, job.token)
    assert tmux("list-windows", "-a", "-F", "#{window_name}").splitlines() == ["sweep", job.id]
    second = jobs.make(["true"])
    launcher.start([second])
    assert ended(second).code == 0
    assert not list(jobs.root.rglob("canary*"))


def test_a_persons_tmux_configuration_is_not_read(
    jobs: Jobs, tmux_socket: str, tmux: Tmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = jobs.root / "home"
    home.mkdir()
    canary = jobs.root / "canary"
    (home / ".tmux.conf").write_text(
        "set -g destroy-unattached on\nset -g default-shell /bin/false\nset -g base-index 1\n"
        f"set -g remain-on-exit on\nset-hook -g after-new-window 'run-shell \"touch {canary}\"'\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("TERM", "")
    launcher = TmuxLauncher("sweep1", socket=tmux_socket)
    job = jobs.make(WAIT)
    launcher.start([job])
    started(job)
    assert tmux("show-options", "-gv", "destroy-unattached") == "off"
    assert tmux("show-options", "-gv", "set-titles") == "off"
    assert tmux("show-options", "-sv", "set-clipboard") == "off"
    assert tmux("show-options", "-gwv", "allow-rename") == "off"
    in_trial(job, "go").touch()
    assert ended(job).code == 3
    wait_for(lambda: not window_of(tmux, job))
    assert not canary.exists()


def test_the_configuration_has_no_line_that_this_tmux_refuses(tmux: Tmux) -> None:
    conf = Path(tmux_module.__file__).with_name("tmux.conf")
    tmux("-f", "/dev/null", "new-session", "-d", "-s", "x")
    assert tmux("source-file", str(conf)) == ""
    done = subprocess.run(
        ["tmux", "-L", "tuiswp-no-such-server", "source-file", "-n", str(conf)], capture_output=True
    )
    assert done.returncode in (0, 1)


def test_the_tokens_of_a_controller_inside_a_training_are_not_passed_on(
    jobs: Jobs, tmux_socket: str, tmux: Tmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = jobs.token()
    monkeypatch.setenv("TUISWP_TOKEN", outer)
    launcher = TmuxLauncher("sweep1", socket=tmux_socket)
    job = jobs.make(WAIT)
    launcher.start([job])
    started(job)
    assert launcher.find([outer, job.token]) == {job.token}


# --- the window as a terminal ---


def test_a_person_sees_the_output_and_can_type(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(
        ["sh", "-c", "stty size; echo $TERM; printf 'name? '; read name; echo hello $name"]
    )
    launcher.start([job])
    window = wait_for(lambda: window_of(tmux, job))
    wait_for(lambda: "name?" in tmux("capture-pane", "-p", "-t", window))
    assert printed(job).splitlines()[:2] == [b"48 160", b"screen-256color"]
    tmux("send-keys", "-t", window, "Ada", "Enter")
    assert ended(job).code == 0
    assert printed(job).endswith(b"name? Ada\nhello Ada\n")


def test_ctrl_c_in_the_window_interrupts_the_training_and_not_its_supervisor(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(
        ["sh", "-c", "trap 'echo caught; exit 7' INT; echo up; while :; do sleep 0.02; done"]
    )
    launcher.start([job])
    wait_for(lambda: b"up" in printed(job))
    tmux("send-keys", "-t", wait_for(lambda: window_of(tmux, job)), "C-c")
    end = ended(job)
    assert (end.code, end.requested) == (7, None)
    assert b"caught" in printed(job)


def test_a_new_window_size_reaches_the_training(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(["sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.02; done"])
    launcher.start([job])
    wait_for(lambda: b"up" in printed(job))
    tmux("resize-window", "-t", wait_for(lambda: window_of(tmux, job)), "-x", "91", "-y", "27")
    wait_for(lambda: b"27 91" in printed(job))


# --- attaching ---


def test_attaching_from_outside_shows_the_attempt(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    other, job = jobs.make(WAIT), jobs.make(["sh", "-c", "echo look here; sleep 60"])
    launcher.start([job, other])
    wait_for(lambda: b"look here" in printed(job))
    command = launcher.attach_command(job.id, job.token)
    assert command is not None
    with terminal(command, {}) as shown:
        wait_for(lambda: b"look here" in shown())


def as_drawn_by(name: str) -> subprocess.CompletedProcess[str]:
    """What `viewer` makes of a TERM, in a process of its own: curses knows one terminal each."""
    say = "import sys; from tuiswp.launchers import viewer; "
    say += "print(viewer.environment({'TERM': sys.argv[1]})['TERM'])"
    return subprocess.run([sys.executable, "-c", say, name], capture_output=True, text=True)


def test_attaching_from_a_terminal_that_this_machine_does_not_know_draws_as_xterm(
    jobs: Jobs, launcher: TmuxLauncher
) -> None:
    job = jobs.make(["sh", "-c", "echo look here; sleep 60"])
    launcher.start([job])
    wait_for(lambda: b"look here" in printed(job))
    command = launcher.attach_command(job.id, job.token)
    assert command is not None
    with terminal(command, {"TERM": "xterm-nobody-knows"}) as shown:
        wait_for(lambda: b"unsuitable terminal" in shown())
    known = as_drawn_by("xterm-nobody-knows").stdout.strip()
    assert known == viewer.UNDERSTOOD
    with terminal(command, {"TERM": known}) as shown:
        wait_for(lambda: b"look here" in shown())


def test_attaching_from_a_terminal_that_draws_nothing_says_so() -> None:
    assert "TERM=dumb says that this terminal cannot draw" in as_drawn_by("dumb").stderr
    assert as_drawn_by("xterm").stdout.strip() == "xterm"


def test_attaching_from_inside_our_server_switches_the_client(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = jobs.make(WAIT), jobs.make(["sh", "-c", "echo look here; sleep 60"])
    launcher.start([first])
    TmuxLauncher("sweep2", socket=launcher.socket).start([second])
    wait_for(lambda: b"look here" in printed(second))
    outside = launcher.attach_command(first.id, first.token)
    assert outside is not None
    with terminal(outside, {}) as shown:
        wait_for(lambda: b"ready" in shown())
        inside = tmux("display-message", "-p", "#{socket_path},#{pid},0")
        monkeypatch.setenv("TMUX", inside)
        command = launcher.attach_command(second.id, second.token)
        assert command is not None and "switch-client" in command
        env = {"PATH": os.environ["PATH"], "TMUX": inside}
        subprocess.run(command, env=env, check=True, timeout=10)
        wait_for(lambda: b"look here" in shown())


def test_a_controller_inside_a_strangers_tmux_uses_its_own_server(
    jobs: Jobs, launcher: TmuxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    monkeypatch.setenv("TMUX_PANE", "%0")
    job = jobs.make(["sh", "-c", "exit 3"])
    launcher.start([job])
    assert ended(job).code == 3


def test_attaching_from_inside_a_strangers_server_nests(
    jobs: Jobs, launcher: TmuxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.make(["sh", "-c", "echo look here; sleep 60"])
    launcher.start([job])
    wait_for(lambda: b"look here" in printed(job))
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    command = launcher.attach_command(job.id, job.token)
    assert command is not None
    with terminal(command, {"TMUX": "/tmp/tmux-0/default,1,0"}) as shown:
        wait_for(lambda: b"look here" in shown())


# --- sessions ---


def test_a_renamed_and_moved_window_is_still_found(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(WAIT)
    launcher.start([job])
    window = wait_for(lambda: window_of(tmux, job))
    tmux("new-session", "-d", "-s", "elsewhere")
    tmux("rename-window", "-t", window, "other")
    tmux("move-window", "-s", window, "-t", "elsewhere:")
    command = launcher.attach_command(job.id, job.token)
    assert command is not None and f":{window}" in " ".join(command)


def test_closing_ends_the_server_once_the_last_attempt_is_over(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    job = jobs.make(WAIT)
    launcher.start([job])
    started(job)
    server = int(tmux("display-message", "-p", "#{pid}"))
    launcher.close()
    assert tmux("list-windows", "-a", "-F", "#{window_name}") == job.id
    in_trial(job, "go").touch()
    ended(job)
    wait_for(lambda: proc.start_ticks(server) is None)


def test_closing_one_sweep_leaves_one_with_a_longer_name_alone(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux
) -> None:
    longer = TmuxLauncher("sweep10", socket=launcher.socket)
    job = jobs.make(WAIT)
    longer.start([job])
    started(job)
    launcher.close()
    assert tmux("list-sessions", "-F", "#{session_name}") == "sweep10"
    launcher.start([jobs.make(["true"])])
    launcher.close()
    wait_for(lambda: tmux("list-sessions", "-F", "#{session_name}") == "sweep10")
    assert len(tmux("list-windows", "-t", "=sweep10", "-F", "x").split()) == 2


def test_launchers_that_race_to_open_the_server_all_get_their_windows(
    jobs: Jobs, tmux_socket: str
) -> None:
    made = [jobs.make(["true"]) for _ in range(6)]
    faults: list[BaseException] = []

    def start(number: int) -> None:
        try:
            TmuxLauncher(f"sweep{number % 2}", socket=tmux_socket).start([made[number]])
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(len(made))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [ended(job).code for job in made] == [0] * 6


def test_many_windows_are_opened_by_commands_tmux_accepts(
    jobs: Jobs, launcher: TmuxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tmux_module, "_ARGUMENT_BYTES", 900)
    made = [jobs.make(["sh", "-c", "echo x >> launches"]) for _ in range(14)]
    launcher.start(made)
    assert [ended(job).code for job in made] == [0] * 14
    assert [text_of(in_trial(job, "launches")) for job in made] == ["x\n"] * 14


# --- tmux is missing, old, strange or stuck ---


@pytest.fixture
def fake_tmux(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a shell script in front of PATH as tmux."""

    def put(script: str) -> Path:
        folder = jobs.root / "fake"
        folder.mkdir()
        path = folder / "tmux"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return path

    return put


def test_a_tmux_that_hangs_is_given_up_and_ended(
    jobs: Jobs, fake_tmux: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tmux_module, "_DEADLINE_S", 0.5)
    pidfile = jobs.root / "pid"
    fake_tmux(f"echo $$ > {pidfile}; exec sleep 60")
    with pytest.raises(LauncherError, match="did not answer within"):
        TmuxLauncher("sweep1").check()
    # `exec` changed its arguments, so it is not known for ours and left alone; a script is not.
    os.kill(int(text_of(pidfile)), signal.SIGKILL)


def test_a_hung_client_is_killed(
    jobs: Jobs, fake_tmux: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tmux_module, "_DEADLINE_S", 0.5)
    pidfile = jobs.root / "pid"
    fake_tmux(f"echo $$ > {pidfile}; while :; do sleep 0.1; done")
    with pytest.raises(LauncherError, match="did not answer within"):
        TmuxLauncher("sweep1").check()
    wait_for(lambda: proc.start_ticks(int(text_of(pidfile))) is None)


def test_a_controller_that_is_to_leave_waits_no_longer_for_a_tmux_that_hangs(
    fake_tmux: Callable[[str], Path],
) -> None:
    fake_tmux("while :; do sleep 0.1; done")
    launcher = TmuxLauncher("sweep1")
    leave = threading.Timer(0.3, launcher.hurry)
    leave.start()
    began = time.monotonic()
    with pytest.raises(LauncherError, match="did not answer within"):
        launcher.check()
    assert time.monotonic() - began < 2.0
    leave.join()


def test_a_stuck_server_is_a_launcher_error_and_running_attempts_can_still_be_ended(
    jobs: Jobs, launcher: TmuxLauncher, tmux: Tmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.make(["sleep", "60"])
    launcher.start([job])
    start = started(job)
    server = int(tmux("display-message", "-p", "#{pid}"))
    monkeypatch.setattr(tmux_module, "_DEADLINE_S", 0.5)
    os.kill(server, signal.SIGSTOP)
    try:
        with pytest.raises(LauncherError, match="kill-server"):
            launcher.start([jobs.make(["true"])])
        assert launcher.liveness([start]) == {job.token: "supervised"}
        assert launcher.ask_to_leave(start, "terminate")
        assert ended(job).signal == signal.SIGTERM
    finally:
        os.kill(server, signal.SIGCONT)


def test_a_missing_tmux_says_how_to_get_it(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "relative:/nowhere")
    launcher = TmuxLauncher("sweep1")
    job = jobs.make(["true"])
    with pytest.raises(LauncherError, match=r"not installed.*apt install tmux"):
        launcher.start([job])
    assert launcher.revoke(job.token), "what could not be started can be taken back"
    assert not launcher.revoke(job.token)
    launcher.close()


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("tmux 3.1c", "tmux 3.1c is too old"),
        ("tmux 1.8", "too old"),
        ("tmux next-3.1", "too old"),
        ("screen 4.9", "is not tmux"),
        ("", "is not tmux"),
    ],
)
def test_a_tmux_that_cannot_be_used_is_refused(
    jobs: Jobs, fake_tmux: Callable[[str], Path], says: str, error: str
) -> None:
    path = fake_tmux(f"echo '{says}'")
    with pytest.raises(LauncherError, match=error) as caught:
        TmuxLauncher("sweep1").start([jobs.make(["true"])])
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    "says",
    [
        *("tmux 3.2", "tmux 3.5a", "tmux 3.6b", "tmux 3.10", "tmux 4.0"),
        *("tmux 3.2-rc3", "tmux next-3.6", "tmux master", "tmux openbsd-7.4"),
    ],
)
def test_any_newer_tmux_is_welcome(jobs: Jobs, fake_tmux: Callable[[str], Path], says: str) -> None:
    path = fake_tmux(f"echo '{says}'")
    assert TmuxLauncher("sweep1").check() == f"{says} at {path}"


def test_a_runtime_directory_that_tmux_could_act_on_is_refused(
    jobs: Jobs, launcher: TmuxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = jobs.root / "run;here"
    strange.mkdir(mode=0o700)
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(strange))
    job = jobs.make(["true"])
    for ask in (launcher.check, lambda: launcher.start([job])):  # before a sweep begins, too
        with pytest.raises(UsageError, match="TUISWP_RUNTIME_DIR"):
            ask()
    assert launcher.revoke(job.token)


def test_no_value_of_the_environment_is_in_an_argument_that_ps_shows(
    jobs: Jobs, launcher: TmuxLauncher
) -> None:
    job = jobs.make(WAIT, env={"API_KEY": "canary-5f3a9c01"})
    launcher.start([job])
    started(job)
    shown = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            shown.append(path.read_bytes())
    assert any(job.attempt_dir.encode() in one for one in shown)  # its supervisor was seen
    assert not any(b"canary-5f3a9c01" in one for one in shown)
    in_trial(job, "go").touch()
    ended(job)


def test_a_tmux_beside_a_person_is_not_run(
    jobs: Jobs, fake_tmux: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was downloaded may hold a program of that name."""
    fake = fake_tmux("echo tmux 99.9")
    monkeypatch.chdir(fake.parent)
    elsewhere = os.environ["PATH"].partition(":")[2]
    for relative in (".", "", "../fake"):
        monkeypatch.setenv("PATH", f"{relative}:{elsewhere}")
        assert "99.9" not in TmuxLauncher("sweep1").check()


def test_a_socket_path_too_long_for_the_kernel_is_said(
    jobs: Jobs, launcher: TmuxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = jobs.root / ("n" * 100)
    place.mkdir()
    monkeypatch.setenv("TMUX_TMPDIR", str(place))
    with pytest.raises(LauncherError, match="File name too long"):
        launcher.start([jobs.make(["true"])])


@pytest.mark.parametrize("removed", ["socket", "folder"])
def test_a_cleaner_that_removes_the_servers_socket_ends_nothing_and_doubles_nothing(
    jobs: Jobs,
    launcher: TmuxLauncher,
    tmux: Tmux,
    monkeypatch: pytest.MonkeyPatch,
    removed: str,
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(jobs.root))  # so that no other server's goes with it
    job = jobs.make(["sh", "-c", f"echo x >> launches; {WAIT[2]}"])
    launcher.start([job])
    start = started(job)
    server = proc.identify(int(tmux("display-message", "-p", "#{pid}")))
    assert server is not None
    folder = jobs.root / f"tmux-{os.getuid()}"
    if removed == "folder":
        shutil.rmtree(folder)
    else:
        (folder / launcher.socket).unlink()
    try:
        second = jobs.make(WAIT)
        launcher.start([job, second])  # the first once more: it has begun, so nothing happens
        started(second)
        assert launcher.liveness([start]) == {job.token: "supervised"}
        for each in (job, second):
            in_trial(each, "go").touch()
            assert ended(each).code == 3
        assert text_of(in_trial(job, "launches")) == "x\n"
    finally:
        proc.send(server, signal.SIGTERM)  # nobody can reach it by its socket any more
        tmux("kill-server")


@pytest.mark.parametrize("name", ["", "a b", "a;", "#(x)", "-x", "a.b", "a:b", "x" * 65])
def test_a_session_name_that_is_no_id_is_a_fault_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        TmuxLauncher(name)
