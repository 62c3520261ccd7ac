"""Watch a sweep from outside its controller and tell what happens: bars on a terminal, else lines.

Only reads files, so however slow whoever looks at it is, nobody waits for it.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Literal, TypeAlias

from tuiswp.cli import arguments as args
from tuiswp.cli import output
from tuiswp.cli.screen import Screen
from tuiswp.controller.client import Planned, SweepReader, SweepView
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import JournalReader
from tuiswp.controller.reducer import SweepState
from tuiswp.controller.story import Line, Story, status_line
from tuiswp.errors import TuiswpError
from tuiswp.model.sweep import Sweep
from tuiswp.text import visible

DRAW_S = 0.4
LINES_S = 0.3
STATUS_S = 60.0

Outcome: TypeAlias = Literal["over", "no-controller", "told-to-stop"]


class Follower:
    """One look after another at one sweep. Made before the controller starts: tells what is new."""

    def __init__(self, directory: SweepDirectory, sweep: Sweep, *, drawn: bool) -> None:
        self.directory = directory
        self._journal = JournalReader(directory.journal)
        self._story = Story(sweep, args.spoken(directory.root))
        self._story.tell(self._journal.poll())
        self._reader = SweepReader(directory.root)
        self._planned = Planned()
        self._drawn = drawn
        self._trouble: str | None = None
        self._next_status = time.monotonic() + STATUS_S

    @property
    def state(self) -> SweepState:
        """What has been told, or was there before."""
        return self._story.state

    def run(self, stop: Callable[[float], bool], *, until_over: bool) -> Outcome:
        """Tell and draw until `stop(seconds)`, a wait, returns True; or until the sweep is over.

        Raises output.Closed or EnvironmentFault when stdout takes no more.
        """
        with ExitStack() as stack:
            screen = stack.enter_context(Screen()) if self._drawn else None
            while True:
                view = self._look(screen)
                if until_over and (outcome := self._outcome(view)) is not None:
                    self.catch_up(screen)
                    return outcome
                if stop(DRAW_S if screen is not None else LINES_S):
                    self.catch_up(screen)
                    return "told-to-stop"

    def catch_up(self, screen: Screen | None = None) -> None:
        """Tell what was recorded since the last look."""
        lines = self._story.tell(self._journal.poll())
        if screen is not None:
            screen.say(lines)
        elif lines:
            output.say(*(_painted(line) for line in lines))

    def _look(self, screen: Screen | None) -> SweepView:
        self.catch_up(screen)
        due = time.monotonic() >= self._next_status
        view = self._reader.refresh(with_metrics=screen is not None or due)
        self._say_trouble(view.trouble, screen)
        if screen is not None:
            screen.draw(view, self._planned.of(view))
        elif due:
            self._next_status = time.monotonic() + STATUS_S
            progress = {number: live.progress for number, live in view.live.items()}
            output.say(status_line(view.sweep, view.state, self._planned.of(view), progress))
        return view

    def _say_trouble(self, trouble: str | None, screen: Screen | None) -> None:
        """A controller on a full disk has nowhere else to say so."""
        known, self._trouble = self._trouble, trouble
        if (known is None) == (trouble is None):
            return  # it is still full, by another figure
        line = Line("it goes on", "good")
        if trouble is not None:
            line = Line(visible(trouble, limit=1000), "bad")
        if screen is not None:
            screen.say([line])
        else:
            output.say(_painted(line))

    def _outcome(self, view: SweepView) -> Outcome | None:
        if view.word in ("finished", "stopped"):
            return "over"
        return "no-controller" if view.controller is None else None


def _painted(line: Line) -> str:
    return output.paint(line.text, line.tone)


class Viewer(threading.Thread):
    """A Follower beside a controller that runs in this process's main thread.

    Whatever happens to stdout happens to this thread only: the controller never waits for it.
    """

    def __init__(self, follower: Follower) -> None:
        super().__init__(name="viewer", daemon=True)
        self._follower = follower
        self._enough = threading.Event()
        self.closed = False  # stdout takes no more

    def run(self) -> None:
        try:
            self._follower.run(self._enough.wait, until_over=False)
        except (output.Closed, TuiswpError, OSError):
            self.closed = True

    def close(self) -> bool:
        """Tell what is left and end; False if stdout takes nothing any more."""
        self._enough.set()
        self.join()
        return not self.closed
