"""One sweep, its machine, and controllers over it that live and die in processes of their own.

`World.live` forks one controller; `World.broken` reads what the trainings themselves wrote, and the
facts that were acknowledged, and says which promise does not hold.
"""

import hashlib
import itertools
import json
import os
import shutil
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from tests.faults.disk import CRASHED, Disk, Fault
from tests.faults.machine import Machine
from tuiswp.controller import journal, requests
from tuiswp.controller.directory import Lock, SweepDirectory
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.journal import Journal, encode_line, read
from tuiswp.controller.loop import Controller
from tuiswp.controller.opening import create
from tuiswp.controller.places import Places
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.controller.verifying import verify
from tuiswp.errors import TuiswpError
from tuiswp.gpu.leases import LeaseBook
from tuiswp.model.events import RequestApplied

FINISHED, REFUSED, STUCK, FAULT = 0, 1, 2, 3
ROUNDS = 300
ASK_AT = 3  # the tick at which a client asks for a restart
POINTS = 3
FILE = """\
name: test
program: train.sh
method: grid
metric: {name: loss, goal: minimize}
parameters:
  x: {values: [1, 2, 3]}
command: [sh, "${program}", "${args}"]
tuiswp: {max_parallel: 2}
"""


class Life(NamedTuple):
    """How a controller's process ended, and at which point the fault met it ("": at none)."""

    code: int
    met: str
    words: str


class World:
    """A copy of `template` for one experiment; `gpus` as TUISWP_GPUS has them."""

    def __init__(self, home: Path, template: SweepDirectory, gpus: str = "none") -> None:
        self.home = home
        self.gpus = gpus
        self.place = SweepDirectory(home / "sweep")
        self.machine = Machine(home / "machine")
        shutil.copytree(template.root, self.place.root)
        self.acknowledged = home / "acknowledged"
        self._told = home / "told"
        self._words = home / "words"

    def live(self, fault: Fault | None = None, *, jump: tuple[int, float] = (-1, 0.0)) -> Life:
        """Fork a controller and wait for its end; nothing it patches reaches this process.

        `jump`: before which round the wall clock is set, and by how many seconds.
        """
        for path in (self._told, self._words):
            path.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            code = FAULT
            try:
                code = self._control(fault, jump)
            except BaseException:
                self._words.write_text(traceback.format_exc())
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        met = self._told.read_text() if self._told.exists() else ""
        words = self._words.read_text() if self._words.exists() else ""
        return Life(os.waitstatus_to_exitcode(status), met, words)

    def survive(self, *faults: Fault) -> bool:
        """Meet `faults` one life after the other, then run to the end; False if none was left.

        Between two lives of a controller time passes for the trainings: none, or a little.
        """
        life = Life(REFUSED, "", "none lived yet")
        for fault in faults:
            life = self.live(fault)
            assert life.code in (FINISHED, REFUSED, CRASHED), life
            for _ in range(fault.at % 3):
                self.machine.tick()
            if not life.met:
                return False
        if life.code != FINISHED:
            life = self.live()
        assert life.code == FINISHED, life
        assert self.broken() == [], faults
        return True

    def _control(self, fault: Fault | None, jump: tuple[int, float]) -> int:
        os.environ["TUISWP_RUNTIME_DIR"] = str(self.home / "run")
        os.environ["TUISWP_GPUS"] = self.gpus
        clock = Clock()
        disk = Disk((self.place.root, self.home / "run"), fault, self._told)
        machine = Machine(self.home / "machine", disk)
        self._acknowledge_to_file()
        disk.install()
        try:
            lock = Lock(self.place)
            sweep = frozen_sweep(self.place)
            controller = Controller(self.place, sweep, machine, Places(self.place, sweep.resources))
            controller.open(
                spec_sha256=hashlib.sha256(self.place.sweep_file.read_bytes()).hexdigest()
            )
            rounds = itertools.count()

            def sleep(timeout: float) -> None:
                now = next(rounds)
                if now == jump[0]:
                    clock.set_by(jump[1])
                if now > ROUNDS:
                    with disk.aside():
                        self._words.write_text(f"stuck: {controller.trouble}")
                    os._exit(STUCK)
                clock.pass_by(timeout)
                machine.tick()
                with disk.aside():
                    self._ask()

            controller._sleep = sleep  # type: ignore[method-assign]
            controller.run()
            lock.release()
        except TuiswpError as error:
            with disk.aside():
                self._words.write_text(str(error))
            return REFUSED
        return FINISHED

    def _ask(self) -> None:
        """A client asks once for a restart of the first trial."""
        asked = self.home / "asked"
        if self.machine.now() >= ASK_AT and not asked.exists():
            request = requests.new_request("restart", (0,))
            asked.write_text(request.id)
            requests.submit(self.place, request)

    def _acknowledge_to_file(self) -> None:
        """Note every fact that `append` said is on the disk, where no fault is."""
        fd = os.open(self.acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        append, write = Journal.append, os.write

        def noted(self: Journal, events: object, *, at: float) -> object:
            records = append(self, events, at=at)  # type: ignore[arg-type]
            write(fd, b"".join(map(encode_line, records)))
            return records

        Journal.append = noted  # type: ignore[method-assign, assignment]

    # --- what holds afterwards ---

    def state(self) -> SweepState:
        return replay(read(self.place.journal).records)

    def broken(self) -> list[str]:
        """Every promise that does not hold, in words; empty if all do."""
        faults = [*self._journal_faults(), *self._training_faults(), *self._end_faults()]
        return faults + [
            f"verify: {one.where}: {one.text} ({one.code})"
            for one in verify(self.place).findings
            if one.grade == "wrong"
        ]

    def _journal_faults(self) -> list[str]:
        found = journal.read(self.place.journal)
        faults = [f"damage: {one}" for one in found.damage]
        lines = self.place.journal.read_bytes().splitlines(keepends=True)
        acked = self.acknowledged.read_bytes().splitlines(keepends=True)
        if not set(acked) <= set(lines):
            faults.append("an acknowledged fact is lost")
        asked = (self.home / "asked").read_text()
        applied = [
            record.event.id
            for record in found.records
            if isinstance(record.event, RequestApplied) and record.event.id == asked
        ]
        if len(applied) != 1:
            faults.append(f"a request was applied {len(applied)} times")
        return faults

    def _training_faults(self) -> list[str]:
        """By `launches` and `heartbeat` alone: what ran, how often, whether it was left alone."""
        faults = []
        trials = sorted(self.place.trials.iterdir())
        if len(trials) != POINTS:
            faults.append(f"{len(trials)} trials instead of {POINTS}")
        for trial in trials:
            launched = (trial / "launches").read_text().split()[1::2]
            if len(set(launched)) != len(launched):
                faults.append(f"{trial.name}: an attempt was launched twice")
            # The one that was asked to run again may not have begun when it was.
            if len(launched) not in ({1, 2} if trial.name == "t0000" else {1}):
                faults.append(f"{trial.name} ran {len(launched)} times")
            beats: dict[str, list[int]] = {}
            for line in (trial / "heartbeat").read_text().splitlines():
                token, at = line.split()
                beats.setdefault(token, []).append(int(at))
            if any(one != list(range(one[0], one[0] + len(one))) for one in beats.values()):
                faults.append(f"{trial.name}: its heartbeat has a gap")
            for before, after in itertools.pairwise(beats.values()):
                if before[-1] >= after[0]:
                    faults.append(f"{trial.name}: two of its processes lived at once")
        return faults

    def _end_faults(self) -> list[str]:
        state = self.state()
        faults = [
            f"{trial.id} is {trial.state}, not done"
            for trial in state.trials.values()
            if trial.state != "done"
        ]
        if state.best is None or state.trials[state.best.trial].params != {"x": 1}:
            faults.append(f"the best is {state.best}")
        if json.loads(self.place.best.read_bytes())["x"] != 1:
            faults.append("best.json holds another configuration than the best")
        if not self.machine.idle():
            faults.append("something still runs")
        held = LeaseBook(self.home / "run" / "leases").held()
        if held:
            faults.append(f"{len(held)} leases are held by nobody")
        if any(self.place.requests.glob("*.json")):
            faults.append("a request lies there still")
        return faults

    def drafts(self) -> list[str]:
        """Half-made files that nobody will finish."""
        return sorted(str(p.relative_to(self.home)) for p in self.place.root.rglob(".*"))


class Clock:
    """Time that passes when told. Only for a process of its own."""

    def __init__(self) -> None:
        self._ahead = self._set = 0.0
        monotonic, wall = time.monotonic, time.time
        time.monotonic = lambda: monotonic() + self._ahead
        time.time = lambda: wall() + self._ahead + self._set

    def set_by(self, seconds: float) -> None:
        """Somebody sets the clock on the wall."""
        self._set += seconds

    def pass_by(self, seconds: float) -> None:
        self._ahead += max(seconds, 0.05)


def template(folder: Path) -> SweepDirectory:
    """A sweep that was created and never run."""
    (folder / "train.sh").write_text("")
    source = folder / "sweep.yaml"
    source.write_text(FILE)
    place = SweepDirectory(folder / "sweeps" / "test")
    create(place, source)
    return place


def ran(folder: Path) -> SweepDirectory:
    """A sweep of three trials that a controller ran to its end; t0000 is the best with 1."""
    for name in ("template", "home", "home/run"):
        (folder / name).mkdir(mode=0o700)
    made = World(folder / "home", template(folder / "template"))
    assert made.survive() is True
    return made.place
