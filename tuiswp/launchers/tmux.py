"""Start attempts in windows of tuiswp's own tmux server. The only door to libtmux.

tmux is where a person looks; it is never asked whether an attempt lives or how it ended. Its
arguments are constants and ids of a fixed alphabet: an argument that ends in `;` would split the
command and `#(…)` would run a shell, so no text of a user or a training ever becomes one. Nothing
that a training can influence (a title, a name) is read back.

What one window runs is in a launch file, `<runtime dir>/launch/<token>`. The supervisor removes it
before anything else: whoever removes it has taken the one right to start this attempt.
"""

import os
import queue
import re
import shlex
import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING, NamedTuple

from tuiswp import proc, trust
from tuiswp.errors import LauncherError, UsageError
from tuiswp.launchers import attempt as attempts
from tuiswp.launchers.base import Firmness, Job, Liveness, StartRecord
from tuiswp.text import visible

if TYPE_CHECKING:
    from libtmux import Server

_DEADLINE_S = 5.0  # for one tmux command
_HURRIED_S = 0.5  # likewise, once the controller is to leave
_OLDEST = (3, 2)
_ARGUMENT_BYTES = 12_000  # tmux refuses commands over 16 kB
_CONF = Path(__file__).with_name("tmux.conf")
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_SOCKET = "TUISWP_TMUX_SOCKET"
_KEEPER = "keeper"  # token of the window that keeps a session open between attempts

_TOKEN = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_SESSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_PATH = re.compile(r"/[A-Za-z0-9._/-]+")
_WINDOW = re.compile(r"@\d+")

# What a client says of a server whose version it does not understand.
_STRANGE_SERVER = re.compile(r"server exited unexpectedly|protocol version mismatch")


class _Answer(NamedTuple):
    code: int
    lines: list[str]
    complaint: str


class Window(NamedTuple):
    """What one window is to run, in words of the fixed alphabet; `token` "" for none."""

    name: str
    token: str
    argv: tuple[str, ...]


class TmuxLauncher:
    """A `base.Launcher` that gives each attempt a window in the session `session`.

    `socket`: name of the tmux server's socket (TUISWP_TMUX_SOCKET, else "tuiswp"). `python`: the
    interpreter of the supervisors, this one by default. `patience_s`: for one tmux command; a
    healthy one takes milliseconds. Building it asks nothing of tmux: attempts
    that run can be watched and ended without it. Raises UsageError for a variable that is no name.
    """

    def __init__(
        self,
        session: str,
        *,
        socket: str | None = None,
        python: str | None = None,
        patience_s: float = _DEADLINE_S,
    ) -> None:
        self._session = _checked(_SESSION, session)
        self.socket = _checked(_SESSION, socket or _socket_name())
        self._python = python or sys.executable
        self._patient_s = patience_s
        self._tmux = _tmux_path()
        self._version: str | None = None
        self._session_is_open = False  # as far as we know; the next window tells
        self._hurried = False
        self._untouched: set[str] = set()  # tokens whose `start` failed before they got a file
        # A controller started from inside a training must not pass its token on to the tmux
        # server, which every window would then share.
        os.environ.pop(proc.TOKEN_VARIABLE, None)

    # --- the promise ---

    def check(self) -> str:
        if self._version is None:
            answer = self._run("-V")
            said = answer.lines[0] if answer.lines else answer.complaint
            number = re.search(r"(\d+)\.(\d+)", said)
            if number is not None and (int(number[1]), int(number[2])) < _OLDEST:
                raise LauncherError(
                    f"{said} is too old",
                    where=self._tmux,
                    hint="install tmux 3.2 or newer, or put a newer one earlier in PATH",
                )
            if answer.code != 0 or not said.startswith("tmux "):
                raise LauncherError(f"is not tmux: `tmux -V` says {said!r}", where=self._tmux)
            launch_path()
            self._version = said
        return f"{self._version} at {self._tmux}"

    def check_server(self) -> None:
        """LauncherError if a server runs that was started by a tmux which ours cannot talk to."""
        self._refuse_a_strange_server(self._run("display-message", "-p", "#{pid}").complaint)

    def start(self, jobs: Sequence[Job]) -> None:
        by_token = {_checked(_TOKEN, job.token): job for job in jobs}
        self._untouched.update(by_token)
        folder = _launch_dir()
        windows: list[Window] = []
        for token, job in by_token.items():
            path = folder / token
            if attempts.write_spec(job):
                self.write_launch_file(path, job)
            self._untouched.discard(token)
            if path.exists():  # else a supervisor has taken it: never twice
                windows.append(Window(_checked(_ID, job.id), token, ("/bin/sh", str(path))))
        self.check()  # only now, so that what cannot be shown can still be revoked
        self.open_windows(windows)

    def ask_to_leave(self, start: StartRecord, firmness: Firmness) -> bool:
        return attempts.ask_to_leave(start, firmness)

    def liveness(self, starts: Sequence[StartRecord]) -> dict[str, Liveness]:
        return attempts.liveness(starts)

    def find(self, tokens: Collection[str]) -> set[str]:
        return attempts.find(tokens)

    def revoke(self, token: str) -> bool:
        if token in self._untouched:
            self._untouched.discard(token)
            return True
        try:
            (_launch_dir() / _checked(_TOKEN, token)).unlink()
        except FileNotFoundError:
            return False
        return True

    def attach_command(self, attempt: str, token: str) -> list[str] | None:
        _checked(_ID, attempt)
        _checked(_TOKEN, token)
        answer = self._run(
            "list-windows", "-a", "-F", "#{session_id} #{window_id} #{@tuiswp_token}"
        )
        self._refuse_a_strange_server(answer.complaint)
        for line in answer.lines:
            found = re.fullmatch(r"(\$\d+) (@\d+) ([0-9a-f]{32})", line)
            if found is not None and found[3] == token:
                return self._attach(found[1], found[2])
        return None

    def hurry(self) -> None:
        self._hurried = True

    def close(self) -> None:
        """Take the keeper away: the session then ends with its last window, the server with its
        last session."""
        self._session_is_open = False
        with suppress(LauncherError):
            form = "#{window_id} #{@tuiswp_token}"
            for line in self._run("list-windows", "-t", f"={self._session}:", "-F", form).lines:
                window, _, token = line.partition(" ")
                if token == _KEEPER and _WINDOW.fullmatch(window):
                    self._run(
                        *("set-option", "-s", "exit-empty", "on", ";"),
                        *("kill-window", "-t", window),
                    )

    def _patience_s(self) -> float:
        return _HURRIED_S if self._hurried else self._patient_s

    # --- windows ---

    def open_windows(self, windows: Sequence[Window]) -> None:
        """Open all `windows`, many by one command; LauncherError if tmux will not."""
        rest = list(windows)
        complaint = ""
        # A session or server may go between two of our commands, or be just coming: its complaints
        # differ by version, so any is worth another try.
        for patience_s in (0.0, 0.05, 0.2, 1.0):
            if not rest:
                return
            time.sleep(patience_s)
            complaint = "" if self._session_is_open else self._open_session()
            self._session_is_open = not complaint
            if complaint:
                continue
            for batch in list(_batches(rest, self._session)):
                opened, complaint = self._open_batch(batch)
                del rest[:opened]
                if complaint:
                    self._session_is_open = False
                    break
        if rest:
            self._refuse_a_strange_server(complaint)
            raise LauncherError(
                f"tmux opened {len(windows) - len(rest)} of {len(windows)} windows: {complaint}",
                where=f"tmux -L {self.socket}",
                hint="see `tuiswp doctor`",
            )

    def _refuse_a_strange_server(self, complaint: str) -> None:
        if _STRANGE_SERVER.search(complaint):
            raise LauncherError(
                f"the tmux server does not understand {self._tmux}: {complaint}",
                where=f"tmux -L {self.socket}",
                hint="a tmux of another version has started it: put that one first in PATH; or end "
                f"the server with it, as `kill-server` ends no training; or set {_SOCKET} to "
                "another name",
            )

    def _open_batch(self, batch: Sequence[Window]) -> tuple[int, str]:
        """Open one batch and mark its windows; how many opened, and tmux's complaint."""
        words: list[str] = []
        for window in batch:
            words += [*_new_window(window, self._session), ";"]
        answer = self._run(*words[:-1])
        ids = [line for line in answer.lines if _WINDOW.fullmatch(line)]
        marks: list[str] = []
        for window, window_id in zip(batch, ids, strict=False):
            if window.token:
                # -q: a window that has ended already is no error
                marks += ["set-option", "-qw", "-t", window_id, "@tuiswp_token", window.token, ";"]
        if marks:
            self._run(*marks[:-1])
        if answer.code == 0:
            return len(batch), ""
        return len(ids), answer.complaint or f"exit code {answer.code}"

    def _open_session(self) -> str:
        """Have the session, with a window that keeps it open; tmux's complaint if that fails."""
        answer = self._run(
            *("new-session", "-d", "-s", self._session, "-n", "sweep", *_keeper()),
            *(";", "set-option", "-w", "-t", f"={self._session}:", "@tuiswp_token", _KEEPER),
            *(";", "set-option", "-s", "exit-empty", "off"),
        )
        if answer.code == 0 or "duplicate session" in answer.complaint:
            return ""
        return answer.complaint or f"exit code {answer.code}"

    def _attach(self, session_id: str, window_id: str) -> list[str]:
        assert self._tmux is not None  # it has just answered
        command = [self._tmux, "-L", self.socket]
        select = ["select-window", "-t", f"{session_id}:{window_id}", ";"]
        inside = os.environ.get("TMUX", "")
        if not inside:
            return [*command, *select, "attach-session", "-t", session_id]
        if Path(inside.split(",")[0]) == self._socket_path():
            return [*command, *select, "switch-client", "-t", session_id]
        # tmux refuses to nest unless it does not know that it does; the outer prefix key twice
        # reaches the inner one.
        env = trust.program("env", os.environ) or "/usr/bin/env"
        return [env, "-u", "TMUX", *command, *select, "attach-session", "-t", session_id]

    def _socket_path(self) -> Path:
        return Path(os.environ.get("TMUX_TMPDIR") or "/tmp", f"tmux-{os.getuid()}", self.socket)

    # --- launch files ---

    def write_launch_file(self, path: Path, job: Job) -> None:
        """The only place where text of users meets a shell: quoted, in a file of ours (0600)."""
        words = [self._python, "-I", "-S", str(_SUPERVISOR), job.attempt_dir, str(path)]
        script = (
            # The token is in the supervisor's environment from its first instruction on, so that
            # `find` sees an attempt whose launch file is gone and whose start.json is not there.
            f"{proc.TOKEN_VARIABLE}={job.token}; export {proc.TOKEN_VARIABLE}\n"
            f"exec {shlex.join(words)}\n"
        )
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(script.encode("utf-8", "surrogateescape"))
        except OSError as error:
            path.unlink(missing_ok=True)
            raise LauncherError(
                f"cannot write a launch file: {error.strerror}", where=str(path)
            ) from error

    # --- one tmux command ---

    def _run(self, *words: str) -> _Answer:
        """Run one tmux command line within the deadline; LauncherError if tmux cannot or hangs."""
        if self._tmux is None:
            raise LauncherError(
                "tmux is not installed",
                hint="install it: apt install tmux, dnf install tmux, or conda install tmux",
            )
        answers: queue.SimpleQueue[_Answer | Exception] = queue.SimpleQueue()
        server = _server(self.socket, self._tmux)

        def work() -> None:
            try:
                done = server.cmd(*words)
                answers.put(_Answer(done.returncode, done.stdout, "; ".join(done.stderr)))
            except Exception as error:
                answers.put(error)

        # libtmux waits for ever, so somebody else does: a thread that can be left behind.
        try:
            threading.Thread(target=work, daemon=True).start()
        except RuntimeError as error:
            raise LauncherError(
                f"tmux cannot be asked: {error}",
                where=self._tmux,
                hint="this user or this machine has too many processes, or no memory left",
            ) from error
        asked, answer = time.monotonic(), None
        while answer is None and time.monotonic() < asked + self._patience_s():
            with suppress(queue.Empty):  # in short waits, because `hurry` may come
                answer = answers.get(timeout=min(0.25, self._patience_s()))
        if answer is None:
            _end_own_child(words)
            raise LauncherError(
                f"tmux did not answer within {self._patience_s():g} s",
                where=self._tmux,
                hint=f"is its server stuck? `tmux -L {self.socket} kill-server` ends no training",
            )
        if isinstance(answer, Exception):
            raise LauncherError(f"tmux cannot be run: {answer!r}", where=self._tmux) from answer
        return answer


def _server(socket: str, tmux: str) -> "Server":
    # It loads when the first window is opened, not with the controller, and then asks sys.stdout
    # for its encoding; what a full-screen program has put there instead may have none.
    with redirect_stdout(sys.__stdout__):
        from libtmux import Server

    return Server(socket_name=socket, config_file=str(_CONF), tmux_bin=tmux)


def _checked(pattern: re.Pattern[str], word: str) -> str:
    """`word`, which is one of our ids. Anything else here is a fault of ours, not of a user."""
    if not pattern.fullmatch(word):
        raise ValueError(f"not an id: {word!r}")
    return word


def _socket_name() -> str:
    """What the person set, which becomes an argument of tmux and the name of a file."""
    name = os.environ.get(_SOCKET) or "tuiswp"
    if not _SESSION.fullmatch(name):
        raise UsageError(
            f"{visible(name, limit=80)!r} cannot name a tmux socket",
            where=_SOCKET,
            hint="set it to at most 64 letters, digits, `_` and `-`, the first no `-`",
        )
    return name


def _tmux_path() -> str | None:
    """Absolute path of tmux, fixed now; one that somebody else may have put there is not run."""
    return trust.program("tmux", os.environ)


def _keeper() -> tuple[str, ...]:
    """What runs in the window that keeps a session open."""
    tail = trust.program("tail", os.environ) or "/usr/bin/tail"
    return (_checked(_PATH, tail), "-f", "/dev/null")


def launch_path() -> Path:
    """Where launch files go: part of tmux's arguments. Raises UsageError for what cannot be one."""
    folder = proc.runtime_dir() / "launch"
    if not _PATH.fullmatch(str(folder)):
        raise UsageError(
            "has characters that tmux could act on",
            where=str(folder),
            hint="set TUISWP_RUNTIME_DIR to an absolute path of letters, digits, `.`, `_`, `-`",
        )
    return folder


def _launch_dir() -> Path:
    folder = launch_path()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    return folder


def _new_window(window: Window, session: str) -> list[str]:
    words = [
        "new-window",
        "-d",
        "-P",
        "-F",
        "#{window_id}",
        "-t",
        f"={session}:",
        "-n",
        window.name,
    ]
    return words + [_checked(_PATH, word) for word in window.argv]


def _batches(windows: Sequence[Window], session: str) -> Iterator[list[Window]]:
    """Cut `windows` into command lines that tmux accepts."""
    batch: list[Window] = []
    size = 0
    for window in windows:
        cost = sum(len(word) + 1 for word in _new_window(window, session)) + 2
        if batch and size + cost > _ARGUMENT_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(window)
        size += cost
    if batch:
        yield batch


def _end_own_child(words: Sequence[str]) -> None:
    """Kill the tmux client that hangs: a child of ours with exactly these last arguments."""
    tail = b"".join(os.fsencode(word) + b"\0" for word in words)
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            child = proc.identify(int(entry.name))
            folder = Path(entry.path)
            ours = f"\nPPid:\t{os.getpid()}\n" in (folder / "status").read_text(errors="replace")
            if ours and child is not None and (folder / "cmdline").read_bytes().endswith(tail):
                proc.send(child, SIGKILL)
