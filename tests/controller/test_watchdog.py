"""A metric name that nothing logs: asked about early, certain after three trials, never silent."""

import json
from pathlib import Path

import pytest

from tests.controller.bench import FILE, Bench
from tuiswp.controller.journal import read
from tuiswp.controller.requests import new_request
from tuiswp.model.events import SweepPaused, Warned

pytestmark = pytest.mark.slow  # long histories


def write(bench: Bench, number: int, rows: int, **metrics: float) -> None:
    lines = (json.dumps({"step": n, **metrics}) + "\n" for n in range(rows))
    bench.place.metrics(number).write_text("".join(lines))


def warned(bench: Bench, code: str) -> list[str]:
    records = read(bench.place.journal).records
    return [
        r.event.message for r in records if isinstance(r.event, Warned) and r.event.code == code
    ]


def pause(bench: Bench) -> SweepPaused | None:
    return bench.controller.core.state.paused


def end(bench: Bench, number: int, rows: int = 12, **metrics: float) -> None:
    write(bench, number, rows, **metrics)
    bench.finish(number)


def test_after_the_first_rows_it_says_what_is_logged_and_names_the_nearest(bench: Bench) -> None:
    bench.step()
    write(bench, 0, 9, los=2.0, grad_norm=1.0)
    bench.step()
    assert warned(bench, "metric-watch") == []
    write(bench, 0, 10, los=2.0, grad_norm=1.0)
    bench.step()
    assert warned(bench, "metric-watch") == [
        "t0000 has not logged loss in its first 10 rows: it logs los, grad_norm; did you mean los? "
        "If loss comes later, all is well"
    ]
    write(bench, 1, 30, los=2.0)
    bench.step()
    assert len(warned(bench, "metric-watch")) == 1


def test_an_evaluation_is_waited_for_longer_unless_it_is_misspelt(tmp_path: Path) -> None:
    evaluated = FILE.replace("name: loss", "name: eval/loss")
    for folder, logged, rows in (("late", "loss", 100), ("misspelt", "eval_los", 10)):
        place = tmp_path / folder
        place.mkdir()
        bench = Bench(place, file=evaluated)
        bench.step()
        write(bench, 0, rows - 1, **{logged: 2.0})
        bench.step()
        assert warned(bench, "metric-watch") == []
        write(bench, 0, rows, **{logged: 2.0})
        bench.step()
        assert f"has not logged eval/loss in its first {rows}" in warned(bench, "metric-watch")[0]
        bench.controller.close()


def test_a_metric_that_is_there_is_not_spoken_of(bench: Bench) -> None:
    bench.step()
    write(bench, 0, 50, loss=2.0)
    bench.step()
    write(bench, 1, 50, other=2.0)
    bench.step()
    assert warned(bench, "metric-watch") == []


def test_three_finished_trials_without_it_pause_the_sweep_before_the_next_starts(
    bench: Bench,
) -> None:
    bench.step()
    end(bench, 0, los=2.0)
    end(bench, 1, los=2.0)
    assert pause(bench) is None
    end(bench, 2, los=2.0)
    paused = pause(bench)
    assert paused is not None
    assert paused.by == "tuiswp"
    assert "the first 3 finished trials never logged loss" in paused.why
    assert "they log los; did you mean los?" in paused.why
    end(bench, 3, los=2.0)
    assert bench.put(new_request("resume")).ok  # a person may know better
    bench.step()
    assert bench.controller.left == "finished"
    assert len(warned(bench, "metric-never")) == 1


def test_a_metric_that_diverged_was_logged_and_pauses_nothing(bench: Bench) -> None:
    bench.step()
    for number in range(4):
        end(bench, number, loss=float("nan"))
    assert pause(bench) is None


def test_one_value_is_enough_to_trust_the_name(bench: Bench) -> None:
    bench.step()
    end(bench, 0, loss=2.0)
    for number in (1, 2, 3):
        end(bench, number, other=1.0)
    assert pause(bench) is None


def test_a_restarted_controller_does_not_pause_what_a_person_resumed(bench: Bench) -> None:
    bench.step()
    for number in range(3):
        end(bench, number, other=1.0)
    bench.put(new_request("resume"))
    bench.crash()
    bench.step()
    assert pause(bench) is None


def test_a_hostile_name_is_only_text(bench: Bench) -> None:
    bench.step()
    write(bench, 0, 12, **{"lo\x1b[2Jss": 1.0})
    bench.step()
    [message] = warned(bench, "metric-watch")
    assert message.isprintable()


def test_a_computed_metric_names_the_column_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    file = FILE.replace("name: loss", "name: gap")
    bench = Bench(tmp_path, "metrics: {gap: 'loss - base'}", file=file)
    bench.step()
    write(bench, 0, 12, loss=2.0, bas=1.0)
    bench.step()
    assert (
        "gap needs base, which was not logged; did you mean bas?"
        in (warned(bench, "metric-watch")[0])
    )
    for number in range(3):
        end(bench, number, loss=2.0, bas=1.0)
    paused = pause(bench)
    assert paused is not None
    assert "Correct tuiswp.metrics.gap in the sweep file" in paused.why
