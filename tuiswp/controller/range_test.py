"""Have a sweep try first what a learning-rate range test suggests: read once, when it starts.

The suggestion becomes a request like a person's own points, so that it is a fact of the journal,
and the file is copied into the sweep's directory, so that its curve is in the report whatever
becomes of the original. Runs no test.
"""

from pathlib import Path

from msgspec.structs import replace

from tuiswp.analysis.axes import is_learning_rate, spell
from tuiswp.analysis.range_test import FILE, RangeTest, read, told
from tuiswp.controller.directory import SweepDirectory, write_atomically
from tuiswp.controller.requests import new_request, submit
from tuiswp.errors import SpecError
from tuiswp.model.space import Parameter, Params
from tuiswp.model.sweep import Sweep
from tuiswp.plain import read_plain
from tuiswp.spec.params import baseline_params, nest, swept
from tuiswp.spec.values import allowed, lies_inside
from tuiswp.text import visible

_AROUND = (1.0, 1 / 3, 3.0)  # times the suggestion, in the order in which they are tried
_LARGEST = 4 * 2**20


def gather(sweep: Sweep) -> tuple[RangeTest, bytes]:
    """What `tuiswp.points_from` names, and its bytes. Raises SpecError where it cannot be used."""
    assert sweep.points_from is not None
    path = Path(sweep.points_from)
    if path.is_dir():
        path /= FILE
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST)
        found = read(data)
    except OSError as error:
        hint = f"run python -m recipes.lr_finder log_path={visible(path.parent.name, limit=80)}"
        raise _fault(sweep, f"{visible(str(path), limit=200)}: {error.strerror}", hint) from error
    except ValueError as error:
        raise _fault(sweep, f"{visible(str(path), limit=200)} {error}") from None
    if found.suggestion is None:
        raise _fault(sweep, told(found), "widen the test's range, or leave points_from out")
    parameter = _parameter(sweep, found)
    others = [one.name for one in swept(sweep) if one.path != parameter.path]
    if others and baseline_params(sweep) is None:
        names = visible(", ".join(others), limit=120)
        raise _fault(sweep, f"does not say {names}", "add tuiswp.baseline: it is taken from there")
    return found, data


def points(sweep: Sweep, found: RangeTest) -> tuple[Params, ...]:
    """The suggestion, a third and three times it, as far as the range allows; at least itself."""
    parameter = _parameter(sweep, found)
    assert found.suggestion is not None
    rates = [float(f"{factor * found.suggestion:.2g}") for factor in _AROUND]
    inside = [rate for rate in rates if lies_inside(parameter, rate)]
    return tuple(nest([(parameter.path, rate)]) for rate in inside or rates[:1])


def note(sweep: Sweep, found: RangeTest) -> str:
    """What `check` and the start say of it, safe to show."""
    parameter = _parameter(sweep, found)
    assert found.suggestion is not None
    rates = [value for point in points(sweep, found) for value in _leaves(point)]
    shown = ", ".join(spell(rate, log=True) for rate in rates)
    text = f"{told(found)}; tried first: {shown}"
    if not lies_inside(parameter, found.suggestion) and len(rates) == 1:
        low, high = (spell(found.suggestion * factor, log=True) for factor in (0.1, 10))
        text += (
            f" (outside {allowed(parameter)}: an order of magnitude around it is {low} to {high})"
        )
    return text


def keep(directory: SweepDirectory, sweep: Sweep, found: RangeTest, data: bytes) -> None:
    """Copy the test into the sweep's directory and ask for its points."""
    write_atomically(directory.range_test, data, durable=True)
    asked = new_request("add", points=points(sweep, found), why=told(found))
    submit(directory, replace(asked, by="points_from"))


def kept(directory: SweepDirectory) -> RangeTest | None:
    """The test that the sweep began with; None if there is none that can be read."""
    try:
        return read(read_plain(directory.range_test))
    except (OSError, ValueError):
        return None


def _parameter(sweep: Sweep, found: RangeTest) -> Parameter:
    """The swept learning rate it is about. Raises SpecError if there is none, or several."""
    axes = swept(sweep)
    named = [one for one in axes if found.parameter in (one.name, one.path[-1])]
    rates = named or [one for one in axes if is_learning_rate(one)]
    if len(rates) != 1:
        how = "no parameter" if not rates else "several parameters"
        name = visible(found.parameter, limit=60)
        raise _fault(sweep, f"is about {name}, and {how} of the sweep can be it")
    return rates[0]


def _leaves(point: Params) -> list[float]:
    found: list[float] = []
    for value in point.values():
        if isinstance(value, dict):
            found += _leaves(value)
        elif isinstance(value, float):
            found.append(value)
    return found


def _fault(sweep: Sweep, what: str, hint: str | None = None) -> SpecError:
    line = sweep.lines.get("tuiswp")
    place = sweep.source if line is None else f"{sweep.source}:{line}"
    return SpecError(what, where=f"{place}: tuiswp.points_from", hint=hint)
