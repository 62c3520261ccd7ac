"""Where a process stands and what it does, asked of real ones; whom nobody may look at stays so."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import wait_for
from tuiswp import proc
from tuiswp.launchers import stacks
from tuiswp.launchers.base import StartRecord
from tuiswp.launchers.stack_look import Look
from tuiswp.launchers.stacks import STACK, Order, find_py_spy, read_stack, take, where_of
from tuiswp.launchers.vitals import Vitals, family, look, members
from tuiswp.model.trial import Process

pytestmark = pytest.mark.slow

TOKEN = "5" * 32
DEADLOCK = """
import threading
def wait_for_the_other_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
wait_for_the_other_lock()
"""
Run = Callable[..., StartRecord]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start a program as an attempt's training; all of them are gone at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str, stdin: int = subprocess.DEVNULL) -> StartRecord:
        process = subprocess.Popen(
            argv, env={**os.environ, proc.TOKEN_VARIABLE: TOKEN}, stdin=stdin,
            start_new_session=True, cwd=tmp_path,
        )  # fmt: skip
        started.append(process)
        me = proc.identify(process.pid)
        assert me is not None
        return StartRecord(TOKEN, proc.myself(), me, time.time(), proc.hostname())

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def seen(start: StartRecord, tail: bytes = b"") -> Vitals:
    found = look(start, {}, tail)
    assert found is not None
    return found


def python(run: Run, tmp_path: Path, text: str = DEADLOCK) -> StartRecord:
    script = tmp_path / "train.py"
    script.write_text(text)
    start = run(sys.executable, str(script))
    wait_for(lambda: "futex" in seen(start).waits, what="it does not hang yet")
    return start


@pytest.mark.skipif(find_py_spy() is None, reason="py-spy is not installed here")
def test_the_stack_of_a_deadlock_names_its_function(run: Run, tmp_path: Path) -> None:
    start = python(run, tmp_path)
    taking = Look(Order(start, find_py_spy()))
    wait_for(lambda: taking.outcome() is not None)
    stack = taking.outcome()
    taking.close()
    assert stack is not None
    if "py-spy may not look" in stack.text:
        pytest.skip(stack.text)
    assert stack.where == "wait_for_the_other_lock (train.py:6)"
    assert "futex" in stack.text
    assert seen(start).stopped == ""  # nobody stopped it for that


def test_without_py_spy_the_kernel_tells_and_what_to_install(run: Run, tmp_path: Path) -> None:
    stack = take(Order(python(run, tmp_path)))
    assert stack.where == ""
    assert "pip install py-spy" in stack.text
    assert "sleeps in futex" in stack.text


def test_only_the_attempts_own_processes_are_looked_at(run: Run, tmp_path: Path) -> None:
    start = python(run, tmp_path)
    other = StartRecord("6" * 32, start.supervisor, start.training, 0.0, "")
    assert take(Order(other, find_py_spy())).text == ""
    reborn = Process(start.training.boot_id, start.training.pid, start.training.ticks + 1)
    stranger = StartRecord(TOKEN, start.supervisor, reborn, 0.0, "")
    assert take(Order(stranger, find_py_spy())).text == ""
    assert look(stranger, {}, b"") is None


def fake(folder: Path, script: str) -> str:
    program = folder / "py-spy"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_a_refused_look_says_what_allows_it(run: Run, tmp_path: Path) -> None:
    refuses = fake(tmp_path, "echo 'Error: Operation not permitted (os error 1)' >&2; exit 1")
    text = take(Order(python(run, tmp_path), refuses)).text
    assert "py-spy may not look: the kernel" in text
    assert "allows it" in text


def test_a_py_spy_that_hangs_is_given_up(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "PY_SPY_S", 0.3)
    hangs = fake(tmp_path, "exec sleep 600")
    text = take(Order(python(run, tmp_path), hangs)).text
    assert "did not answer within 0.3 s" in text
    assert "what the kernel says" in text


def test_a_look_that_is_closed_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    taking = Look(Order(python(run, tmp_path), fake(tmp_path, f"echo $$ > {pid}; exec sleep 600")))
    wait_for(lambda: pid.exists() and pid.read_text().strip() != "")
    assert taking.outcome() is None
    taking.close()
    wait_for(lambda: proc.start_ticks(int(pid.read_text())) is None)


def test_hostile_names_in_a_stack_act_on_nothing(run: Run, tmp_path: Path) -> None:
    said = r"""printf 'Thread 1 (idle): "MainThread"\n    \033]0;x\007wait (/tmp/a.py:3)\n'"""
    stack = take(Order(python(run, tmp_path), fake(tmp_path, said)))
    assert stack.where == "␛]0;x␇wait (a.py:3)"
    assert "\x1b" not in stack.text
    (tmp_path / STACK).write_bytes(b"head\n\x1b]52;c;x\x07 \xff\n")
    assert read_stack(tmp_path) == ["␛]52;c;x␇ �"]


def test_a_stack_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    assert read_stack(tmp_path) == []
    os.mkfifo(tmp_path / STACK)
    assert read_stack(tmp_path) == []


def test_a_py_spy_that_others_can_write_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
    monkeypatch.setenv("PATH", f"relative:{tmp_path}")
    assert find_py_spy() is None
    program = fake(tmp_path, "true")
    assert find_py_spy() == program
    Path(program).chmod(0o777)
    assert find_py_spy() is None


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("", ""),
        ('Thread 1 (idle): "Other"\n    wait (a.py:3)\n', ""),
        ('Thread 1 (idle): "MainThread"\n    <module> (/tmp/a.py:3)\n', "a.py:3"),
        ('Thread 1 (idle): "MainThread"\n    f (/usr/lib/python3.11/x.py:3)\n', "f (x.py:3)"),
    ],
)
def test_the_main_thread_is_told_in_one_line(said: str, where: str) -> None:
    assert where_of(said) == where


def test_a_stopped_process_and_one_that_works_are_told_apart(run: Run) -> None:
    start = run("sh", "-c", "while :; do :; done")
    before = seen(start)
    wait_for(lambda: (seen(start).cpu_s or 0) > (before.cpu_s or 0))
    os.kill(start.training.pid, signal.SIGSTOP)
    wait_for(lambda: seen(start).states == "T")
    assert f"`kill -CONT {start.training.pid}` lets it go on" in seen(start).stopped


def test_who_waits_for_input_is_seen_by_its_call_and_by_its_prompt(run: Run) -> None:
    leader, follower = pty.openpty()
    try:
        start = run("cat", stdin=follower)
        wait_for(lambda: seen(start).waits != "")
        if seen(start).input == "":  # the call may not be read here, so the prompt has to do
            assert "ends in (Pdb)" in seen(start, b"-> x = 1\r\n(Pdb) ").input
        else:
            assert "waits for input on its terminal" in seen(start).input
    finally:
        os.close(leader)
        os.close(follower)
    sleeper = run("sleep", "600")
    wait_for(lambda: seen(sleeper).waits != "")
    assert seen(sleeper).input == ""
    assert seen(sleeper, b"loss 3 >>>\n").input == ""


def test_what_a_training_started_counts_with_it(run: Run) -> None:
    start = run("sh", "-c", "sleep 600 & sleep 600; wait")
    gone = Process(start.training.boot_id, 2**22 + 1, 1)
    alone = StartRecord(TOKEN, gone, start.training, 0.0, "")
    wait_for(lambda: len(members(alone, family())) == 3)
