"""The states of one machine in which a person still asks where the sweep stands.

A `State` changes a copy of a sweep that ran (`prepare`) and the process that asks (`enter`, in the
child, before anything else). `ask` runs one command in such a process and measures it.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tuiswp import proc
from tuiswp.cli.main import main
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import Journal
from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    ControllerStarted,
    TrialSuggested,
    Warned,
)
from tuiswp.model.trial import Lease, Process

PATIENCE_S = 60  # a command that takes so long hangs
# With which each command may leave, beside the codes of `status`: doctor says 1, verify 3, where
# something is not as it should be.
CODES: dict[str, tuple[int, ...]] = {
    "status": (),
    "status --json": (),
    "results": (0, 2),
    "explain": (0,),
    "explain 1": (0, 2),
    "logs 1": (0, 2),
    "verify": (0, 3),
    "gpus": (0, 2),
    "doctor": (0, 1),
}
GPU_STANDIN = Path(__file__).parents[1] / "gpu" / "fakenvml.c"


class Place(NamedTuple):
    """A copy of a sweep that ran, a folder to make things in, and what has to be undone."""

    sweep: Path
    folder: Path


class State(NamedTuple):
    """`codes`: those with which `status` may leave. `needs`: what this machine must have.

    `inside`: it does not outlive an exec, or nobody could exec in it.
    """

    name: str
    prepare: Callable[[Place], None] = lambda _: None
    enter: Callable[[Place], None] = lambda _: None
    codes: tuple[int, ...] = (0,)
    needs: str = ""
    big: bool = False
    inside: bool = False


class Answer(NamedTuple):
    """`code` is negative if the command had to be ended. `wall_s`, `cpu_s`: what it took."""

    code: int
    wall_s: float
    cpu_s: float
    said: str


def ask(command: str, state: State, place: Place, *, anew: bool = False) -> Answer:
    """Run `tuiswp COMMAND` in `state`, in a forked process; `anew`: by a new interpreter."""
    argv = words(command, place)
    said = place.folder / "said"
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for fd, source in ((0, nothing), (1, out), (2, out)):
                os.dup2(source, fd)
            os.closerange(3, 256)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
            state.enter(place)
            if anew and not state.inside:
                os.execv(sys.executable, [sys.executable, "-P", "-m", "tuiswp.cli.main", *argv])
            sys.stdin, sys.stdout, sys.stderr = (_stream(fd) for fd in (0, 1, 2))
            code = main(argv)
        finally:
            os._exit(code)
    _, status, used = os.wait4(pid, 0)
    return Answer(
        os.waitstatus_to_exitcode(status),
        time.monotonic() - began,
        used.ru_utime + used.ru_stime,
        said.read_text(errors="replace"),
    )


def words(command: str, place: Place) -> tuple[str, ...]:
    """`explain 1` → explain SWEEP 1, where the command is about a sweep."""
    verb, *rest = command.split()
    return (verb, *rest) if verb in ("gpus", "doctor") else (verb, str(place.sweep), *rest)


def as_documented(command: str, state: State, answer: Answer) -> bool:
    return answer.code in (*CODES[command], *state.codes) and not any(
        one in answer.said for one in ("fault of tuiswp", "Traceback")
    )


def _stream(fd: int):  # type: ignore[no-untyped-def]
    """As Python itself opens it: None where there is no such descriptor."""
    try:
        return os.fdopen(fd, "r" if fd == 0 else "w", errors="backslashreplace", closefd=False)
    except OSError:
        return None


@contextmanager
def placed(ran: Path, folder: Path, state: State) -> Iterator[Place]:
    """A place in `state`; what was mounted, stopped or forbidden for it is undone."""
    folder.mkdir(parents=True)
    place = Place(folder / "sweep", folder)
    shutil.copytree(ran, place.sweep)
    try:
        state.prepare(place)
        yield place
    finally:
        for mount in sorted(folder.glob("mount*")):
            subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
        for pid in folder.glob("pid-*"):
            os.kill(int(pid.name[4:]), signal.SIGKILL)
            os.waitpid(int(pid.name[4:]), 0)
        with suppress(OSError):
            place.sweep.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def missing(state: State) -> str | None:
    """Why a state cannot be had here; None if it can."""
    match state.needs:
        case "mount":
            return None if can_mount() else "nothing can be mounted here: not root"
        case "cc":
            return None if shutil.which("gcc") else "no C compiler"
    return None


def can_mount() -> bool:
    """Whether this process may mount a file system of its own, tried on an empty folder."""
    if os.getuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder],
            check=False,
            capture_output=True,
        )
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=False)
        return done.returncode == 0


# --- the sweep ---


def _more_facts(trials: int, warnings: int = 0) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        journal = Journal(place.sweep / "journal.jsonl")
        nobody = Process(proc.boot_id(), 2**22 + 1, 1)
        events: list[TrialSuggested | AttemptLaunching | AttemptStarted | AttemptEnded | Warned]
        events = [Warned(f"code-{n}", "w" * 40) for n in range(warnings)]
        for n in range(3, 3 + trials):
            token = f"{n:032x}"
            events += [
                TrialSuggested(n, {"x": 1}, f"k{n}", "grid"),
                AttemptLaunching(n, 1, token, (Lease("cpu", 0, "cpu0"),), proc.hostname()),
                AttemptStarted(n, 1, nobody, nobody),
                AttemptEnded(n, 1, "done", "exit 0", "done", code=0, value=float(n)),
            ]
        journal.append(events, at=time.time())
        journal.close()

    return prepare


def _live(place: Place, process: Process, host: str) -> None:
    """A controller and a running trial by the journal."""
    journal = Journal(place.sweep / "journal.jsonl")
    journal.append(
        [
            ControllerStarted(process, host, "0"),
            TrialSuggested(3, {"x": 1}, "k3", "grid"),
            AttemptLaunching(3, 1, "a" * 32, (), host),
            AttemptStarted(3, 1, process, process),
        ],
        at=time.time(),
    )
    journal.close()


def _stopped_controller(place: Place) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            signal.pause()
        finally:
            os._exit(0)
    os.kill(pid, signal.SIGSTOP)
    (place.folder / f"pid-{pid}").touch()
    process = proc.identify(pid)
    assert process is not None
    _live(place, process, proc.hostname())


def _elsewhere(place: Place) -> None:
    _live(place, Process("a boot of another host", 7, 1), "another-host")


def _huge_metrics(bytes_: int) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        _stopped_controller(place)
        folder = SweepDirectory(place.sweep).trial(3)
        (folder / "attempts" / "1").mkdir(parents=True)
        block = b"".join(b'{"step": %d, "loss": 0.5, "lr": 1e-3}\n' % n for n in range(20_000))
        with (folder / "metrics.jsonl").open("wb") as file:
            for _ in range(bytes_ // len(block)):
                file.write(block)

    return prepare


def _journal(change: Callable[[Path], object]) -> Callable[[Place], None]:
    return lambda place: (change(place.sweep / "journal.jsonl"), None)[1]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _many_requests(place: Place) -> None:
    for n in range(10_000):
        (place.sweep / "requests" / f"{n:020d}-00000000.json").write_bytes(b"{}")


def _mounted(options: str, *, fill: bool = False) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        mount = place.folder / "mount"
        mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", mount], check=True)
        shutil.move(place.sweep, mount / "sweep")
        place.sweep.symlink_to(mount / "sweep")
        if fill:
            with suppress(OSError), (mount / "full").open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        if options:
            subprocess.run(["mount", "-o", f"remount,{options}", mount], check=True)

    return prepare


# --- the process that asks ---


def _variables(*gone: str, **set_to: str) -> Callable[[Place], None]:
    def enter(_: Place) -> None:
        for name in gone:
            os.environ.pop(name, None)
        os.environ.update(set_to)

    return enter


def _path_with(script: str | None) -> tuple[Callable[[Place], None], Callable[[Place], None]]:
    """A PATH that holds nothing but, perhaps, another tmux."""

    def prepare(place: Place) -> None:
        (place.folder / "bin").mkdir()
        if script is not None:
            (place.folder / "bin" / "tmux").write_text(script)
            (place.folder / "bin" / "tmux").chmod(0o755)

    def enter(place: Place) -> None:
        os.environ["PATH"] = str(place.folder / "bin")

    return prepare, enter


def _nvml(prepare_more: str) -> tuple[Callable[[Place], None], Callable[[Place], None]]:
    def prepare(place: Place) -> None:
        library = place.folder / "libnvidia-ml.so.1"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, GPU_STANDIN], check=True)
        (place.folder / "nvml").write_text(prepare_more)

    def enter(place: Place) -> None:
        os.environ.pop("TUISWP_GPUS", None)
        os.environ.update(LD_LIBRARY_PATH=str(place.folder), FAKENVML=str(place.folder / "nvml"))

    return prepare, enter


def _slow(seconds: float) -> tuple[Callable[[Place], None], Callable[[Place], None]]:
    """Every fsync and fdatasync takes so long. Only for a process of its own."""

    def enter(_: Place) -> None:
        for name in ("fsync", "fdatasync"):
            setattr(os, name, _after(seconds, getattr(os, name)))

    return (lambda _: None), enter


def _after(seconds: float, call: Callable[[int], None]) -> Callable[[int], None]:
    def waited(fd: int) -> None:
        time.sleep(seconds)
        call(fd)

    return waited


def _limits(**limits: int) -> Callable[[Place], None]:
    def enter(_: Place) -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    return enter


def _gone_directory(place: Place) -> None:
    folder = place.folder / "gone"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()


def _unreadable(place: Place) -> None:
    place.sweep.chmod(0)


def _without_rights(_: Place) -> None:
    """Root reads everything; without its capabilities it is somebody like all others."""
    if os.getuid() == 0:
        import ctypes

        PR_CAPBSET_DROP, CAP_LAST = 24, 40
        libc = ctypes.CDLL(None)
        for capability in range(CAP_LAST + 1):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)


def _full(fd: int) -> Callable[[Place], None]:
    def enter(_: Place) -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), fd)

    return enter


def _closed(*fds: int) -> Callable[[Place], None]:
    def enter(_: Place) -> None:
        for fd in fds:
            os.close(fd)

    return enter


def _broken_pipe(_: Place) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    os.close(writing)


STATES: tuple[State, ...] = (
    State("as it is"),
    State("no tmux", *_path_with(None)),
    State("a tmux that hangs", *_path_with("#!/bin/sh\nexec /bin/sleep 100\n")),
    State("an NVML that hangs at its start", *_nvml("hang-init 1\n"), needs="cc"),
    State("an NVML that hangs later", *_nvml("count 2\ngpu 0 hang 1\n"), needs="cc"),
    State("a full disk", _mounted("", fill=True), needs="mount"),
    State("a read-only disk", _mounted("ro"), needs="mount"),
    State("a disk that takes 5 s to sync", *_slow(5.0), inside=True),
    State("a damaged journal", _journal(_flip)),
    State("no journal", _journal(Path.unlink)),
    State("an empty journal", _journal(lambda path: path.write_bytes(b""))),
    State("a torn journal", _journal(lambda path: os.truncate(path, path.stat().st_size - 7))),
    State("a FIFO for a journal", _journal(_fifo), codes=(0, 1)),
    State("200,000 facts", _more_facts(1_000, 196_000), big=True),
    State("10,000 trials", _more_facts(10_000), big=True),
    State("a stopped controller", _stopped_controller),
    State("a sweep of another host", _elsewhere),
    State("10,000 requests", _many_requests, big=True),
    State("100 MB of metrics", _huge_metrics(100 << 20), big=True),
    State("no right to read it", _unreadable, _without_rights, codes=(1, 2), inside=True),
    State("the current directory removed", enter=_gone_directory),
    State("no TMPDIR", enter=_variables(TMPDIR="/nonexistent")),
    State("no HOME", enter=_variables("HOME", "USER", "LOGNAME")),
    State("LANG=C and no TERM", enter=_variables("LC_ALL", "TERM", LANG="C")),
    State("no environment at all", enter=lambda _: os.environ.clear()),
    State("a runtime directory that is none", enter=_variables(TUISWP_RUNTIME_DIR="/dev/null/x")),
    State("stdin closed", enter=_closed(0)),
    State("stdout closed", enter=_closed(1)),
    State("stderr closed", enter=_closed(2)),
    State("everything closed", enter=_closed(0, 1, 2)),
    State("stdout full", enter=_full(1), codes=(1,)),
    State("stderr full", enter=_full(2)),
    State("a broken pipe", enter=_broken_pipe),
    State("16 descriptors", enter=_limits(NOFILE=16)),
    State("no new process", enter=_limits(NPROC=0)),
    State("400 MB of address space", enter=_limits(AS=400 << 20)),
    State("no file may grow", enter=_limits(FSIZE=1 << 16)),
)
