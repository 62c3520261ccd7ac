"""What a row of the trials table says of its trial: flags that are true, unknown that stays so."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from tests.tui.rows import row
from tests.tui.snapshots import METRIC, lr_trials, snapshot
from tuiswp.metrics.file import MetricFile
from tuiswp.metrics.series import Series
from tuiswp.model.trial import Interrupt, Silent
from tuiswp.tui.ordering import Ordering
from tuiswp.tui.rows import RowMaker
from tuiswp.tui.waiting import Queue


def curve(ys: Sequence[float]) -> Series:
    series = Series()
    for step, y in enumerate(ys):
        series.append(float(step), y)
    return series


def test_who_is_pinned_and_who_was_interrupted_and_goes_on_is_flagged() -> None:
    view, maker = snapshot().view, RowMaker()
    trial = lr_trials()[7]
    assert maker.row(view, trial, None, None, 0.0).flags == ()
    sent = replace(trial, pinned="anna", interrupt=Interrupt(1.0, "anna"))
    assert maker.row(view, sent, None, None, 0.0).flags == ("PIN", "INT")
    done = lr_trials()[3]
    assert "PIN" not in maker.row(view, done, None, None, 0.0).flags
    kept = replace(done, pinned="anna", interrupt=Interrupt(1.0, "anna"))
    assert "PIN" in maker.row(view, kept, None, None, 0.0).flags
    assert "INT" not in maker.row(view, kept, None, None, 0.0).flags


def test_who_waits_has_a_place_in_the_queue_and_stands_there_when_sorted_by_state() -> None:
    rows = tuple(row(n, state="queued", place="") for n in (1, 2, 3))
    queue, table = Queue(), Ordering()
    first = queue.placed(rows, [2, 1, 3])
    assert [(one.number, one.queue, one.place) for one in first] == [
        (1, 2, "q2"), (2, 1, "q1"), (3, 3, "q3"),
    ]  # fmt: skip
    table.show(first, (), "minimize", 0.0)
    table.sort_by("state")
    assert table.order == [2, 1, 3]
    again = queue.placed(rows, [2, 1, 3])
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert queue.placed(rows, []) is rows


def flags_of(lines: str, folder: Path) -> tuple[str, ...]:
    path = folder / "metrics.jsonl"
    path.write_text(lines)
    file = MetricFile(path)
    file.poll()
    view = snapshot().view
    running = next(trial for trial in lr_trials() if trial.state == "running")
    return RowMaker().row(view, running, file, None, 1_800_000_000.0).flags


def test_a_value_that_is_not_finite_is_told_as_what_it_is(tmp_path: Path) -> None:
    good = "".join(f'{{"step": {n}, "{METRIC}": {3.0 - n / 10}}}\n' for n in range(8))
    assert flags_of(good, tmp_path) == ()
    assert flags_of(good + f'{{"step": 9, "{METRIC}": NaN}}\n', tmp_path) == ("NaN", "DIVERG")
    away = "".join(f'{{"step": {n}, "{METRIC}": {9.0 * n}}}\n' for n in range(9, 14))
    assert flags_of(good + away, tmp_path) == ("DIVERG",)


def test_a_trial_is_said_to_stall_exactly_while_its_controller_says_so() -> None:
    running = next(trial for trial in lr_trials() if trial.state == "running")
    view, maker = snapshot().view, RowMaker()
    assert "STALL" not in maker.row(view, running, None, None, 0.0).flags
    silent = replace(running, silent=Silent(1.0, "hang", 31.0, "silent for 31 s"))
    assert "STALL" in maker.row(view, silent, None, None, 0.0).flags
    assert maker.row(view, silent, None, None, 0.0).eta_s is None


def test_a_long_past_read_in_pieces_is_not_taken_for_quick_growth(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"step": {n}, "loss": 1.0}}\n' for n in range(40_000)))
    file = MetricFile(path)
    while file.poll(max_bytes=64 << 10) and file.behind:
        pass
    assert file.rows == 40_000
    assert file.growths == 0
