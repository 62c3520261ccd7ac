"""What a classifier learns from: a CSV, TSV, JSONL or Parquet file of texts and their labels.

Reads strictly: the first line that is wrong is quoted and ends the run with exit code 2. Loads no
model, and pandas only for Parquet.
"""

import csv
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from recipes.arguments import fail

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


class Labelled(NamedTuple):
    """A text, what it is, and where that is said."""

    text: str
    label: str
    where: str


def read_labelled(file: Path, text_column: str, label_column: str) -> list[Labelled]:
    """Every row of `file`. Labels are compared as text: `1`, `1.0` and `"1"` are one.

    Leaves with exit code 2 at the first bad row, quoted, and if there is none at all.
    """
    readers = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        fail(f"{file}: what is this? Its name should end in {', '.join(SUFFIXES)}")
    found = []
    for where, row, quoted in reader(file, (text_column, label_column)):
        missing = [name for name in (text_column, label_column) if row.get(name) is None]
        if missing:
            there = ", ".join(map(str, row))[:200]
            _refuse(where, f"no {' and no '.join(map(repr, missing))}; it has {there}", quoted)
        text, label = row[text_column], _label(row[label_column])
        if not isinstance(text, str) or not text.strip():
            _refuse(where, f"{text_column!r} is no text", quoted)
        if label is None:
            _refuse(where, f"{label_column!r} is no label", quoted)
        found.append(Labelled(text, label, where))
    if not found:
        fail(f"{file}: not one row")
    return found


def _refuse(where: str, what: str, quoted: str) -> NoReturn:
    fail(f"{where}: {what}: {quoted.rstrip()[:120]!r}")


def _label(value: Any) -> str | None:
    """`1` for 1, 1.0 and "1"; None for what cannot be a label."""
    if isinstance(value, bool | str):
        return str(value).strip() or None
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return str(whole) if whole == value else None


Rows = Iterator[tuple[str, dict[str, Any], str]]


def _csv(file: Path, wanted: Sequence[str]) -> Rows:
    csv.field_size_limit(sys.maxsize)  # a chromosome in one field
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        names: list[str] = []
        while True:
            first = rows.line_num + 1
            try:
                fields = next(rows, None)
            except (csv.Error, UnicodeDecodeError) as fault:
                fail(f"{file}:{first}: {fault}")
            if fields is None:
                return
            quoted = delimiter.join(fields)
            if not fields:
                continue
            if not names:
                names = fields
                missing = [name for name in wanted if name not in names]
                if missing:
                    _refuse(f"{file}:1", f"no column {' and no '.join(missing)}", quoted)
            elif len(fields) != len(names):
                _refuse(f"{file}:{first}", f"{len(fields)} fields, not {len(names)}", quoted)
            else:
                yield f"{file}:{first}", dict(zip(names, fields, strict=True)), quoted


def _jsonl(file: Path, wanted: Sequence[str]) -> Rows:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where, quoted = f"{file}:{number}", line.decode("utf-8", "replace")
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as fault:
                _refuse(where, str(fault), quoted)
            if not isinstance(row, dict):
                _refuse(where, "not a JSON object", quoted)
            yield where, row, quoted


def _parquet(file: Path, wanted: Sequence[str]) -> Rows:
    import pandas as pd

    try:
        table = pd.read_parquet(file)
    except ImportError:
        fail(f"{file}: Parquet needs pyarrow; pip install 'tuiswp[recipes]'")
    except OSError as fault:
        if fault.errno is not None:
            raise
        fail(f"{file} is not Parquet: {' '.join(str(fault).split())[:200]}")
    except Exception as fault:  # what pyarrow raises is what the damage happens to hit
        fail(f"{file} is not Parquet: {' '.join(str(fault).split())[:200]}")
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        there = ", ".join(map(str, table.columns))
        fail(f"{file}: no column {' and no '.join(missing)}; it has {there[:200]}")
    columns = table[list(wanted)].astype(object)
    whole = columns.where(columns.notna(), None)
    for number, values in enumerate(whole.itertuples(index=False, name=None), start=1):
        yield f"{file}: row {number}", dict(zip(wanted, values, strict=True)), str(values)


def classes_of(learn: Sequence[Labelled], judge: Sequence[Labelled], source: Path) -> list[str]:
    """The labels, in the order of their numbers if they are numbers; the last is the positive one.

    Leaves with exit code 2 for one class only, and for one that is judged but was never seen.
    """
    known = {one.label for one in learn}
    if len(known) < 2:
        fail(f"{source}: one class only, {next(iter(known))!r}: there is nothing to tell apart")
    for one in judge:
        if one.label not in known:
            fail(
                f"{one.where}: label {one.label!r} is in no example to learn from "
                f"({', '.join(sorted(known))[:200]})"
            )
    if judge and len({one.label for one in judge}) < 2:
        fail(f"one class only to judge by, {judge[0].label!r}: hold more out, or give eval_data=")
    numbers = all(label.lstrip("-").isdecimal() for label in known)
    return sorted(known, key=lambda label: (int(label) if numbers else 0, label))


def split(
    rows: Sequence[Labelled], share: float, most: int
) -> tuple[list[Labelled], list[Labelled]]:
    """Rows to learn from, and `share` of each class (at most `most` in all) to judge by.

    The same ones for every seed, so that trials are judged alike. A class keeps at least one row to
    learn from, and gives at least one if it has two.
    """
    if share <= 0:
        return list(rows), []
    counts = Counter(row.label for row in rows)
    share = min(share, most / len(rows))
    chosen: set[int] = set()
    for label in sorted(counts):
        places = [place for place, row in enumerate(rows) if row.label == label]
        count = min(len(places) - 1, max(1, round(share * len(places))))
        chosen.update(random.Random(f"held out {label}").sample(places, count))
    learn = [row for place, row in enumerate(rows) if place not in chosen]
    return learn, [rows[place] for place in sorted(chosen)]
