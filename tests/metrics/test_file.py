"""A metrics file is followed by its new bytes, whatever its writers and the disk do to it."""

import json
import math
import os
import random
import resource
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiswp.metrics import curves as curves_module
from tuiswp.metrics import tail as tail_module
from tuiswp.metrics.file import Flags, MetricFile
from tuiswp.metrics.sources import jsonl as lines_module
from tuiswp.metrics.sources.jsonl import LINE_MAX, JsonLines


def lines(steps: range, **extra: float) -> bytes:
    return b"".join(
        json.dumps({"step": s, "loss": 1 / (s + 1), **extra}).encode() + b"\n" for s in steps
    )


def state(file: MetricFile) -> dict[str, Any]:
    """All a reader has learnt, with NaN made comparable."""

    def plain(value: float) -> float | None:
        return None if math.isnan(value) else value

    return {
        "metrics": {
            name: [(s, plain(v)) for s, v in zip(series.steps(), series.values(), strict=True)]
            for name, series in file.metrics.items()
        },
        "beside": {
            name: list(zip(series.steps(), series.values(), strict=True))
            for name, series in file.beside.items()
        },
        "row": file.last_row(),
        "rows": file.rows,
        "progress": file.progress,
        "step": file.last_step,
        "flags": file.flags,
    }


def read_whole(path: Path, **options: Any) -> MetricFile:
    file = MetricFile(path, **options)
    file.poll(max_bytes=1 << 40)
    return file


PIECES = st.sampled_from(
    [
        b'{"step": 1, "loss": 2.5, "progress": 0.5}\n',
        b'{"step": 2, "loss": NaN}\n',
        b'{"step": 1, "loss": 7}\n',
        b'{"loss": 3, "acc": 1}\n',
        b'{"step": 3, "loss": {"a": 1}}\n',
        b'{"step": 4, "lo',
        b'{"a": 1}{"a": 2}\n',
        b'{"step":\n5}\n',
        b"\n",
        b"\r\n",
        b"\0\0\0",
        b"\xff\xfe\n",
        b"null\n",
        "é".encode(),
        b'{"step": 9999, "loss": "text", "note": "x"}\n',
    ]
)


@given(st.lists(PIECES, max_size=12).map(b"".join), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=80)
def test_growing_in_any_pieces_reads_the_same_as_at_once(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, chance: random.Random
) -> None:
    path = tmp_path_factory.mktemp("grow") / "metrics.jsonl"
    path.touch()
    grown = MetricFile(path)
    at = 0
    with path.open("ab", buffering=0) as writer:
        while at < len(data):
            size = chance.randint(1, 40)
            writer.write(data[at : at + size])
            at += size
            grown.poll(max_bytes=chance.choice([1, 7, 1000]))
    while grown.behind:
        grown.poll(max_bytes=5)
    assert state(grown) == state(read_whole(path))


def test_a_file_cut_at_any_byte_keeps_every_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    data = lines(range(4), progress=0.5)
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        file = read_whole(path)
        whole = data[:cut].count(b"\n")
        assert file.rows == whole
        assert file.flags == Flags()
        with path.open("ab") as writer:
            writer.write(data[cut:])
        file.poll()
        assert state(file) == state(read_whole(path))
        assert file.rows == 4


ROWS = st.fixed_dictionaries(
    {},
    optional={
        "step": st.one_of(st.integers(-3, 40), st.floats(0, 9), st.none(), st.just("7")),
        "epoch": st.integers(0, 5),
        "loss": st.one_of(st.floats(), st.integers(-(10**20), 10**20), st.none(), st.booleans()),
        "acc": st.floats(0, 1),
        "note": st.one_of(st.text(max_size=3), st.floats(0, 1), st.none()),
        "progress": st.floats(-0.5, 1.5),
        "_timestamp": st.floats(0, 9),
        'q"': st.integers(0, 3),
    },
)


@given(
    st.lists(ROWS, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), PIECES | st.none()), max_size=40),
    st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_lines_read_in_bulk_are_read_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    choice: list[tuple[int, bytes | None]],
    counted: bool,
) -> None:
    body = bytearray()
    for number, (pick, piece) in enumerate(choice):
        row = dict(rows[pick % len(rows)])
        if counted:
            row["step"] = number
        body += json.dumps(row).encode() + b"\n"
        if piece is not None and number % 9 == 8:
            body += piece
    path = tmp_path_factory.mktemp("bulk") / "metrics.jsonl"
    path.write_bytes(bytes(body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "_BULK_MIN", 1 << 60)
        one_by_one = read_whole(path)
        patch.setattr(lines_module, "_BULK_MIN", 0)
        patch.setattr(tail_module, "_SLICE", 150)
        patch.setattr(lines_module, "_LEARN", 1)
        bulk = read_whole(path)
    assert state(bulk) == state(one_by_one)


def test_alike_lines_are_read_in_bulk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(10_000), progress=0.25))
    single: list[bytes] = []
    original = JsonLines._read_line

    def spy(self: JsonLines, line: bytes, *, learn: bool = False) -> None:
        single.append(line)
        original(self, line, learn=learn)

    monkeypatch.setattr(JsonLines, "_read_line", spy)
    file = read_whole(path)
    assert file.rows == 10_000
    assert file.progress == 0.25
    assert file.metrics["loss"].count == 10_000
    assert len(single) < 100  # those from which the keys are learnt


def test_a_restart_that_repeats_steps_overwrites_them(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(100)))
    file = MetricFile(path)
    file.poll()
    with path.open("ab") as writer:
        writer.write(b'{"step": 60, "loss": 5}\n{"step": 61, "loss": 6}\n')
    assert file.poll()
    assert file.last_step == 61.0
    assert file.last_row() == {"loss": 6.0}
    loss = file.metrics["loss"]
    assert loss.count == 100
    assert loss.values()[60:63] == file.metrics["loss"].values()[60:63]
    assert list(loss.values())[60:62] == [5.0, 6.0]
    assert loss.last == 1 / 100


def test_rows_without_a_step_are_numbered_or_belong_to_the_step_before(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n{"step": 10, "a": 3}\n{"b": 4}\n')
    file = read_whole(path)
    assert list(file.metrics["a"].steps()) == [0.0, 1.0, 10.0]
    assert list(file.metrics["b"].steps()) == [10.0]


def test_a_truncated_file_is_read_again_and_flagged(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(50)))
    file = MetricFile(path)
    file.poll()
    path.write_bytes(lines(range(3), extra=1.0))
    assert file.poll()
    assert file.flags.truncated == 1
    assert file.rows == 3
    assert file.metrics["loss"].count == 50  # what was known stays
    assert file.metrics["extra"].count == 3


def test_a_replaced_file_is_read_again_and_flagged(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"bad\n" + lines(range(5)))
    file = MetricFile(path)
    file.poll()
    assert file.flags.bad_lines == 1
    (tmp_path / "new").write_bytes(lines(range(20)))
    (tmp_path / "new").rename(path)
    assert file.poll()
    assert file.flags == Flags(replaced=1)
    assert file.rows == 20


def test_a_file_written_anew_past_its_old_end_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(5)))
    file = MetricFile(path)
    file.poll()
    path.write_bytes(lines(range(100, 200)))  # same inode, larger: size alone says nothing
    assert file.poll()
    assert file.flags.replaced == 1
    assert file.rows == 100
    assert file.metrics["loss"].count == 105


def test_a_missing_file_keeps_what_was_read_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "trial" / "metrics.jsonl"
    file = MetricFile(path)
    assert file.poll()
    assert not file.poll()
    assert file.flags.missing
    path.parent.mkdir()
    path.write_bytes(lines(range(3)))
    assert file.poll()
    assert file.flags == Flags()
    path.rename(tmp_path / "aside")
    assert file.poll()
    assert file.flags.missing
    assert file.metrics["loss"].count == 3
    (tmp_path / "aside").rename(path)
    file.poll()
    assert file.flags == Flags()


def test_what_is_no_regular_file_is_flagged_and_never_hangs(tmp_path: Path) -> None:
    fifo, link, directory = (tmp_path / name for name in ("fifo", "link", "directory"))
    os.mkfifo(fifo)
    (tmp_path / "secret").write_bytes(lines(range(3)))
    link.symlink_to(tmp_path / "secret")
    directory.mkdir()
    for path in (fifo, link, directory, Path("/dev/zero")):
        file = MetricFile(path)
        assert file.poll()
        assert file.flags == Flags(not_regular=True)
        assert not file.metrics


def test_a_path_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    file = read_whole(tmp_path / ("x" * 300))
    assert file.flags.unreadable == "File name too long"
    assert read_whole(Path("a\0b")).flags.unreadable == "not a path"


HOSTILE = [
    (b'{"step": 1, "lo{"step": 2, "loss": 3}\n', "not JSON"),
    (b'{"loss": "\xff\xfe"}\n', "not UTF-8"),
    (b"[" * 100_000 + b"\n", "nested too deep"),
    (b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n", "nested too deep"),
    (b"12\n", "not a JSON object"),
    (b"\0" * 4096 + b"\n", "NUL bytes"),
    (b'{"loss": 1, "x": "' + b"x" * LINE_MAX + b'"}\n', "longer than 1 MiB"),
    (b"x" * (3 * LINE_MAX) + b"\n", "longer than 1 MiB"),
    (b"\x1b]52;c;x\x07\n", "not JSON"),
]


@pytest.mark.parametrize(("hostile", "reason"), HOSTILE, ids=[reason for _, reason in HOSTILE])
def test_a_hostile_line_costs_only_itself(tmp_path: Path, hostile: bytes, reason: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(200)) + hostile + lines(range(200, 400)))
    file = read_whole(path)
    assert file.rows == 400
    assert file.metrics["loss"].count == 400
    flags = file.flags
    assert flags.bad_lines == 1
    assert flags.first_bad is not None
    assert (flags.first_bad.line, flags.first_bad.reason) == (201, reason)
    assert len(flags.first_bad.excerpt) <= 80
    assert flags.first_bad.excerpt.isprintable()
    assert flags.too_long == (reason == "longer than 1 MiB")


def test_after_the_nuls_of_a_power_loss_the_next_line_counts(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(2)) + b"\0" * 4096 + lines(range(2, 4)))
    file = read_whole(path)
    assert file.rows == 4
    assert file.flags.bad_lines == 1


def test_a_line_of_fifty_megabytes_is_skipped_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with path.open("wb") as writer:
        writer.write(lines(range(1)))
        for _ in range(50):
            writer.write(b"x" * 1_000_000)
        writer.write(b"\n" + lines(range(1, 2)))
    file = MetricFile(path)
    tracemalloc.start()
    try:
        while file.behind or file.rows == 0:
            file.poll()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    assert file.rows == 2
    assert file.flags.too_long == file.flags.bad_lines == 1


def test_numbers_that_are_not_finite_are_gaps_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step":1,"loss":2}\n{"step":2,"loss":NaN}\n{"step":3,"loss":Infinity}\n')
    file = read_whole(path)
    loss = file.metrics["loss"]
    assert (loss.count, loss.gaps, loss.last) == (3, 2, None)
    assert file.flags == Flags(non_finite=2)
    assert file.last_row() == {"loss": None}


def test_a_thousand_names_too_many_are_dropped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curves_module, "METRICS_MAX", 10)
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(
        b"".join(f'{{"m{i}": 1}}\n'.encode() for i in range(15))
        + f'{{"{"n" * 600}": 1}}\n'.encode()
    )
    file = read_whole(path)
    assert len(file.metrics) == 10
    assert file.flags.dropped == 6


def test_only_the_metrics_asked_for_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    body = b"".join(
        f'{{"step": {i}, "eval_loss": {i}, "x": 1, "progress": 0.5}}\n'.encode()
        for i in range(5_000)
    )
    path.write_bytes(body + b'{"step": 5000, "eval": {"loss": 7}}\n')
    file = read_whole(path, only={"eval/loss"})
    assert list(file.metrics) == ["eval_loss", "eval/loss"]
    assert (file.rows, file.last_step, file.progress) == (5_001, 5000.0, 0.5)


def test_a_poll_reads_a_bounded_piece_and_says_that_it_is_behind(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(2_000)))
    file = MetricFile(path)
    assert file.poll(max_bytes=10_000)
    assert 0 < file.rows < 1_000
    polls = 1
    while file.behind:
        file.poll(max_bytes=10_000)
        polls += 1
    assert file.rows == 2_000
    assert polls >= path.stat().st_size // 10_000


def test_a_last_line_without_line_feed_counts_when_nobody_writes_any_more(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(2)) + b'{"step": 2, "loss": 9}')
    file = MetricFile(path)
    file.poll()
    assert file.rows == 2
    assert file.poll(final=True)
    assert file.rows == 3
    assert not file.poll(final=True)
    path.write_bytes(lines(range(2)) + b'{"step": 2, "lo')
    file = MetricFile(path)
    file.poll(final=True)
    assert file.rows == 2
    assert file.flags.first_bad is not None
    assert file.flags.first_bad.line == 3


def test_a_quiet_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(lines(range(3)))
    file = MetricFile(path)
    assert file.poll()
    before = file.last_change

    def refuse(*_: object, **__: object) -> int:
        raise AssertionError("opened")

    monkeypatch.setattr(os, "open", refuse)
    assert not file.poll()
    assert file.last_change == before is not None


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = []
    for i in range(200):
        path = tmp_path / f"{i}.jsonl"
        path.write_bytes(lines(range(2)))
        files.append(MetricFile(path))
    taken = max(int(fd.name) for fd in Path("/proc/self/fd").iterdir())  # by other tests' work
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 64, hard))
    try:
        assert all(file.poll() for file in files)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(file.rows == 2 for file in files)


def test_two_writers_with_buffers_lose_only_the_lines_they_tear(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    a, b = lines(range(0, 400, 2)), lines(range(1, 400, 2))
    mixed = b"".join(a[i : i + 1000] + b[i : i + 1000] for i in range(0, len(a), 1000))
    path.write_bytes(mixed)
    file = read_whole(path)
    assert file.flags.bad_lines > 0
    assert file.rows + 2 * file.flags.bad_lines >= 400 - 2
    assert file.rows > 300
