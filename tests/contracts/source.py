"""What every source of metrics promises, tried through the file that follows it.

Inherit, say `name` and `data`, and the promises of `metrics/sources/base.py` are checked.
"""

import random
from pathlib import Path
from typing import TypeAlias

import pytest

from tuiswp.metrics.file import MetricFile

Points: TypeAlias = dict[str, list[tuple[float, float]]]


def points(file: MetricFile) -> Points:
    """Every curve, as (step, value); a gap is told by its text, as it equals nothing."""
    return {
        name: [
            (step, value if value == value else float("-inf"))
            for step, value in zip(series.steps(), series.values(), strict=True)
        ]
        for name, series in file.metrics.items()
    }


def read(folder: Path) -> MetricFile:
    file = MetricFile(folder / "metrics.jsonl")
    while True:
        file.poll(final=True)
        if not file.behind:
            return file


class SourceContract:
    """`name`: where in the trial's directory the file lies. `kind`: what it is found as."""

    name: str
    kind: str | None
    whole = False  # rewritten whole, never grown

    def data(self) -> bytes:
        """A file with curves of at least twenty points, larger than a block of the format."""
        raise NotImplementedError

    def expected(self) -> Points:
        raise NotImplementedError

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "t0000" / self.name
        path.parent.mkdir(parents=True)
        return path

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "t0000"

    def test_a_file_is_found_and_gives_every_point(self, path: Path, folder: Path) -> None:
        path.write_bytes(self.data())
        file = read(folder)
        assert file.kind == self.kind
        assert points(file) == self.expected()
        assert file.flags.bad_lines == 0
        assert file.read_from == (str(path),)

    @pytest.mark.parametrize("seed", range(3))
    def test_a_file_that_grows_gives_the_same_as_one_read_at_once(
        self, path: Path, folder: Path, seed: int
    ) -> None:
        data, chance = self.data(), random.Random(seed)
        path.write_bytes(data[:20])
        file, at = MetricFile(folder / "metrics.jsonl"), 20
        file.poll()
        with path.open("ab", buffering=0) as writer:
            while at < len(data):
                size = chance.choice((1, 3, 7, 100, 5_000, 40_000))
                writer.write(data[at : at + size])
                at += size
                file.poll(max_bytes=chance.choice((1, 2_000, 1 << 20)))
        while file.behind:
            file.poll(max_bytes=777)
        file.poll(final=True)
        assert points(file) == self.expected()
        assert file.flags.bad_lines == 0

    def test_a_file_cut_anywhere_gives_the_points_before_and_nothing_else(
        self, path: Path, folder: Path
    ) -> None:
        data, expected, chance = self.data(), self.expected(), random.Random(1)
        for _ in range(40):
            path.write_bytes(data[: chance.randrange(len(data))])
            for name, found in points(read(folder)).items():
                assert found == expected[name][: len(found)]

    def test_damage_anywhere_is_told_once_a_piece_and_costs_no_more_than_what_is_near(
        self, path: Path, folder: Path
    ) -> None:
        data, expected, chance = self.data(), self.expected(), random.Random(2)
        for _ in range(40):
            at = chance.randrange(len(data) // 3, 2 * len(data) // 3)
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
            file = read(folder)
            found, flags = points(file), file.flags
            intact = sum(map(len, expected.values()))
            same = sum(len(set(found.get(name, ())) & set(expected[name])) for name in expected)
            assert flags.bad_lines <= 3
            if same < intact and not self.whole and self.kind not in (None, "lightning"):
                assert flags.bad_lines, f"byte {at} was lost without a word"
            if not self.whole:
                assert same >= intact // 3

    def test_a_file_read_again_from_its_start_gives_the_same(
        self, path: Path, folder: Path
    ) -> None:
        path.write_bytes(self.data())
        file = read(folder)
        before = points(file)
        path.unlink()
        file.poll()
        path.write_bytes(self.data())
        file.poll(final=True)
        assert points(file) == before == points(read(folder))

    @pytest.mark.parametrize(
        "data", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 200, b"a,b\n1,2\n", b"[1, 2]\n"]
    )
    def test_a_file_of_another_format_is_told_in_one_line_and_gives_nothing(
        self, path: Path, folder: Path, data: bytes
    ) -> None:
        path.write_bytes(data)
        file = read(folder)
        assert not file.metrics
        assert file.flags.first_bad is not None
        assert "\n" not in file.flags.first_bad.reason

    def test_random_bytes_behind_a_good_beginning_never_raise(
        self, path: Path, folder: Path
    ) -> None:
        data, chance = self.data(), random.Random(3)
        for _ in range(20):
            path.write_bytes(data[: chance.randrange(len(data))] + chance.randbytes(3_000))
            read(folder)
