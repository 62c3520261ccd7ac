"""Rows of the trials table, made of few words."""

from typing import Any

from tuiswp.tui.snapshot import TrialRow

NAMES = ("lr", "batch_size", "opt")


def row(number: int, **given: Any) -> TrialRow:
    """A finished trial; `given` are fields of `TrialRow` that matter to the test."""
    fields: dict[str, Any] = {
        "number": number,
        "id": f"t{number:04d}",
        "state": "done",
        "cause": "done",
        "params": (f"{number % 9 + 1}e-4", str(32 * (1 + number % 3)), ("sgd", "adam")[number % 2]),
        "value": 0.1862 + number * 0.01,
        "step": 2000.0,
        "progress": 1.0,
        "eta_s": None,
        "place": "",
        "age_s": 100.0,
        "attempt": 1,
        "flags": (),
        "spark": (4.0, 3.0, 2.0, 1.0),
    }
    return TrialRow(**{**fields, **given})


def running(number: int, **given: Any) -> TrialRow:
    """A trial that runs on G0."""
    fields: dict[str, Any] = {
        "state": "running", "cause": "", "place": "G0", "progress": 0.6, "eta_s": 3960.0,
    }  # fmt: skip
    return row(number, **{**fields, **given})
