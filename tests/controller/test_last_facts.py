"""What the end of a journal tells, without the rest of it."""

from pathlib import Path

import pytest

from tuiswp.controller.client import is_over
from tuiswp.controller.directory import SweepDirectory
from tuiswp.controller.journal import Journal, encode_line, last_records, read
from tuiswp.model.events import (
    JOURNAL_VERSION,
    ControllerStarted,
    ControllerStopped,
    Event,
    Record,
    SweepCreated,
    SweepFinished,
    SweepResumed,
    TrialSuggested,
)
from tuiswp.model.trial import Process

NOBODY = Process("00000000-0000-0000-0000-000000000000", 999999, 1)
BEGUN = (SweepCreated("s", "0" * 64, "0.1.0", "host"), ControllerStarted(NOBODY, "host", "0.1.0"))
DONE, LEFT = SweepFinished("every point was tried"), ControllerStopped("finished")


def written(root: Path, *events: Event) -> SweepDirectory:
    directory = SweepDirectory(root)
    directory.create()
    journal = Journal(directory.journal)
    journal.append(events, at=1.0)
    journal.close()
    return directory


@pytest.mark.parametrize(
    ("events", "over"),
    [
        ((*BEGUN, DONE, LEFT), True),
        ((*BEGUN, DONE), True),
        ((*BEGUN, LEFT), False),
        (BEGUN, False),
        ((*BEGUN, DONE, LEFT, SweepResumed("me")), False),
        ((*BEGUN, DONE, LEFT, ControllerStarted(NOBODY, "host", "0.1.0")), False),
    ],
)
def test_a_sweep_is_over_when_nothing_was_decided_after_its_end(
    tmp_path: Path, events: tuple[Event, ...], over: bool
) -> None:
    assert is_over(written(tmp_path / "s", *events)) is over


def test_a_damaged_or_torn_end_leaves_a_doubt(tmp_path: Path) -> None:
    directory = written(tmp_path / "s", *BEGUN, DONE, LEFT)
    whole = directory.journal.read_bytes()
    directory.journal.write_bytes(whole + b'["0000')
    assert not is_over(directory)
    directory.journal.write_bytes(whole.replace(b"finished", b"finishes", 1))
    assert not is_over(directory)
    directory.journal.unlink()
    assert not is_over(directory)


def test_of_a_long_journal_only_whole_lines_of_its_end_are_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    facts = [TrialSuggested(n, {"x": n}, f"key-{n}", "random", n) for n in range(2000)]
    path.write_bytes(
        b"".join(
            encode_line(Record(JOURNAL_VERSION, n, 1.0, fact)) for n, fact in enumerate(facts, 1)
        )
    )
    found = last_records(path)
    assert 10 < len(found) < 2000
    assert tuple(found) == read(path).records[-len(found) :]
