"""A world of its own for every test process: settings, directories, tmux server.

Nothing a developer has set decides a result: HOME is an empty directory, TUISWP_* and the variables
that colour or translate output are gone, GPUs are not used unless a test asks for them. Each pytest
process (each worker, under xdist) has a private TUISWP_RUNTIME_DIR and a tmux server of its own
name; at the end that server, and every process the tests left behind, is ended and said.
"""

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

_MARKER = "TUISWP_TEST_PROCESS"  # inherited by everything a test starts, however deep
_KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CI", "USER", "LOGNAME", "SHELL")
_PLACE = pytest.StashKey[Path]()
_LEFT = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported."""
    if not _runs_tests(config):
        return
    place = Path(tempfile.mkdtemp(prefix="tuiswp-tests-"))
    config.stash[_PLACE] = place
    for name in ("home", "run"):
        (place / name).mkdir(mode=0o700)
    settled = {name: os.environ[name] for name in _KEPT if name in os.environ}
    settled |= {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    os.environ.clear()
    os.environ.update(
        settled,
        HOME=str(place / "home"),
        LC_ALL="C.UTF-8",
        TERM="xterm-256color",
        TZ="UTC",
        GIT_CONFIG_NOSYSTEM="1",
        HF_HUB_OFFLINE="1",
        MPLBACKEND="Agg",
        TUISWP_GPUS="none",
        TUISWP_RUNTIME_DIR=str(place / "run"),
        TUISWP_TMUX_SOCKET=f"tuiswp-test-{os.getpid()}",
    )
    os.environ[_MARKER] = uuid.uuid4().hex


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After the last fixture is torn down: nothing of ours may run any more."""
    config = session.config
    if _PLACE not in config.stash:
        return
    _end_tmux_server(os.environ["TUISWP_TMUX_SOCKET"])
    left = _end_processes(os.environ[_MARKER])
    if hasattr(config, "workeroutput"):
        config.workeroutput["left"] = left
    else:
        config.stash[_LEFT] = left


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of xdist's workers is done: what it found is told by the process that prints."""
    left: list[str] = getattr(node, "workeroutput", {}).get("left", [])
    node.config.stash.setdefault(_LEFT, []).extend(left)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(_LEFT, []):
        terminalreporter.write_line(f"a test left this running, it was ended: {line}", yellow=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    place = config.stash.get(_PLACE, None)
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def runtime_dir() -> Path:
    """The private TUISWP_RUNTIME_DIR of this test process: leases, wake-up FIFOs, launch files."""
    return Path(os.environ["TUISWP_RUNTIME_DIR"])


@pytest.fixture(scope="session")
def tmux_socket() -> str:
    """The name of this test process's tmux server (`tmux -L NAME`); nobody else uses it."""
    return os.environ["TUISWP_TMUX_SOCKET"]


def _runs_tests(config: pytest.Config) -> bool:
    """False in the process that only hands tests out to xdist's workers."""
    return hasattr(config, "workerinput") or config.getoption("dist", "no") == "no"


def _end_tmux_server(name: str) -> None:
    with suppress(FileNotFoundError):  # no tmux here, so no server either
        subprocess.run(["tmux", "-L", name, "kill-server"], capture_output=True, check=False)
    Path(f"/tmp/tmux-{os.getuid()}", name).unlink(missing_ok=True)  # tmux leaves it behind


def _end_processes(marker: str) -> list[str]:
    """Kill what carries our marker and does not leave within a second; what it was, a line each."""
    found = _with_marker(f"{_MARKER}={marker}".encode())
    deadline = time.monotonic() + 1.0
    left = []
    for fd, command in found:
        gone, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        if not gone:
            left.append(command)
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
        os.close(fd)
    return left


def _with_marker(wanted: bytes) -> list[tuple[int, str]]:
    """Every process with `wanted` in its environment: a pidfd, and what to call it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            fd = os.pidfd_open(int(entry.name))  # first, so that the pid cannot become another's
            try:
                ours = wanted in (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                ours = False
            if ours:
                found.append((fd, f"pid {entry.name}: {command.decode('utf-8', 'replace')}"))
            else:
                os.close(fd)
    return found
