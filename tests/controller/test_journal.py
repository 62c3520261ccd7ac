"""The journal: written means on disk, half-written means never written, damage is seen."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.controller.histories import event, history
from tuiswp.controller import journal
from tuiswp.controller.journal import Journal, JournalReader
from tuiswp.errors import EnvironmentFault, JournalError
from tuiswp.model.events import Event, Record, SweepResumed, Warned

relaxed = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EVENTS: list[Event] = [Warned("a", "ä \u202e \n"), SweepResumed("someone"), Warned("b", "x" * 30)]


def write(path: Path, events: list[Event]) -> bytes:
    book = Journal(path)
    for one in events:
        book.append([one], at=1.5)
    book.close()
    return path.read_bytes()


@relaxed
@given(events=history)
def test_what_was_appended_is_what_is_read(tmp_path: Path, events: list[Event]) -> None:
    path = tmp_path / "journal.jsonl"
    path.unlink(missing_ok=True)
    book = Journal(path)
    book.append(events, at=2.0)
    book.close()
    found = journal.read(path)
    assert [record.event for record in found.records] == events
    assert [record.seq for record in found.records] == list(range(1, len(events) + 1))
    assert not found.damage
    assert not found.torn


def test_a_cut_at_any_byte_loses_only_the_line_being_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = write(path, EVENTS)
    ends = [0]
    for line in data.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        whole = sum(1 for end in ends[1:] if end <= cut)
        book = Journal(path)
        assert [record.event for record in book.records] == EVENTS[:whole]
        book.append([Warned("after", "the cut")], at=3.0)
        book.close()
        found = journal.read(path)
        assert [r.event for r in found.records] == [*EVENTS[:whole], Warned("after", "the cut")]
        assert not found.damage


def test_a_torn_tail_is_set_aside_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = write(path, EVENTS)
    torn = data.splitlines(keepends=True)[1][:20]
    path.write_bytes(data + torn)
    book = Journal(path)
    book.close()
    assert book.torn == 20
    assert [p.read_bytes() for p in tmp_path.glob("journal.torn-*")] == [torn]
    assert path.read_bytes() == data


def test_of_many_torn_tails_the_newest_are_kept_and_of_each_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = write(path, EVENTS)
    for number in range(30):
        path.write_bytes(data + b"%02d" % number + b"x" * (2 << 20 if number == 29 else 1))
        Journal(path).close()
        assert path.read_bytes() == data
    kept = sorted(tmp_path.glob("journal.torn-*"))
    assert [one.read_bytes()[:2] for one in kept] == [b"%02d" % n for n in range(10, 30)]
    assert kept[-1].stat().st_size == 1 << 20


def test_nuls_after_a_power_cut_are_a_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = write(path, EVENTS)
    path.write_bytes(data + b"\0" * 4096)
    book = Journal(path)
    book.close()
    assert book.torn == 4096
    assert path.read_bytes() == data


def test_every_flipped_bit_is_noticed_and_nothing_false_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = write(path, EVENTS)
    lines = data.splitlines(keepends=True)
    truth = set(map(repr, EVENTS))
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            found = journal.scan(bytes(flipped))
            assert {repr(record.event) for record in found.records} <= truth
            # Either a line is refused, or the last newline is gone and its line counts as torn.
            assert found.damage or found.torn
            assert len(found.records) >= len(lines) - 2


def test_damage_inside_stops_writing_but_not_reading(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = bytearray(write(path, EVENTS))
    data[30] ^= 4
    path.write_bytes(data)
    with pytest.raises(JournalError, match="line 1: the checksum does not fit"):
        Journal(path)
    assert path.read_bytes() == data
    assert [record.event for record in journal.read(path).records] == EVENTS[1:]


def test_a_missing_record_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = write(path, EVENTS).splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    found = journal.read(path)
    assert [one.reason for one in found.damage] == ["record 3 follows record 1"]
    with pytest.raises(JournalError):
        Journal(path)


def test_a_newer_journal_is_refused_for_writing_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    newer = journal.encode_line(Record(99, 1, 0.0, EVENTS[0]))
    path.write_bytes(newer)
    with pytest.raises(JournalError, match="newer tuiswp"):
        Journal(path)
    assert path.read_bytes() == newer


def test_a_newer_record_of_an_unknown_type_is_told_apart_from_damage(tmp_path: Path) -> None:
    import zlib

    body = b'{"v":3,"seq":1,"t":0,"event":{"type":"trial_teleported"}}'
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'["%08x",%s]\n' % (zlib.crc32(body), body))
    assert journal.read(path).newer == 3


def failing(call: int, error: OSError) -> Callable[[int], None]:
    calls = 0

    def fdatasync(fd: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise error

    return fdatasync


@pytest.mark.parametrize("call", [1, 2, 3])
def test_an_append_the_disk_refuses_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    path = tmp_path / "journal.jsonl"
    book = Journal(path)
    monkeypatch.setattr(os, "fdatasync", failing(call, OSError(5, "Input/output error")))
    acknowledged: list[Event] = []
    for one in EVENTS:
        try:
            book.append([one], at=1.0)
        except JournalError:
            continue
        acknowledged.append(one)
    book.close()
    found = journal.read(path)
    assert [record.event for record in found.records] == acknowledged
    assert len(acknowledged) == len(EVENTS) - 1
    assert not found.damage


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:7]))
    path = tmp_path / "journal.jsonl"
    write(path, EVENTS)
    assert [record.event for record in journal.read(path).records] == EVENTS


def test_a_full_disk_keeps_what_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    book = Journal(path)
    book.append([EVENTS[0]], at=1.0)
    real = os.write
    room = [10]

    def full(fd: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(28, "No space left on device")
        written = real(fd, bytes(data)[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match="make room"):
        book.append([EVENTS[1]], at=1.0)
    monkeypatch.setattr(os, "write", real)
    book.append([EVENTS[2]], at=1.0)
    book.close()
    assert [r.event for r in journal.read(path).records] == [EVENTS[0], EVENTS[2]]


@relaxed
@given(events=st.lists(event, min_size=1, max_size=8), cuts=st.lists(st.integers(0, 400)))
def test_a_reader_that_follows_sees_each_record_once(
    tmp_path: Path, events: list[Event], cuts: list[int]
) -> None:
    source, path = tmp_path / "source", tmp_path / "followed"
    source.unlink(missing_ok=True)
    path.write_bytes(b"")
    data = write(source, events)
    reader = JournalReader(path)
    seen: list[Event] = []
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        path.write_bytes(data[:cut])
        seen += [record.event for record in reader.poll()]
    assert seen == events


def test_a_journal_that_is_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "journal.jsonl")
    with pytest.raises(EnvironmentFault, match="not a regular file"):
        journal.read(tmp_path / "journal.jsonl")


def test_the_file_is_private_and_jq_can_read_it(tmp_path: Path) -> None:
    import json

    path = tmp_path / "journal.jsonl"
    data = write(path, EVENTS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line)[1]["seq"] for line in data.splitlines()] == [1, 2, 3]
