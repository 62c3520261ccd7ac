"""A command is run for a bounded time, and nothing of it goes on."""

import os
import sys
from pathlib import Path

import pytest

from tests.end_to_end.harness import wait_for
from tuiswp.scripts import running
from tuiswp.scripts.running import Ran, run_bounded

pytestmark = pytest.mark.slow


def run(code: str, here: Path, seconds: float = 60) -> Ran:
    return run_bounded([sys.executable, "-c", code], seconds=seconds, cwd=here, env=os.environ)


def test_what_it_says_and_how_it_ends_is_kept(tmp_path: Path) -> None:
    ran = run("import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)", tmp_path)
    assert (ran.out, ran.err, ran.code) == ("a\n", "b\n", 3)
    assert ran.peak_bytes is not None
    assert not ran.overran


def test_a_flood_of_output_neither_blocks_it_nor_fills_memory(tmp_path: Path) -> None:
    ran = run("print('x' * (8 << 20))", tmp_path)
    assert ran.code == 0
    assert len(ran.out) == running.KEPT


def test_what_does_not_end_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "GRACE_S", 0.2)
    mark = tmp_path / "pids"
    (tmp_path / "stays.py").write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(mark)!r}, 'a').write(str(os.getpid()) + ' ')\n"
        "time.sleep(600)\n"
    )
    code = (  # one in its group, one that left it
        "import subprocess, sys\n"
        "for new in (False, True):\n"
        "    subprocess.Popen([sys.executable, 'stays.py'], start_new_session=new)\n"
        "exec(open('stays.py').read())\n"
    )
    ran = run(code, tmp_path, seconds=3)
    assert ran.overran
    pids = mark.read_text().split()
    assert pids
    wait_for(lambda: not [pid for pid in pids if _lives(pid)], what="all of them ended")


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    ran = run_bounded(["./nothing"], seconds=1, cwd=tmp_path, env={})
    assert ran.missing == "No such file or directory"
    assert not ran.overran
