"""A journal that a newer tuiswp went on with: read as far as it is understood, never written."""

import shutil
import zlib
from pathlib import Path

import pytest

from tests.faults import world
from tests.faults.test_not_files import answer
from tuiswp.controller.journal import read
from tuiswp.errors import ExitCode
from tuiswp.model.events import JOURNAL_VERSION
from tuiswp.tui.reading import Reading
from tuiswp.tui.snapshot import Want

pytestmark = pytest.mark.slow

NEWER = JOURNAL_VERSION + 1
KINDS = {
    "unknown here": b'{"type":"trial_teleported","to":"\\u001b]0;x\\u0007"}',
    "known, with another meaning": b'{"type":"sweep_finished","why":"not to be believed"}',
}
READING = {
    "status": ("status",),
    "results": ("results",),
    "results as JSON": ("results", "--json"),
    "explain": ("explain",),
    "explain a trial": ("explain", "1"),
    "diagnose": ("diagnose",),
    "verify": ("verify",),
    "report": ("report",),
}
CODES = {"verify": ExitCode.SOME_FAILED, "diagnose": ExitCode.NO_RESULT}  # curves of eight steps


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.ran(tmp_path_factory.mktemp("ran")).root


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def newer(ran: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    place = tmp_path / "sweep"
    shutil.copytree(ran, place)
    journal = place / "journal.jsonl"
    seq = read(journal).records[-1].seq
    with journal.open("ab") as file:
        for number in (1, 2):
            body = b'{"v":%d,"seq":%d,"t":1.0,"event":%s}' % (NEWER, seq + number, request.param)
            file.write(b'["%08x",%s]\n' % (zlib.crc32(body), body))
    return place


def test_every_command_reads_what_it_can_says_so_once_and_leaves_it_alone(
    newer: Path, tmp_path: Path
) -> None:
    journal = newer / "journal.jsonl"
    before, stamp = journal.read_bytes(), journal.stat().st_mtime_ns
    for command, (verb, *rest) in READING.items():
        code = answer((verb, str(newer), *rest), tmp_path / "said")
        lines = (tmp_path / "said").read_text().splitlines()
        told = [line for line in lines if f"of a newer tuiswp (version {NEWER})" in line]
        assert len(told) == 1, (command, lines)
        assert not any("damaged:" in line or "teleported" in line for line in lines), command
        assert not any("not to be believed" in line for line in lines), command
        assert code == CODES.get(verb, ExitCode.OK), command
        assert journal.read_bytes() == before, command
        assert journal.stat().st_mtime_ns == stamp, command


def test_the_screen_says_it(newer: Path) -> None:
    reading = Reading(newer)
    try:
        seen = reading.take(Want())
    finally:
        reading.close()
    assert (
        seen.trouble
        == f"THE JOURNAL holds 2 facts of a newer tuiswp (version {NEWER}), not read here"
    )
    assert len(seen.rows) == len(seen.view.trials) > 0


def test_a_controller_refuses_to_write_it(newer: Path, tmp_path: Path) -> None:
    before = (newer / "journal.jsonl").read_bytes()
    code = answer(("--batch", str(newer)), tmp_path / "said")
    said = (tmp_path / "said").read_text()
    assert code == ExitCode.FAULT, said
    assert "was written by a newer tuiswp" in said
    assert "Traceback" not in said
    assert (newer / "journal.jsonl").read_bytes() == before
