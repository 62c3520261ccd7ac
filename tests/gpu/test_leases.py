"""Lease files: two controllers race, die, are torn, and never share a GPU by accident."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.leftovers import until_readable
from tuiswp import proc
from tuiswp.gpu import leases as leases_module
from tuiswp.gpu.leases import ABANDONED_S, LAUNCH_GRACE_S, LeaseBook, gone, safe_name
from tuiswp.model.trial import Lease, Process

G0 = Lease("GPU-0000", 0, "G0")
G0_SECOND = Lease("GPU-0000", 1, "G0")
G1 = Lease("GPU-1111", 0, "G1")
TOKEN = "a" * 32


@pytest.fixture
def book(tmp_path: Path) -> LeaseBook:
    return LeaseBook(tmp_path / "leases")


@pytest.fixture
def dead() -> Process:
    """A process that has just ended."""
    with subprocess.Popen(["sleep", "60"]) as child:
        identity = proc.identify(child.pid)
        child.kill()
    assert identity is not None
    return identity


@pytest.fixture
def alive() -> Iterator[Process]:
    """A process without any token."""
    with subprocess.Popen(["sleep", "60"], env={}) as child:
        identity = proc.identify(child.pid)
        assert identity is not None
        yield identity
        child.kill()


def take(
    book: LeaseBook,
    *wanted: Lease,
    token: str = TOKEN,
    sweep: str = "/sweeps/lr",
    attempt_dir: Path | str = "/nowhere",
    owner: Process | None = None,
) -> bool:
    return book.acquire(
        wanted,
        token=token,
        attempt="t0001.1",
        attempt_dir=attempt_dir,
        sweep_dir=sweep,
        owner=owner or proc.myself(),
        promised_mib=4000,
        unaccounted_mib={"GPU-0000": 600},
    )


def age(book: LeaseBook, tmp_path: Path, seconds: float) -> None:
    """Let every lease have been taken that long ago."""
    for lease in book.held():
        path = tmp_path / "leases" / f"{lease.uuid}.{lease.share}"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(lease, at=lease.at - seconds)))


def started(attempt_dir: Path, token: str, supervisor: Process, training: Process) -> Path:
    attempt_dir.mkdir()
    record = {"token": token, "supervisor": supervisor, "training": training, "t": 0, "v": 9}
    (attempt_dir / "start.json").write_bytes(msgspec.json.encode(record))
    return attempt_dir


def test_a_lease_says_who_holds_it_and_is_private(book: LeaseBook, tmp_path: Path) -> None:
    assert take(book, G0, G1)
    first, second = book.held()
    assert (first.uuid, first.share, first.token, first.attempt) == (
        "GPU-0000",
        0,
        TOKEN,
        "t0001.1",
    )
    assert (first.sweep_dir, first.owner) == ("/sweeps/lr", proc.myself())
    assert (first.promised_mib, first.unaccounted_mib) == (4000, 600)
    assert (second.uuid, second.unaccounted_mib) == ("GPU-1111", None)
    files = sorted((tmp_path / "leases").iterdir())
    assert [file.name for file in files] == ["GPU-0000.0", "GPU-1111.0"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_all_or_nothing(book: LeaseBook) -> None:
    assert take(book, G0)
    assert not take(book, G1, G0, token="b" * 32)
    assert [lease.uuid for lease in book.held()] == ["GPU-0000"]


def test_all_or_nothing_holds_when_the_disk_says_no(
    book: LeaseBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        if target.name == "GPU-1111.0":
            raise OSError(28, "No space left on device")
        return real(self, target)

    real = Path.replace
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        take(book, G0, G1)
    assert list((tmp_path / "leases").iterdir()) == []


def test_one_sweep_may_hold_two_shares_of_a_gpu_and_another_sweep_none(book: LeaseBook) -> None:
    assert take(book, G0)
    assert not take(book, G0_SECOND, token="c" * 32, sweep="/sweeps/other")
    assert take(book, G0_SECOND, token="b" * 32)
    assert not take(book, G0_SECOND, token="d" * 32)


def test_releasing_twice_is_harmless_and_frees_only_that_token(book: LeaseBook) -> None:
    take(book, G0)
    take(book, G1, token="b" * 32)
    assert book.release(TOKEN)
    assert book.release(TOKEN)
    assert [lease.token for lease in book.held()] == ["b" * 32]
    assert take(book, G0, token="c" * 32, sweep="/sweeps/other")


def test_taking_again_what_the_token_holds_is_granted(book: LeaseBook) -> None:
    assert take(book, G0)
    assert take(book, G0)


def test_cpu_slots_are_never_written(book: LeaseBook, tmp_path: Path) -> None:
    assert take(book, Lease("cpu", 0, "cpu0"))
    assert take(book, Lease("cpu", 0, "cpu0"), token="b" * 32, sweep="/sweeps/other")
    assert not (tmp_path / "leases").exists()


def test_a_lease_of_another_boot_is_stale(book: LeaseBook) -> None:
    before = Process("another-boot", os.getpid(), 1)
    assert take(book, G0, owner=before)
    assert book.held() == []
    assert take(book, G0, token="b" * 32, sweep="/sweeps/other")


def test_a_lease_stands_while_its_controller_lives(book: LeaseBook, tmp_path: Path) -> None:
    take(book, G0)
    age(book, tmp_path, 10 * LAUNCH_GRACE_S)
    assert len(book.held()) == 1


def test_an_orphaned_launch_has_its_grace_and_then_is_stale(
    book: LeaseBook, tmp_path: Path, dead: Process
) -> None:
    take(book, G0, owner=dead)
    assert len(book.held()) == 1
    assert not take(book, G0, token="b" * 32, sweep="/sweeps/other")
    age(book, tmp_path, LAUNCH_GRACE_S + 1)
    assert book.held() == []


@pytest.mark.parametrize("who", ["supervisor", "training"])
def test_a_live_attempt_keeps_its_lease_without_a_controller(
    book: LeaseBook, tmp_path: Path, dead: Process, alive: Process, who: str
) -> None:
    pair = (alive, dead) if who == "supervisor" else (dead, alive)
    take(book, G0, attempt_dir=started(tmp_path / "attempt", TOKEN, *pair), owner=dead)
    age(book, tmp_path, LAUNCH_GRACE_S + 1)
    assert len(book.held()) == 1


def test_a_leftover_with_the_token_keeps_the_lease(
    book: LeaseBook, tmp_path: Path, dead: Process
) -> None:
    take(book, G0, attempt_dir=started(tmp_path / "attempt", TOKEN, dead, dead), owner=dead)
    with subprocess.Popen(["sleep", "60"], env={"TUISWP_TOKEN": TOKEN}) as leftover:
        try:
            until_readable(leftover)
            assert len(book.held()) == 1
            assert not gone(TOKEN, None)
        finally:
            leftover.kill()
    assert book.held() == []
    assert gone(TOKEN, None)


def test_a_dead_attempt_of_a_dead_controller_is_stale_at_once(
    book: LeaseBook, tmp_path: Path, dead: Process
) -> None:
    take(book, G0, attempt_dir=started(tmp_path / "attempt", TOKEN, dead, dead), owner=dead)
    assert book.held() == []
    assert take(book, G0, token="b" * 32, sweep="/sweeps/other")
    assert [lease.token for lease in book.held()] == ["b" * 32]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 5000, b'{"token": 3}', None])
def test_a_start_record_that_says_nothing_is_no_proof(
    book: LeaseBook, tmp_path: Path, dead: Process, content: bytes | None
) -> None:
    attempt_dir = tmp_path / "attempt"
    attempt_dir.mkdir()
    if content is None:
        os.mkfifo(attempt_dir / "start.json")
    else:
        (attempt_dir / "start.json").write_bytes(content)
    take(book, G0, attempt_dir=attempt_dir, owner=dead)
    assert len(book.held()) == 1, "within the launch grace nothing is taken for dead"


def test_a_start_record_of_another_attempt_is_no_proof(
    book: LeaseBook, tmp_path: Path, dead: Process
) -> None:
    take(book, G0, attempt_dir=started(tmp_path / "attempt", "f" * 32, dead, dead), owner=dead)
    assert len(book.held()) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x00" * 300, b"[" * 9000, b'{"uuid":"GPU-1111"}', b"x" * 100_000]
)
def test_a_damaged_lease_holds_its_gpu_until_it_is_plainly_abandoned(
    book: LeaseBook, tmp_path: Path, content: bytes
) -> None:
    take(book, G1)
    damaged = tmp_path / "leases" / "GPU-0000.0"
    damaged.write_bytes(content)
    (found,) = (lease for lease in book.held() if lease.problem)
    assert (found.uuid, found.share) == ("GPU-0000", 0)
    assert found.problem is not None and str(damaged) in found.problem
    assert not take(book, G0, token="b" * 32)
    then = time.time() - ABANDONED_S - 1
    os.utime(damaged, (then, then))
    assert take(book, G0, token="b" * 32)


def test_what_is_no_regular_file_is_no_lease(book: LeaseBook, tmp_path: Path) -> None:
    folder = tmp_path / "leases"
    folder.mkdir()
    os.mkfifo(folder / "GPU-0000.0")
    (folder / "GPU-1111.0").symlink_to("/etc/passwd")
    (folder / "GPU-2222.0").mkdir()
    (folder / "README.txt").write_text("hands off")
    assert book.held() == []
    assert take(book, G0, G1)
    assert (folder / "README.txt").exists()
    assert Path("/etc/passwd").exists()


def test_a_lease_whose_file_names_another_gpu_is_damaged(book: LeaseBook, tmp_path: Path) -> None:
    take(book, G0)
    (tmp_path / "leases" / "GPU-0000.0").rename(tmp_path / "leases" / "GPU-1111.0")
    (found,) = book.held()
    assert (found.uuid, found.problem is not None) == ("GPU-1111", True)


def test_a_vanished_lease_is_written_again(book: LeaseBook, tmp_path: Path) -> None:
    take(book, G0, G1)
    mine = book.held()
    for file in (tmp_path / "leases").iterdir():
        file.unlink()
    (tmp_path / "leases").rmdir()
    assert book.reassert(mine, owner=proc.myself()) == []
    assert book.held() == mine
    (tmp_path / "leases" / "GPU-0000.0").write_bytes(b"torn")
    assert book.reassert(mine, owner=proc.myself()) == []
    assert book.held() == mine


def test_a_new_controller_takes_over_the_leases_of_the_old_one(
    book: LeaseBook, dead: Process
) -> None:
    take(book, G0, owner=dead)
    assert book.reassert(book.held(), owner=proc.myself()) == []
    assert [lease.owner for lease in book.held()] == [proc.myself()]


def test_a_lease_that_another_sweep_took_meanwhile_is_reported_and_not_taken_back(
    book: LeaseBook,
) -> None:
    take(book, G0)
    mine = book.held()
    book.release(TOKEN)
    take(book, G0, token="b" * 32, sweep="/sweeps/other")
    assert book.reassert(mine, owner=proc.myself()) == mine
    assert [lease.token for lease in book.held()] == ["b" * 32]


def test_a_starting_controller_gives_back_what_it_never_launched(book: LeaseBook) -> None:
    take(book, G0)
    take(book, G0_SECOND, token="b" * 32)
    take(book, G1, token="c" * 32, sweep="/sweeps/other")
    assert book.release_others("/sweeps/lr", {TOKEN})
    assert [lease.token for lease in book.held()] == [TOKEN, "c" * 32]


def test_paths_and_uuids_of_any_bytes_are_held(book: LeaseBook, tmp_path: Path) -> None:
    odd = Lease("MIG-GPU-8932f937-d72c/7/0", 3, "G0.0")
    assert take(book, odd, sweep=os.fsdecode(b"/sweeps/\xff;$(x)"))
    (found,) = book.held()
    assert (found.uuid, found.share) == (odd.uuid, 3)
    (file,) = (tmp_path / "leases").iterdir()
    assert file.parent == tmp_path / "leases"
    assert safe_name("../../etc/x") != safe_name("../../etc-x")
    assert book.release(TOKEN)
    assert book.held() == []


def test_a_lock_that_somebody_keeps_stops_nobody_for_long(
    book: LeaseBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(book, G0)
    monkeypatch.setattr(leases_module, "LOCK_PATIENCE_S", 0.05)
    script = (
        "import fcntl, os, sys; fd = os.open(sys.argv[1], os.O_RDONLY); fcntl.flock(fd, 2);"
        "print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "leases")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert not take(book, G1, token="b" * 32)
        assert not book.release(TOKEN)
        assert len(book.held()) == 1
        holder.kill()
    assert book.release(TOKEN)


RACER = """
import os, sys
from pathlib import Path
from tuiswp import proc
from tuiswp.gpu.leases import LeaseBook
from tuiswp.model.trial import Lease

folder, me, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
book, owner, tries, won = LeaseBook(folder / "leases"), proc.myself(), 0, 0
gpus = [Lease("GPU-0000", 0, "G0"), Lease("GPU-1111", 0, "G1")]
print("ready", flush=True)
sys.stdin.readline()
while tries < rounds or won < rounds // 2:
    tries += 1
    token = f"{me}{tries:031d}"
    if book.acquire(gpus, token=token, attempt="t", attempt_dir="/nowhere",
                    sweep_dir=f"/sweeps/{me}", owner=owner):
        won += 1
        # The proof: this fails if the other process is in here too.
        os.close(os.open(folder / "in-use", os.O_CREAT | os.O_EXCL))
        assert {lease.token for lease in book.held()} == {token}
        os.unlink(folder / "in-use")
        assert book.release(token)
print(tries - won)
"""


def test_two_processes_never_hold_one_gpu(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), me, "200"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for me in "ab"
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    refused = 0
    for racer in racers:
        out, _ = racer.communicate(timeout=60)
        assert racer.returncode == 0, "both held the GPU at once"
        refused += int(out)
    assert refused > 0, "they never met"
    assert LeaseBook(tmp_path / "leases").held() == []


def test_a_lock_on_a_directory_that_was_replaced_meanwhile_does_not_count(
    book: LeaseBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[int] = []

    def lock_and_replace(fd: int, until: float) -> bool:
        if not locked:
            (tmp_path / "leases").rmdir()
            (tmp_path / "leases").mkdir()
        locked.append(os.fstat(fd).st_ino)
        return real(fd, until)

    real = leases_module._flock
    monkeypatch.setattr(leases_module, "_flock", lock_and_replace)
    assert take(book, G0)
    assert len(locked) == 2
    assert len(book.held()) == 1


def test_old_and_new_lease_files_are_readable(book: LeaseBook, tmp_path: Path) -> None:
    take(book, G0)
    path = tmp_path / "leases" / "GPU-0000.0"
    content = msgspec.json.decode(path.read_bytes())
    assert content["v"] == 1
    for optional in ("promised_mib", "at", "unaccounted_mib", "problem", "v"):
        del content[optional]
    path.write_bytes(msgspec.json.encode({**content, "of_tomorrow": True}))
    (found,) = book.held()
    assert (found.problem, found.token) == (None, TOKEN)
