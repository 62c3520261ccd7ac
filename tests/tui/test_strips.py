"""The header, the GPU strip, the key line and the text panes: what they say, and in what width."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from tests.analysis.builders import ended, sweep_of
from tests.tui.rows import row, running
from tuiswp.analysis.optimum import judge
from tuiswp.controller.client import SweepView
from tuiswp.controller.reducer import PhaseRun, SweepState
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Health, Inventory
from tuiswp.model import health as ends
from tuiswp.model.sweep import Phase
from tuiswp.model.trial import Attempt, Lease, Process, Running, Trial
from tuiswp.text import visible
from tuiswp.tui.pieces import Line, cells
from tuiswp.tui.snapshot import EventLine, Snapshot
from tuiswp.tui.widgets.footer import KeyFooter
from tuiswp.tui.widgets.gpus import GpuStrip, Tenants, gpu_lines, tenants
from tuiswp.tui.widgets.header import SweepHeader, header_line
from tuiswp.tui.widgets.lines import Lines, shift

ROWS = (running(1), row(0), row(2), row(3, state="failed", cause="signal"), row(4, state="queued"))


def snapshot(*, alive: bool = True, **given: Any) -> Snapshot:
    """A sweep of five trials; its controller lives or not."""
    sweep = sweep_of(name="lr-sweep3", metric="val_loss")
    trials = [ended(0, {}, 0.1862), ended(2, {}, 0.21)]
    held = Process("boot", 7, 9)
    state = SweepState(name="lr-sweep3", host="gpu1", controller=held)
    view = SweepView(Path("sweeps/lr"), sweep, state, held if alive else None, {})
    fields: dict[str, Any] = {
        "view": view, "rows": ROWS, "columns": (), "metrics": ("val_loss",), "curves": {},
        "judgement": judge(sweep, trials), "diagnoses": (), "events": (), "log": None,
        "inventory": None, "planned": 47, "eta_s": 2460.0, "data_age_s": 0.4, "at": 0.0,
    }  # fmt: skip
    return Snapshot(**{**fields, **given})


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line)


class One(App[None]):
    """One widget alone."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_key_footer_pressed(self, message: KeyFooter.Pressed) -> None:
        self.pressed.append(message.key)

    def screen_lines(self) -> list[str]:
        return [strip.text for strip in self.widget.render_lines(self.widget.size.region)]


def play(
    widget: Widget,
    steps: Callable[[One, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
) -> One:
    app = One(widget)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await steps(app, pilot)

    asyncio.run(run())
    return app


def test_a_wide_header_says_everything_in_words() -> None:
    assert text_of(header_line(snapshot(), "", 160)) == (
        " lr-sweep3  host gpu1  data 0.4s old  running 1 queued 1 ok 2 failed 1 of 47"
        "  best t0000 val_loss 0.1862  ETA 41m"
    )


def test_a_header_of_80_columns_uses_short_words_and_loses_nothing() -> None:
    text = text_of(header_line(snapshot(), "", 80))
    assert text == " lr-sweep3  gpu1  0.4s  run 1 q 1 ok 2 x 1 of 47  best t0000 0.1862  ETA 41m"


@pytest.mark.parametrize("width", [30, 40, 80, 160])
def test_a_dead_controller_is_said_in_any_width(width: int) -> None:
    line = header_line(snapshot(alive=False), "", width)
    assert "CONTROLLER DEAD" in text_of(line)
    assert [tone for text, tone in line if "DEAD" in text] == ["bad"]
    assert cells(line) <= width


def test_old_data_is_a_warning_and_no_data_is_not_shown_as_fresh() -> None:
    old = header_line(snapshot(data_age_s=72.0), "", 160)
    assert ("data 1m old", "warn") in old
    assert "data" not in text_of(header_line(snapshot(data_age_s=None), "", 160))
    assert "ETA ?" in text_of(header_line(snapshot(eta_s=None), "", 160))


def test_the_phase_is_said_while_it_lasts_and_makes_room_first() -> None:
    shot = snapshot()
    phases = (Phase("explore"), Phase("re\x1b[2Jfine"), Phase("validate"))
    sweep = msgspec.structs.replace(shot.view.sweep, phases=phases)
    run = PhaseRun(1, phases[1].name, 1.0)
    for over, said in ((None, True), (2.0, False)):
        state = msgspec.structs.replace(
            shot.view.state, phases=(msgspec.structs.replace(run, ended=over),)
        )
        view = msgspec.structs.replace(shot.view, sweep=sweep, state=state)
        there = msgspec.structs.replace(shot, view=view)
        wide = text_of(header_line(there, "", 160))
        assert ("phase 2/3 re" in wide) is said and wide.isprintable()
        narrow = header_line(there, "", 70)
        assert "ok 2" in text_of(narrow) and cells(narrow) <= 70


def test_a_hostile_sweep_name_cannot_reach_the_terminal() -> None:
    shot = snapshot()
    sweep = sweep_of(name="\x1b]0;x\x07\u202eevil", metric="val_loss")
    shot = msgspec.structs.replace(shot, view=msgspec.structs.replace(shot.view, sweep=sweep))
    assert text_of(header_line(shot, "\x1b[2J", 160)).isprintable()


def gpu(index: int = 0, **given: Any) -> GpuReading:
    fields: dict[str, Any] = {
        "uuid": f"GPU-{index}", "index": index, "name": "H200", "memory_total_mib": 144 * 1024,
        "memory_used_mib": 82 * 1024, "utilization": 87, "temperature_c": 56, "power_w": 593.4,
        "power_limit_w": 700.0, "processes": (),
    }  # fmt: skip
    return GpuReading(**{**fields, **given})


OURS = Tenants({"tok": "t0044"}, {"GPU-0": ("t0044", "t0045")})
PROCESSES = (
    GpuProcess(1, "me", "python", 31 * 1024, "tok"),
    GpuProcess(2, "alice", "train.py", 9 * 1024),
    GpuProcess(3, "root", "Xorg", 20, graphics=True),
)


def strip_text(*gpus: GpuReading, width: int = 160, height: int = 4, ours: Tenants = OURS) -> str:
    lines = gpu_lines(Inventory(gpus, "nvml"), ours, None, width, height)
    return "\n".join(text_of(line) for line in lines)


def test_a_gpu_shows_its_use_memory_power_heat_our_trials_and_strangers() -> None:
    assert strip_text(gpu(processes=PROCESSES)) == (
        " G0 H200  util ████████░░ 87%  mem █████░░░░░ 82/144 GiB  593/700 W  56C"
        "  t0044 31G t0045  foreign: alice train.py 9.0G"
    )


def test_at_80_columns_who_is_there_comes_before_power_and_heat() -> None:
    text = strip_text(gpu(processes=PROCESSES), width=80)
    assert "t0044 31G t0045" in text and "alice" in text and "W" not in text
    assert "82/144 GiB" in text and "87%" in text


def test_a_trial_on_a_gpu_it_does_not_hold_has_strayed() -> None:
    stray = GpuProcess(1, "me", "python", 18432, token="tok")
    ours = Tenants({"tok": "t0003"}, {"GPU-1": ("t0003",)})
    text = strip_text(gpu(0, processes=(stray,)), gpu(1, processes=()), ours=ours)
    assert "t0003 18G strayed" in text.splitlines()[0]
    assert text.splitlines()[1].endswith("  t0003")
    assert "t0003 strayed" in strip_text(gpu(0, processes=(stray,)), gpu(1), height=1, ours=ours)


def test_a_gpu_that_is_slowed_down_and_a_sick_one_say_so() -> None:
    slow = msgspec.structs.replace(gpu(0), health=Health(slowed=("heat",)))
    assert "56C slow" in strip_text(slow)
    sick = "fell off the bus (Xid 79); the machine needs a reboot"
    for width in (80, 160):
        ill = msgspec.structs.replace(gpu(0), name=None, problem=sick)
        text = strip_text(ill, width=width)
        assert text.startswith(f" G0  {sick}") and text.endswith("  t0044 t0045")
        assert len(text) <= width
    assert strip_text(ill, gpu(1), width=60, height=1).startswith(" G0 sick t0044 t0045  G1 87%")


def test_what_is_not_known_is_a_question_mark_and_never_nought() -> None:
    text = strip_text(GpuReading("GPU-0", 0), ours=Tenants())
    assert text.split() == [
        "G0", "util", "?%", "mem", "?/?", "GiB", "?/?", "W", "?C", "processes", "?",
    ]  # fmt: skip
    assert "0%" not in text


def test_more_gpus_than_lines_are_packed_and_the_rest_counted() -> None:
    text = strip_text(*(gpu(index) for index in range(8)), width=80, height=1)
    assert text.startswith(" G0 87% 82/144G t0044 t0045") and text.endswith("GPUs")
    assert len(text) <= 80
    shown = sum(f"G{index}" in text.split() for index in range(8))
    assert f"+{8 - shown} GPUs" in text


@pytest.mark.parametrize("width", [80, 160])
def test_a_gpu_that_gets_no_trials_says_so_in_any_form(width: int) -> None:
    failures = tuple(ends.Failure(n, 1, "exit-code", "exit 1", 0.1) for n in range(3))
    lease = Lease("U0", 0, "G0")
    status = Running(0.0, "tok", (lease,), Process("b", 1, 1), Process("b", 2, 1))
    runs = Trial(7, {}, "k", "grid", status, (Attempt(1, 0.0, leases=(lease,)),))
    suspect = ends.GpuHealth("U1", "G1", streak=failures)
    bad = ends.GpuHealth("U2", "G2", quarantine=ends.Quarantine(1.0, "tuiswp", "all failed"))
    ours = tenants([runs], health=ends.Health({"U1": suspect, "U2": bad}, done=1))
    readings = [msgspec.structs.replace(gpu(index), uuid=f"U{index}") for index in range(3)]
    for height in (1, 3):
        lines = gpu_lines(Inventory(tuple(readings), "nvml"), ours, None, width, height)
        pieces = [piece for line in lines for piece in line]
        assert ("quarantined", "bad") in pieces
        assert ("held back", "warn") in pieces
    assert not tenants([], health=ends.Health({"U1": suspect}, done=1)).aside, "nobody to tell"


def test_without_a_gpu_the_taken_cpu_slots_are_shown() -> None:
    trial = Trial(
        7, {}, "k", "grid",
        Running(0.0, "tok", (Lease("cpu", 0, "cpu0"),), Process("b", 1, 1), Process("b", 2, 1)),
    )  # fmt: skip
    lines = gpu_lines(Inventory((), "none"), tenants([trial]), 4, 80, 1)
    assert text_of(lines[0]) == " no GPU  CPU slots 1/4  cpu0 t0007"
    assert "1/?" in text_of(gpu_lines(Inventory((), "none"), tenants([trial]), None, 80, 1)[0])


def test_gpus_that_cannot_be_read_are_no_cpu_machine() -> None:
    broken = Inventory((), "nvml", problem="driver/library mismatch")
    assert "cannot be read: driver" in text_of(gpu_lines(broken, OURS, 4, 120, 1)[0])
    assert "?" in text_of(gpu_lines(None, OURS, 4, 120, 1)[0])
    doubtful = gpu_lines(Inventory((gpu(),), "nvml", problem="lost"), OURS, None, 120, 3)
    assert doubtful[0][0][1] == "bad" and len(doubtful) == 2


def test_a_running_trial_is_found_by_its_token_and_its_leases() -> None:
    status = Running(0.0, "tok", (Lease("GPU-1", 0, "G1"),), Process("b", 1, 1), Process("b", 2, 1))
    found = tenants([Trial(3, {}, "k", "grid", status), ended(4, {}, 1.0)])
    assert found == Tenants({"tok": "t0003"}, {"GPU-1": ("t0003",)}, {}, {"G1": ("t0003",)})


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 200), st.integers(0, 9), st.integers(0, 4),
    st.builds(
        GpuProcess, pid=st.integers(1, 9), user=st.none() | st.text(max_size=30),
        name=st.none() | st.text(max_size=90), memory_mib=st.none() | st.integers(0, 10**6),
    ),
)  # fmt: skip
def test_any_gpus_in_any_width_make_printable_lines(
    width: int, count: int, height: int, process: GpuProcess
) -> None:
    found = tuple(gpu(index, processes=(process,)) for index in range(count))
    lines = gpu_lines(Inventory(found, "nvml"), OURS, None, width, height)
    assert len(lines) <= height
    assert all(visible(text_of(line)) == text_of(line) for line in lines)


@pytest.mark.parametrize("size", [(1, 1), (20, 3), (80, 24), (160, 45)])
@pytest.mark.parametrize("ascii", [False, True])
def test_every_strip_fills_its_lines_exactly(size: tuple[int, int], ascii: bool) -> None:
    async def steps(app: One, pilot: Pilot[None]) -> None:
        match app.widget:
            case SweepHeader() as header:
                header.show(snapshot(alive=False))
            case GpuStrip() as gpus:
                gpus.show(Inventory((gpu(processes=PROCESSES),), "nvml"), OURS)
            case KeyFooter() as footer:
                footer.show([("?", "help"), ("↵", "open")])
        await pilot.pause()
        lines = app.screen_lines()
        assert {len(line) for line in lines} == {size[0]}
        assert not ascii or all(line.isascii() for line in lines)

    for widget in (SweepHeader(ascii=ascii), GpuStrip(ascii=ascii), KeyFooter(ascii=ascii)):
        play(widget, steps, size)


def test_the_footer_shows_whole_keys_and_a_click_stands_for_one() -> None:
    footer = KeyFooter()

    async def steps(app: One, pilot: Pilot[None]) -> None:
        footer.show([("?", "help"), ("/", "filter"), ("space", "mark"), ("enter", "open trial")])
        await pilot.pause()
        assert app.screen_lines()[0].rstrip() == " ? help  / filter  space mark"
        await pilot.click(KeyFooter, offset=(11, 0))
        await pilot.pause()

    assert play(footer, steps, (40, 5)).pressed == ["/"]


LOG = tuple(f"step {number} loss 0.{number}" for number in range(100))


def test_a_log_follows_its_end_until_somebody_scrolls_up_and_again_at_the_end() -> None:
    pane = Lines()

    async def steps(app: One, pilot: Pilot[None]) -> None:
        pane.focus()
        pane.show(LOG)
        await pilot.pause()
        assert app.screen_lines()[-1].startswith(LOG[-1])
        await pilot.press("pageup")
        await pilot.wait_for_animation()
        await pilot.pause()
        assert not pane.following
        top = app.screen_lines()[0]
        pane.show((*LOG[10:], "new 1", "new 2"))  # the window slid by ten
        await pilot.pause()
        assert app.screen_lines()[0] == top
        pane.follow(True)
        await pilot.pause()
        assert app.screen_lines()[-1].startswith("new 2")
        pane.show((*LOG[11:], "new 1", "new 2", "new 3"))
        await pilot.pause()
        assert app.screen_lines()[-1].startswith("new 3") and pane.following

    play(pane, steps)


def test_a_pane_filters_by_text_and_by_regular_expression_and_says_what_is_wrong() -> None:
    pane = Lines()

    async def steps(app: One, pilot: Pilot[None]) -> None:
        pane.show(LOG)
        assert pane.filter("STEP 7 ") is None
        assert list(pane.shown) == [LOG[7]]
        assert pane.filter(r"step \d5 ", regex=True) is None
        assert len(pane.shown) == 9
        fault = pane.filter("(", regex=True)
        assert fault is not None and "regular expression" in fault
        assert len(pane.shown) == 9
        pane.filter("nothing like it")
        await pilot.pause()
        assert "no line matches" in app.screen_lines()[0]
        pane.filter("")
        assert len(pane.shown) == 100

    play(pane, steps)


def test_events_are_shown_newest_first_and_stay_in_place_when_one_comes() -> None:
    pane = Lines(newest_first=True)
    events = [EventLine(n, 60.0 * n, "AttemptEnded", n, f"text {n}") for n in range(60, 0, -1)]

    async def steps(app: One, pilot: Pilot[None]) -> None:
        pane.show(tuple(events))
        await pilot.pause()
        assert "t0060  AttemptEnded text 60" in app.screen_lines()[0]
        pane.scroll_to(y=10, animate=False)
        await pilot.pause()
        top = app.screen_lines()[0]
        pane.show((EventLine(61, 0.0, "SweepPaused", None, "by you"), *events))
        await pilot.pause()
        assert app.screen_lines()[0] == top
        pane.follow(True)
        await pilot.pause()
        assert "sweep  SweepPaused" in app.screen_lines()[0]

    play(pane, steps)


def test_long_lines_are_moved_sideways_and_hostile_ones_made_visible() -> None:
    pane = Lines(ascii=False)

    async def steps(app: One, pilot: Pilot[None]) -> None:
        pane.focus()
        pane.show(("0123456789" * 20, "a\x1b[31mb\u202ec [bold]x[/bold]"))
        await pilot.pause()
        assert app.screen_lines()[1].startswith("a␛[31mb⟨202e⟩c [bold]x[/bold]")
        await pilot.press("right")
        await pilot.pause()
        assert app.screen_lines()[0].startswith("890123")
        assert {len(line) for line in app.screen_lines()} == {40}

    play(pane, steps, (40, 5))


def test_a_hundred_thousand_lines_are_drawn_a_screenful_at_a_time() -> None:
    pane = Lines()

    async def steps(app: One, pilot: Pilot[None]) -> None:
        pane.show(tuple(f"line {number}" for number in range(100_000)))
        await pilot.pause()
        assert app.screen_lines()[-1].startswith("line 99999")
        assert len(pane._drawn) <= 3 * 24

    play(pane, steps)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30))
def test_a_window_that_slid_is_recognised(dropped: int, added: int, kept: int) -> None:
    lines = [f"line {number}" for number in range(dropped + kept + added)]
    assert shift(lines[: dropped + kept], lines[dropped:]) == dropped


def test_a_window_of_other_lines_is_no_slide() -> None:
    assert shift(["a", "b"], ["c"]) == 0
    assert shift([], ["c"]) == 0
