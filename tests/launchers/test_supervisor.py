"""The supervisor writes down how its attempt ended, whatever the training did.

Here it runs without a window; what needs one is in test_windows.py.
"""

import ast
import json
import os
import resource
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.launchers.jobs import Jobs, children, gone, in_attempt, in_trial, text_of, wait_for
from tuiswp import proc
from tuiswp.launchers.attempt import (
    ask_to_leave,
    liveness,
    log_tail,
    read_exit,
    read_start,
    write_spec,
)
from tuiswp.launchers.base import ExitRecord, Job, StartRecord
from tuiswp.launchers.supervision import watch

pytestmark = pytest.mark.slow  # real supervisors

SUPERVISOR = Path(__file__).parents[2] / "tuiswp" / "launchers" / "supervisor.py"

Supervise = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def supervise(jobs: Jobs) -> Iterator[Supervise]:
    """Start a supervisor on a job; what is left of it is ended after the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(job: Job, *more: str, umask: int = -1) -> subprocess.Popen[bytes]:
        write_spec(job)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), job.attempt_dir, *more],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            umask=umask,
            env={"PATH": os.environ["PATH"], "TUISWP_TOKEN": job.token},
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def started(job: Job) -> StartRecord:
    return wait_for(lambda: read_start(Path(job.attempt_dir), job.token))


def ended(job: Job) -> ExitRecord:
    return wait_for(lambda: read_exit(Path(job.attempt_dir), job.token))


def printed(job: Job) -> bytes:
    return log_tail(Path(job.attempt_dir))


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


# --- how it ended ---


@pytest.mark.parametrize("code", [0, 1, 3, 137, 255])
def test_an_exit_code_is_a_code_even_if_it_looks_like_a_signal(
    jobs: Jobs, supervise: Supervise, code: int
) -> None:
    job = jobs.make(["sh", "-c", f"exit {code}"])
    assert supervise(job).wait(30) == 0
    end = ended(job)
    assert (end.code, end.signal, end.error, end.requested) == (code, None, None, None)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_death_by_signal_is_a_signal(
    jobs: Jobs, supervise: Supervise, number: signal.Signals
) -> None:
    job = jobs.make(["sh", "-c", f"kill -{number.value} $$; sleep 60"])
    supervise(job).wait(30)
    end = ended(job)
    assert (end.code, end.signal, end.requested) == (None, number.value, None)


def test_times_and_memory_are_recorded(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(python("import time; b = bytearray(80_000_000); time.sleep(0.2)"))
    supervise(job).wait(30)
    end = ended(job)
    assert end.max_rss_kib is not None and 80_000 < end.max_rss_kib < 160_000
    assert 0.2 <= end.duration_s <= end.ended - end.started + 0.1
    assert end.oom_kill is not True


def test_nothing_runs_before_its_start_record_is_there(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["sh", "-c", "cat attempts/1/start.json"])
    supervise(job).wait(30)
    record = json.loads(printed(job))
    start = started(job)
    assert record["token"] == job.token
    assert record["training"] == {
        "boot_id": proc.boot_id(), "pid": start.training.pid, "ticks": start.training.ticks,
        "pid_ns": proc.pid_namespace(),
    }  # fmt: skip


def test_records_and_log_are_private(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["sh", "-c", "echo hello; umask"])
    supervise(job, umask=0o027).wait(30)
    for name in ("spec.json", "start.json", "exit.json", "output.log"):
        assert stat.S_IMODE(in_attempt(job, name).stat().st_mode) == 0o600, name
    assert b"0027" in printed(job), "the training keeps the umask it would have had"


def test_the_umask_of_the_job_counts_and_not_that_of_the_tmux_server(
    supervise: Supervise, jobs: Jobs
) -> None:
    job = jobs.make(["sh", "-c", "umask"], umask=0o022)
    supervise(job, umask=0o077).wait(30)
    assert b"0022" in printed(job)


@pytest.mark.parametrize(
    ("argv", "code", "what"),
    [
        (["no-such-program-here"], 127, "not found in PATH"),
        (["/no/such/program"], 127, "No such file"),
        ([""], 127, "empty"),
        (["/etc/passwd"], 126, "Permission denied"),
        (["/tmp"], 126, "Permission denied"),
        (["true", "a\0b"], 126, "null"),
        (["true", "\ud800"], 126, "surrogates"),
        (["true", "x" * 200_000], 126, "too long"),
    ],
)  # fmt: skip
def test_a_program_that_cannot_be_run_is_a_launch_error(
    jobs: Jobs, supervise: Supervise, argv: list[str], code: int, what: str
) -> None:
    job = jobs.make(argv)
    supervise(job).wait(30)
    end = ended(job)
    assert end.code == code
    assert end.error is not None and what in end.error


def test_a_script_without_an_interpreter_line_is_a_launch_error(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["./train"])
    in_trial(job, "train").write_text("print('hello')")
    in_trial(job, "train").chmod(0o755)
    supervise(job).wait(30)
    end = ended(job)
    assert (end.code, end.error) == (126, "cannot run the program: Exec format error: b'./train'")


def test_a_missing_working_directory_is_a_launch_error(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["true"], cwd=str(jobs.root / "nowhere"))
    supervise(job).wait(30)
    end = ended(job)
    assert end.code == 126
    assert end.error is not None and "working directory" in end.error


def test_the_program_is_looked_for_in_the_path_of_the_job(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["train"], {"PATH": f"/nowhere::{jobs.root}/tools:/usr/bin"})
    (jobs.root / "tools").mkdir()
    tool = jobs.root / "tools" / "train"
    tool.write_text("#!/bin/sh\nexit 42\n")
    tool.chmod(0o755)
    supervise(job).wait(30)
    assert ended(job).code == 42


# --- what reaches the training ---


HOSTILE = [
    ";", "a;", "a; touch canary", "#(touch canary)", "$(touch canary)", "`touch canary`", "\n",
    "a\nb", "--",
    "-rf", "", " ", "'", '"', "\\", "\\;", "%H", "#{pane_pid}", "*", "~", "äöü 漢字 \u202e",
    "\x1b]2;t\x07", "\udcff\udc80", "x" * 20_000,
]  # fmt: skip


def test_arguments_and_environment_arrive_byte_for_byte(jobs: Jobs, supervise: Supervise) -> None:
    say = (
        "import os, sys; out = open('said', 'wb');"
        "out.write(b'\\0'.join(os.fsencode(w) for w in sys.argv[1:]) + b'\\0\\0');"
        "out.write(b'\\0'.join(os.environb[b'V%d' % n] for n in range(int(sys.argv[1]))))"
    )
    env = {f"V{number}": text for number, text in enumerate(HOSTILE)}
    job = jobs.make([*python(say), str(len(HOSTILE)), *HOSTILE], env)
    supervise(job).wait(30)
    raw = [text.encode("utf-8", "surrogateescape") for text in HOSTILE]
    said = b"\0".join([str(len(HOSTILE)).encode(), *raw]) + b"\0\0" + b"\0".join(raw)
    assert in_trial(job, "said").read_bytes() == said
    assert not list(jobs.root.rglob("canary*"))


def test_the_environment_is_the_jobs_and_its_token(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["env", "-0"], {"A": "1"})
    supervise(job).wait(30)
    entries = printed(job).rstrip(b"\0").split(b"\0")
    expected = {**job.env, "TUISWP_TOKEN": job.token}
    assert dict(entry.split(b"=", 1) for entry in entries) == {
        name.encode(): value.encode() for name, value in expected.items()
    }


def test_a_directory_name_may_be_anything(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["pwd"], folder='it\'s; #(touch canary) $(touch canary)\n"ü"')
    supervise(job).wait(30)
    assert ended(job).code == 0
    assert printed(job).decode() == job.cwd + "\n"
    assert not list(jobs.root.rglob("canary*"))


def test_the_training_has_its_own_terminal_and_default_signals(
    jobs: Jobs, supervise: Supervise
) -> None:
    say = (
        "import os, signal;"
        "print(os.isatty(0), os.isatty(1), os.getsid(0) == os.getpid() == os.tcgetpgrp(0),"
        " os.get_terminal_size().columns > 0);"
        "print([l.split()[1] for l in open('/proc/self/status') if l[:6] in ('SigBlk', 'SigIgn')]);"
        "print(sorted(os.listdir('/proc/self/fd'))[:4])"
    )
    job = jobs.make([sys.executable, "-I", "-S", "-c", say])
    supervise(job).wait(30)
    lines = printed(job).decode().splitlines()
    assert lines[0] == "True True True True"
    # Python itself ignores SIGPIPE (13) and SIGXFSZ (25): nothing else is ignored or blocked.
    # 32 and 33 are the C library's own; what of them was inherited nobody can change back.
    blocked, ignored = (int(mask, 16) & ~(0b11 << 31) for mask in ast.literal_eval(lines[1]))
    assert (blocked, ignored) == (0, 1 << 12 | 1 << 24)
    assert lines[2] == "['0', '1', '2', '3']"  # 3 is the listing itself


def test_output_reaches_the_log_without_added_bytes(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["printf", r"a\r50%%|##  |\r\nb\n\033[1mc"])
    supervise(job).wait(30)
    assert printed(job) == b"a\r50%|##  |\r\nb\n\033[1mc"


# --- leaving ---


def test_term_with_grace_lets_the_training_clean_up(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(
        ["sh", "-c", "trap 'echo saved; exit 5' TERM; echo up; while :; do sleep 0.01; done"]
    )
    supervisor = supervise(job)
    wait_for(lambda: b"up" in printed(job))
    supervisor.send_signal(signal.SIGTERM)
    end = ended(job)
    assert (end.code, end.requested) == (5, "terminate")
    assert printed(job).endswith(b"saved\n")


def test_term_ignored_ends_with_kill_after_the_grace(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(
        ["sh", "-c", "trap '' TERM INT; echo up; while :; do sleep 0.01; done"], grace_s=0.4
    )
    supervisor = supervise(job)
    wait_for(lambda: b"up" in printed(job))
    asked = time.monotonic()
    supervisor.send_signal(signal.SIGTERM)
    end = ended(job)
    assert 0.4 <= time.monotonic() - asked < 10
    assert (end.signal, end.requested) == (signal.SIGKILL, "terminate")


def test_a_firmer_request_does_not_wait_for_the_grace_of_a_softer_one(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(
        ["sh", "-c", "trap '' INT; trap 'echo term' TERM; echo up; while :; do sleep 0.01; done"],
        grace_s=1000.0,
    )
    supervisor = supervise(job)
    wait_for(lambda: b"up" in printed(job))
    supervisor.send_signal(signal.SIGINT)
    supervisor.send_signal(signal.SIGTERM)
    wait_for(lambda: b"term" in printed(job))
    supervisor.send_signal(signal.SIGINT)  # softer again: changes nothing
    supervisor.send_signal(signal.SIGUSR1)
    end = ended(job)
    assert (end.signal, end.requested) == (signal.SIGKILL, "kill")


def test_an_interrupt_is_a_ctrl_c_and_nothing_harder_follows(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(
        ["sh", "-c", "trap 'echo int' INT; echo up; until [ -e go ]; do sleep 0.01; done; exit 3"],
        grace_s=0.2,
    )
    supervisor = supervise(job)
    wait_for(lambda: b"up" in printed(job))
    for heard in (1, 2):
        supervisor.send_signal(signal.SIGINT)
        wait_for(lambda heard=heard: printed(job).count(b"int") == heard)  # type: ignore[misc]
    asked = time.monotonic()
    wait_for(lambda: time.monotonic() - asked > 0.6)  # thrice the grace, and still there
    assert supervisor.poll() is None
    in_trial(job, "go").touch()
    end = ended(job)
    assert (end.code, end.signal, end.requested) == (3, None, "interrupt")


def test_a_stopped_training_can_be_ended(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["sh", "-c", "echo up; kill -STOP $$; sleep 60"])
    supervisor = supervise(job)
    wait_for(lambda: b"up" in printed(job))
    supervisor.send_signal(signal.SIGTERM)
    end = ended(job)
    assert (end.signal, end.requested) == (signal.SIGTERM, "terminate")


def test_a_timeout_ends_the_training_and_is_named(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["sleep", "60"], timeout_s=0.3)
    supervise(job).wait(30)
    end = ended(job)
    assert (end.signal, end.requested) == (signal.SIGTERM, "timeout")
    assert 0.3 <= end.duration_s < 20


def test_a_hang_up_ends_nothing(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["sh", "-c", "until [ -e go ]; do sleep 0.01; done; exit 4"])
    supervisor = supervise(job)
    started(job)
    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP, signal.SIGTTIN):
        supervisor.send_signal(number)
    in_trial(job, "go").touch()
    end = ended(job)
    assert (end.code, end.requested) == (4, None)


# --- descendants ---

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2):
            os.close(fd)
        os.environ.clear()
        with open("daemon.tmp", "w") as f:
            f.write(str(os.getpid()))
        os.rename("daemon.tmp", "daemon")
        time.sleep(600)
    os._exit(0)
while not os.path.exists("daemon"):
    time.sleep(0.01)
sys.exit(6)
"""


def test_a_daemonised_grandchild_is_killed_and_listed(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(python(DAEMON))
    supervise(job).wait(30)
    end = ended(job)
    daemon = int(text_of(in_trial(job, "daemon")))
    assert end.code == 6
    assert end.leftovers == (daemon,)
    assert end.unkillable == ()
    assert gone(daemon)


def test_a_tree_of_leftovers_is_killed_to_the_last(jobs: Jobs, supervise: Supervise) -> None:
    script = """
        for i in 1 2 3; do
            (trap '' HUP TERM
             setsid sh -c 'trap "" HUP TERM; sleep 600 & echo $! $$ >> tree; wait') &
        done
        until [ "$(wc -l < tree)" = 3 ]; do sleep 0.01; done
        exit 0
    """
    job = jobs.make(["sh", "-c", script])
    supervise(job).wait(30)
    end = ended(job)
    tree = {int(pid) for pid in text_of(in_trial(job, "tree")).split()}
    assert len(tree) == 6 and tree <= set(end.leftovers)
    assert all(gone(pid) for pid in tree)


def test_leftovers_are_only_reported_if_the_job_says_so(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(python(DAEMON), leftovers="report")
    supervise(job).wait(30)
    daemon = int(text_of(in_trial(job, "daemon")))
    assert ended(job).leftovers == (daemon,)
    assert not gone(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_the_end_does_not_wait_for_a_child_that_holds_the_terminal(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "trap '' HUP; sleep 600 & echo $!; exit 0"])
    supervise(job).wait(30)
    end = ended(job)
    assert end.code == 0 and end.duration_s < 10
    assert end.leftovers == (int(printed(job)),)


def test_a_leftover_that_outlives_kill_is_reported_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process in an uninterruptible wait, as a sick GPU driver leaves them."""
    stuck = 2**22 + 5
    killed: list[int] = []
    monkeypatch.setattr(watch, "KILL_PATIENCE_S", 0.1)
    monkeypatch.setattr(watch, "children_of", lambda parent: [stuck])
    monkeypatch.setattr(watch, "listen", lambda timeout_s: time.sleep(timeout_s or 0))
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append(pid))
    supervisor = object.__new__(watch.Supervisor)
    supervisor.training, supervisor.relay = -1, -1
    supervisor.leftovers, supervisor.unkillable = [], []
    monkeypatch.setattr(supervisor, "reap", lambda: False)
    supervisor.kill_leftovers()
    assert supervisor.leftovers == supervisor.unkillable == [stuck]
    assert set(killed) == {stuck}


def test_a_neighbour_is_not_swept_up(jobs: Jobs, supervise: Supervise) -> None:
    neighbour = jobs.make(["sleep", "60"])
    supervise(neighbour)
    theirs = started(neighbour)
    job = jobs.make(python(DAEMON))
    supervise(job).wait(30)
    assert ended(job).code == 6
    assert proc.is_alive(theirs.training) and proc.is_alive(theirs.supervisor)


# --- once, and never by halves ---


def test_a_second_supervisor_of_one_attempt_leaves_at_once(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "echo x >> launches; until [ -e go ]; do sleep 0.01; done"])
    supervise(job)
    start = started(job)
    assert supervise(job).wait(30) == 75
    in_trial(job, "go").touch()
    end = ended(job)
    assert supervise(job).wait(30) == 75
    assert (started(job), ended(job)) == (start, end)
    assert text_of(in_trial(job, "launches")) == "x\n"


def test_many_supervisors_at_the_same_instant_start_one_training(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "echo x >> launches; sleep 0.3"])
    codes = sorted(process.wait(30) for process in [supervise(job) for _ in range(6)])
    assert codes == [0, 75, 75, 75, 75, 75]
    assert text_of(in_trial(job, "launches")) == "x\n"


def test_a_supervisor_whose_launch_file_was_revoked_starts_nothing(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "echo x >> launches"])
    assert supervise(job, str(jobs.root / "revoked")).wait(30) == 75
    assert not in_trial(job, "launches").exists()
    assert not in_attempt(job, "start.json").exists()


def test_a_supervisor_killed_before_the_start_record_starts_nothing(
    jobs: Jobs, supervise: Supervise
) -> None:
    """A boot id file that is a FIFO holds the supervisor between the fork and start.json."""
    job = jobs.make(["sh", "-c", "echo x >> launches; sleep 60"])
    fifo = jobs.root / "boot_id"
    os.mkfifo(fifo)
    write_spec(job)
    supervisor = subprocess.Popen(
        [sys.executable, "-I", "-S", str(SUPERVISOR), job.attempt_dir],
        stdin=subprocess.DEVNULL,
        env={"TUISWP_TOKEN": job.token, "TUISWP_BOOT_ID_FILE": str(fifo)},
    )
    wait_for(lambda: len(children(supervisor.pid)) == 2)
    family = children(supervisor.pid)
    supervisor.kill()
    supervisor.wait()
    wait_for(lambda: all(gone(pid) for pid in family))
    assert not in_attempt(job, "start.json").exists()
    assert not in_trial(job, "launches").exists()


def test_a_spec_that_cannot_be_read_leaves_a_traceback(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["true"])
    in_attempt(job, "spec.json").write_text('{"token": ')
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(SUPERVISOR), job.attempt_dir], stdin=subprocess.DEVNULL
    )
    assert process.wait(30) == 70
    assert "JSONDecodeError" in text_of(in_attempt(job, "supervisor.err"))


def test_the_records_follow_an_attempt_that_is_moved(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(
        ["sh", "-c", "echo up; until [ -e ../moved/go ]; do sleep 0.01; done; echo late; exit 9"]
    )
    supervisor = supervise(job)
    wait_for(lambda: b"up" in printed(job))
    moved = jobs.root / "moved"
    Path(job.trial_dir).rename(moved)
    (moved / "go").touch()
    supervisor.wait(30)
    end = read_exit(moved / "attempts" / "1", job.token)
    assert end is not None and end.code == 9
    assert log_tail(moved / "attempts" / "1") == b"up\nlate\n"


def test_a_deleted_attempt_directory_does_not_keep_the_supervisor(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "rm -r attempts/1; exit 0"])
    assert supervise(job).wait(30) == 0


@pytest.mark.parametrize("name", ["exit.json", "spec.json", "output.log", "supervisor.err"])
def test_a_directory_in_the_place_of_a_record_does_not_keep_the_supervisor(
    jobs: Jobs, supervise: Supervise, name: str
) -> None:
    job = jobs.make(["sh", "-c", f"rm -f attempts/1/{name}; mkdir -p attempts/1/{name}/x; exit 3"])
    assert supervise(job).wait(30) == 0
    assert ended(job).code == 3


def test_a_stopped_relay_does_not_block_a_training_that_prints(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(python("import time, os\nwhile not os.path.exists('go'): time.sleep(0.01)\n"
                           "os.write(1, b'x' * 1_000_000)"))  # fmt: skip
    process = supervise(job)
    relay = started(job).relay
    assert relay is not None and proc.send(relay, signal.SIGSTOP)
    in_trial(job, "go").touch()
    process.wait(30)
    assert ended(job).code == 0 and len(printed(job)) == 65536


_WITHOUT_RIGHTS = ["setpriv", *(f"--{of}=-dac_override" for of in ("bounding-set", "inh-caps"))]


@pytest.mark.parametrize("mode", ["500", "000"])
def test_a_directory_that_its_training_closes_does_not_keep_the_supervisor(
    jobs: Jobs, mode: str
) -> None:
    job = jobs.make(["sh", "-c", f"chmod {mode} attempts/1; exit 3"])
    write_spec(job)
    done = subprocess.run(
        [*_WITHOUT_RIGHTS * (os.geteuid() == 0), sys.executable, "-I", "-S", str(SUPERVISOR),
         job.attempt_dir],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "TUISWP_TOKEN": job.token},
        timeout=30,
        check=False,
    )  # fmt: skip
    assert (done.returncode, ended(job).code) == (0, 3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_what_became_another_users_is_told_and_the_end_is_still_written(
    jobs: Jobs, supervise: Supervise
) -> None:
    """As `sudo` in a training, whose process its own user may not signal."""
    became = python(
        "import os, signal, time\n"
        "ready, tell = os.pipe()\n"
        "if os.fork():\n"
        "    os._exit(4 if os.read(ready, 1) else 5)\n"
        "os.setsid()\n"
        "signal.alarm(2)\n"
        "os.setuid(65534)\n"
        "os.write(tell, b'1')\n"
        "time.sleep(60)"
    )
    job = jobs.make(became)
    write_spec(job)
    without_rights = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"]
    done = subprocess.run(
        [*without_rights, sys.executable, "-I", "-S", str(SUPERVISOR), job.attempt_dir],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "TUISWP_TOKEN": job.token},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    end = ended(job)
    assert end.code == 4 and end.leftovers and not end.unkillable


# --- secrets ---


def kept_environment(job: Job) -> dict[str, str]:
    """The environment that spec.json still holds."""
    env: dict[str, str] = json.loads((Path(job.attempt_dir) / "spec.json").read_bytes())["env"]
    return env


def test_the_environment_does_not_stay_on_disk_once_the_training_has_it(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "test $API_KEY = canary"], env={"API_KEY": "canary"})
    assert supervise(job).wait(30) == 0
    assert ended(job).code == 0
    assert "API_KEY" not in kept_environment(job)
    assert not any(
        b"canary" in path.read_bytes()
        for path in Path(job.attempt_dir).iterdir()
        if path.name != "spec.json"
    )


# --- the disk is full ---


def test_an_end_that_finds_the_disk_full_is_written_when_there_is_room(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "until [ -e go ]; do sleep 0.01; done; touch over; exit 4"])
    supervisor = supervise(job)
    started(job)
    wait_for(lambda: "PATH" not in kept_environment(job))
    _, hard = resource.prlimit(supervisor.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    in_trial(job, "go").touch()
    wait_for(lambda: in_trial(job, "over").exists())
    wait_for(lambda: children(supervisor.pid) == [])
    assert read_exit(Path(job.attempt_dir), job.token) is None
    assert supervisor.poll() is None
    resource.prlimit(supervisor.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert ended(job).code == 4
    assert supervisor.wait(30) == 0
    assert {path.name for path in Path(job.attempt_dir).iterdir()} == {
        "spec.json", "start.json", "exit.json",
    }, "no drafts are left, and nothing was printed"  # fmt: skip


def test_a_start_that_finds_the_disk_full_starts_nothing(jobs: Jobs) -> None:
    job = jobs.make(["sh", "-c", "echo x >> launches"])
    write_spec(job)
    command = shlex.join([sys.executable, "-I", "-S", str(SUPERVISOR), job.attempt_dir])
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 0; exec {command}"], stdin=subprocess.DEVNULL, timeout=30
    )
    assert done.returncode == 74
    assert not in_trial(job, "launches").exists()
    assert [path.name for path in Path(job.attempt_dir).iterdir()] == ["spec.json"]


def test_a_supervisor_that_cannot_write_its_end_gives_up_when_killed(
    jobs: Jobs, supervise: Supervise
) -> None:
    """A directory in its draft's place, made by the training, is as lasting a refusal as any."""
    job = jobs.make(["sh", "-c", "mkdir attempts/1/.exit.json.$PPID"])
    supervisor = supervise(job)
    wait_for(lambda: in_attempt(job, f".exit.json.{supervisor.pid}").exists())
    wait_for(lambda: children(supervisor.pid) == [])
    assert supervisor.poll() is None
    supervisor.send_signal(signal.SIGQUIT)
    assert supervisor.wait(30) == 0


# --- the supervisor or the relay dies ---

TALKER = """
import os, signal, time
n = 0
while not os.path.exists("go"):
    n += 1
    print("line", n, flush=True)
    with open("beat.tmp", "w") as f:
        f.write(str(n))
    os.rename("beat.tmp", "beat")
    time.sleep(0.01)
print("farewell", flush=True)
"""


def test_killing_the_supervisor_neither_ends_nor_silences_the_training(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(python(TALKER))
    supervisor = supervise(job)
    start = started(job)
    wait_for(lambda: b"line 3\n" in printed(job))
    supervisor.kill()
    supervisor.wait()
    beat = int(text_of(in_trial(job, "beat")) or 0)
    wait_for(lambda: b"line %d\n" % (beat + 50) in printed(job))
    assert proc.is_alive(start.training)
    in_trial(job, "go").touch()
    wait_for(lambda: printed(job).endswith(b"farewell\n"))
    wait_for(lambda: not proc.is_alive(start.training))
    assert start.relay is not None
    relay = start.relay
    wait_for(lambda: not proc.is_alive(relay))
    assert read_exit(Path(job.attempt_dir), job.token) is None


def test_killing_the_relay_interrupts_the_output_only_for_a_moment(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(python(TALKER))
    supervise(job)
    start = started(job)
    assert start.relay is not None
    for _ in range(2):
        beat = wait_for(lambda: int(text_of(in_trial(job, "beat")) or 0))
        wait_for(lambda: b"line %d\n" % (beat + 5) in printed(job))  # noqa: B023  # used at once
        (relay,) = set(children(start.supervisor.pid)) - {start.training.pid}
        os.kill(relay, signal.SIGKILL)
        beat = int(text_of(in_trial(job, "beat")))
        wait_for(lambda: b"line %d\n" % (beat + 50) in printed(job))  # noqa: B023  # used at once
    in_trial(job, "go").touch()
    end = ended(job)
    assert end.code == 0
    assert end.log_truncated, "what the killed relay held may be missing, and that is said"
    assert printed(job).endswith(b"farewell\n")


def test_a_stopped_supervisor_still_ends_its_attempt_when_asked(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sleep", "60"])
    supervise(job)
    start = started(job)
    os.kill(start.supervisor.pid, signal.SIGSTOP)
    assert ask_to_leave(start, "kill")
    assert ended(job).requested == "kill"


def test_an_orphans_daemon_is_found_and_ended_by_its_token(
    jobs: Jobs, supervise: Supervise
) -> None:
    script = "setsid sleep 600 & echo $! > daemon.tmp; mv daemon.tmp daemon; exec sleep 600"
    job = jobs.make(["sh", "-c", script])
    supervisor = supervise(job)
    start = started(job)
    daemon = int(wait_for(lambda: text_of(in_trial(job, "daemon"))))
    supervisor.kill()
    supervisor.wait()
    os.kill(start.training.pid, signal.SIGKILL)
    wait_for(lambda: gone(start.training.pid))
    assert liveness([start]) == {start.token: "orphaned"}
    assert ask_to_leave(start, "kill")
    wait_for(lambda: gone(daemon))
    wait_for(lambda: liveness([start]) == {start.token: "dead"})
    assert not ask_to_leave(start, "kill")


# --- the log ---


def test_the_log_is_rotated_and_never_larger_than_its_cap(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["seq", "1", "100000"], log_cap_bytes=100_000)
    supervise(job).wait(30)
    sizes = [in_attempt(job, name).stat().st_size for name in ("output.log", "output.log.1")]
    assert sum(sizes) <= 100_000 and max(sizes) <= 50_000
    assert printed(job).endswith(b"\n99999\n100000\n")
    assert ended(job).log_truncated


def test_a_log_below_its_cap_is_whole(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["seq", "1", "10000"], log_cap_bytes=60_000)
    supervise(job).wait(30)
    assert printed(job) == b"".join(b"%d\n" % n for n in range(1, 10001))
    assert not ended(job).log_truncated


def test_a_log_that_cannot_be_written_does_not_block_the_training(
    jobs: Jobs, supervise: Supervise
) -> None:
    job = jobs.make(["sh", "-c", "seq 1 100000; exit 8"])
    in_attempt(job, "output.log").mkdir()
    supervise(job).wait(30)
    end = ended(job)
    assert end.code == 8 and end.log_truncated


def test_200_mb_without_a_line_end_take_bounded_memory(jobs: Jobs, supervise: Supervise) -> None:
    job = jobs.make(["head", "-c", "200000000", "/dev/zero"], log_cap_bytes=10_000_000)
    supervise(job)
    start = started(job)
    assert start.relay is not None
    peak = 0
    while read_exit(Path(job.attempt_dir), job.token) is None:
        for process in (start.supervisor, start.relay):
            for line in text_of(Path(f"/proc/{process.pid}/status")).splitlines():
                if line.startswith("VmHWM"):
                    peak = max(peak, int(line.split()[1]))
        time.sleep(0.02)
    assert 0 < peak < 20_000, f"{peak} KiB"
    end = ended(job)
    assert end.code == 0 and end.log_truncated
    assert len(printed(job)) == 65536
