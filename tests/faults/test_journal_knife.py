"""The journal of a real sweep, cut at every byte and with every bit flipped: it stays readable,
what stands before the damage is kept, and nothing that was never said is read.
"""

from pathlib import Path

import pytest

from tests.faults.conftest import NewWorld
from tuiswp.controller import journal
from tuiswp.controller.journal import Journal
from tuiswp.controller.reducer import replay
from tuiswp.errors import JournalError
from tuiswp.model.events import Record, Warned

pytestmark = pytest.mark.slow

AFTER = Warned("after", "the damage")


@pytest.fixture
def real(new_world: NewWorld) -> bytes:
    """What a controller wrote from the first fact to the last."""
    world = new_world()
    assert world.survive()
    return world.place.journal.read_bytes()


def records(data: bytes) -> tuple[Record, ...]:
    found = journal.scan(data)
    replay(found.records)  # whatever is read makes a state
    return found.records


def test_a_cut_at_any_byte_keeps_every_fact_before_it(real: bytes) -> None:
    whole = records(real)
    assert len(whole) > 20
    for cut in range(len(real) + 1):
        found = journal.scan(real[:cut])
        assert found.records == whole[: real.count(b"\n", 0, cut)]
        assert not found.damage
        assert found.end + len(found.torn) == cut


def flipped(real: bytes, position: int, bit: int) -> bytes:
    data = bytearray(real)
    data[position] ^= 1 << bit
    return bytes(data)


def check_a_flip(real: bytes, whole: tuple[Record, ...], position: int, bit: int) -> None:
    found = journal.scan(flipped(real, position, bit))
    hit = real.count(b"\n", 0, position)  # the line that was hit; its end joins it to the next
    assert found.records[:hit] == whole[:hit]
    assert {one.seq for one in found.records} >= {one.seq for one in whole[hit + 2 :]}
    assert all(one == whole[one.seq - 1] for one in found.records)
    assert found.damage or found.torn


def test_a_flipped_bit_in_any_byte_costs_its_line_and_is_noticed(real: bytes) -> None:
    whole = records(real)
    for position in range(len(real)):
        check_a_flip(real, whole, position, position % 8)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_every_flipped_bit_costs_its_line_and_is_noticed(real: bytes) -> None:
    whole = records(real)
    for position in range(len(real)):
        for bit in range(8):
            check_a_flip(real, whole, position, bit)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_after_a_cut_at_any_byte_the_next_controller_writes_on(real: bytes, tmp_path: Path) -> None:
    whole = records(real)
    path = tmp_path / "journal.jsonl"
    for cut in range(len(real) + 1):
        path.write_bytes(real[:cut])
        book = Journal(path)
        book.append([AFTER], at=1.0)
        book.close()
        found = journal.read(path)
        assert found.records[:-1] == whole[: real.count(b"\n", 0, cut)]
        assert found.records[-1].event == AFTER
        assert not found.damage
        for torn in tmp_path.glob("journal.torn-*"):
            torn.unlink()


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_nothing_is_written_behind_a_flipped_bit(real: bytes, tmp_path: Path) -> None:
    """But behind a torn end: only a flip of the very last byte looks like one."""
    path = tmp_path / "journal.jsonl"
    for position in range(len(real) - 1):
        data = flipped(real, position, position % 8)
        path.write_bytes(data)
        with pytest.raises(JournalError):
            Journal(path)
        assert path.read_bytes() == data
