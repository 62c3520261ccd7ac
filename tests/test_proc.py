"""Who a process is, asked of /proc at awkward moments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuiswp import proc
from tuiswp.errors import UsageError

pytestmark = pytest.mark.slow

TOKEN = "b" * 32


def test_a_process_in_the_middle_of_exec_still_has_its_token(tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.write_text('exec sh "$0"\n')  # nearly always in exec, and always the attempt's
    with subprocess.Popen(
        ["sh", again], env={"TUISWP_TOKEN": TOKEN, "PATH": os.environ["PATH"]}
    ) as it:
        try:
            seen = [proc.token_of(it.pid) for _ in range(3000)]
            scans = [TOKEN in proc.with_tokens() for _ in range(5)]
        finally:
            it.kill()
    assert set(seen) == {TOKEN}
    assert all(scans)


def test_a_process_without_any_environment_is_told_at_once() -> None:
    with subprocess.Popen(["sleep", "60"], env={}) as it:
        try:
            while not Path(f"/proc/{it.pid}/cmdline").read_bytes():
                pass
            assert proc.token_of(it.pid) is None
            assert not proc._in_exec(it.pid)
        finally:
            it.kill()


def test_a_zombie_is_not_waited_for() -> None:
    with subprocess.Popen(["true"]) as it:
        while (proc._stat_fields(it.pid) or ["Z"])[0] != "Z":
            pass
        assert not proc._in_exec(it.pid)
        assert proc.token_of(it.pid) is None


def test_a_runtime_directory_that_a_person_named_wrongly_is_the_calls_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "open")
    monkeypatch.chdir(tmp_path)
    for name in ("open", "file", "link", "missing/below", "file/below", "n" * 300):
        monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / name))
        with pytest.raises(UsageError) as refused:
            proc.runtime_dir()
        assert refused.value.exit_code == 2
        assert refused.value.hint
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", "relative")
    with pytest.raises(UsageError, match="absolute"):
        proc.runtime_dir()
    assert not (tmp_path / "relative").exists()


@pytest.mark.parametrize("name", ["a) S (b", "x\ny) Z 1", ") R 1 1", "(((", "\xff\xfe)"])
def test_a_process_may_have_any_name_and_is_the_same_whatever_it_calls_itself(
    name: str,
) -> None:
    renamed = "import sys; open('/proc/self/comm', 'w').write(sys.argv[1]); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", renamed, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as it:
        before = proc.identify(it.pid)
        assert before is not None
        assert it.stdout is not None
        assert it.stdout.readline() == b"\n"
        assert Path(f"/proc/{it.pid}/comm").read_bytes() == name.encode()[:15] + b"\n"
        assert proc.identify(it.pid) == before
        assert proc.is_alive(before)
        it.communicate(b"\n")
    assert not proc.is_alive(before)
