"""A world of its own for every test process: settings, directories, tmux server.

Nothing a developer has set decides a result: HOME is an empty directory, TUISWP_* and the variables
that colour or translate output are gone, GPUs are not used unless a test asks for them. Each pytest
process (each worker, under xdist) has a private TUISWP_RUNTIME_DIR and a tmux server of its own
name; at the end that server, and every process the tests left behind, is ended and said.
"""

import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import leftovers, tmuxes

sys.dont_write_bytecode = False  # else each process rewrites the asserts of every module anew

_KEPT = (
    "PATH",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CI",
    "USER",
    "LOGNAME",
    "SHELL",
    "TEXTUAL_SNAPSHOT_TEMPDIR",
)
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
        TUISWP_KMSG="/dev/null",
        TUISWP_RUNTIME_DIR=str(place / "run"),
        TUISWP_TMUX_SOCKET=f"tuiswp-test-{os.getpid()}",
    )
    time.tzset()
    # How long one example takes is the machine's affair; all else is as hypothesis has it here.
    hypothesis.settings.register_profile("ours", hypothesis.settings(deadline=None))
    hypothesis.settings.load_profile("ours")
    leftovers.mark()


def pytest_collection_finish() -> None:
    """What was collected stays: no collection of garbage need look at its millions of objects."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "tmux_version" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("other_tmux") is not None
        metafunc.parametrize("tmux_version", tmuxes.each(marked=marked), indirect=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After the last fixture is torn down: nothing of ours may run any more."""
    config = session.config
    if _PLACE not in config.stash:
        return
    leftovers.end_tmux_server(os.environ["TUISWP_TMUX_SOCKET"])
    left = leftovers.end_processes()
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


@pytest.fixture
def tmux_socket() -> str:
    """The name of this test process's tmux server (`tmux -L NAME`); nobody else uses it."""
    return os.environ["TUISWP_TMUX_SOCKET"]


@pytest.fixture
def tmux_version(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which tmux is the first in PATH for this test; see tests/tmuxes.py."""
    yield from tmuxes.first_in_path(request.param)


def _runs_tests(config: pytest.Config) -> bool:
    """False in the process that only hands tests out to xdist's workers."""
    return hasattr(config, "workerinput") or config.getoption("dist", "no") == "no"
