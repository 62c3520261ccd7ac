"""A GPU that a trial holds and does not use: said after a while, and unknown stays unknown."""

from msgspec.structs import replace

from tests.analysis.builders import issue_sweep
from tests.tui.snapshots import NOW, running
from tuiswp.controller.story import Story
from tuiswp.gpu.inventory import GpuReading, Inventory
from tuiswp.tui.chronicle import Chronicle
from tuiswp.tui.idle import LONG_S, IdleWatch
from tuiswp.tui.widgets.gpus import gpu_lines, present, tenants

TRIAL = running(7, {"lr": 1.0}, since=NOW - 600.0)


def at(utilization: int | None) -> Inventory:
    return Inventory((GpuReading("GPU-G0", 0, utilization=utilization),), "nvml")


def test_a_held_gpu_at_zero_is_idle_after_a_minute_and_no_longer_once_it_works() -> None:
    watch = IdleWatch()
    assert watch.look(at(0), [TRIAL], NOW) == ()
    assert watch.look(at(0), [TRIAL], NOW + LONG_S - 1) == ()
    (found,) = watch.look(at(0), [TRIAL], NOW + LONG_S)
    assert (found.trial, found.label, found.since) == (7, "G0", NOW)
    assert watch.look(at(1), [TRIAL], NOW + LONG_S + 1) == ()
    assert watch.look(at(0), [TRIAL], NOW + LONG_S + 2) == ()


def test_what_is_not_known_is_not_idle() -> None:
    watch = IdleWatch()
    watch.look(at(0), [TRIAL], NOW)
    assert watch.look(at(None), [TRIAL], NOW + LONG_S) == ()
    assert watch.look(at(0), [TRIAL], NOW + LONG_S + 1) == ()
    assert watch.look(None, [TRIAL], NOW + 2 * LONG_S) == ()
    simulated = replace(at(0), source="sim")
    assert watch.look(simulated, [TRIAL], NOW + 9 * LONG_S) == ()


def test_a_gpu_that_idles_is_an_event_once_and_said_on_the_strip() -> None:
    watch, told = IdleWatch(), Chronicle(Story(issue_sweep(), "lr"))
    watch.look(at(0), [TRIAL], NOW)
    for second in range(3):
        now = NOW + LONG_S + second
        told.idle(watch.look(at(0), [TRIAL], now), now)
    (line,) = told.lines
    assert line.kind == "GPU idle"
    assert line.text == "t0007 holds G0, which has been at 0 % for 1 min 00 s"
    ours = tenants([TRIAL], [7])
    (strip,) = gpu_lines(at(0), ours, None, 120, 1)
    assert ("t0007", "warn") in strip
    assert "t0007 idle" in "".join(text for text, _ in strip)


def test_without_a_reading_the_leases_still_say_who_is_where() -> None:
    ours = tenants([TRIAL, running(8, {"lr": 1.0}, gpu="G1")])
    (line,) = gpu_lines(None, ours, None, 80, 1)
    assert "".join(text for text, _ in line) == " GPUs ?  G0 t0007  G1 t0008"
    assert present(None, ours) == ["t0007", "t0008"]
