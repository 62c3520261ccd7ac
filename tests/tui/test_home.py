"""Home: the list of sweeps, opening one and coming back, on lists made by hand and on real ones."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from tests.controller.bench import Bench
from tests.tui.loops import in_a_loop
from tests.tui.snapshots import HOSTILE, NOW, snapshot
from tests.tui.test_screens import is_inert, seen
from tuiswp.controller.client import SweepReader
from tuiswp.controller.here import NOT_STARTED, UNREADABLE, FoundSweep, Here
from tuiswp.tui.home_app import HomeApp
from tuiswp.tui.screens.confirm import ConfirmScreen
from tuiswp.tui.screens.help import HelpScreen
from tuiswp.tui.screens.home import HomeScreen
from tuiswp.tui.screens.sweep import SweepScreen
from tuiswp.tui.widgets.picks import Picks

pytestmark = pytest.mark.slow  # each of them opens the interface

LIST = (
    FoundSweep(Path("sweeps/lr"), "lr", "running", {"done": 3, "running": 2}, best=0.1862,
               best_trial="t0002", metric="val_loss", at=NOW - 5),
    FoundSweep(Path("sweeps/batch"), "batch", "finished", {"done": 9, "failed": 1}, best=1.25,
               best_trial="t0007", metric="loss", at=NOW - 7200),
    FoundSweep(Path("sweeps/old"), "old", UNREADABLE, fault="the journal is damaged at byte 12"),
    FoundSweep(Path("sweeps/runs"), "runs", "read-only", runs=7, at=NOW - 86400),
    FoundSweep(Path("next.yaml"), "next", NOT_STARTED, metric="loss"),
)  # fmt: skip


NEXT = (
    "method: random\nmetric: {name: loss, goal: minimize}\nrun_cap: 5\n"
    'parameters: {lr: {min: 0.1, max: 0.5}}\ncommand: ["true", "${args}"]\n'
)


class Hall(HomeApp):
    """The application with its feeds off: a test hands it lists and snapshots."""

    def __init__(self, found: tuple[FoundSweep, ...] = LIST) -> None:
        super().__init__(Path("nowhere"))
        self.found = found
        self.home.clock = lambda: NOW
        self.followed: list[Path] = []
        self.started: list[Path] = []

    def start_feed(self) -> None:
        self.call_after_refresh(self.home.show, self.found)

    def follow(self, path: Path) -> None:
        self.followed.append(path)

    def start_file(self, source: Path) -> None:  # type: ignore[override]  # a worker in the original
        self.started.append(source)


async def ready(pilot: Pilot[int]) -> HomeScreen:
    await pilot.pause()
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, HomeScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
@in_a_loop
async def test_every_sweep_is_a_line_with_its_state_best_counts_and_time(
    size: tuple[int, int],
) -> None:
    app = Hall()
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        lines = seen(app).splitlines()
        [lr] = [line for line in lines if " lr " in line]
        for words in ("running", "0.1862 t0002", "3 done, 2 running", "5 s ago"):
            assert words in lr, lr
        [old] = [line for line in lines if " old " in line]
        assert UNREADABLE in old
        assert "the journal" in old
        assert any("7 runs" in line and "read-only" in line for line in lines)
        assert ("sweeps/lr" in lr) is (size[0] == 160)
        assert all(len(line) == size[0] for line in lines)


@in_a_loop
async def test_enter_opens_the_sweep_and_esc_and_q_come_back_to_the_list() -> None:
    app = Hall()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        for key in ("escape", "q"):
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, SweepScreen)
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(app.screen, HomeScreen)
        assert app.followed == [Path("sweeps/lr")] * 2
        await pilot.press("q")
    assert app.return_value == 0


@in_a_loop
async def test_escape_undoes_one_thing_before_it_leaves_the_sweep() -> None:
    app = Hall()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("enter")
        await pilot.pause()
        here = snapshot()
        inside = Path("sweeps/lr").absolute()
        app.take(replace(here, view=replace(here.view, directory=inside)))
        await pilot.pause()
        await pilot.press("space", "escape")
        await pilot.pause()
        assert isinstance(app.screen, SweepScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen)


@in_a_loop
async def test_a_moment_of_a_sweep_that_was_left_is_not_drawn_over_another() -> None:
    app = Hall()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        app.take(snapshot())
        assert app.snapshot is None
        await pilot.press("enter")
        await pilot.pause()
        app.take(snapshot())  # of /sweeps/lr, not of the one that is open
        assert app.snapshot is None


@in_a_loop
async def test_what_cannot_be_shown_any_more_leads_back_to_the_list() -> None:
    app = Hall()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await pilot.press("enter")
        await pilot.pause()
        app.feed_lost("UsageError: it is gone")
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen)
        assert app.fault is None


@in_a_loop
async def test_a_broken_sweep_is_not_opened_and_a_file_is_started_only_after_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rule = "early_stop: {type: asha, resource: step, min_resource: 100, eta: 3}"
    Path("next.yaml").write_text(f"{NEXT}tuiswp: {{{rule}, length: {{step: 1000, report: 50}}}}\n")
    app = Hall()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await ready(pilot)
        screen.query_one(Picks).select("sweeps/old")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen)
        screen.query_one(Picks).select("next.yaml")
        for answer in ("n", "y"):
            await pilot.press("enter")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert isinstance(app.screen, ConfirmScreen)
            assert "5 trials by random over lr" in seen(app)
            assert "kill points: step 100, 300, 900" in seen(app)
            assert "= report 5, 15, 45" in seen(app)
            assert "= progress 0.1, 0.3, 0.9" in seen(app)
            assert app.started == []
            await pilot.press(answer)
            await pilot.pause()
        assert app.started == [Path("next.yaml")]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("tuiswp: {early_stop: {type: asha, resource: step, min_resource: 100}, length: {step: 9}}",
         "can never stop a trial"),
        ("speed: 3", "next.yaml:6: speed: unknown key"),
    ],
)  # fmt: skip
@in_a_loop
async def test_a_file_that_cannot_start_says_why_and_asks_nothing(
    more: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("next.yaml").write_text(f"{NEXT}{more}\n")
    app = Hall()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await ready(pilot)
        screen.query_one(Picks).select("next.yaml")
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen)
        [note] = app._notifications
        assert says in note.message


@in_a_loop
async def test_the_list_is_filtered_sorted_and_turned_round() -> None:
    app = Hall()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await ready(pilot)
        picks = screen.query_one(Picks)
        assert picks.keys[:3] == ("sweeps/lr", "sweeps/batch", "sweeps/runs")
        await pilot.press("s")
        assert picks.keys[0] == "sweeps/batch"
        await pilot.press("S")
        assert picks.keys[0] == "sweeps/runs"
        await pilot.press("slash", *"finished", "enter")
        assert picks.keys == ("sweeps/batch",)
        await pilot.press("escape")
        assert len(picks.keys) == len(LIST)


@in_a_loop
async def test_without_a_sweep_it_says_what_to_do() -> None:
    app = Hall(())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "tuiswp check sweep.yaml" in seen(app)
        await pilot.press("enter", "down", "s", "question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (1, 1), (300, 60)])
@in_a_loop
async def test_hostile_names_reach_the_screen_only_harmless(size: tuple[int, int]) -> None:
    found = tuple(
        FoundSweep(Path(text.replace("/", "_")), text, "running", best=1.0, best_trial="t0000",
                   metric=text, at=NOW, fault=text * (n % 2))
        for n, text in enumerate(HOSTILE)
    )  # fmt: skip
    app = Hall(found)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press("down", "down", "S", "enter")
        await pilot.pause()
        assert is_inert(seen(app))


def test_the_list_is_read_again_only_where_something_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    here = Here()
    bench.step()
    [line] = here.look()
    assert (line.name, line.word, line.counts["running"]) == ("test", "running", 2)
    bench.finish(0, value=1.5)
    [line] = here.look()
    assert (line.best, line.best_trial, line.metric) == (1.5, "t0000", "loss")


def test_a_broken_sweep_is_looked_into_again_only_when_its_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    whole = bench.place.sweep_file.read_text()
    bench.place.sweep_file.write_text("parameters: [what\n")
    looked: list[Path] = []

    def reader(path: Path) -> SweepReader:
        looked.append(path)
        return SweepReader(path)

    monkeypatch.setattr("tuiswp.controller.here.SweepReader", reader)
    here = Here()
    assert [line.word for line in here.look(files=False) + here.look(files=False)] == [
        UNREADABLE,
        UNREADABLE,
    ]
    assert len(looked) == 1
    bench.place.sweep_file.write_text(whole)
    assert here.look(files=False)[0].word != UNREADABLE


def test_what_cannot_be_read_is_a_line_and_runs_of_others_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "sweeps" / "broken"
    broken.mkdir(parents=True)
    (broken / "journal.jsonl").write_bytes(b"\x00garbage\n" * 3)
    run = tmp_path / "sweeps" / "runs" / "a"
    run.mkdir(parents=True)
    (run / "metrics.jsonl").write_text('{"loss": 1}\n')
    (tmp_path / "sweeps" / "loop").symlink_to("loop")
    (tmp_path / "sweeps" / "nothing").mkdir()
    (tmp_path / "odd.yaml").write_text("parameters: [what\n")
    (tmp_path / "next.yaml").write_text(
        "program: t.sh\nmethod: grid\nparameters:\n  x: {values: [1, 2]}\n"
    )
    found = {line.name: line for line in Here().look()}
    assert set(found) == {"broken", "runs", "next"}
    assert found["broken"].word == UNREADABLE
    assert found["broken"].fault
    assert (found["runs"].word, found["runs"].runs) == ("read-only", 1)
    assert found["next"].is_file


@in_a_loop
async def test_two_real_sweeps_are_listed_opened_and_left_without_touching_them() -> None:
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        patch.setenv("TUISWP_GPUS", "none")
        patch.setenv("TUISWP_RUNTIME_DIR", str(folder / "run"))
        patch.chdir(folder)
        bench = Bench(folder)
        bench.step()
        bench.finish(0, value=1.5)
        shutil.copytree(bench.place.root, folder / "sweeps" / "other")
        app = HomeApp(folder)
        async with app.run_test(size=(100, 30)) as pilot:
            picks = app.home.query_one(Picks)
            await until(pilot, lambda: len(picks.keys) == 2)
            for key in picks.keys:
                picks.select(key)
                await pilot.press("enter")
                await until(pilot, lambda: app.snapshot is not None)
                assert app.snapshot is not None
                assert app.snapshot.view.directory == Path(key)
                await until(pilot, lambda: "t0000" in seen(app))
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is app.home)
            bench.finish(1, value=0.5)
            await until(pilot, lambda: "0.5000 t0001" in seen(app))
            assert bench.states().count("running") == 2
            await pilot.press("q")
        assert app.return_value == 0


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Let the application go on until something is so."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, seen(pilot.app)
        await pilot.pause(0.02)
