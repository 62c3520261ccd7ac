"""Commands that need not load torch and transformers: a process that has them forks into each.

Loading takes every command of the recipes some seconds, and is the same each time. What runs is
what `python -m MODULE ARGUMENTS` runs: a process of its own with its own arguments, environment and
files, which ends as Python or a signal ends it. The one that forks does nothing but that.
"""

import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARIES = ("torch", "transformers.trainer", "peft")
_LONGEST = 1 << 18  # a request: arguments and environment


class Command:
    """A command that runs; of `subprocess.Popen` what the tests use."""

    def __init__(self, requests: socket.socket, words: Sequence[str], env: Mapping[str, str]):
        self._answers, answers = os.pipe()
        self._out, self._err = (os.memfd_create(name) for name in ("out", "err"))
        request = json.dumps({"words": words, "env": dict(env)}).encode()
        socket.send_fds(requests, [request], [self._out, self._err, answers])
        os.close(answers)
        self.returncode: int | None = None
        self.pid = self._answer(timeout=300)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._answers], [], [], 0)[0]:
            self.returncode = self._answer(timeout=0)
            os.close(self._answers)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 90) -> tuple[str, str]:
        """What it printed and its errors, once it has ended."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            select.select([self._answers], [], [], left)
        return _taken(self._out), _taken(self._err)

    def _answer(self, timeout: float) -> int:
        """The next of the two answers, its pid and its exit code: a line each, written at once."""
        ready, _, _ = select.select([self._answers], [], [], timeout)
        assert ready, "the process that has loaded the libraries does not answer"
        line = b""
        while not line.endswith(b"\n"):
            part = os.read(self._answers, 1)
            assert part, "the process that has loaded the libraries is gone"
            line += part
        return int(line)


def _taken(fd: int) -> str:
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read().decode()


@contextmanager
def commands(env: Mapping[str, str]) -> Iterator[socket.socket]:
    """Where requests go to; `env` is what the libraries see when they are loaded."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        words = [sys.executable, "-m", "tests.recipes.preloaded", str(theirs.fileno())]
        process = subprocess.Popen(words, cwd=ROOT, env=env, pass_fds=[theirs.fileno()])
        theirs.close()
        try:
            yield ours
        finally:
            ours.close()  # it ends
            process.wait(60)


def _serve(requests: socket.socket) -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        request, files, _, _ = socket.recv_fds(requests, _LONGEST, 3)
        if not request:
            return None
        if os.fork() == 0:
            return _wait_for_one(requests, json.loads(request), *files)
        for file in files:
            os.close(file)


def _wait_for_one(
    requests: socket.socket, request: dict[str, object], out: int, err: int, answers: int
) -> None:
    requests.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(answers)
        return _become(request["words"], request["env"], out, err)  # type: ignore[arg-type]
    os.write(answers, f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(answers, f"{code}\n".encode())
    os._exit(0)


def _become(words: list[str], env: dict[str, str], out: int, err: int) -> None:
    """Returns with the command, so that Python ends as it does: exit handlers, threads, code."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.clear()
    os.environ.update(env)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    module, *sys.argv[1:] = words
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
