"""What a command loads: checked in a process of its own, where a deferred import shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.world import finished

HEAVY = {
    "torch", "transformers", "pandas", "numpy", "scipy", "matplotlib", "optuna", "textual", "rich",
    "libtmux", "psutil", "pynvml",
}  # fmt: skip
CODE = """
import sys
from tuiswp.cli.main import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def loaded(here: Path, *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words],
        cwd=here,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


def test_help_loads_no_library_at_all(here: Path) -> None:
    modules = loaded(here, "--help")
    assert not modules & (HEAVY | {"msgspec", "ruamel.yaml"})


@pytest.mark.parametrize(
    "words", [["status"], ["status", "--json"], [], ["explain", "1"], ["logs", "1"], ["kill", "1"]]
)
def test_looking_at_a_sweep_loads_nothing_heavy(here: Path, words: list[str]) -> None:
    finished(here / "sweeps" / "lr")
    assert not loaded(here, *words) & HEAVY


def test_a_broken_pipe_ends_quietly(here: Path) -> None:
    finished(here / "sweeps" / "lr")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tuiswp.cli.main", "status"],
            stdout=writer,
            stderr=subprocess.PIPE,
            cwd=here,
            env=os.environ.copy(),
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_locale_without_unicode_is_no_fault(here: Path) -> None:
    finished(here / "sweeps" / "lr")
    done = subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", "status"],
        capture_output=True,
        cwd=here,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert done.stdout.isascii()
    assert b"t0003" in done.stdout
