"""The cyclic collector: resting from the first import on, at work from the first whole picture."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tuiswp.tui.feed import Feed

pytestmark = pytest.mark.slow  # whole readings of a sweep


def _apart(code: str) -> str:
    """What a process of its own prints: the collector belongs to all of a process."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize("rest", [True, False])
def test_after_the_first_whole_reading_the_collector_works_again(
    tmp_path: Path, rest: bool
) -> None:
    run = tmp_path / "one"
    run.mkdir()
    (run / "metrics.jsonl").write_text(json.dumps({"step": 0, "loss": 1.0}) + "\n")
    said = _apart(
        "import gc, threading, sys\n"
        "from pathlib import Path\n"
        "from tuiswp.tui import collector\n"
        "from tuiswp.tui.feed import Feed\n"
        f"{'collector.rest()' if rest else ''}\n"
        "came = threading.Semaphore(0)\n"
        f"feed = Feed(Path({str(tmp_path)!r}), lambda s: came.release(), print)\n"
        "feed.start()\n"
        "came.acquire(); came.acquire()\n"  # the second is made after the first was dealt with
        "print(gc.isenabled(), gc.get_freeze_count() > 1000)\n"
        "feed.close()\n"
    )
    assert said.split() == ["True", str(rest)]


def test_a_feed_leaves_a_collector_that_works_alone(tmp_path: Path) -> None:
    run = tmp_path / "one"
    run.mkdir()
    (run / "metrics.jsonl").write_text(json.dumps({"step": 0, "loss": 1.0}) + "\n")
    came = threading.Event()
    feed = Feed(tmp_path, lambda snapshot: came.set(), print)
    feed.start()
    assert came.wait(20)
    feed.close()
    import gc

    assert gc.isenabled()
