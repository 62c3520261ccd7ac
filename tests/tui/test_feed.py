"""The feed on a real directory that vanishes, comes back, and is damaged while it is looked at."""

import queue
from pathlib import Path

import pytest

from tests.cli.world import World, finished
from tuiswp.tui.feed import Feed
from tuiswp.tui.snapshot import Snapshot
from tuiswp.tui.widgets.header import header_line

pytestmark = pytest.mark.slow  # waits for a thread


class Looking:
    """A feed and what it posts."""

    def __init__(self, path: Path) -> None:
        self.seen: queue.Queue[Snapshot] = queue.Queue()
        self.failed: list[str] = []
        self.feed = Feed(path, self.seen.put, self.failed.append)
        self.feed.start()

    def until(self, trouble: str) -> Snapshot:
        """The next snapshot with such a trouble; "" is none at all."""
        while True:
            found = self.seen.get(timeout=10)
            if trouble in found.trouble and bool(found.trouble) == bool(trouble):
                return found


@pytest.fixture
def sweep(tmp_path: Path) -> World:
    return finished(tmp_path / "lr")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_a_directory_that_is_gone_is_said_and_may_come_back(sweep: World, width: int) -> None:
    looking = Looking(sweep.directory.root)
    try:
        before = looking.until("")
        away = sweep.directory.root.rename(sweep.directory.root.with_name("away"))
        gone = looking.until("CANNOT READ: its directory is gone")
        assert gone.rows == before.rows
        said = "".join(text for text, _ in header_line(gone, "", width))
        assert "its directory is gone" in said
        away.rename(sweep.directory.root)
        looking.until("")
    finally:
        looking.feed.close()
    assert looking.failed == []


def test_a_journal_that_is_damaged_meanwhile_is_said_with_the_line(sweep: World) -> None:
    looking = Looking(sweep.directory.root)
    try:
        looking.until("")
        with sweep.directory.journal.open("ab") as file:
            file.write(b"00000000 {}\n")
        looking.until("JOURNAL DAMAGED in line")
    finally:
        looking.feed.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_was_never_readable_ends_the_feed_with_the_reason(tmp_path: Path) -> None:
    looking = Looking(tmp_path / "nowhere")
    looking.feed.join(10)
    assert looking.failed
