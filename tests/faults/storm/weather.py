"""What a storm does to a sweep: blows at our own processes, and requests of people meanwhile.

A process is hit by its identity only (boot, pid, start ticks), and never a training: what becomes
of those is the question.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tuiswp import proc
from tuiswp.controller import requests
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import JournalReader
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.errors import EnvironmentFault
from tuiswp.launchers.attempt import read_start
from tuiswp.launchers.base import StartRecord
from tuiswp.model.trial import Launching, Process, Running

CANARY = "STORM_CANARY"  # in every training's environment, and to be kept nowhere
SPARED = 0.7  # of controllers that only just start: on a slow machine none would ever be at work
LATEST = 24  # how many of the newest trials people ask something of


class Witness:
    """Copies each line of the journal as soon as it can be read: that is what was acknowledged."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._offset = 0
        self.lines: list[bytes] = []

    def look(self) -> None:
        with suppress(FileNotFoundError), self._journal.open("rb") as file:
            file.seek(self._offset)
            whole, end, _ = file.read().rpartition(b"\n")
            self._offset += len(whole) + len(end)
            self.lines += (whole + end).splitlines(keepends=True)


class Controllers:
    """The sweep's controllers: one at a time if tuiswp keeps its word, and who else is started."""

    def __init__(self, place: SweepDirectory) -> None:
        self._place = place
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        command = [sys.executable, "-m", "tuiswp.cli.main", "_controller", str(self._place.root)]
        self._all.append(
            subprocess.Popen(
                command,
                cwd=self._place.root,
                env={**os.environ, CANARY: "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    @property
    def alive(self) -> list[subprocess.Popen[bytes]]:
        self._all = [one for one in self._all if one.poll() is None]
        return self._all

    def end(self, signum: int) -> None:
        """Signal all of them, and see them off; one that takes its time to leave is killed."""
        for one in self.alive:
            one.send_signal(signum)
        for one in self.alive:
            one.send_signal(signal.SIGCONT)
            try:
                one.wait(5)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


class Weather:
    """`blow` does one thing to the sweep, and notes what it was. The same seed, the same blows."""

    def __init__(self, place: SweepDirectory, socket: str, seed: int) -> None:
        self.dice = random.Random(seed)
        self.blows: Counter[str] = Counter()
        self.asked: list[str] = []
        self.relays: set[str] = set()  # tokens whose relay was killed
        self.supervisors: set[str] = set()  # tokens whose supervisor was
        self.controllers = Controllers(place)
        self._place = place
        self._socket = socket
        self._reader = JournalReader(place.journal)
        self._state = SweepState()
        self._stopped: list[tuple[float, Process]] = []
        self._server: Process | None = None
        self._kinds: dict[str, tuple[int, Callable[[], bool]]] = {
            "controller killed": (8, self._kill_controller),
            "controller told to leave": (2, self._tell_controller),
            "controller stopped for a while": (2, self._stop_controller),
            "second controller started": (1, self._second_controller),
            "supervisor killed": (5, lambda: self._kill(relay=False, supervisor=True)),
            "supervisor killed as it starts": (2, self._kill_starting),
            "supervisor stopped for a while": (2, self._stop_supervisor),
            "relay killed": (3, lambda: self._kill(relay=True, supervisor=False)),
            "relay stopped for a while": (1, self._stop_relay),
            "supervisor and relay killed": (1, lambda: self._kill(relay=True, supervisor=True)),
            "tmux server killed": (2, self._kill_tmux),
            "tmux server stopped for a while": (1, self._stop_tmux),
            "window killed": (2, self._kill_window),
            "all but trainings killed at once": (1, self._kill_all),
            "asked for something": (12, self._ask),
        }

    def state(self) -> SweepState:
        self._state = replay(self._reader.poll(), self._state)
        return self._state

    def blow(self) -> None:
        """One of the kinds, as the dice have it; then let go of what was stopped long enough."""
        names = list(self._kinds)
        [name] = self.dice.choices(names, [self._kinds[name][0] for name in names])
        if self._kinds[name][1]():
            self.blows[name] += 1
        self._let_go(time.monotonic())
        if self.state().paused is not None:  # by somebody, or because so much fails
            self.put(requests.new_request("resume"))
        if not self.controllers.alive:
            self.controllers.start()

    def calm(self) -> None:
        """Everything that was stopped goes on."""
        self._let_go(float("inf"))

    # --- controllers ---

    def _at_work(self) -> bool:
        """Whether a controller of ours has said that it began."""
        said = self.state().controller
        return said is not None and said.pid in {one.pid for one in self.controllers.alive}

    def _kill_controller(self) -> bool:
        if not self._at_work() and self.dice.random() < SPARED:
            return False
        for one in self.controllers.alive:
            one.kill()
            one.wait()
        if self.dice.random() < 0.7:
            self.controllers.start()
        return True

    def _tell_controller(self) -> bool:
        self.controllers.end(self.dice.choice((signal.SIGTERM, signal.SIGINT)))
        self.controllers.start()
        return True

    def _stop_controller(self) -> bool:
        stopped = [self._stop(proc.identify(one.pid)) for one in self.controllers.alive]
        return any(stopped)

    def _second_controller(self) -> bool:
        self.controllers.start()
        return True

    # --- supervisors and relays ---

    def _started(self) -> list[StartRecord]:
        """What attempts that are under way said of themselves."""
        found = []
        for trial in self.state().live():
            assert isinstance(trial.status, Launching | Running)
            folder = self._place.attempt(trial.number, trial.attempts[-1].number)
            start = read_start(folder, trial.status.token)
            if start is not None and proc.is_alive(start.supervisor):
                found.append(start)
        return found

    def _victim(self) -> StartRecord | None:
        started = self._started()
        return self.dice.choice(started) if started else None

    def _relay(self, start: StartRecord) -> Process | None:
        """The relay there is now: a child of the supervisor in its session, and no training."""
        for pid in _children(start.supervisor.pid):
            if pid != start.training.pid and _session(pid) == start.supervisor.pid:
                return proc.identify(pid)
        return None

    def _kill(self, *, relay: bool, supervisor: bool) -> bool:
        start = self._victim()
        if start is None:
            return False
        if relay and (one := self._relay(start)) is not None:
            self.relays.add(start.token)
            proc.send(one, signal.SIGKILL)
        if supervisor:
            self.supervisors.add(start.token)
            proc.send(start.supervisor, signal.SIGKILL)
        return True

    def _kill_starting(self) -> bool:
        """One that has not written start.json yet: the leader of its window, and no fork of it."""
        fresh = {
            trial.status.token
            for trial in self.state().live()
            if isinstance(trial.status, Launching)
        }
        for token, processes in proc.with_tokens().items():
            for process in processes if token in fresh else ():
                leads = _session(process.pid) == process.pid
                if leads and proc.token_of(_parent(process.pid)) != token:
                    self.supervisors.add(token)
                    return proc.send(process, signal.SIGKILL)
        return False

    def _stop_supervisor(self) -> bool:
        start = self._victim()
        return start is not None and self._stop(start.supervisor)

    def _stop_relay(self) -> bool:
        start = self._victim()
        return start is not None and self._stop(self._relay(start))

    # --- tmux ---

    def _tmux(self, *words: str) -> str:
        """What the server answers; nothing while we hold it."""
        if any(process == self._server for _, process in self._stopped):
            return ""
        command = ["tmux", "-L", self._socket, *words]
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
            return done.stdout if done.returncode == 0 else ""
        return ""

    def _find_server(self) -> Process | None:
        said = self._tmux("display-message", "-p", "#{pid}").strip()
        if said.isdecimal():
            self._server = proc.identify(int(said))
        return self._server

    def _kill_tmux(self) -> bool:
        server = self._find_server()
        return server is not None and proc.send(server, signal.SIGKILL)

    def _stop_tmux(self) -> bool:
        return self._stop(self._find_server())

    def _kill_window(self) -> bool:
        windows = self._tmux("list-windows", "-a", "-F", "#{window_id}").split()
        if not windows:
            return False
        self._tmux("kill-window", "-t", self.dice.choice(windows))
        return True

    def _kill_all(self) -> bool:
        """Controller, server and every other supervisor within a moment."""
        self._kill_tmux()
        for one in self.controllers.alive:
            one.kill()
            one.wait()
        for start in self._started()[::2]:
            self.supervisors.add(start.token)
            proc.send(start.supervisor, signal.SIGKILL)
        return True

    # --- for a while ---

    def _stop(self, process: Process | None) -> bool:
        if process is None or not proc.send(process, signal.SIGSTOP):
            return False
        self._stopped.append((time.monotonic() + self.dice.uniform(0.1, 2.5), process))
        return True

    def _let_go(self, now: float) -> None:
        for at, process in list(self._stopped):
            if at <= now:
                proc.send(process, signal.SIGCONT)
                self._stopped.remove((at, process))

    # --- people ---

    def _ask(self) -> bool:
        """What a person might: of a trial or two, or of the sweep."""
        newest = sorted(self.state().trials)[-LATEST:]
        if not newest:
            return False
        trials = tuple(self.dice.sample(newest, min(len(newest), self.dice.choice((1, 1, 2)))))
        verb: requests.Verb = self.dice.choice(
            ("kill", "restart", "restart", "pause", "resume", "resume", "interrupt", "pin", "front",
             "clone")
        )  # fmt: skip
        request = requests.new_request(
            verb,
            trials,
            now=verb == "kill" and self.dice.random() < 0.3,
            fresh=verb == "restart" and self.dice.random() < 0.3,
        )
        if self.dice.random() < 0.15:
            request = requests.new_request("pause")
        self.put(request)
        return True

    def put(self, request: requests.Request) -> None:
        with suppress(EnvironmentFault):
            requests.submit(self._place, request)
            self.asked.append(request.id)


def _fields(pid: int) -> list[str]:
    with suppress(OSError):
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return text[text.rfind(")") + 2 :].split()
    return []


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else 0


def _session(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[3]) if fields else 0


def _children(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
