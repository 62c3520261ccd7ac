"""A trial whose metrics are in another tool's file: judged by it, and what is torn is said."""

from tests.controller.bench import Bench
from tests.controller.test_watchdog import warned
from tests.metrics import writers

RUN = "wandb/offline-run-20260101_000000-x/run-x.wandb"


def end(bench: Bench, number: int, data: bytes) -> None:
    """The trial wrote this W&B file, and came to its end."""
    path = bench.place.trial(number) / RUN
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    bench.finish(number)
    bench.step()


def test_a_trial_is_judged_by_what_wandb_logged(bench: Bench) -> None:
    bench.step()
    end(bench, 0, writers.wandb_run([{"loss": 3.0}, {"loss": 2.0}]))
    trial = bench.trials()[0]
    assert (trial.state, trial.value, trial.step) == ("done", 2.0, 1.0)
    assert warned(bench, "metrics-torn") == []


def test_a_torn_file_is_said_and_the_rest_of_it_counts(bench: Bench) -> None:
    data = bytearray(writers.wandb_run([{"loss": float(n)} for n in range(400)], padding=700))
    data[70_000] ^= 0xFF
    bench.step()
    end(bench, 0, bytes(data))
    assert bench.trials()[0].value == 399.0
    [said] = warned(bench, "metrics-torn")
    assert said.startswith("t0000: run-x.wandb: torn at byte ")
    assert said.endswith("read on at byte 98304")


def test_a_file_of_another_format_is_one_line_and_the_sweep_goes_on(bench: Bench) -> None:
    bench.step()
    end(bench, 0, b"PK\x03\x04 a zip")
    assert warned(bench, "metric-missing") == [
        "t0000 finished and left no metric that can be read: run-x.wandb: not a W&B run file"
    ]
    assert bench.trials()[0].state == "done"
    end(bench, 1, writers.wandb_run([{"loss": 1.0}]))
    assert bench.trials()[1].value == 1.0
