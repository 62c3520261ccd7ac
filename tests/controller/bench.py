"""One sweep on a launcher without processes, and controllers over it, one at a time."""

from collections.abc import Callable
from pathlib import Path

from tuiswp.controller import requests
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.frozen import frozen_sweep
from tuiswp.controller.journal import read
from tuiswp.controller.loop import Controller
from tuiswp.controller.opening import create
from tuiswp.controller.places import Places
from tuiswp.gpu.probe import GpuWatch
from tuiswp.launchers.fake import FakeLauncher
from tuiswp.model.events import RequestApplied
from tuiswp.model.trial import Trial

FILE = """\
name: test
program: train.sh
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{values: [1, 2, 3, 4]}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: 2, {more}}}
"""
LONGER = FILE.replace("[1, 2, 3, 4]", "[1, 2, 3, 4, 5, 6]")


class Bench:
    """One sweep directory and as many controllers over it as a test wants, one at a time.

    `watch`: makes each of them its view of the GPUs.
    """

    watch: Callable[[], GpuWatch] | None = None

    def __init__(
        self,
        folder: Path,
        more: str = "",
        *,
        file: str = FILE,
        watch: Callable[[], GpuWatch] | None = None,
    ) -> None:
        self.watch = watch
        (folder / "train.sh").write_text("")
        source = folder / "sweep.yaml"
        source.write_text(file.format(more=more))
        self.place = SweepDirectory(folder / "sweeps" / "test")
        create(self.place, source)
        self.launcher = FakeLauncher()
        self.controller = self.new()

    def new(self, *, batch: bool = False) -> Controller:
        sweep = frozen_sweep(self.place)
        places = Places(self.place, sweep.resources, None if self.watch is None else self.watch())
        controller = Controller(self.place, sweep, self.launcher, places, batch=batch)
        controller.open(spec_sha256="0")
        controller.settle()
        self.controller = controller
        return controller

    def crash(self) -> Controller:
        """Drop the controller as kill -9 would, and start another."""
        self.controller.core.journal.close()
        return self.new()

    def step(self, times: int = 3) -> None:
        for _ in range(times):
            self.controller.step()

    def states(self) -> list[str]:
        return [trial.state for trial in self.trials()]

    def trials(self) -> list[Trial]:
        return list(self.controller.core.state.trials.values())

    def token(self, number: int) -> str:
        return self.trials()[number].attempts[-1].token

    def finish(self, number: int, value: float | None = None, code: int = 0) -> None:
        if value is not None:
            self.place.metrics(number).write_text(f'{{"step": 1, "loss": {value}}}\n')
        self.launcher.finish(self.token(number), code)
        self.step()

    def vanish(self, number: int) -> None:
        """Its processes are gone and nobody wrote why; the controller looks at once."""
        self.launcher.vanish(self.token(number))
        self.controller._watcher._suspicious = True
        self.step()

    def ask(self, verb: requests.Verb, *trials: int, now: bool = False) -> RequestApplied:
        return self.put(requests.new_request(verb, trials, now=now))

    def put(self, request: requests.Request) -> RequestApplied:
        """Ask for `request`, and what came of it."""
        requests.submit(self.place, request)
        self.step()
        [applied] = [
            record.event
            for record in read(self.place.journal).records
            if isinstance(record.event, RequestApplied) and record.event.id == request.id
        ]
        return applied
