"""`tuiswp doctor`: what works on this machine, what does not, and what to do. Changes nothing.

Exit code 1 if something that every sweep needs is broken.
"""

import errno
import importlib.metadata
import os
import platform
import queue
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

import tuiswp
from tuiswp import trust
from tuiswp.analysis import tables, words
from tuiswp.cli import output
from tuiswp.cli.arguments import SWEEPS
from tuiswp.errors import ExitCode, TuiswpError
from tuiswp.launchers.stacks import INSTALL, find_py_spy, hindrance
from tuiswp.text import visible

Grade: TypeAlias = Literal["ok", "warn", "fail"]

WAIT_S = 1.2  # for tmux, for NVML and for the disk, all three at the same time
STUCK_S = 10.0  # and for a check that was never to wait, and does
SLOW_S = 0.5
_LIBRARIES = ("msgspec", "ruamel.yaml", "libtmux", "rich", "psutil", "nvidia-ml-py", "pandas")
_EXTRAS = {
    "matplotlib": "pictures and reports: pip install 'tuiswp[report]'",
    "torch": "the recipes: pip install 'tuiswp[recipes]'",
    "transformers": "the recipes: pip install 'tuiswp[recipes]'",
    "peft": "the recipes: pip install 'tuiswp[recipes]'",
}
_TONES: dict[Grade, output.Tone] = {"ok": "good", "warn": "note", "fail": "bad"}
_ROOM_MIB = 1024


class Finding(msgspec.Struct, frozen=True):
    """One line: what was looked at, how it stands, and what to do about it."""

    name: str
    grade: Grade
    text: str
    next: str | None = None


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("--json", action="store_true", help="print one object")


def run(arguments: Namespace) -> int:
    findings = _looked_at()
    bad = any(one.grade == "fail" for one in findings)
    if arguments.json:
        output.show_json({"ok": not bad, "findings": [msgspec.to_builtins(f) for f in findings]})
    else:
        output.say(*_lines(findings))
    return ExitCode.FAULT if bad else ExitCode.OK


def _looked_at() -> list[Finding]:
    """What all checks find, in their order; none waits for what another waits for."""
    began = {check: _begun(check) for check in CHECKS if check in WAITING}
    deadline = time.monotonic() + STUCK_S
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            found = (
                began[check].get(timeout=max(0.0, deadline - time.monotonic()))
                if check in began
                else _found(check)
            )
        except queue.Empty:
            text = f"nothing answered within {STUCK_S:g} s"
            found = [Finding(check.__name__, "fail", text, "is a disk of this machine away?")]
        if isinstance(found, Exception):
            raise found
        findings += found
    return findings


def _found(check: Callable[[], Iterator[Finding]]) -> list[Finding] | Exception:
    try:
        return list(check())
    except OSError as error:
        text = error.strerror or str(error)
        return [Finding(check.__name__, "fail", f"cannot be looked at: {text}")]
    except Exception as error:
        return error


def _begun(check: Callable[[], Iterator[Finding]]) -> queue.SimpleQueue[list[Finding] | Exception]:
    answers: queue.SimpleQueue[list[Finding] | Exception] = queue.SimpleQueue()
    _aside(lambda: answers.put(_found(check)))
    return answers


def _aside(work: Callable[[], None]) -> None:
    """In a thread that can be left behind; here and now where this user may have no more."""
    try:
        threading.Thread(target=work, daemon=True).start()
    except RuntimeError:
        work()


def _lines(findings: list[Finding]) -> list[str]:
    wide = max(tables.columns(one.name) for one in findings)
    lines = []
    for one in findings:
        grade = output.paint(f"{one.grade:4}", _TONES[one.grade])
        lines.append(f"{grade}  {one.name:{wide}}  {visible(one.text)}")
        if one.next is not None:
            lines.append(f"{'':{wide + 8}}{visible(one.next)}")
    return lines


def python() -> Iterator[Finding]:
    version = platform.python_version()
    old = sys.version_info < (3, 11)
    yield Finding(
        "python",
        "fail" if old else "ok",
        f"{version} at {sys.executable}",
        "tuiswp needs Python 3.11 or newer" if old else None,
    )
    yield Finding("tuiswp", "ok", f"{tuiswp.__version__} at {Path(tuiswp.__file__).parent}")


def libraries() -> Iterator[Finding]:
    found = []
    for name in _LIBRARIES:
        version = _version(name)
        if version is None:
            yield Finding(name, "fail", "is not installed", "pip install tuiswp, again")
        else:
            found.append(f"{name} {version}")
    yield Finding("libraries", "ok", ", ".join(found))
    for name, use in _EXTRAS.items():
        version = _version(name)
        text = f"{version}" if version is not None else f"is not installed; {use}"
        yield Finding(name, "ok", text)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def tmux() -> Iterator[Finding]:
    from tuiswp.launchers.tmux import TmuxLauncher

    try:
        launcher = TmuxLauncher("doctor", patience_s=WAIT_S)
        text = launcher.check()
        inside = "; this is inside tmux, which is fine" if os.environ.get("TMUX") else ""
        yield Finding("tmux", "ok", f"{text}{inside}")
        launcher.check_server()
    except TuiswpError as error:
        yield Finding("tmux", "fail", error.what, error.hint)


def tools() -> Iterator[Finding]:
    """What tuiswp itself runs, by the path at which it is run."""
    found = {name: trust.program(name, os.environ) for name in ("git", "tail", "env")}
    found["py-spy"] = find_py_spy()
    yield Finding("tools", "ok", ", ".join(path or f"no {name}" for name, path in found.items()))
    passed_over = trust.left_out(os.environ)
    if passed_over:
        named = ", ".join(folder or "(empty)" for folder in passed_over[:5])
        yield Finding(
            "PATH",
            "warn",
            f"relative, or written by everybody: {named}",
            "tuiswp takes none of its tools from there; a training still may",
        )


def account() -> Iterator[Finding]:
    """Whose files a sweep begun here would be, and who could put others in their place."""
    try:
        place = (SWEEPS if SWEEPS.is_dir() else Path()).absolute()
    except FileNotFoundError:
        return  # where this is has been removed, and the check of the disk says so
    whose = trust.as_root_for(place)
    if whose is not None:
        text = f"this is root, and {place} belongs to {whose}"
        yield Finding("account", "warn", text, f"sudo -u {whose} tuiswp …, else files are root's")
    loose, shared = trust.open_parent(place / "sweep"), trust.shared_parent(place / "sweep")
    if loose is not None:
        text = f"everybody may rename what lies in {loose}"
        yield Finding("account", "fail", text, f"chmod o-w {loose}, or use --dir")
    elif shared is not None:
        text = f"others of its group may rename what lies in {shared}"
        yield Finding("account", "warn", text, "use --dir, if that is not meant")


def stacks() -> Iterator[Finding]:
    """What keeps it from telling where a silent trial stands; nothing if nothing does."""
    if find_py_spy() is None:
        yield Finding("py-spy", "ok", f"is not found where others cannot write; {INSTALL}")
    elif (why := hindrance()) is not None:
        yield Finding("py-spy", "warn", why)


def gpus() -> Iterator[Finding]:
    from tuiswp.gpu.host import cpu_count, cpu_slots
    from tuiswp.gpu.probe import read_once
    from tuiswp.model.sweep import Resources

    try:
        found = read_once(WAIT_S)
    except TuiswpError as error:
        yield Finding("gpus", "fail", str(error), error.hint)
        return
    slots = words.several(cpu_slots(Resources()), "CPU slot")
    cores = words.several(cpu_count(), "core")
    if found.source == "none":
        why = f" ({found.problem})" if found.problem else ""
        yield Finding("gpus", "ok", f"none{why}: trials run in {slots} on {cores}")
    elif found.problem is not None:
        yield Finding(
            "gpus",
            "warn",
            f"NVML: {found.problem}",
            "`nvidia-smi` shows more; TUISWP_GPUS=none runs trials in CPU slots",
        )
    else:
        driver = f", driver {found.driver}" if found.driver else ""
        yield Finding("gpus", "ok", f"{len(found.gpus)}{driver}; `tuiswp gpus` lists them")
        for gpu in found.gpus:
            if gpu.problem is not None:
                yield Finding(gpu.label, "warn", gpu.problem, "no trial is started on it")
            for news in gpu.news:
                yield Finding(gpu.label, "warn", news)
    if found.source == "nvml":
        yield _kernel()


def _kernel() -> Finding:
    """Whether what the driver says of sick GPUs can be heard."""
    from tuiswp.gpu.kernel import log_path, unreadable

    path, why = log_path(), unreadable()
    if why is None:
        return Finding("kernel log", "ok", f"{path}: faults of GPUs (Xid) are seen")
    return Finding(
        "kernel log",
        "warn",
        f"{path}: {why}; faults of GPUs (Xid) are seen only as far as NVML tells",
        "an administrator allows it with `sysctl kernel.dmesg_restrict=0`, or gives this user "
        "CAP_SYSLOG; a container needs the device too (--device /dev/kmsg)",
    )


def sweeps_directory() -> Iterator[Finding]:
    from tuiswp.controller.directory import SweepDirectory

    name = "disk"
    try:
        place = (SWEEPS if SWEEPS.is_dir() else Path()).absolute()
    except OSError as error:
        yield Finding(name, "fail", f"the current directory is gone: {error.strerror}", "cd ~")
        return
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding(name, "fail", f"{place} cannot be written", "use --dir")
        return
    room = os.statvfs(place)
    free = room.f_bavail * room.f_frsize // (1 << 20)
    if room.f_files and not room.f_favail:
        yield Finding(
            name, "fail", f"no file can be made at {place}: no inode is free", "use --dir"
        )
    yield Finding(
        name,
        "ok" if free >= _ROOM_MIB else "warn",
        f"{words.memory(free)} free at {place}",
        None if free >= _ROOM_MIB else "a full disk stops launching; make room, or use --dir",
    )
    yield from _speed(place)
    kind = SweepDirectory(place).filesystem()
    if kind is not None:
        yield Finding(
            "file system",
            "warn",
            f"{kind}, over the network: locks and durability are only as good as it is",
            "put sweeps on a local disk with --dir",
        )


def _speed(place: Path) -> Iterator[Finding]:
    """How long a fact takes to be on the disk, by a file that never gets a name.

    A sick disk may take minutes; who asks is told after a while that it does.
    """
    answers: queue.SimpleQueue[float | OSError] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put(_time_to_sync(place))
        except OSError as error:
            answers.put(error)

    _aside(work)
    try:
        took = answers.get(timeout=WAIT_S)
    except queue.Empty:
        took = WAIT_S
    if isinstance(took, OSError):
        if took.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
            yield Finding("disk", "fail", f"{place}: {took.strerror}", "use --dir")
        return
    if took > SLOW_S:
        more = "more than " if took >= WAIT_S else ""
        yield Finding(
            "disk speed",
            "warn",
            f"{more}{took:.1f} s until a fact is on the disk at {place}",
            "every launch and every answer waits for that; put sweeps on another disk with --dir",
        )


def _time_to_sync(place: Path) -> float:
    """Raises OSError; EOPNOTSUPP and its like where there are no files without a name."""
    fd = os.open(place, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, bytes(4096))
        began = time.monotonic()
        os.fsync(fd)
        return time.monotonic() - began
    finally:
        os.close(fd)


def runtime() -> Iterator[Finding]:
    from tuiswp import proc

    try:
        yield Finding("runtime", "ok", f"{proc.runtime_dir()}: leases and launch files")
        proc.myself()
    except TuiswpError as error:
        yield Finding("runtime", "fail", str(error), error.hint)
    except OSError as error:
        yield Finding(
            "runtime", "fail", str(error), "set TUISWP_RUNTIME_DIR to a directory of yours"
        )


def terminal() -> Iterator[Finding]:
    if output.speaks_unicode():
        yield Finding("locale", "ok", "UTF-8: curves are drawn in braille")
    else:
        encoding = getattr(sys.stdout, "encoding", None) or "unknown"
        yield Finding(
            "locale",
            "warn",
            f"{encoding}, not UTF-8: curves are drawn in ASCII",
            "export LC_ALL=C.UTF-8",
        )
    name = os.environ.get("TERM", "")
    if name in ("", "dumb"):
        yield Finding(
            "terminal", "warn", f"TERM={name or '(not set)'}: no live bars", "use --batch"
        )
    else:
        yield Finding("terminal", "ok", f"TERM={name}, {output.width()} columns")


def logout() -> Iterator[Finding]:
    from tuiswp.controller import logout

    ends = logout.ends_what_runs()
    if ends is not None:
        yield Finding("logout", "warn", ends, logout.REMEDY)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python, libraries, tmux, tools, stacks, account, gpus, sweeps_directory, runtime, terminal,
    logout,
)  # fmt: skip
WAITING = frozenset({tmux, gpus, sweeps_directory})
