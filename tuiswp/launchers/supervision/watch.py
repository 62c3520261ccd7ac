"""Watch over one attempt from the fork to its exit record.

Signals are waited for, never handled, so no instant of it can be interrupted half-way.
"""

from __future__ import annotations

import os
import signal
import time

from tuiswp.launchers.supervision.hidden import hidden
from tuiswp.launchers.supervision.procfs import children_of, descendants_of, identify, oom_kills
from tuiswp.launchers.supervision.records import forget_environment, poke, write_record
from tuiswp.launchers.supervision.relay import make_pane_raw, open_training_pty, run_relay
from tuiswp.launchers.supervision.training import become_training

TYPE_CHECKING = False  # typing costs as much time as all of this
if TYPE_CHECKING:
    from typing import Any

RELAY_PATIENCE_S = 10.0  # for the last output to reach a slow disk
KILL_PATIENCE_S = 10.0  # for a killed descendant to go; one in an uninterruptible wait may not

STOPS: dict[int, str] = {signal.SIGINT: "interrupt", signal.SIGTERM: "terminate"}
STOPS |= {signal.SIGQUIT: "kill", signal.SIGUSR1: "kill"}
FIRMNESS = {"timeout": 1, "terminate": 1, "kill": 2}
LISTENED = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD}


class Supervisor:
    """One attempt. `spec` is a `launchers.base.Job`, `folder` its open directory."""

    def __init__(self, spec: dict[str, Any], folder: int, umask: int) -> None:
        self.spec, self.folder, self.umask = spec, folder, umask
        self.requested: str | None = None
        self.kill_at: float | None = None  # when patience with the training ends
        self.training, self.relay = -1, -1  # pids; -1: none
        self.relay_born = 0.0
        self.log_lost = False
        self.max_rss_kib = 0
        self.leftovers: list[int] = []
        self.unkillable: list[int] = []
        self.oom_before = oom_kills()
        self.master, self.slave = open_training_pty()
        self.gate, self.opener = os.pipe()  # opened when start.json is durable
        self.faults, self.fault = os.pipe()  # what exec says when it fails
        self.orders, self.order = os.pipe()  # to the relay: finish
        self.finishing = False

    # -- start

    def launch(self) -> None:
        """Fork, make start.json durable, then let the training run. OSError: nothing of it ran."""
        make_pane_raw()
        self.training = os.fork()
        if self.training == 0:
            os.close(self.opener)
            become_training(self.spec, self.slave, self.gate, self.fault, self.umask)
        os.close(self.fault)
        try:
            self.fork_relay()
            record = {"v": 1, "token": self.spec["token"], "supervisor": identify(os.getpid())}
            record |= {"training": identify(self.training), "relay": identify(self.relay)}
            record |= {"t": time.time(), "host": os.uname().nodename}
            write_record(self.folder, "start.json", record)
            self.started, self.began = time.time(), time.monotonic()
            os.write(self.opener, b"g")
        finally:
            os.close(self.opener)
        poke(self.spec.get("wake"))
        forget_environment(self.folder, self.spec)

    def fork_relay(self) -> None:
        self.relay_born = time.monotonic()
        self.relay = os.fork()
        if self.relay == 0:
            code = 1
            try:
                cap = self.spec.get("log_cap_bytes", 256 * 1024 * 1024)
                code = run_relay(self.master, self.orders, self.folder, cap)
            finally:
                os._exit(code)

    # -- while it runs

    def wait_for_end(self) -> None:
        """Until the training's main process has ended; left unreaped, its pid stays ours."""
        timeout_s = self.spec.get("timeout_s")
        stop_at = None if timeout_s is None else self.began + timeout_s
        while not self.reap():
            now = time.monotonic()
            if stop_at is not None and now >= stop_at:
                stop_at = None
                self.stop("timeout")
            if self.kill_at is not None and now >= self.kill_at:
                self.kill_at = None
                self.signal_training(signal.SIGKILL)
            times = [at for at in (stop_at, self.kill_at) if at is not None]
            heard = listen(min(times) - time.monotonic() if times else None)
            if heard in STOPS:
                self.stop(STOPS[heard])

    def stop(self, request: str) -> None:
        """Ask the training to leave, or make it; an earlier, firmer request stays in force.

        An interrupt is a ctrl-c: each one reaches the training, and nothing harder follows it.
        """
        if request == "interrupt":
            if self.requested in (None, "interrupt"):
                self.requested = request
                self.signal_training(signal.SIGINT)
            return
        if FIRMNESS[request] <= FIRMNESS.get(self.requested or "", 0):
            return
        self.requested = request
        if request == "kill":
            self.kill_at = None
            self.signal_training(signal.SIGKILL)
            return
        self.kill_at = time.monotonic() + self.spec["grace_s"]
        self.signal_training(signal.SIGTERM)
        self.signal_training(signal.SIGCONT)

    def signal_training(self, number: int) -> None:
        """Signal its group, as far as we may: what it runs as another user (sudo) is not ours."""
        try:
            os.killpg(self.training, number)
        except ProcessLookupError:  # forked a moment ago, not yet a group of its own
            os.kill(self.training, number)
        except PermissionError:
            pass

    def reap(self) -> bool:
        """Collect what has ended; True once the training's main process is among it."""
        self.wake_relay()
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return True
            if ended is None:
                return False
            if ended.si_pid == self.training:
                return True
            self.collect(ended.si_pid)

    def wake_relay(self) -> None:
        """A relay that somebody stopped would block a training that prints."""
        if self.relay == -1:
            return
        try:
            stopped = os.waitid(os.P_PID, self.relay, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:  # it has ended, and is collected next
            return
        if stopped is not None:
            os.kill(self.relay, signal.SIGCONT)

    def collect(self, pid: int) -> int:
        """Reap one child that has ended: its wait status. A relay that died early is replaced."""
        _, status, usage = os.wait4(pid, 0)
        if pid != self.relay:
            self.max_rss_kib = max(self.max_rss_kib, usage.ru_maxrss)
            return status
        self.relay = -1
        self.log_lost = self.log_lost or status != 0
        if not self.finishing:
            if time.monotonic() - self.relay_born < 1:
                time.sleep(0.2)  # whatever kills relays must not make us spin
            self.fork_relay()
        return status

    # -- the end

    def finish(self) -> None:
        """Sweep up, let the last output through, and say how it ended."""
        ended, duration = time.time(), time.monotonic() - self.began
        kill = self.spec.get("leftovers") != "report"
        self.leftovers = self.not_ours(descendants_of(os.getpid()))
        if kill and self.leftovers:
            self.signal_training(signal.SIGKILL)
        status, self.training = self.collect(self.training), -1
        if kill:
            self.kill_leftovers()
        self.finish_relay()
        if kill:
            self.kill_leftovers()  # what was forked meanwhile
        code = os.waitstatus_to_exitcode(status)
        record = {"v": 1, "token": self.spec["token"], "requested": self.requested}
        record |= {"code": code if code >= 0 else None, "signal": -code if code < 0 else None}
        record |= {"error": os.read(self.faults, 4096).decode("utf-8", "replace") or None}
        record |= {"started": self.started, "ended": ended, "duration_s": duration}
        record |= {"max_rss_kib": self.max_rss_kib or None, "log_truncated": self.log_lost}
        record |= {"leftovers": self.leftovers[:1000], "unkillable": self.unkillable[:1000]}
        secret = {name: self.spec["env"].get(name, "") for name in self.spec.get("secret", ())}
        record["hidden"] = hidden(self.folder, secret)
        after = oom_kills()
        if after is not None and self.oom_before is not None:
            record["oom_kill"] = after > self.oom_before
        self.insist(record)
        poke(self.spec.get("wake"))

    def not_ours(self, pids: list[int]) -> list[int]:
        return [pid for pid in pids if pid not in (self.relay, self.training)]

    def kill_leftovers(self) -> None:
        """Kill and reap all descendants.

        Each level that a kill orphans becomes our own children, and a child of ours keeps its pid
        until we reap it: no stranger can be hit.
        """
        deadline = time.monotonic() + KILL_PATIENCE_S
        while True:
            self.reap()
            rest = self.not_ours(children_of(os.getpid()))
            rest = [pid for pid in rest if pid not in self.unkillable]
            if rest and time.monotonic() > deadline:
                self.unkillable += rest
            elif not rest:
                return
            for pid in rest:
                try:
                    os.kill(pid, signal.SIGKILL)
                except PermissionError:  # another user's by now: reported if it does not go
                    pass
            self.leftovers += [pid for pid in rest if pid not in self.leftovers]
            listen(0.05)

    def finish_relay(self) -> None:
        """Let the relay move what is still in the pty and end; kill it if its disk hangs."""
        self.finishing = True
        os.close(self.slave)
        os.write(self.order, b"q")
        for patience in (RELAY_PATIENCE_S, 1.0):
            deadline = time.monotonic() + patience
            while self.relay != -1 and time.monotonic() < deadline:
                self.reap()
                if self.relay != -1:
                    listen(deadline - time.monotonic())
            if self.relay != -1:
                os.kill(self.relay, signal.SIGKILL)

    def insist(self, record: dict[str, Any]) -> None:
        """Write exit.json, again and again on a full disk.

        Gives up only when told to kill, or when the directory itself is gone.
        """
        pause = 0.1
        while os.fstat(self.folder).st_nlink:
            try:
                write_record(self.folder, "exit.json", record)
                return
            except OSError:
                os.fchmod(self.folder, 0o700)  # as it was made, whatever the training made of it
                until = time.monotonic() + pause
                while time.monotonic() < until:
                    if STOPS.get(listen(until - time.monotonic()) or 0) == "kill":
                        return
                pause = min(5.0, pause * 2)


def listen(timeout_s: float | None) -> int | None:
    """Wait for one of LISTENED; its number, or None after `timeout_s` (None: wait for ever)."""
    if timeout_s is None:
        return signal.sigwaitinfo(LISTENED).si_signo
    heard = signal.sigtimedwait(LISTENED, max(0.0, timeout_s))
    return None if heard is None else heard.si_signo
