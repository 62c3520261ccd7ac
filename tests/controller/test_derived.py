"""An objective of a person's own, from the metrics file to the verdict and the warnings."""

from pathlib import Path

from tests.controller.bench import Bench
from tuiswp.controller.journal import read
from tuiswp.model.events import Warned

OBJECTIVE = "objective: {{expr: 'mean(loss, 2) / scale'}}"


def bench(folder: Path) -> Bench:
    return Bench(folder, OBJECTIVE.replace("{{", "{").replace("}}", "}"))


def run(one: Bench, number: int, lines: str) -> None:
    one.place.metrics(number).write_text(lines)
    one.finish(number)
    one.step()


def warnings(one: Bench) -> list[str]:
    events = [record.event for record in read(one.place.journal).records]
    return [event.message for event in events if isinstance(event, Warned)]


def test_a_trial_is_judged_by_the_expression(tmp_path: Path) -> None:
    one = bench(tmp_path)
    one.step()
    run(one, 0, '{"step": 1, "loss": 2, "scale": 4}\n{"step": 2, "loss": 6}\n')
    assert one.trials()[0].value == 1.0


def test_a_column_that_is_never_logged_is_named_with_the_nearest(tmp_path: Path) -> None:
    one = bench(tmp_path)
    one.step()
    run(one, 0, '{"step": 1, "loss": 2, "scales": 4}\n')
    assert one.trials()[0].value is None
    assert one.states()[0] == "done"
    assert warnings(one) == [
        "t0000 finished without a value: objective needs scale, which was not logged; "
        "did you mean scales?"
    ]


def test_a_division_by_zero_flags_the_trial_and_the_sweep_goes_on(tmp_path: Path) -> None:
    one = bench(tmp_path)
    one.step()
    run(one, 0, '{"step": 1, "loss": 2, "scale": 0}\n{"step": 2, "loss": 6, "scale": 1}\n')
    assert one.trials()[0].value == 4.0
    assert warnings(one) == [
        "t0000: objective: column 15: division by zero, once, first at step 1; "
        "those points are gaps; where(condition, a, b) can guard it"
    ]
    run(one, 1, '{"step": 1, "loss": 2, "scale": 2}\n')
    assert one.trials()[1].value == 1.0


AUXILIARY = "metrics: {gap: 'loss - lss', objective: 'loss + 0'}, objective: last"


def test_a_metric_that_decides_nothing_is_told_of_too_when_it_was_never_computed(
    tmp_path: Path,
) -> None:
    one = Bench(tmp_path, AUXILIARY)
    one.step()
    run(one, 0, '{"step": 1, "loss": 2}\n')
    said = ["t0000: gap needs lss, which was not logged; did you mean loss?"]
    assert warnings(one) == said
    one.crash()
    run(one, 1, '{"step": 1, "loss": 1}\n')
    assert warnings(one) == said
