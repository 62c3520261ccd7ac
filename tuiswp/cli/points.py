"""Points of a space from a file: CSV with names in its first line, or a JSON object a line.

A cell left empty, or a name left out, is what `add` fills in. Faults name the line.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuiswp.errors import UsageError
from tuiswp.model.space import Parameter, Params, Value
from tuiswp.model.space import Path as Name
from tuiswp.spec.params import nest
from tuiswp.spec.values import check_point, check_value, find_parameter, parse_value
from tuiswp.text import visible


def read_points(path: Path, parameters: Sequence[Parameter]) -> list[Params]:
    """Every point of FILE.csv or FILE.jsonl. Raises UsageError."""
    shown = visible(str(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=shown) from error
    except UnicodeDecodeError as error:
        raise UsageError("is not UTF-8 text", where=shown) from error
    rows = _csv if path.suffix.lower() == ".csv" else _json
    points = list(rows(text, parameters, shown))
    if not points:
        raise UsageError("holds no points", where=shown)
    return points


def _csv(text: str, parameters: Sequence[Parameter], shown: str) -> Iterator[Params]:
    reader = csv.reader(text.splitlines())
    with _at(shown, 1):
        header = [find_parameter(parameters, name.strip()) for name in next(reader, [])]
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        with _at(shown, reader.line_num):
            if len(row) > len(header):
                raise UsageError(f"{len(row)} cells for {len(header)} names")
            filled = [pair for pair in zip(header, row, strict=False) if pair[1].strip()]
            point = nest(
                (parameter.path, parse_value(parameter, cell)) for parameter, cell in filled
            )
        yield point


def _json(text: str, parameters: Sequence[Parameter], shown: str) -> Iterator[Params]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        with _at(shown, number):
            try:
                given = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"is not JSON: {error}") from error
            if not isinstance(given, dict):
                raise UsageError("is not a JSON object")
            point = _named(given, parameters)
        yield point


@contextmanager
def _at(shown: str, line: int) -> Iterator[None]:
    """A fault found here names the line of the file."""
    try:
        yield
    except UsageError as fault:
        raise UsageError(fault.what, where=f"{shown}:{line}", hint=fault.hint) from fault


def _named(given: Params, parameters: Sequence[Parameter]) -> Params:
    """A point with nested or dotted names."""
    pairs: dict[Name, Value] = {}
    groups = {parameter.path[0] for parameter in parameters if len(parameter.path) > 1}
    for name, value in given.items():
        if name in groups and isinstance(value, dict):
            pairs.update(check_point(parameters, {name: value}))
        else:
            parameter = find_parameter(parameters, name)
            pairs[parameter.path] = check_value(parameter, value)
    return nest(pairs.items())
