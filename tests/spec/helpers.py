"""Sweeps and their faults from text, without a file."""

from pathlib import Path

from tuiswp.errors import SpecErrors
from tuiswp.model.space import Parameter
from tuiswp.model.sweep import Sweep
from tuiswp.spec.load import load_bytes


def read(text: str | bytes, *, shown_as: str = "sweep.yaml", cwd: Path = Path("/work")) -> Sweep:
    data = text.encode() if isinstance(text, str) else text
    return load_bytes(data, shown_as=shown_as, name="sweep", cwd=cwd, beside=cwd)


def faults(text: str | bytes, *, shown_as: str = "sweep.yaml") -> list[str]:
    """The lines a person sees; empty if the file is fine."""
    try:
        read(text, shown_as=shown_as)
    except SpecErrors as errors:
        lines = [str(fault) for fault in errors.faults]
        assert str(errors).splitlines() == lines
        return lines
    return []


def one_fault(text: str | bytes, *, shown_as: str = "sweep.yaml") -> str:
    found = faults(text, shown_as=shown_as)
    assert len(found) == 1, found
    return found[0]


def with_parameter(entry: str, method: str = "random") -> str:
    """A sweep of one parameter x, on line 4."""
    head = f"method: {method}\nmetric: {{name: loss, goal: minimize}}\nparameters:\n"
    return f"{head}  x: {entry}\nrun_cap: 10\n"


def parameter(entry: str, method: str = "random") -> Parameter:
    return read(with_parameter(entry, method)).parameters[0]
