"""The application: one feed, a stack of screens, and the way from a key to a request.

It reads nothing itself: the feed thread posts a snapshot, the screen on top draws it. What touches
a process is asked of the controller in a worker, after a yes, and its outcome is shown.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
from rich.console import RenderableType
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen

from tuiswp.controller.requests import Request
from tuiswp.errors import TuiswpError
from tuiswp.model.who import US
from tuiswp.text import visible
from tuiswp.tui import actions, asking, outside
from tuiswp.tui.bell import Bell
from tuiswp.tui.feed import Feed
from tuiswp.tui.filters import for_terminal
from tuiswp.tui.moments import moved
from tuiswp.tui.narrow import narrowed
from tuiswp.tui.opened import PLACES, screen_for
from tuiswp.tui.pictures import self_contained
from tuiswp.tui.remembered import Memory
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.snapshot import EventLine, Snapshot, Want
from tuiswp.tui.terminal import Terminal
from tuiswp.tui.widgets.chart import Chart

SWITCH_S = 0.001
_CLIPBOARD = 64 * 1024  # terminals drop what is much longer
_SCRUBS: dict[str, int | None] = {
    "scrub_live": None,
    "scrub_back": -1,
    "scrub_forward": 1,
    "scrub_far_back": -10,
    "scrub_far_forward": 10,
}


class SnapshotArrived(Message):
    """The feed has read. A slow terminal sees only the newest."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, SnapshotArrived)


class FeedFailed(Message):
    """The feed cannot go on."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


def _actions_provider() -> type:
    """The palette's source, imported when the palette opens."""
    from tuiswp.tui.palette_provider import ActionProvider

    return ActionProvider


class SweepApp(App[int]):
    """One sweep directory, or a folder of runs, on a terminal."""

    TITLE = "tuiswp"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {_actions_provider}
    BINDINGS: ClassVar[list[BindingType]] = list(actions.bindings("app"))
    CSS = "Screen { background: $background; }"

    def __init__(
        self, path: Path, *, colour: bool = True, ascii: bool = False, reset_view: bool = False
    ) -> None:
        super().__init__(driver_class=Terminal)
        self.path = path
        self.reset_view = reset_view
        self.look = {"colour": colour, "ascii": ascii}
        self.snapshot: Snapshot | None = None
        self.frozen = False
        self.as_of: float | None = None  # a moment of the past that is looked at
        self.launching = False  # something is asked for after which a controller may be offered
        self.fault: str | None = None
        self.crash: Exception | None = None
        self.ran: tuple[EventLine, ...] = ()  # what was run from here, for the events screen
        self._feed: Feed | None = None
        self._bell = Bell()

    # -- the feed

    def get_default_screen(self) -> Screen[Any]:
        return self.first_screen()

    def on_mount(self) -> None:
        self.call_after_refresh(self.start_feed)  # the frame first: reading would hold it up

    def first_screen(self) -> Screen[Any]:
        """What lies below everything else."""
        return SweepScreen(memory=Memory(self.path, anew=self.reset_view), **self.look)

    def start_feed(self) -> None:
        """Begin reading; a test that brings its own snapshots replaces this."""
        self.follow(self.path)

    def follow(self, path: Path) -> None:
        """Read a sweep from now on. Raises what `Reading` raises."""
        self._feed = Feed(
            path,
            lambda snapshot: cast(None, self.post_message(SnapshotArrived(snapshot))),
            lambda why: cast(None, self.post_message(FeedFailed(why))),
        )
        self._feed.start()

    def on_unmount(self) -> None:
        if self._feed is not None:
            self._feed.close()

    def want(self, want: Want) -> None:
        """What the screen on top is about to show."""
        if self._feed is not None:
            self._feed.want(msgspec.structs.replace(want, as_of=self.as_of))

    def on_snapshot_arrived(self, event: SnapshotArrived) -> None:
        if not self.frozen:
            self.take(event.snapshot)

    def take(self, snapshot: Snapshot) -> None:
        """Hand a moment to the screen on top, and tell the feed what that screen wants next."""
        if self._exit or not self.is_running:  # its screens are being taken down
            return
        newly = snapshot.unattended and (self.snapshot is None or not self.snapshot.unattended)
        if newly and not self.launching:  # then a controller is offered, which says it too
            self.say("no controller runs: what runs goes on, nothing is launched; W starts one")
        why = paused_by_us(snapshot)
        if why is not None and (self.snapshot is None or paused_by_us(self.snapshot) != why):
            self.say(f"paused by tuiswp: {why}", bad=True)
        if self._bell.rings(self.snapshot, snapshot, time.monotonic()):
            self.bell()
        self.snapshot = snapshot
        with self.batch_update():
            update = getattr(self.screen, "update", None)
            if update is not None:
                update(snapshot)
        wants = getattr(self.screen, "wants", None)
        if isinstance(wants, Want):
            self.want(wants)

    def on_feed_failed(self, event: FeedFailed) -> None:
        self.feed_lost(event.why)

    def feed_lost(self, why: str) -> None:
        """There is nothing to show any more."""
        self.fault = why
        self.exit(1)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Write no more of a changed line than what changed: an SSH link pays for every byte."""
        super()._display(screen, cast(RenderableType | None, narrowed(renderable)))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's, or ours for a terminal without colour or without UTF-8."""
        return for_terminal(super().get_line_filters(), **self.look)

    def export_screenshot(self, *, title: str | None = None, simplify: bool = True) -> str:
        """The screen as an SVG that loads nothing from anywhere."""
        return self_contained(super().export_screenshot(title=title, simplify=simplify))

    def _handle_exception(self, error: Exception) -> None:
        """Keep a fault of ours for `run`, which lets it out once the terminal is restored.

        Textual would print it with the local variables, and those hold what is private.
        """
        self.crash = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    # -- actions

    def action_do(self, action_id: str) -> None:
        """One action of the registry that is no screen's own."""
        chosen = self.selected()
        if asking.begin(self, action_id, chosen):
            return
        opened = screen_for(action_id, chosen, self.snapshot, self.look, self.place())
        if opened is not None:
            self.push_screen(opened)
            return
        match action_id:
            case "quit":
                self.exit(0)
            case "palette":
                self.action_command_palette()
            case "suspend":
                outside.go_to_the_shell(self)
            case "freeze":
                self.frozen = not self.frozen
                self.say("the picture stands still; p goes on" if self.frozen else "live again")
            case "screenshot":
                outside.write_picture(self)
            case "next_pane":
                self.screen.focus_next()
            case "previous_pane":
                self.screen.focus_previous()
            case "compare":
                self.say("mark two trials or more with space, then compare")
            case "attach" if chosen:
                outside.attach(self, chosen[-1])
            case "shell" if chosen:
                outside.shell(self, chosen[-1])
            case scrub if scrub in _SCRUBS:
                self.scrub(_SCRUBS[scrub])
            case "write" if self.snapshot is not None:
                outside.write(self, self.snapshot)
            case "copy" if chosen:
                outside.copy_command(self, chosen)

    def scrub(self, steps: int | None) -> None:
        """Show the sweep as it was some steps earlier or later; None: now."""
        shown = self.snapshot
        if shown is None or shown.view.foreign:
            return
        begin, end = shown.view.state.created, shown.at
        if shown.as_of is not None:
            end = shown.as_of.end
        elif shown.view.state.finished is not None:
            end = shown.view.state.at
        self.as_of = None if steps is None else moved(self.as_of, steps, begin, end)
        wants = getattr(self.screen, "wants", None)
        if isinstance(wants, Want):
            self.want(wants)

    def selected(self) -> tuple[int, ...]:
        """The trials an action touches: what is selected on the screen on top."""
        chosen = getattr(self.screen, "selected", ())
        return chosen if isinstance(chosen, tuple) else ()

    def place(self) -> str:
        """The name of where the person is, for help."""
        if isinstance(self.screen.focused, Chart) and isinstance(self.screen, SweepScreen):
            return "chart"
        return PLACES.get(type(self.screen).__name__, "table")

    def say(self, text: str, *, bad: bool = False) -> None:
        self.notify(visible(text), severity="error" if bad else "information", markup=False)

    def send(self, request: Request) -> None:
        """Ask the controller; what comes of it is shown."""
        asking.send(self, request)

    def copy_to_clipboard(self, text: str) -> None:
        """Nothing that a terminal would act on when it is pasted, and no more than it takes."""
        super().copy_to_clipboard(visible(text, limit=_CLIPBOARD, keep_newlines=True))


def paused_by_us(snapshot: Snapshot) -> str | None:
    """Why tuiswp itself starts nothing; None: it does, or a person holds it."""
    paused = snapshot.view.state.paused
    return paused.why if paused is not None and paused.by == US else None


def run(path: Path, *, colour: bool, ascii: bool, reset_view: bool = False) -> int:
    """Show a sweep until the person leaves. Returns an exit code; raises what reading it raises."""
    return shown_by(SweepApp(path, colour=colour, ascii=ascii, reset_view=reset_view), path)


def shown_by(app: SweepApp, path: Path) -> int:
    """Run an application to its end; what went wrong in it is raised here, on a clean terminal."""
    # While the feed reads, a key waits for its turn a dozen times: 5 ms each would add up.
    sys.setswitchinterval(SWITCH_S)
    code = app.run()
    if isinstance(app._driver, Terminal):
        app._driver.settled()
    if app.crash is not None:
        raise app.crash
    if app.fault is not None:
        raise TuiswpError(f"the view ended: {app.fault}", where=str(path))
    return code if isinstance(code, int) else 0
