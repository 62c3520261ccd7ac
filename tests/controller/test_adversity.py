"""The controller at bad moments: what somebody removes, blocks, stops or asks just then."""

import errno
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.controller.bench import Bench
from tests.end_to_end.harness import tuiswp
from tuiswp import proc
from tuiswp.controller import ending, requests, watching
from tuiswp.controller.client import SweepReader, ask
from tuiswp.controller.directory import Lock
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.journal import JournalReader, read
from tuiswp.controller.loop import DirectoryGone
from tuiswp.controller.offline import apply_offline
from tuiswp.controller.opening import start_in_background
from tuiswp.errors import EnvironmentFault, JournalError, LauncherError, SweepHeld
from tuiswp.launchers.attempt import read_start
from tuiswp.launchers.base import ExitRecord, Firmness, Job, StartRecord
from tuiswp.model.events import AttemptEnded, RequestApplied, Warned
from tuiswp.model.trial import Process

pytestmark = pytest.mark.slow  # long histories of trouble


def facts(bench: Bench, kind: type) -> list[object]:
    return [r.event for r in read(bench.place.journal).records if isinstance(r.event, kind)]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- time and busy loops ---


def test_a_backed_off_trial_that_is_killed_leaves_no_busy_loop(bench: Bench) -> None:
    bench.step()
    bench.vanish(0)
    bench.ask("kill", 0)
    bench.controller._starter._ready_at.update({0: time.monotonic() - 1.0})
    assert bench.controller._timeout() > 0.1


def test_a_paused_sweep_with_a_trial_whose_back_off_is_over_sleeps(bench: Bench) -> None:
    bench.step()
    bench.vanish(0)
    bench.ask("pause")
    bench.controller._starter._ready_at[0] = time.monotonic() - 1.0
    assert bench.controller._timeout() > 0.1


def test_launches_that_fail_again_and_again_are_tried_less_and_less_often(bench: Bench) -> None:
    waits = []
    for _ in range(5):
        bench.launcher.failure = LauncherError("tmux did not answer")
        bench.controller._starter._next_launch = 0.0
        bench.controller._starter._ready_at = dict.fromkeys((0, 1), 0.0)
        bench.step(1)
        status = bench.trials()[0].status
        waits.append(round(status.not_before - status.since))  # type: ignore[union-attr]
    assert waits == [5, 10, 20, 40, 60]


# --- processes that are not ours, or nobody's ---


def test_a_stranger_with_the_supervisors_pid_does_not_keep_a_trial_running(bench: Bench) -> None:
    """After a reboot, or a long time without a controller, the pid is somebody else's."""
    bench.launcher.hold = True
    bench.step(1)
    stranger = Process(proc.boot_id(), os.getpid(), 1)  # this pid, another start
    [first, _] = bench.launcher.jobs
    start = StartRecord(first.token, stranger, stranger, time.time(), "here")
    bench.launcher._attempts[first.token].start = start
    bench.launcher._attempts[first.token].over = True
    from tuiswp.launchers.fake import _write

    _write(first, "start.json", start)
    bench.step()
    assert bench.trials()[0].attempts[0].cause == "unknown"


def test_an_orphan_that_ignores_the_request_is_killed_after_its_grace(bench: Bench) -> None:
    bench.step()
    token = bench.token(0)
    bench.launcher.orphan(token)
    bench.launcher.stubborn.add(token)
    watcher = bench.controller._watcher
    watcher._watches[0].pidfd = None
    watcher._suspicious = True
    bench.step()
    bench.ask("kill", 0)
    assert bench.states()[0] == "running"
    watch = watcher._watches[0]
    assert watch.asked_at is not None
    watch.asked_at -= bench.controller.core.sweep.run.grace_s
    bench.step(1)
    watcher._suspicious = True
    bench.step()
    assert (token, "kill") in bench.launcher.asked
    assert bench.trials()[0].state == "killed"


@pytest.mark.parametrize("bench", ["timeout: 5"], indirect=True)
def test_an_orphan_is_held_to_the_timeout_its_supervisor_cannot_keep(bench: Bench) -> None:
    bench.step()
    bench.launcher.orphan(bench.token(0))  # a fake training started with the machine
    for _ in range(2):
        bench.controller._watcher._suspicious = True
        bench.step()
    assert (bench.trials()[0].state, bench.trials()[0].cause) == ("failed", "timeout")


def test_a_launch_given_up_late_is_revoked_before_it_is_looked_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.launcher.hold = True
    bench.step(1)
    order: list[str] = []

    def revoke(token: str) -> bool:
        order.append("revoke")
        return True

    def find(tokens: set[str]) -> set[str]:
        order.append("find")
        return set()

    monkeypatch.setattr(bench.launcher, "revoke", revoke)
    monkeypatch.setattr(bench.launcher, "find", find)
    for watch in bench.controller._watcher._watches.values():
        watch.since -= 60.0
    bench.controller._watcher._suspicious = True
    bench.step(1)
    assert order == ["revoke", "revoke", "find"]


def test_a_window_that_dies_before_its_supervisor_costs_no_retry_but_not_for_ever(
    bench: Bench,
) -> None:
    """The tmux server was killed as the window opened; or no window ever works."""
    bench.launcher.hold = True
    retries = []
    for _ in range(4):
        bench.controller._starter._ready_at = dict.fromkeys((0, 1), 0.0)
        bench.step(1)
        for watch in bench.controller._watcher._watches.values():
            watch.since -= 60.0
        bench.controller._watcher._suspicious = True
        bench.controller._watcher.check()
        retries.append(bench.trials()[0].retries)
    assert retries == [0, 0, 0, 1]


# --- requests at bad moments ---


def test_a_kill_of_a_launch_that_never_began_is_kept_over_a_crash(bench: Bench) -> None:
    bench.launcher.hold = True
    bench.step(1)
    bench.ask("kill", 0)
    bench.crash()
    assert bench.trials()[0].state == "killed"
    assert bench.trials()[1].state == "queued"


def test_a_restart_is_kept_when_the_trial_ends_by_itself_just_then(bench: Bench) -> None:
    bench.step()
    bench.launcher.stubborn.add(bench.token(0))
    bench.ask("restart", 0)
    bench.finish(0, 1.0)
    assert bench.trials()[0].state in ("queued", "running")


def test_a_resume_while_the_trial_is_still_being_paused_is_kept(bench: Bench) -> None:
    bench.step()
    token = bench.token(0)
    bench.launcher.stubborn.add(token)
    bench.ask("pause", 0)
    assert bench.ask("resume", 0).outcome == "t0000 is still being stopped and starts again then"
    bench.launcher.finish(token, signal=15, requested="terminate")
    bench.step()
    assert bench.trials()[0].state in ("queued", "running")


def test_a_stop_ends_a_paused_sweep(bench: Bench) -> None:
    bench.step()
    bench.ask("pause")
    bench.ask("stop", now=True)
    assert bench.controller.left == "finished"


def test_a_stop_ends_a_sweep_with_a_paused_trial_and_leaves_it_paused(bench: Bench) -> None:
    bench.step()
    bench.ask("pause", 0)
    bench.ask("stop", now=True)
    assert bench.controller.left == "finished"
    assert bench.states()[0] == "paused"


def test_a_stop_holds_for_a_trial_that_was_asked_for_before_it(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 1.0, code=1)
    bench.ask("restart", 0)
    bench.ask("stop", now=True)
    assert bench.launcher.alive_tokens == set()
    assert bench.controller.left == "finished"
    assert bench.trials()[0].state == "queued"
    bench.new()
    assert bench.ask("restart", 0).ok
    assert bench.states()[0] == "running"


def test_a_directory_among_the_requests_hides_none_and_leaks_nothing(bench: Bench) -> None:
    bench.step()
    (bench.place.requests / "0.json").mkdir()
    before = descriptors()
    assert bench.ask("kill", 0).ok
    bench.step(10)
    assert descriptors() <= before  # fewer when an earlier test is collected just then


def test_a_request_is_put_although_its_folder_was_removed(bench: Bench) -> None:
    bench.step()
    bench.place.requests.rmdir()
    assert bench.ask("kill", 0).ok


def test_what_a_dying_controller_applied_is_not_applied_again(bench: Bench) -> None:
    bench.step()
    bench.finish(0, 1.0)
    request = requests.new_request("restart", (0,))
    requests.submit(bench.place, request)
    bench.controller._applier.apply_all()
    bench.controller.core.journal.close()
    assert apply_offline(bench.place, request).ok
    assert len(facts(bench, RequestApplied)) == 1
    bench.new()


def test_asking_waits_for_a_controller_that_is_just_leaving(bench: Bench) -> None:
    bench.step()
    bench.controller._left = "interrupted"
    bench.controller.close()
    lock = Lock(bench.place)  # its last words are written, its lock is still held
    threading.Timer(0.3, lock.release).start()
    assert ask(bench.place, requests.new_request("pause")).ok
    bench.new()


# --- what somebody removes, replaces or fills ---


def test_a_removed_journal_is_put_back_whole(bench: Bench) -> None:
    bench.step()
    before = bench.place.journal.read_bytes()
    bench.place.journal.unlink()
    bench.step()
    assert bench.place.journal.read_bytes() == before
    bench.finish(0, 1.0)
    assert bench.place.journal.read_bytes().startswith(before)
    assert bench.crash().core.state.trials[0].state == "done"


def test_a_flood_of_requests_keeps_nobody_from_watching_and_what_is_set_aside_is_bounded(
    bench: Bench,
) -> None:
    bench.step()
    for n in range(300):
        (bench.place.requests / f"{n:020d}-junk.json").write_text("{")
    asked = requests.new_request("pause")
    requests.submit(bench.place, asked)
    bench.step(1)
    left = len(list(bench.place.requests.glob("*.json")))
    assert left == 301 - requests.MOST
    assert bench.controller._timeout() == 0.0
    bench.step(5)
    assert not list(bench.place.requests.glob("*.json"))
    assert len(list(bench.place.requests.iterdir())) == requests.MOST_REJECTED
    assert bench.controller._timeout() > 0.0
    assert bench.controller.core.state.paused is not None


def test_what_holds_the_controller_up_is_seen_by_who_asks_and_gone_when_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal cannot say that the journal cannot be written."""
    bench.step()

    def refuse(fd: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    bench.controller._next_probe = 0.0
    with monkeypatch.context() as disk:
        disk.setattr(os, "fdatasync", refuse)
        with pytest.raises(JournalError, match="could not be written now") as told:
            bench.step()
        bench.controller._tell(str(told.value))
    seen = SweepReader(bench.place.root).refresh().trouble
    assert seen is not None
    assert "the controller is held up" in seen
    assert "Disk quota exceeded" in seen
    bench.controller._tell(None)
    assert SweepReader(bench.place.root).refresh().trouble is None


@pytest.mark.parametrize(
    ("flag", "blocks", "names", "said"),
    [
        (os.ST_RDONLY, 10**6, 10**6, "the disk is read-only"),
        (0, 3, 10**6, "the disk is full (12 KiB free)"),
        (0, 10**6, 2, "the disk takes no more files (2 inodes free)"),
    ],
)
def test_a_disk_without_room_stops_launching_before_a_launch_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, flag: int, blocks: int, names: int, said: str
) -> None:
    room = os.statvfs_result((4096, 4096, 10**6, blocks, blocks, 10**6, names, names, flag, 255))
    with monkeypatch.context() as disk:
        disk.setattr(os, "statvfs", lambda _: room)
        bench.step()
        assert bench.trials() == []
        assert said in (bench.controller.waiting or "")
        assert said in (SweepReader(bench.place.root).refresh().trouble or "")
        bench.step()
    assert len(facts(bench, Warned)) == 1
    bench.step()
    assert bench.states() == ["running", "running"]


def test_a_disk_that_takes_seconds_to_sync_is_said_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fdatasync
    ahead = [0.0]
    monotonic = time.monotonic

    def slow(fd: int) -> None:
        sync(fd)
        ahead[0] += 5.0

    monkeypatch.setattr(os, "fdatasync", slow)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + ahead[0])
    bench.step(6)
    told = [one for one in facts(bench, Warned) if isinstance(one, Warned)]
    assert [one.code for one in told] == ["slow-disk"]
    assert "it took 5.0 s until a fact was on the disk" in told[0].message


@pytest.mark.parametrize("how", ["cut", "written"])
def test_a_journal_that_somebody_else_changes_is_not_written(bench: Bench, how: str) -> None:
    """A second controller on a disk whose locks do not hold, or `: > journal.jsonl`."""
    bench.step()
    data = bench.place.journal.read_bytes()
    changed = data[: len(data) // 2] if how == "cut" else data + b"another's fact\n"
    bench.place.journal.write_bytes(changed)
    with pytest.raises(JournalError, match=f"was {how} by somebody else"):
        bench.step()
    assert bench.place.journal.read_bytes() == changed
    bench.place.journal.write_bytes(data)  # as a backup would put it back
    bench.step()


def test_a_replaced_journal_is_not_written(bench: Bench) -> None:
    bench.step()
    copy = bench.place.journal.read_bytes()
    bench.place.journal.unlink()
    bench.place.journal.write_bytes(copy)
    with pytest.raises(JournalError, match="replaced"):
        bench.controller.step()
    assert bench.place.journal.read_bytes() == copy
    bench.crash()


def test_a_directory_in_place_of_the_journal_is_said_and_leaks_nothing(tmp_path: Path) -> None:
    before = descriptors()
    for _ in range(3):
        with pytest.raises(EnvironmentFault, match="not a regular file"):
            read(tmp_path)
        assert list(JournalReader(tmp_path).poll()) == []
    assert descriptors() <= before  # fewer when an earlier test is collected just then


def test_a_moved_sweep_directory_is_left_before_anything_is_concluded(bench: Bench) -> None:
    bench.step()
    bench.launcher.finish(bench.token(0))
    there = bench.place.root.rename(bench.place.root.with_name("elsewhere"))
    with pytest.raises(DirectoryGone, match="moved or removed"):
        bench.controller.run()
    assert bench.controller.core.state.trials[0].state == "running"
    there.rename(bench.place.root)
    assert bench.new().core.state.trials[0].state == "done"


def test_a_fault_of_the_machine_ends_no_controller(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No descriptor is left, a directory cannot be listed: it waits and goes on."""
    controller = bench.controller
    calls: list[float] = []

    def sick() -> None:
        calls.append(time.monotonic())
        if len(calls) == 1:
            raise OSError(24, "Too many open files")
        controller.interrupt()

    monkeypatch.setattr(controller._places, "tick", sick)
    monkeypatch.setattr("tuiswp.controller.loop.TROUBLE_S", 0.01)
    assert controller.run() == "interrupted"
    assert len(calls) == 2
    bench.new()


def test_a_launch_that_fails_on_a_full_disk_costs_the_trials_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Intent durable, then no room: neither for params.json nor to say so."""
    core = bench.controller.core
    record = core.record
    room = iter([True])

    def until_full(*events: object) -> None:
        if events and not next(room, False):
            raise JournalError("cannot be written: No space left on device")
        record(*events)  # type: ignore[arg-type]

    with monkeypatch.context() as disk:
        disk.setattr(core, "record", until_full)
        bench.place.trials.rename(bench.place.root / "aside")
        with pytest.raises(JournalError):
            bench.controller.step()
    (bench.place.root / "aside").rename(bench.place.trials)
    bench.step(1)
    assert [trial.retries for trial in bench.trials()[:2]] == [0, 0]
    assert {trial.attempts[0].cause for trial in bench.trials()[:2]} == {"launch-error"}


def test_a_best_that_could_not_be_written_is_written_when_there_is_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(content: object) -> None:
        raise OSError(28, "No space left on device")

    bench.step()
    with monkeypatch.context() as disk:
        disk.setattr(bench.controller.core, "write_best", full)
        bench.finish(0, 1.0)
        assert not bench.place.best.exists()
    bench.step()
    assert b'"x": 1' in bench.place.best.read_bytes()


def test_a_best_that_a_crash_kept_from_being_written_is_written_by_the_next_controller(
    bench: Bench,
) -> None:
    bench.step()
    bench.finish(0, 1.0)
    bench.place.best.unlink()
    bench.crash().step()
    assert bench.place.best.exists()


def test_a_full_wake_up_pipe_does_not_stop_the_signal_to_leave(bench: Bench) -> None:
    fd = bench.controller._wake.fd
    with pytest.raises(BlockingIOError):
        while True:
            os.write(fd, b"x" * 4096)
    bench.controller.interrupt(signal.SIGTERM)
    assert bench.controller.left == "interrupted"
    assert bench.launcher.hurried


@pytest.mark.parametrize("by", ["removed", "replaced"])
def test_a_wake_up_pipe_that_somebody_tidies_away_is_made_anew_and_heard(
    bench: Bench, by: str
) -> None:
    fd = bench.controller._wake.fd
    bench.place.wake.unlink()
    if by == "replaced":
        bench.place.wake.write_text("")
    bench.step()
    assert bench.controller._wake.fd == fd  # a signal may come at any moment
    bench.controller._sleep(0)  # what began to run has said so
    assert bench.controller._selector.select(0) == []
    requests.wake(bench.place.wake)
    [(key, _)] = bench.controller._selector.select(0)
    assert key.data == "wake"
    bench.controller._sleep(0)
    assert bench.controller._selector.select(0) == []


def test_a_metrics_file_that_grows_without_end_does_not_hold_the_loop(bench: Bench) -> None:
    bench.step()
    line = '{"step": 1, "loss": 1.0, "pad": "' + "x" * 4000 + '"}\n'
    path = bench.place.metrics(0)
    writer = subprocess.Popen(["sh", "-c", f"exec yes '{line.strip()}' > {path}"])
    try:
        while not path.exists() or path.stat().st_size < 1 << 20:
            time.sleep(0.01)
        began = time.monotonic()
        bench.step(2)
        assert time.monotonic() - began < 3.0
    finally:
        writer.kill()
        writer.wait()
    path.unlink()


def test_waits_after_failed_launches_are_counted_in_a_row(bench: Bench) -> None:
    bench.step()
    assert ending.launch_back_off(bench.trials()[0]) == ending.BACKOFF_S


def test_a_frozen_sweep_is_read_where_the_current_directory_was_removed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell may stand in a folder that another one removed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert frozen_sweep(bench.place).run.cwd == str(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it is left running
def test_controllers_started_at_the_same_time_end_up_as_one(bench: Bench) -> None:
    """Two restarts typed in two windows: neither person sees an error."""
    bench.step()
    bench.ask("pause")
    bench.launcher.finish(bench.token(0))
    bench.launcher.finish(bench.token(1))
    bench.controller._left = "interrupted"
    bench.controller.close()
    with ThreadPoolExecutor(3) as several:
        pids = set(several.map(lambda _: start_in_background(bench.place), range(3)))
    [pid] = pids
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 10
    while proc.start_ticks(pid) is not None:
        assert time.monotonic() < until
        time.sleep(0.01)  # a poll for its end
    bench.new()


@pytest.mark.slow
def test_what_keeps_a_sweep_for_long_is_said(bench: Bench) -> None:
    bench.controller._left = "interrupted"
    bench.controller.close()
    lock = Lock(bench.place)
    try:
        with pytest.raises(SweepHeld):
            start_in_background(bench.place)
    finally:
        lock.release()
    bench.new()


@pytest.mark.parametrize("bench", ["gpus_per_trial: 4"], indirect=True)
def test_a_sweep_that_fits_no_machine_like_this_says_so_once_and_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.controller._left = "interrupted"
    bench.controller.close()
    monkeypatch.setenv("TUISWP_GPUS", "sim:2x80")
    bench.new(batch=True)
    bench.step(5)
    bench.crash()
    bench.step(5)
    [warned] = facts(bench, Warned)
    assert isinstance(warned, Warned)
    assert warned.code == "never-fits"
    assert "another --name" in warned.message
    assert bench.controller.left is None


def fill_disk(patch: pytest.MonkeyPatch) -> None:
    """The journal's last block has room for some records; no new file has, exit.json neither."""
    write = os.write

    def refuse(fd: int, data: bytes) -> int:
        if Path(f"/proc/self/fd/{fd}").readlink().name == "journal.jsonl":
            return write(fd, data)
        raise OSError(28, "No space left on device")

    patch.setattr(os, "write", refuse)


@pytest.mark.parametrize("bench", ["grace_s: 1"], indirect=True)
@pytest.mark.parametrize(("verb", "trials"), [("kill", (0,)), ("stop", ())])
@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_full_disk_is_told_at_once_to_who_asks_without_a_controller(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    verb: requests.Verb,
    trials: tuple[int, ...],
    meanwhile: bool,
) -> None:
    bench.step()
    bench.controller._left = "interrupted"
    bench.controller.close()
    bench.launcher.stubborn.update((bench.token(0), bench.token(1)))  # their end cannot be written
    monkeypatch.setattr("tuiswp.controller.offline.launcher_for", lambda _: bench.launcher)
    request = requests.new_request(verb, trials, now=verb == "stop")
    began = time.monotonic()
    with monkeypatch.context() as disk:
        if meanwhile:
            leave = bench.launcher.ask_to_leave

            def last_room_is_gone(start: StartRecord, firmness: Firmness) -> bool:
                fill_disk(disk)
                return leave(start, firmness)

            disk.setattr(bench.launcher, "ask_to_leave", last_room_is_gone)
        else:
            fill_disk(disk)
        with pytest.raises(JournalError, match="No space left on device; make room"):
            ask(bench.place, request)
    assert time.monotonic() - began < 2.0
    assert not list(bench.place.root.glob(".room*"))
    bench.new()


# --- what a training writes about itself ---


def test_an_end_that_is_written_while_the_training_lives_is_not_believed(bench: Bench) -> None:
    bench.step()
    token = bench.token(0)
    start = read_start(bench.place.attempt(0, 1), token)
    assert start is not None
    with subprocess.Popen(["sleep", "60"]) as training:
        try:
            lives = replace(start, training=proc.identify(training.pid))
            (bench.place.attempt(0, 1) / "start.json").write_bytes(msgspec.json.encode(lives))
            bench.launcher._attempts[token].start = lives
            bench.controller = bench.crash()
            forged = ExitRecord(token, 0, None, None, start.t, start.t, 0.0)
            (bench.place.attempt(0, 1) / "exit.json").write_bytes(msgspec.json.encode(forged))
            bench.step()
            assert bench.states()[0] == "running"
        finally:
            training.kill()
    bench.step()
    assert bench.states()[0] == "done"  # now nobody can tell


def test_a_trial_whose_directory_is_removed_says_so_and_blames_no_killed_supervisor(
    bench: Bench,
) -> None:
    bench.step()
    shutil.rmtree(bench.place.trial(0))
    bench.vanish(0)
    (ended,) = [e for e in facts(bench, AttemptEnded) if isinstance(e, AttemptEnded)]
    assert ended.cause == "unknown" and "directory was removed" in ended.evidence


# --- a journal that has forgotten ---


@pytest.mark.parametrize("left", [0, 3])
def test_nothing_is_launched_over_trials_that_the_journal_has_forgotten(
    bench: Bench, left: int
) -> None:
    """Emptied, or an older copy put back: new trials would be given the reports of old ones."""
    bench.step()
    bench.finish(0, 0.5)
    bench.controller.core.journal.close()
    lines = bench.place.journal.read_bytes().splitlines(keepends=True)
    bench.place.journal.write_bytes(b"".join(lines[:left]))
    run = tuiswp("--batch", bench.place.root, cwd=bench.place.root.parent)
    assert (run.returncode, "knows nothing of what ran as t0000" in run.stderr) == (1, True)
    assert read(bench.place.journal).end == sum(map(len, lines[:left]))
    bench.place.journal.write_bytes(b"".join(lines))
    bench.controller = bench.new()


def test_metrics_that_are_there_and_cannot_be_read_are_not_called_missing(bench: Bench) -> None:
    bench.step()
    elsewhere = bench.place.root / "elsewhere"
    elsewhere.write_text('{"step": 1, "loss": 0.5}\n')
    bench.place.metrics(0).symlink_to(elsewhere)
    bench.finish(0)
    said = [event.message for event in facts(bench, Warned) if isinstance(event, Warned)]
    assert any("metrics.jsonl: is a link, or no plain file" in one for one in said)


def test_a_start_record_that_cannot_be_believed_is_not_called_no_start(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LAUNCH_DEADLINE_S", 0.0)
    begin = bench.launcher.start

    def spoilt(jobs: Sequence[Job]) -> None:
        begin(jobs)
        for job in jobs:
            Path(job.attempt_dir, "start.json").write_text("{}")
            bench.launcher.vanish(job.token)

    monkeypatch.setattr(bench.launcher, "start", spoilt)
    bench.step()
    bench.controller._watcher._suspicious = True
    bench.step()
    ended = [event for event in facts(bench, AttemptEnded) if isinstance(event, AttemptEnded)]
    assert ended and all("start.json cannot be read" in one.evidence for one in ended)
