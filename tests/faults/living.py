"""A sweep in this very process, with its controllers one after the other, for histories of rules.

The launcher, the GPUs, the clock and the disk are stand-ins at the seams the product has for them;
controller, journal, reducer, places and leases are the product's. Nothing here decides what holds.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from tests.faults.disk import BY_FD, BY_PATH, Disk, Fault
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.journal import read
from tuiswp.controller.loop import TROUBLE_S, Controller
from tuiswp.controller.places import Places
from tuiswp.controller.reducer import SweepState, replay
from tuiswp.errors import TuiswpError
from tuiswp.gpu.inventory import GpuReading, Inventory
from tuiswp.gpu.leases import HeldLease, LeaseBook
from tuiswp.gpu.probe import GpuWatch
from tuiswp.gpu.xids import Xid
from tuiswp.launchers.base import Job, StartRecord
from tuiswp.launchers.fake import FakeLauncher
from tuiswp.model.events import Record

GPUS = ("GPU-a", "GPU-b")


class Died(BaseException):
    """The controller is gone, here and now: nobody handles it and nothing more is written."""


class StumblingDisk(Disk):
    """Fails for the length of a `with`, in this process; once crashed, it changes nothing."""

    def __init__(self, *roots: Path) -> None:
        super().__init__(roots, None, Path(os.devnull))
        self._dead = False

    @contextmanager
    def failing(self, fault: Fault | None) -> Iterator[None]:
        names = (*BY_PATH, *BY_FD, "open")
        before = {name: getattr(os, name) for name in names}
        self._fault, self.calls, self._dead = fault, 0, False
        self.install()
        try:
            yield
        finally:
            for name, real in before.items():
                setattr(os, name, real)
            self._fault, self._dead = None, False

    def point(self, name: str, path: str) -> bool:
        if self._dead and not self._aside:
            raise Died
        return super().point(name, path)

    def crash(self) -> None:
        self._dead = True
        raise Died


class Clock:
    """Time as a controller sees it: passes when told, and the wall's can be set."""

    def __init__(self) -> None:
        self.passed = self.set_by = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        monotonic, wall = time.monotonic, time.time
        time.monotonic = lambda: monotonic() + self.passed
        time.time = lambda: wall() + self.passed + self.set_by
        try:
            yield
        finally:
            time.monotonic, time.time = monotonic, wall


class Gpus:
    """Stands where `GpuWatch` does. `sick`: those that are lost for now."""

    def __init__(self) -> None:
        self.sick: set[str] = set()

    def latest(self) -> Inventory:
        readings = (
            GpuReading(
                uuid, number, "stand-in", 81920, 0, 81920, 0, processes=(),
                problem="is lost" if uuid in self.sick else None, at=time.monotonic() + 1,
            )
            for number, uuid in enumerate(GPUS)
        )  # fmt: skip
        return Inventory(tuple(readings), "nvml", taken_at=time.time())

    def said(self) -> tuple[Xid, ...]:
        return ()

    def wait_first(self, timeout_s: float) -> Inventory:
        return self.latest()

    def refresh(self) -> None:
        pass

    def close(self) -> None:
        pass


class Trainings(FakeLauncher):
    """Attempts that begin and end when a rule says so; what became of each is remembered."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self.hold = True
        self.ends: dict[str, tuple[int | None, int | None]] = {}  # code, signal
        self.unseen: set[str] = set()  # vanished, or orphaned: nobody wrote down their end
        self._disk = disk

    def waiting(self) -> list[Job]:
        """Handed over and not begun."""
        return [job for job in self.jobs if job.token not in self.begun_tokens]

    def begin(self, token: str) -> StartRecord:
        with self._disk.aside():
            return super().begin(token)

    def finish(
        self,
        token: str,
        code: int | None = 0,
        *,
        signal: int | None = None,
        requested: str | None = None,
        error: str | None = None,
        oom_kill: bool | None = None,
    ) -> None:
        self.ends[token] = (code if signal is None else None, signal)
        with self._disk.aside():
            super().finish(
                token, code, signal=signal, requested=requested, error=error, oom_kill=oom_kill
            )

    def vanish(self, token: str) -> None:
        self.unseen.add(token)
        super().vanish(token)

    def orphan(self, token: str) -> None:
        self.unseen.add(token)
        super().orphan(token)


class LivingSweep:
    """A copy of `template` in `home`, and at most one controller over it."""

    def __init__(self, home: Path, template: SweepDirectory) -> None:
        (home / "run").mkdir(mode=0o700, parents=True)
        self.home = home
        os.environ["TUISWP_RUNTIME_DIR"] = str(home / "run")
        self.place = SweepDirectory(home / "sweep")
        shutil.copytree(template.root, self.place.root)
        self.disk = StumblingDisk(self.place.root, home / "run")
        self.clock, self.gpus = Clock(), Gpus()
        self.trainings = Trainings(self.disk)
        self.book = LeaseBook(home / "run" / "leases")
        self.controller: Controller | None = None
        self.trouble = ""
        self.sound = False  # the last round went through without trouble

    def records(self) -> tuple[Record, ...]:
        return read(self.place.journal).records

    def state(self) -> SweepState:
        """What anybody can read."""
        return replay(self.records())

    def held(self) -> list[HeldLease]:
        with self.clock.running():
            return self.book.held()

    def come(self, fault: Fault | None = None) -> None:
        """A controller takes the sweep over, unless its disk keeps it from that."""
        assert self.controller is None
        before = _open_files()
        sweep = frozen_sweep(self.place)
        made: Controller | None = None
        try:
            with self.clock.running(), self.disk.failing(fault):
                places = Places(self.place, sweep.resources, cast("GpuWatch", self.gpus))
                made = Controller(self.place, sweep, self.trainings, places)
                made.open(spec_sha256="0")
                made.settle()
            self.controller = made
        except (TuiswpError, OSError, Died) as error:
            self.trouble = f"cannot come: {error!r}"
            self._close(_open_files() - before)

    def round(self, fault: Fault | None = None) -> None:
        """One round as `Controller.run` makes it; `fault`: what the disk does in it."""
        if self.controller is None:
            self.come(fault)
            return
        wait, self.sound = TROUBLE_S, False
        try:
            with self.clock.running(), self.disk.failing(fault):
                self.controller.step()
                wait, self.sound = self.controller._timeout(), True
        except Died:
            self.die()
        except (TuiswpError, OSError) as error:
            self.trouble = repr(error)
        self.clock.passed += max(wait, 0.05)
        if self.sound and self.controller.left == "finished":
            self.leave()

    def leave(self) -> None:
        """The controller has no more to do, or is told to go."""
        assert self.controller is not None
        with self.clock.running():
            self.controller.close()
        self.controller = None

    def die(self) -> None:
        """As kill -9 does: its descriptors are closed, and not a word is said."""
        assert self.controller is not None
        made, self.controller, self.sound = self.controller, None, False
        made._watcher.close()
        made._selector.close()
        for fd in (made._wake.fd, made.core.journal._fd):
            os.close(fd)

    def _close(self, left: set[int]) -> None:
        """Files of the sweep that a controller had opened; what has an owner closes by itself."""
        for fd in left:
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{fd}").startswith(str(self.home)):  # noqa: PTH115
                    os.close(fd)


def _open_files() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208
