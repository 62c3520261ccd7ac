"""What `classify` learns from: each format read alike, and the first bad row quoted."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from recipes import stdlib_text
from recipes.labelled import Labelled, classes_of, read_labelled, split

ROWS = [("a first text", "yes"), ('a "second", with a\nline break', "no"), ("third", "yes")]


def write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def refused(capsys: pytest.CaptureFixture[str], file: Path) -> str:
    with pytest.raises(SystemExit) as left:
        read_labelled(file, "text", "label")
    assert left.value.code == 2
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    return shown


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_the_same_rows_come_out_of_every_format(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"data.{suffix}"
    table = pd.DataFrame(ROWS, columns=["text", "label"]).assign(other=1.5)
    match suffix:
        case "csv" | "tsv":
            table.to_csv(file, index=False, sep="," if suffix == "csv" else "\t")
        case "jsonl":
            table.to_json(file, orient="records", lines=True)
        case _:
            table.to_parquet(file)
    found = read_labelled(file, "text", "label")
    assert [(one.text, one.label) for one in found] == ROWS
    assert found[0].where == {"jsonl": f"{file}:1", "parquet": f"{file}: row 1"}.get(
        suffix, f"{file}:2"
    )


def test_columns_of_other_names_and_labels_that_are_numbers_are_read(tmp_path: Path) -> None:
    file = tmp_path / "dna.parquet"
    pd.DataFrame({"sequence": ["ACGT", "TTTT"], "promoter": [1.0, 0.0]}).to_parquet(file)
    assert [one.label for one in read_labelled(file, "sequence", "promoter")] == ["1", "0"]
    lines = write(tmp_path / "dna.jsonl", '{"sequence": "ACGT", "promoter": true}\n')
    assert read_labelled(lines, "sequence", "promoter")[0].label == "True"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "text,tag\nx,y\n", "a.csv:1: no column label: 'text,tag'"),
        ("a.csv", "text,label\nx,y\nonly\n", "a.csv:3: 1 fields, not 2: 'only'"),
        ("a.csv", "text,label\nx,y\n,y\n", "a.csv:3: 'text' is no text: ',y'"),
        ("a.csv", "text,label\nx,\n", "a.csv:2: 'label' is no label: 'x,'"),
        ("a.csv", 'text,label\n"x,y\n', "a.csv:2: unexpected end of data"),
        ("a.csv", "text,label\n", "not one row"),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "x"}\n', "a.jsonl:2: no 'label'; it has"),
        ("a.jsonl", '{"text": "x", "label": 1.5}\n', "a.jsonl:1: 'label' is no label"),
        ("a.jsonl", '{"text": "x", "label": [1]}\n', "a.jsonl:1: 'label' is no label"),
        ("a.jsonl", '{"text": 5, "label": 1}\n', "a.jsonl:1: 'text' is no text"),
        ("a.jsonl", "[1]\n", "a.jsonl:1: not a JSON object: '[1]'"),
        ("a.jsonl", '{"text": "x\n', "a.jsonl:1: "),
        ("a.parquet", "PAR1, not", "a.parquet is not Parquet"),
        ("a.txt", "x", "a.txt: what is this? Its name should end in .csv"),
    ],
)
def test_the_first_bad_row_is_quoted(
    name: str, text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(capsys, write(tmp_path / name, text))


def test_missing_columns_of_a_parquet_file_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.parquet"
    pd.DataFrame({"text": ["x", None], "tag": [1, 2]}).to_parquet(file)
    assert "no column label; it has text, tag" in refused(capsys, file)
    pd.DataFrame({"text": ["x", None], "label": [1, 2]}).to_parquet(file)
    assert "a.parquet: row 2: no 'text'" in refused(capsys, file)


def rows(*labels: str) -> list[Labelled]:
    return [Labelled(f"text {n}", label, f"data.csv:{n}") for n, label in enumerate(labels, 2)]


def test_classes_are_ordered_as_numbers_if_they_are_numbers() -> None:
    assert classes_of(rows("10", "9", "-1"), [], Path("f")) == ["-1", "9", "10"]
    assert classes_of(rows("b", "a", "10"), rows("a", "b"), Path("f")) == ["10", "a", "b"]


@pytest.mark.parametrize(
    ("learn", "judge", "said"),
    [
        (("a", "a"), (), "f: one class only, 'a'"),
        (("a", "b"), ("a", "c"), "data.csv:3: label 'c' is in no example to learn from (a, b)"),
        (("a", "b"), ("a", "a"), "one class only to judge by, 'a'"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(
    learn: tuple[str, ...],
    judge: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        classes_of(rows(*learn), rows(*judge), Path("f"))
    assert said in capsys.readouterr().err


def test_every_class_is_held_out_in_its_share_and_none_is_lost() -> None:
    found = rows(*["a"] * 60, *["b"] * 30, "c", "c", "d")
    learn, judge = split(found, 0.1, 1000)
    assert Counter(one.label for one in judge) == {"a": 6, "b": 3, "c": 1}
    assert sorted(learn + judge) == sorted(found)
    assert split(found, 0.1, 1000) == (learn, judge)
    assert len(split(found, 0.5, 20)[1]) == pytest.approx(20, abs=2)
    assert split(found, 0.0, 9) == (found, [])


MODULE = '''"""The first line of ABOUT module.

>>> code(1)
"""
# A comment on ABOUT words.
x = 1  # behind code it is not taken
def f():
    """What ABOUT function is for."""
    #: also ABOUT comment
    return "a string that is neither"
'''


def test_the_built_in_data_is_what_the_tokenizer_says_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    others = [MODULE.replace("ABOUT", word) for word in ("his", "her", "its", "our", "my own")]
    shared = "# This stands in what is learnt and in what is judged.\n"
    monkeypatch.setattr(
        stdlib_text, "sources", lambda: iter([MODULE + shared, shared, *others, "x = ("])
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = {line: (kind, judges) for line, kind, judges in stdlib_text.lines()}
    assert "a string that is neither" not in found
    assert found["A comment on ABOUT words."] == ("comment", True)
    assert found["What ABOUT function is for."] == ("docstring", True)
    assert not any(line.startswith("This stands") for line in found)
    assert all(" code" not in line for line in found)
    train, judge = stdlib_text.lines_files()
    counts = [
        Counter(json.loads(line)["label"] for line in file.read_text().splitlines())
        for file in (train, judge)
    ]
    for one in counts:
        assert one["comment"] == one["docstring"] > 0
