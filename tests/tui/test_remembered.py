"""The view of a sweep: kept in its directory, brought back, and never worth a failure."""

import json
import os
import queue
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.controller.bench import Bench
from tests.tui.loops import in_a_loop
from tests.tui.snapshots import HOSTILE, snapshot
from tests.tui.test_app import Desk, ready
from tuiswp.tui.remembered import FILE, Memory, Remembered, load
from tuiswp.tui.screens.leaving import Recalled
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.widgets.chart_grid import ChartGrid
from tuiswp.tui.widgets.trials import Trials

pytestmark = pytest.mark.slow  # each of them opens the interface

VIEW = Remembered(sort="step", down=True, marks=(1, 2), filter="status:done", away=("gpus",))


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path).place.root


def opened(memory: Memory) -> Remembered:
    recalled: queue.Queue[Remembered] = queue.Queue()
    memory.open(recalled.put)
    return recalled.get(timeout=5)


def test_what_is_kept_is_there_the_next_time_and_nobody_else_can_read_it(sweep: Path) -> None:
    memory = Memory(sweep)
    assert opened(memory) == Remembered()
    memory.keep(VIEW)
    memory.close()
    assert stat.S_IMODE((sweep / FILE).stat().st_mode) == 0o600
    again = Memory(sweep)
    assert opened(again) == VIEW
    again.close()


def test_looking_alone_writes_nothing(sweep: Path) -> None:
    before = sorted(path.name for path in sweep.iterdir())
    memory = Memory(sweep)
    memory.keep(opened(memory))
    memory.close()
    assert sorted(path.name for path in sweep.iterdir()) == before


def test_it_is_written_soon_without_leaving(sweep: Path) -> None:
    memory = Memory(sweep)
    opened(memory)
    memory.keep(VIEW)
    until(lambda: (sweep / FILE).exists())
    memory.close()


def test_anew_forgets_what_was_there(sweep: Path) -> None:
    (sweep / FILE).write_bytes(json.dumps({"sort": "step"}).encode())
    memory = Memory(sweep, anew=True)
    assert opened(memory) == Remembered()
    memory.keep(Remembered())
    memory.close()
    assert load(sweep) == (Remembered(), True)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"sort": 7}', b'{"marks": ["x"]}', b"9" * 400_000,
        b'{"version": "1"}', b"[" * 100_000, b'{"columns": {"a": 1}}',
        *(json.dumps({"filter": text}).encode() for text in HOSTILE if not text.isprintable()),
        json.dumps({"columns": ["x"] * 1000}).encode(),
    ],
)  # fmt: skip
def test_a_damaged_or_hostile_file_is_as_none_and_is_replaced(sweep: Path, data: bytes) -> None:
    (sweep / FILE).write_bytes(data)
    memory = Memory(sweep)
    assert opened(memory) == Remembered()
    memory.keep(VIEW)
    memory.close()
    assert load(sweep)[0] == VIEW


def test_a_newer_view_is_neither_read_nor_replaced(sweep: Path) -> None:
    newer = b'{"version": 2, "sort": "step"}'
    (sweep / FILE).write_bytes(newer)
    memory = Memory(sweep)
    assert opened(memory) == Remembered()
    memory.keep(VIEW)
    memory.close()
    assert (sweep / FILE).read_bytes() == newer


def test_a_fifo_a_link_and_a_directory_in_its_place_hang_and_break_nothing(
    sweep: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"sort": "step"}')
    for make in (os.mkfifo, lambda path: path.symlink_to(secret), Path.mkdir):
        make(sweep / FILE)
        memory = Memory(sweep)
        assert opened(memory) == Remembered()
        memory.keep(VIEW)
        memory.close()
        path = sweep / FILE
        path.rmdir() if path.is_dir() else path.unlink()
    assert secret.read_text() == '{"sort": "step"}'


def test_nothing_is_written_beside_the_runs_of_others_but_the_view_lives_on(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a"
    run.mkdir(parents=True)
    (run / "metrics.jsonl").write_text('{"loss": 1}\n')
    memory = Memory(tmp_path / "runs")
    opened(memory)
    memory.keep(VIEW)
    memory.close()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["a"]
    again = Memory(tmp_path / "runs", before=memory.latest)
    assert opened(again) == VIEW
    again.close()


def test_of_two_that_write_the_last_wins(sweep: Path) -> None:
    one, two = Memory(sweep), Memory(sweep)
    opened(one)
    opened(two)
    one.keep(VIEW)
    two.keep(replace(VIEW, sort="age"))
    one.close()
    two.close()
    view, _ = load(sweep)
    assert view is not None
    assert view.sort == "age"
    assert not [path.name for path in sweep.iterdir() if path.name.startswith(f".{FILE}")]


class Visit(Desk):
    """The application without a feed, on a sweep that exists."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


async def on_sweep(pilot: Pilot[int]) -> tuple[SweepScreen, Trials]:
    screen = await ready(pilot)
    await settled(pilot, lambda: screen.remembers)
    return screen, screen.query_one(Trials)


async def settled(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        await pilot.pause(0.02)
        app = pilot.app
        assert isinstance(app, Desk)
        app.take(snapshot())


def test_a_visit_begins_as_the_one_before_ended(sweep: Path) -> None:
    @in_a_loop
    async def first() -> None:
        app = Visit(sweep)
        async with app.run_test(size=(100, 30)) as pilot:
            _, table = await on_sweep(pilot)
            table.sort_by("step")
            table.reverse()
            await pilot.press("space", "down", "space", "3", "tab", "y", "E", "n")
            await pilot.press("shift+tab", "slash", *"status:done", "enter", "q")

    @in_a_loop
    async def second() -> None:
        app = Visit(sweep)
        async with app.run_test(size=(100, 30)) as pilot:
            screen, table = await on_sweep(pilot)
            rows = table.ordering
            assert (rows.sort, rows.down, rows.query) == ("step", seen["down"], "status:done")
            assert len(rows.marks) == 2
            assert screen.query_one("#gpus").has_class("away")
            state = screen.query_one(ChartGrid).state
            assert state.log_y == ("train_mean_nll",)
            assert state.smooth
            assert state.metric == "grad_norm"

    first()
    seen = json.loads((sweep / FILE).read_bytes())
    second()


@in_a_loop
async def test_columns_and_sort_by_a_metric_wait_for_the_values() -> None:
    app = Desk()
    async with app.run_test(size=(160, 45)) as pilot:
        screen, table = await on_sweep(pilot)
        view = Remembered(columns=("value", "metric.acc"), sort="metric.acc", down=True)
        screen.post_message(Recalled(view))
        await pilot.pause()
        app.take(snapshot())
        assert table.ordering.sort == "value"
        assert app.wanted[-1].logged == ("acc",)
        rows = tuple(replace(row, logged=(float(row.number),)) for row in snapshot().rows)
        app.take(replace(snapshot(), rows=rows, logged=("acc",)))
        assert (table.ordering.sort, table.ordering.down) == ("metric.acc", True)


@in_a_loop
async def test_what_no_longer_exists_is_passed_over() -> None:
    app = Desk()
    async with app.run_test(size=(100, 30)) as pilot:
        screen, table = await on_sweep(pilot)
        view = Remembered(
            sort="param.gone", columns=("nowhere", "state"), marks=(1, 999), filter="gone>1",
            away=("elsewhere",), focus="nowhere", charts={"smooth": 7.5, "metric": "none such"},
        )  # fmt: skip
        screen.post_message(Recalled(view))
        await pilot.pause()
        app.take(snapshot())
        assert table.ordering.marks == {1}
        assert (table.ordering.sort, table.ordering.query) == ("value", "")
        assert table.columns == ["state"]
        assert screen.query_one(ChartGrid).state.smooth is None


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # a poll for an outcome, bounded by the deadline
