"""The terminal the screen is drawn on: taken, given back however we leave, and missed when gone.

Textual's driver leaves a terminal as it was when the application ends by itself. This one also
does so on a signal, while the terminal is not read, and after a stop that nobody announced; it
notices that the terminal is gone; it writes to stdout, so that stderr may go to a file. It decides
nothing but how to leave. Reaches into `textual.drivers`, as of Textual 8.2.
"""

import os
import select
import signal
import sys
import termios
import threading
from contextlib import suppress
from functools import partial
from typing import Any, cast

from textual import events
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tuiswp.text import visible
from tuiswp.tui.keyboard import read_keys

LEAVE_S = 3.0  # for the application to leave by itself; then the process ends without it
RESTORE_S = 1.0  # for the terminal to be given back without it
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)
_MOST_WAITING = 64 * 1024
_PIECE = 2048
_FALLBACK = (80, 24)
# CAN ends a sequence that was cut. Then synchronised output, mouse pixels and other mouse modes,
# paste, focus, wrapping, keyboard, the other screen, the cursor: in the order that Textual takes
# them back.
_RESTORE = (
    "\x18\x1b[?2026l\x1b[?1016l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2048l\x1b[?2004l"
    "\x1b[?1004l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)


class Output:
    """What Textual's writing thread writes to. A terminal that is gone takes everything."""

    def __init__(self, fd: int, encoding: str) -> None:
        self.closed = False  # set: who writes sleeps until the process ends
        self.turn = threading.Lock()  # held while something is written
        self._fd, self._encoding = fd, encoding
        self._waiting: list[str] = []
        self._size = 0

    def fileno(self) -> int:
        return self._fd

    def write(self, text: str) -> int:
        self._waiting.append(text)
        self._size += len(text)
        if self._size > _MOST_WAITING:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Write all there is; other programs may have left the terminal non-blocking."""
        left = memoryview("".join(self._waiting).encode(self._encoding, "replace"))
        self._waiting.clear()
        self._size = 0
        while left:
            try:
                with self.turn:
                    if not self.closed:
                        # In small pieces: who waits in a write keeps everybody else from writing.
                        left = left[os.write(self._fd, left[:_PIECE]) :]
                if self.closed:  # and the application waits for who writes: it must not end first
                    threading.Event().wait()
            except BlockingIOError:
                select.select((), (self._fd,), (), 1.0)
            except OSError:  # gone; whoever watches the terminal says so
                return


class Terminal(LinuxDriver):
    """Textual's driver for a terminal that may vanish, stop, fill up or be taken away."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        out = sys.__stdout__
        assert out is not None, "the command line has seen to it that there is a terminal"
        self._out = Output(out.fileno(), out.encoding or "utf-8")
        self._file = cast(Any, self._out)
        self._active = False
        self._original: list[Any] | None = None
        self._left = threading.Event()
        self._mouth = -1
        self._before: dict[signal.Signals, Any] = {}

    # -- taking the terminal and giving it back

    def start_application_mode(self) -> None:
        """Take the terminal, once; signals and its loss are watched from the first time on."""
        if self._active:
            return
        if not self._before:
            self._watch()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._active = self._writer_thread is not None and self._writer_thread.is_alive()
        # What the terminal was before us, whatever state a later start finds it in.
        if self._original is None:
            self._original = self.attrs_before
        self.attrs_before = self._original

    def stop_application_mode(self) -> None:
        if not self._active:
            return
        self.write("\x1b[?2026l")
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
        super().stop_application_mode()
        self._active = False

    def close(self) -> None:
        """End the writing thread, if it is there: the second time there is nothing to do."""
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().close()

    def settled(self) -> None:
        """The application has left by itself: nobody needs to end it, signals are as before."""
        self._left.set()
        for signum, handler in self._before.items():
            # The loop is over, and with it the handler it had for an interrupt.
            signal.signal(
                signum, handler if signum != signal.SIGINT else signal.default_int_handler
            )

    def write(self, data: str) -> None:
        """Write, while there is a terminal of ours to write to."""
        if self._writer_thread is not None and self._writer_thread.is_alive():
            super().write(data)

    # -- stopped and gone on

    def _sigtstp_application(self, *_: object) -> None:
        if self._auto_restart:
            self.suspend_application_mode()
            self._must_signal_resume = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again: also after a SIGSTOP, when it was never given back."""
        if not self._auto_restart:
            return
        if self._active:
            self.disable_input()
            self.close()
            self._active = False
        self.start_application_mode()
        self._loop.call_soon_threadsafe(partial(self._app.refresh, layout=True))

    # -- leaving

    def leave(self, code: int) -> None:
        """Have the application leave with `code`, and the process too if it does not.

        Safe in a signal handler: one byte into a pipe, whatever the main thread was doing.
        """
        os.write(self._mouth, bytes([code]))

    def _watch(self) -> None:
        """Leave on each signal that ends a process, and when the terminal hangs up."""
        ear, self._mouth = os.pipe()
        threading.Thread(target=self._await_the_end, args=(ear,), name="leave", daemon=True).start()
        for signum in _SIGNALS:
            # Not the loop's own handlers: they wait for a loop that may hang in a full terminal.
            self._before[signum] = signal.signal(signum, lambda n, _: self.leave(128 + n))

    def _await_the_end(self, ear: int) -> None:
        """Sleep until somebody wants us to leave, or the terminal is gone: SIGHUP may not come."""
        both, terminal = select.poll(), select.poll()
        for waiting in (both, terminal):
            waiting.register(self.fileno, 0)  # only what cannot be masked: hang-up and error
        both.register(ear, select.POLLIN)
        asked = ear in (fd for fd, _ in both.poll())
        code = os.read(ear, 1)[0] if asked else 128 + signal.SIGHUP
        if terminal.poll(0):
            self.exit_event.set()  # else the reading thread reads nothing, again and again
        with suppress(RuntimeError):  # the loop is closed: we are leaving already
            self._loop.call_soon_threadsafe(self._app.exit, code)
        if not self._left.wait(LEAVE_S):
            self._end_without_it(code)

    def _end_without_it(self, code: int) -> None:
        """The application hangs: in a terminal that nobody reads, or in a disk."""
        writer = self._writer_thread
        # Given back, perhaps, but not yet written: then the terminal has heard nothing of it.
        if self._active or (writer is not None and writer.is_alive()):
            restoring = threading.Thread(target=self._restore, daemon=True)
            restoring.start()
            restoring.join(RESTORE_S)
        os._exit(code)

    def _restore(self) -> None:
        """Give the terminal back over what it has not read yet."""
        self._out.closed = True
        with suppress(OSError, termios.error):
            self._end_its_write()
            termios.tcflush(self._out.fileno(), termios.TCOFLUSH)
            os.write(self._out.fileno(), _RESTORE.encode())
            if self._original is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self._original)

    def _end_its_write(self) -> None:
        """Have the writing thread write no more: what it wrote after us would spoil what we did.

        It sleeps in a write, does not notice that there is room, and keeps out everybody else.
        """
        writer = self._writer_thread
        while not self._out.turn.acquire(timeout=0.05):
            termios.tcflush(self._out.fileno(), termios.TCOFLUSH)
            if writer is not None and writer.ident is not None and writer.is_alive():
                signal.pthread_kill(writer.ident, signal.SIGTERM)

    def _run_input_thread(self) -> None:
        try:
            read_keys(self.fileno, self.exit_event, self.process_message)
        except OSError:  # gone: `_await_the_end` has seen it
            return
        except Exception as error:  # a fault of the parser's: the application's to report
            self._app.call_later(_raise, error)

    # -- what comes in

    def process_message(self, message: Message) -> None:
        """What is pasted is text that others wrote."""
        if isinstance(message, events.Paste):
            message.text = visible(message.text, keep_newlines=True)
        super().process_message(message)

    def _get_terminal_size(self) -> tuple[int, int]:
        """Of the terminal itself: COLUMNS and LINES may be those of the shell that left them."""
        with suppress(OSError):
            columns, rows = os.get_terminal_size(self._out.fileno())
            if columns and rows:
                return columns, rows
        return _FALLBACK


def _raise(error: Exception) -> None:
    raise error


def shell_to_go_to() -> bool:
    """Whether a shell waits for us to stop: without job control nobody could wake us again."""
    pid, group, session = os.getpid(), os.getpgrp(), os.getsid(0)
    while pid > 1:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  one line of the kernel's
                pid = int(file.read().rpartition(b")")[2].split()[1])
            if os.getsid(pid) != session:
                return False
            if os.getpgid(pid) != group:
                return True
        except (OSError, ValueError):
            return False
    return False


def stop() -> None:
    """Stop this job as ctrl-z does in a shell: every process of it, the one the shell waits for."""
    os.killpg(os.getpgrp(), signal.SIGTSTP)
