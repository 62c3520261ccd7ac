"""A terminal for tests: a real pty with an emulator behind it, and the bytes that came through.

The program in it is a session leader on its own pty, as under sshd; a shell or tmux in between is
the test's choice. What the emulator does not know (keyboard protocol, queries) is kept from it.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import pyte

# Private sequences that pyte takes for text or for something else: keyboard, queries, pointer.
_UNKNOWN = re.compile(r"\x1b\[[<>=?][0-9;]*u|\x1b\[\?[0-9;]*\$p|\x1b\]22;[a-z-]*\x07")
_BROKEN = re.compile(r"\x1b[^a-zA-Z\x07\\]*\Z")  # a sequence whose end has not come yet


class Terminal:
    """A program on a pty of `size` (columns, rows). Use it as a context; it ends the program."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str | None] | None = None,
        ignore: Sequence[signal.Signals] = (),
        block: Sequence[signal.Signals] = (),
    ) -> None:
        self._master, slave = os.openpty()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.Stream(self._screen)
        self._lock = threading.Lock()
        self._raw = bytearray()
        self._text = ""
        self.resize(*size)
        self.before = termios.tcgetattr(slave)
        settings = {**os.environ, **(env or {})}

        def settle() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for signum in ignore:
                signal.signal(signum, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, block)

        self.process = subprocess.Popen(
            [str(part) for part in argv],
            cwd=cwd,
            env={name: value for name, value in settings.items() if value is not None},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=settle,
        )
        self._slave = slave  # kept open: what is written last is still read
        self._over = threading.Event()
        self._reading = threading.Event()
        self._reading.set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.close()

    # -- what a person does

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        with self._lock:
            self._screen.resize(rows, columns)

    @contextmanager
    def unread(self) -> Iterator[None]:
        """Read nothing meanwhile: a link that stands still, a tmux pane in copy mode."""
        self._reading.clear()
        try:
            yield
        finally:
            self._reading.set()

    def close(self) -> None:
        """Hang up: nobody holds the other side any more, as when an SSH line is lost."""
        if self._over.is_set():
            return
        self._over.set()
        self._reader.join(5)
        os.close(self._slave)
        os.close(self._master)

    # -- what is seen

    @property
    def raw(self) -> bytes:
        """Every byte that came so far."""
        with self._lock:
            return bytes(self._raw)

    @property
    def lines(self) -> list[str]:
        """The screen as the emulator shows it."""
        with self._lock:
            return list(self._screen.display)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def cursor_hidden(self) -> bool:
        with self._lock:
            return bool(self._screen.cursor.hidden)

    @property
    def modes(self) -> list[int]:
        """The attributes of the line, as `stty` would tell them."""
        return termios.tcgetattr(self._slave)[:4]

    def until(self, seen: str | Callable[[], bool], *, timeout: float = 20.0) -> str:
        """Wait until a text is on the screen, or something else holds; then the screen."""
        deadline = time.monotonic() + timeout
        while not (seen in self.text if isinstance(seen, str) else seen()):
            assert time.monotonic() < deadline, f"{seen!r} never came:\n{self.text}"
            time.sleep(0.02)
        return self.text

    def ended(self, *, timeout: float = 10.0) -> int:
        """Wait for the program to end; its exit code, or -signal. What it wrote has been read."""
        code = self.process.wait(timeout)
        self.quiet()
        return code

    def quiet(self, seconds: float = 0.1, *, at_most: float = 5.0) -> None:
        """Wait until nothing more has come for so long."""
        size, deadline = -1, time.monotonic() + at_most
        while size != len(self._raw) and time.monotonic() < deadline:
            size = len(self._raw)
            time.sleep(seconds)

    def _read(self) -> None:
        decode = "".join
        rest = b""
        while not self._over.is_set():
            self._reading.wait()
            ready, _, _ = select.select([self._master], [], [], 0.05)
            if not ready:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            if not data:
                return
            with self._lock:
                self._raw += data
                whole, rest = _whole_characters(rest + data)
                self._text = _UNKNOWN.sub("", decode((self._text, whole)))
                torn = _BROKEN.search(self._text)
                end = torn.start() if torn is not None else len(self._text)
                ready_text, self._text = self._text[:end], self._text[end:]
                with suppress(Exception):  # the emulator's faults are not the program's
                    self._stream.feed(ready_text)


def _whole_characters(data: bytes) -> tuple[str, bytes]:
    """`data` as text, and the bytes of a character whose end has not come yet."""
    for size in range(min(3, len(data)) + 1):
        try:
            return data[: len(data) - size].decode(), data[len(data) - size :]
        except UnicodeDecodeError:
            continue
    return data.decode(errors="replace"), b""


def app(*words: str | Path) -> list[str | Path]:
    """The command line of `tuiswp`, for a `Terminal`."""
    return [sys.executable, "-m", "tuiswp.cli.main", *words]


# What is switched on when the screen opens, and how each is switched off again.
SWITCHED_OFF = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "mouse clicks": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse movement": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "mouse form": (b"\x1b[?1006h", b"\x1b[?1006l"),
    "pasting": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "focus reports": (b"\x1b[?1004h", b"\x1b[?1004l"),
    "hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "no wrapping": (b"\x1b[?7l", b"\x1b[?7h"),
    "keyboard protocol": (b"\x1b[>25u", b"\x1b[<u"),
}


def left_dirty(raw: bytes) -> list[str]:
    """What `raw` switched on and did not switch off afterwards."""
    return [name for name, (on, off) in SWITCHED_OFF.items() if raw.rfind(on) > raw.rfind(off)]
