"""The application on the list of sweeps: one opens in it, and leaving that comes back to the list.

The same application as on one sweep, with a screen below it and a feed of its own.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.message import Message
from textual.screen import Screen

from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.here import UNREADABLE, FoundSweep
from tuiswp.errors import TuiswpError
from tuiswp.text import visible
from tuiswp.tui import collector
from tuiswp.tui.app import SweepApp, shown_by
from tuiswp.tui.feed import Feed
from tuiswp.tui.home_feed import Found, HomeFeed
from tuiswp.tui.remembered import Memory
from tuiswp.tui.screens.home import HomeScreen
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.snapshot import Snapshot

if TYPE_CHECKING:
    from tuiswp.tui.screens.confirm import Question

_AT_HOME = ("help", "palette", "quit", "suspend", "screenshot", "next_pane", "previous_pane")


class SweepsFound(Message):
    """The list has changed. A slow terminal sees only the newest."""

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, SweepsFound)


class HomeApp(SweepApp):
    """The sweeps under a folder; `inside`: the one that is open, None on the list."""

    def __init__(
        self, folder: Path, *, colour: bool = True, ascii: bool = False, reset_view: bool = False
    ) -> None:
        super().__init__(folder, colour=colour, ascii=ascii, reset_view=reset_view)
        self.folder = folder
        self.home = HomeScreen(**self.look)
        self.inside: Path | None = None
        self._list: HomeFeed | None = None
        self._memories: dict[Path, Memory] = {}

    def first_screen(self) -> Screen[Any]:
        return self.home

    def start_feed(self) -> None:
        """Begin looking for sweeps; that of one sweep begins when it is opened."""
        collector.settle()
        self._list = HomeFeed(
            self.folder,
            lambda found: cast(None, self.post_message(SweepsFound(found))),
            lambda why: cast(None, self.post_message(ListFailed(why))),
        )
        self._list.start()

    def on_unmount(self) -> None:
        if self._list is not None:
            self._list.close()

    def on_sweeps_found(self, event: SweepsFound) -> None:
        self.home.show(event.found)

    def on_list_failed(self, event: "ListFailed") -> None:
        super().feed_lost(event.why)

    def take(self, snapshot: Snapshot) -> None:
        """A moment of a sweep that was left meanwhile is nobody's."""
        inside = self.inside
        if inside is not None and snapshot.view.directory == SweepDirectory(inside).root:
            super().take(snapshot)

    def feed_lost(self, why: str) -> None:
        """What ends the view of one sweep does not end the list."""
        if self.inside is not None:
            self.close_sweep()
        self.say(f"it cannot be shown any more: {why}", bad=True)

    def action_do(self, action_id: str) -> None:
        """What is done on the list, and leaving a sweep; the rest is as on one sweep."""
        top = self.screen
        if isinstance(top, SweepScreen) and action_id in ("quit", "back"):
            self.close_sweep()
        elif self.inside is not None or action_id in _AT_HOME:
            super().action_do(action_id)
        elif action_id == "home_open" and isinstance(top, HomeScreen) and top.chosen is not None:
            self.open_found(top.chosen)
        elif action_id != "back":
            self.say("open a sweep first")

    def open_found(self, one: FoundSweep) -> None:
        """Show a sweep, or ask whether a file's is to be started."""
        if one.word == UNREADABLE:
            self.say(one.fault, bad=True)
        elif one.is_file:
            self._ask_to_start(one.where)
        else:
            self.open_sweep(one.where)

    def open_sweep(self, path: Path) -> None:
        """Put a sweep above the list."""
        self.path = self.inside = path
        self.snapshot, self.frozen = None, False
        try:
            self.follow(path)
        except (TuiswpError, OSError) as error:
            self.inside = None
            self.say(str(error), bad=True)
            return
        known = self._memories.get(path)
        memory = Memory(
            path,
            anew=self.reset_view and known is None,
            before=None if known is None else known.latest,
        )
        self._memories[path] = memory
        self.push_screen(SweepScreen(memory=memory, **self.look))

    def close_sweep(self) -> None:
        """Back to the list; the sweep goes on."""
        self.inside, self.snapshot = None, None
        while not isinstance(self.screen, HomeScreen):
            self.pop_screen()
        if self._feed is not None:
            self._let_go(self._feed)
            self._feed = None

    @work(thread=True, group="letting-go")
    def _let_go(self, feed: Feed) -> None:
        """In a thread: a read that hangs would hold the screen up."""
        feed.close()

    @work(thread=True, group="starting")
    def _ask_to_start(self, source: Path) -> None:
        """Read the file, and ask with what it would do; one that cannot start says why instead."""
        from tuiswp.controller.opening import preflight
        from tuiswp.spec.load import load
        from tuiswp.tui.screens.starting import start_file_question

        try:
            sweep = load(source)
            preflight(sweep)
        except TuiswpError as error:
            self.call_from_thread(self.say, str(error), bad=True)
        else:
            asked = start_file_question(sweep, visible(str(source), limit=80))
            self.call_from_thread(self._confirm_start, source, asked)

    def _confirm_start(self, source: Path, asked: "Question") -> None:
        from tuiswp.tui.screens.confirm import ConfirmScreen

        if not isinstance(self.screen, HomeScreen):  # the person went on while the file was read
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.start_file(source)

        self.push_screen(ConfirmScreen(asked, **self.look), answered)

    @work(thread=True, group="starting")
    def start_file(self, source: Path) -> None:
        """Start a file's sweep in the background, and open it."""
        from tuiswp.controller.opening import open_or_create, preflight, start_in_background
        from tuiswp.spec.load import load

        try:
            preflight(load(source))
            place, _, _ = open_or_create(source)
            start_in_background(place)
        except TuiswpError as error:
            self.call_from_thread(self.say, str(error), bad=True)
        else:
            self.call_from_thread(self.open_sweep, place.root)


class ListFailed(Message):
    """Looking for sweeps cannot go on."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


def run(folder: Path, *, colour: bool, ascii: bool, reset_view: bool = False) -> int:
    """Show the sweeps of a folder until the person leaves. Returns an exit code."""
    return shown_by(HomeApp(folder, colour=colour, ascii=ascii, reset_view=reset_view), folder)
