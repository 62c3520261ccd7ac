"""The relay process: pump between the training's pty, output.log and the window.

A slow, frozen or closed window never blocks the training: it is shown less. A sick disk never
blocks it for good either: bytes are lost and said to be.
"""

# contextlib would cost time at every start.

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import time

from tuiswp.launchers.supervision.records import exists

CHUNK = 64 * 1024
PANE_BUFFER = 256 * 1024  # what a slow viewer may lag behind before output is skipped for it
DRAIN_S = 5.0  # for the last output of a leftover that never stops printing
SKIPPED = b"\x18\x1b[0m\r\n[tuiswp: some output is not shown here; output.log has it]\r\n"
DEAF_TO = (
    signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
    signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1,
)  # fmt: skip


def copy_window_size(source: int, target: int) -> None:
    try:
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, b"\0" * 8)
        if struct.unpack("HHHH", size)[0]:
            fcntl.ioctl(target, termios.TIOCSWINSZ, size)
    except OSError:
        pass


def open_training_pty() -> tuple[int, int]:
    """A pty of the training's own. It writes bytes as they are: output.log gets no added CR."""
    master, slave = os.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    copy_window_size(0, master)
    os.set_blocking(master, False)
    return master, slave


def make_pane_raw() -> None:
    """Let every key, ctrl-C included, reach the training; line ends are added here, on display."""
    try:
        attributes = termios.tcgetattr(0)
        attributes[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP)
        attributes[0] &= ~(termios.IXON | termios.INLCR | termios.IGNCR)
        attributes[1] |= termios.OPOST | termios.ONLCR
        attributes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
        termios.tcsetattr(0, termios.TCSANOW, attributes)
    except (OSError, termios.error):  # no window
        pass


class Log:
    """output.log, rotated once to output.log.1: never more than `cap` bytes, newest kept."""

    def __init__(self, folder: int, cap: int) -> None:
        self.folder = folder
        self.half = max(1, cap // 2)
        self.lost = False
        self.fd: int | None = None
        self.size = 0

    def open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        self.fd = os.open("output.log", flags, 0o600, dir_fd=self.folder)
        self.size = os.fstat(self.fd).st_size
        return self.fd

    def rotate(self, fd: int) -> None:
        self.lost = self.lost or exists(self.folder, "output.log.1")
        os.rename("output.log", "output.log.1", src_dir_fd=self.folder, dst_dir_fd=self.folder)
        os.close(fd)
        self.fd = None

    def write(self, data: bytearray) -> None:
        """Append; on a sick disk the bytes are lost and said to be, the training goes on."""
        try:
            while data:
                fd = self.open() if self.fd is None else self.fd
                if self.size >= self.half:
                    self.rotate(fd)
                    continue
                written = os.write(fd, data[: self.half - self.size])
                self.size += written
                data = data[written:]
        except OSError:
            self.lost = True


class Muzzle:
    """Keep what a training prints in its window, by one changed byte for each way out.

    A device control string (ESC P) may ask tmux to hand what is in it to the terminal outside, and
    a tmux before 3.3 cannot be told not to. It becomes a string that every terminal drops (ESC X).
    """

    ESCAPE = 0x1B
    ENDS = frozenset({0x18, 0x1A, ESCAPE, *range(0x20, 0x7F)})  # all else leaves an escape open

    def __init__(self) -> None:
        self.open = False  # after an escape, whose next byte may be in the next piece

    def on(self, data: bytearray) -> bytearray:
        """`data`, the next piece of the output, changed in place."""
        at = 0
        while True:
            if not self.open:
                at = data.find(self.ESCAPE, at) + 1
                if not at:
                    return data
                self.open = True
            while at < len(data) and data[at] not in self.ENDS:
                at += 1
            if at == len(data):
                return data
            if data[at] == ord("P"):
                data[at] = ord("X")
            self.open = False


class Relay:
    """Pump between the training's pty, output.log and the window, until told to finish.

    Ends at EIO of the pty (all of the training's ends are closed) or at a byte on `orders`, after
    what is already there. End of file on `orders` means that the supervisor died: pump on.
    """

    def __init__(self, master: int, orders: int, log: Log) -> None:
        self.master, self.log = master, log
        self.orders: int | None = orders
        self.to_pane = bytearray()
        self.to_training = bytearray()
        self.behind = False
        self.muzzle = Muzzle()
        self.pane_in, self.pane_out = os.isatty(0), os.isatty(1)
        self.poll = select.poll()
        self.watched: dict[int, int] = {}
        for fd in (0, 1):
            if os.isatty(fd):
                os.set_blocking(fd, False)

    def run(self) -> None:
        while True:
            self.watch()
            ready = {fd for fd, _ in self.poll.poll()}
            if 0 in ready:
                self.read_keys()
            if 1 in ready:
                self.show(bytearray())
            if self.to_training:
                self.type_keys()
            if self.master in ready and not self.pump():
                return
            if self.orders in ready and self.told_to_finish():
                return

    def watch(self) -> None:
        """Tell poll what there is to wait for now, and only what has changed."""
        wanted = {self.master: select.POLLIN | (select.POLLOUT if self.to_training else 0)}
        if self.orders is not None:
            wanted[self.orders] = select.POLLIN
        if self.pane_in and not self.to_training:
            wanted[0] = select.POLLIN
        if self.pane_out and self.to_pane:
            wanted[1] = select.POLLOUT
        if wanted != self.watched:
            for fd in self.watched.keys() - wanted.keys():
                self.poll.unregister(fd)
            for fd, events in wanted.items():
                self.poll.register(fd, events)
            self.watched = wanted

    def told_to_finish(self) -> bool:
        """True after an order and what was still to be moved; a dead supervisor gives none."""
        if self.orders is None or not os.read(self.orders, 1):
            self.orders = None
            return False
        until = time.monotonic() + DRAIN_S
        while self.pump(only_what_is_there=True) and time.monotonic() < until:
            pass
        return True

    def pump(self, only_what_is_there: bool = False) -> bool:
        """Move what the training printed, at most CHUNK bytes; False at the end of it."""
        data, more = bytearray(), True
        while len(data) < CHUNK:
            try:
                part = os.read(self.master, CHUNK)
            except BlockingIOError:
                more = not only_what_is_there
                break
            except OSError:  # EIO: nobody holds the other end
                part = b""
            if not part:
                more = False
                break
            data += part
        if data:
            self.log.write(data)
            self.show(data)
        return more

    def show(self, data: bytearray) -> None:
        """Give the window what it takes without waiting; skip what it cannot keep up with."""
        if not self.pane_out:
            return
        if self.behind and not self.to_pane:
            # CAN first: the cut may be inside an escape sequence.
            self.to_pane += self.muzzle.on(bytearray(SKIPPED))
            self.behind = False
        if self.behind or len(self.to_pane) + len(data) > PANE_BUFFER:
            self.behind = True
        else:
            self.to_pane += self.muzzle.on(data)
        try:
            while self.to_pane:
                del self.to_pane[: os.write(1, self.to_pane[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:  # the window is gone
            self.pane_out = False
            self.to_pane.clear()

    def read_keys(self) -> None:
        try:
            keys = os.read(0, 4096)
        except BlockingIOError:
            return
        except OSError:
            keys = b""
        if keys:
            self.to_training += keys
        else:
            self.pane_in = False

    def type_keys(self) -> None:
        try:
            del self.to_training[: os.write(self.master, self.to_training)]
        except OSError:
            pass


def run_relay(master: int, orders: int, folder: int, cap: int) -> int:
    """Be the relay process, deaf to all but a new window size and KILL.

    Closes every other file it was forked with: what it kept open would outlive the supervisor (the
    far end of the pty, the attempt's lock, the training's gate). Returns its exit code: 3 if some
    output is not in the log.
    """
    keep = sorted({0, 1, 2, master, orders, folder})
    for below, above in zip(keep, [*keep[1:], 4096], strict=True):
        os.closerange(below + 1, above)
    for stop in DEAF_TO:
        signal.signal(stop, signal.SIG_IGN)
    signal.signal(signal.SIGWINCH, lambda *_: copy_window_size(0, master))
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    log = Log(folder, cap)
    Relay(master, orders, log).run()
    return 3 if log.lost else 0
